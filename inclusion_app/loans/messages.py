"""What people are told about a request or a loan: each message by every way, in the language they asked in.

A link opens the page of their code. Whoever asked that nothing names the service gets neither the link nor the place.
"""

from __future__ import annotations

from functools import partial

from inclusion_app.core.words import N_
from inclusion_app.loans.rules import DECLINED, QUESTIONS, WAYS_ON, WAYS_ON_FROM
from inclusion_app.messages import templates
from inclusion_app.messages.templates import MessageTemplate

# Facts of the request or loan itself, which every message may say (services/telling.py).
FACTS = ("device", "place", "phone", "link")
_about = partial(MessageTemplate, audience="resident", may=FACTS)

CALL = N_("Questions? Phone %(phone)s.")

TEMPLATES: tuple[MessageTemplate, ...] = ()

# --- the queue: decisions and offers
PAY_NOTHING = N_("You pay nothing.")
KEEP_PLACE = N_("You keep your place in the queue.")
FETCH_AT = N_("It is at %(place)s.")
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
        subject=N_("There is one for you. Do you want it?"),
        lines=(
            N_("It is your turn. We keep a device for you until %(until)s."),
            DEVICE_IS,
            FETCH_AT,
            N_("Say yes or no before that. You can say it on the page of your code, or by phone."),
            N_("We can bring it too, if you cannot come."),
            PAY_NOTHING,
            CALL,
        ),
        sms=N_("It is your turn. We keep it for you until %(until)s. Say yes or no."),
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

templates.add(TEMPLATES)
