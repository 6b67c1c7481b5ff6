"""What people are told about a request or a loan: each message by every way, in the language they asked in.

A link opens the page of their code. Whoever asked that nothing names the service gets neither the link nor the place.
"""

from __future__ import annotations

from functools import partial

from inclusion_app.core.words import N_
from inclusion_app.loans.rules import DECLINED, QUESTIONS, WAYS_ON, WAYS_ON_FROM
from inclusion_app.messages import templates
from inclusion_app.messages.rules import CHANNELS
from inclusion_app.messages.templates import MessageTemplate

# Facts of the request or loan itself, which every message may say (services/telling.py).
FACTS = ("device", "place", "phone", "link")
_about = partial(MessageTemplate, audience="resident", may=FACTS)

CALL = N_("Questions? Phone %(phone)s.")

TEMPLATES: tuple[MessageTemplate, ...] = ()

# --- the queue: decisions and offers
PAY_NOTHING = N_("You pay nothing.")
KEEP_PLACE = N_("You keep your place in the queue.")
# It may lie elsewhere until then (services/fetching.py): so not that it waits there.
FETCH_AT = N_("You fetch it at %(place)s.")
IS_ONE = N_("There is one for you. Do you want it?")
YOUR_TURN = N_("It is your turn. We keep a device for you until %(until)s.")
ANSWER_BY = N_("Say yes or no before that. You can say it on the page of your code, or by phone.")
YOUR_TURN_SMS = N_("It is your turn. We keep it for you until %(until)s. Say yes or no.")
DEVICE_IS = N_("You asked for: %(device)s.")

TEMPLATES += (
    _about(
        name="loan_queued",
        subject=N_("You are in the queue"),
        lines=(
            N_("You are in the queue for a device."),
            DEVICE_IS,
            N_("We tell you when there is one for you."),
            N_("The page of your code says where you stand, and why."),
            CALL,
        ),
        sms=N_("You are in the queue. We tell you when it is your turn."),
    ),
    _about(
        name="loan_offer",
        subject=IS_ONE,
        lines=(
            YOUR_TURN,
            DEVICE_IS,
            FETCH_AT,
            ANSWER_BY,
            N_("We can bring it too, if you cannot come."),
            PAY_NOTHING,
            CALL,
        ),
        sms=YOUR_TURN_SMS,
        needs=("until",),
    ),
    _about(
        # Of who cannot come, as they asked: no place is named at which it would wait for them.
        name="loan_offer_bring",
        subject=IS_ONE,
        lines=(
            YOUR_TURN,
            DEVICE_IS,
            ANSWER_BY,
            N_("You told us that you cannot come. So we bring it."),
            N_("Tell us where, when you say yes."),
            PAY_NOTHING,
            CALL,
        ),
        sms=YOUR_TURN_SMS,
        needs=("until",),
    ),
    _about(
        name="loan_slot",
        subject=N_("Your day to fetch it"),
        lines=(
            N_("You can fetch your device on %(when)s."),
            FETCH_AT,
            N_("You need no papers. Bring your code, if you have it."),
            N_("You cannot come then? Tell us, and choose another time."),
            CALL,
        ),
        sms=N_("You can fetch it on %(when)s. You need no papers."),
        needs=("when",),
    ),
    _about(
        name="loan_offer_lapsed",
        subject=N_("You are in the queue again"),
        lines=(
            N_("We kept a device for you. The time for it is over."),
            KEEP_PLACE,
            N_("We tell you when there is another one for you."),
            N_("Do you not want one any more? Tell us."),
            CALL,
        ),
        sms=N_("The time for it is over. You keep your place. We tell you again."),
    ),
    _about(
        name="loan_offer_taken_back",
        subject=N_("We have to look for another one"),
        lines=(
            N_("The device we kept for you cannot be lent now. We are sorry."),
            N_("Please do not come for it."),
            KEEP_PLACE,
            N_("We tell you when there is another one for you."),
            CALL,
        ),
        sms=N_("We are sorry. Please do not come for it now. You keep your place."),
    ),
    _about(
        name="loan_expired",
        subject=N_("Your request has ended"),
        lines=(
            N_("We asked you a question. We did not hear from you."),
            N_("So your request for a device has ended. We are sorry."),
            N_("You can ask again at any time."),
            CALL,
        ),
        sms=N_("We did not hear from you. Your request has ended. You can ask again at any time."),
    ),
    # One for each question and each reason, so that everybody reads it in their language.
    *(
        _about(
            name=f"loan_need_{code}",
            subject=N_("We have a question"),
            lines=(
                N_("You asked to borrow a device. We have a question."),
                question,
                N_("Phone us, or ask at any library. The time you waited still counts."),
                CALL,
            ),
            sms=question,
        )
        for code, question in QUESTIONS.items()
    ),
    *(
        _about(
            name=f"loan_declined_{code}",
            subject=N_("We cannot lend you a device now"),
            lines=(
                N_("We cannot lend you a device now. We are sorry."),
                reason,
                *(WAYS_ON[way] for way in WAYS_ON_FROM[code]),
                CALL,
            ),
            sms=reason,
        )
        for code, reason in DECLINED.items()
    ),
)

# --- asked (services/requests.py)
TEMPLATES += (
    _about(
        name="loan_asked",
        subject=N_("You asked us for a device"),
        lines=(N_("We have your request: %(device)s."), N_("We read it and tell you what comes next."), CALL),
        sms=N_("We have your request. We read it and tell you what comes next."),
    ),
)

# --- hand-over and return

NOTHING_TO_PAY = N_("There is nothing to pay.")
TEMPLATES += (
    _about(
        name="loan_begun",
        subject=N_("You have it now"),
        lines=(
            N_("You can use it until %(day)s."),
            N_("You can ask to keep it longer."),
            N_("It breaks, or you lose it? Tell us. You do not have to pay."),
            CALL,
        ),
        sms=N_("You can use it until %(day)s. You can ask to keep it longer."),
        needs=("day",),
    ),
    _about(
        name="loan_back",
        subject=N_("We have it back. Thank you."),
        lines=(
            N_("What you borrowed is back with us. Thank you."),
            NOTHING_TO_PAY,
            N_("You left a photo or a file on it? Tell us in the next days."),
            N_("You did not give it back? Tell us, and we put it right."),
            CALL,
        ),
        sms=N_("We have back what you borrowed. Thank you. Is that wrong? Tell us."),
    ),
    _about(
        name="loan_not_back",
        subject=N_("We made a mistake"),
        lines=(
            N_("We told you that we have it back. That was our mistake."),
            N_("You have it still. Use it until %(day)s."),
            N_("You do not have to do anything. We are sorry."),
            CALL,
        ),
        sms=N_("We told you that we have it back. That was our mistake. Use it until %(day)s."),
        needs=("day",),
    ),
)

# --- until when, kept longer, data, lost, a gift, how it goes

DUE = N_("Please bring it back by %(day)s.")
DUE_WHERE = N_("Bring it to %(place)s.")
WHICH = N_("It is about this: %(device)s.")
KEEP_IT = N_("You still need it? Ask us to keep it longer. It costs nothing.")
BROKEN = N_("It is broken or lost? Tell us. You never have to pay for it.")
NOTHING_TO_PAY = N_("You owe nothing.")
BY_TODAY = N_("The day to bring it back was %(day)s.")
ASK_AGAIN = N_("You can ask for another one at any time.")
NEEDED_BACK = N_("Somebody waits for one. So we need it back.")
YOURS = N_("What you borrowed is yours now. It costs nothing.")
WHAT_IS_ON_IT = N_("All that is on it stays on it.")

ENDINGS = (
    _about(
        name="loan_due_soon",
        subject=N_("What you borrowed"),
        lines=(DUE, WHICH, DUE_WHERE, KEEP_IT, BROKEN, CALL),
        sms=N_("Please bring back what you borrowed by %(day)s. You still need it? Ask us to keep it longer."),
        needs=("day",),
    ),
    _about(
        # A letter would come too late.
        name="loan_due_now",
        subject=N_("What you borrowed"),
        lines=(DUE, WHICH, DUE_WHERE, KEEP_IT, BROKEN, CALL),
        sms=N_("Please bring back what you borrowed by %(day)s. You still need it? Ask us to keep it longer."),
        needs=("day",),
        channels=("email", "sms", "call"),
    ),
    *(
        # The same where somebody takes what is answered by text message.
        _about(
            name=f"loan_due_{when}_keep",
            subject=N_("What you borrowed"),
            lines=(DUE, WHICH, DUE_WHERE, KEEP_IT, BROKEN, CALL),
            sms=N_("Please bring back what you borrowed by %(day)s. To keep it longer, answer with the word KEEP."),
            needs=("day",),
            channels=CHANNELS if when == "soon" else ("email", "sms", "call"),
        )
        for when in ("soon", "now")
    ),
    _about(
        name="loan_late",
        subject=N_("What you borrowed"),
        lines=(BY_TODAY, WHICH, N_("Please bring it back soon, or talk to us."), DUE_WHERE, NOTHING_TO_PAY, BROKEN, CALL),
        sms=N_("The day to bring back what you borrowed was %(day)s. Please bring it, or talk to us. You owe nothing."),
        needs=("day",),
    ),
    *(
        _about(
            name=f"loan_late_{way}",
            subject=N_("What you borrowed"),
            lines=(
                BY_TODAY, WHICH, N_("We would like to know that all is well."), N_("Can you bring it back, or talk to us?"),
                DUE_WHERE, NOTHING_TO_PAY, BROKEN, CALL,
            ),
            needs=("day",),
            channels=(way,),
        )
        for way in ("letter", "call")
    ),
    _about(
        name="loan_kept_longer",
        subject=N_("You can keep it longer"),
        lines=(N_("You can keep it longer."), WHICH, DUE, CALL),
        sms=N_("You can keep it longer. Please bring it back by %(day)s."),
        needs=("day",),
    ),
    _about(
        name="loan_not_kept_waited_for",
        subject=N_("You cannot keep it longer"),
        lines=(N_("You cannot keep it longer."), NEEDED_BACK, WHICH, DUE, CALL),
        sms=N_("Somebody waits for one. So we need it back by %(day)s."),
        needs=("day",),
    ),
    _about(
        name="loan_not_kept_most",
        subject=N_("You cannot keep it longer"),
        lines=(
            N_("We cannot lend it to you for longer."),
            N_("Talk to us. We look for a way to one of your own."), WHICH, DUE, CALL,
        ),
        sms=N_("We cannot let you keep it longer this time. Talk to us about one of your own."),
        needs=("day",),
    ),
    _about(
        name="loan_not_kept_over",
        subject=N_("What you borrowed"),
        lines=(N_("You borrow nothing from us now."), ASK_AGAIN, CALL),
        sms=N_("You borrow nothing from us now."),
        may=(*FACTS, "day"),
    ),
    _about(
        name="loan_data_ends",
        subject=N_("Your data ends soon"),
        lines=(
            N_("The data on your SIM card ends on %(day)s."), N_("Come to us before that. We give you another card."),
            N_("It costs nothing."), CALL,
        ),
        sms=N_("The data on your SIM card ends on %(day)s. We can give you another one. It costs nothing."),
        needs=("day",),
    ),
    _about(
        name="loan_lost",
        subject=N_("What you borrowed"),
        lines=(
            N_("We have noted that it is gone."), NOTHING_TO_PAY, N_("Did it turn up? Then bring it to us."), ASK_AGAIN, CALL,
        ),
        sms=N_("We have noted that it is gone. You owe nothing. You can ask for another one."),
    ),
    _about(
        name="loan_gift",
        subject=N_("It is yours now"),
        lines=(YOURS, WHICH, WHAT_IS_ON_IT, CALL),
        sms=YOURS,
    ),
    _about(
        name="loan_gift_until",
        subject=N_("It is yours now"),
        lines=(YOURS, WHICH, WHAT_IS_ON_IT, N_("It gets safety updates until %(day)s."), CALL),
        sms=N_("What you borrowed is yours now. It costs nothing. It gets safety updates until %(day)s."),
        needs=("day",),
    ),
    _about(
        name="loan_gift_old",
        subject=N_("It is yours now"),
        lines=(
            YOURS, WHICH, WHAT_IS_ON_IT, N_("It gets no safety updates any more."),
            N_("Do not use it for your bank. Ask us what to do."), CALL,
        ),
        sms=N_("What you borrowed is yours now. It gets no safety updates any more. Ask us what to do."),
    ),
    _about(
        name="loan_how_is_it",
        subject=N_("How is it going?"),
        lines=(
            N_("You have borrowed something from us."), WHICH, N_("How is it going? You can tell us, if you like."),
            N_("We keep your answer without your name."), CALL,
        ),
        sms=N_("How is it going with what you borrowed? You can tell us, if you like."),
    ),
)  # fmt: skip

templates.add((*TEMPLATES, *ENDINGS))
