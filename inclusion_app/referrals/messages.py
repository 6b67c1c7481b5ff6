"""What people are told at each turn of a referral; what staff hear of it, without one fact about anybody.

Whoever asked that nothing names the service is not told the name of the other organisation either: it may say what for.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from inclusion_app.core.words import N_
from inclusion_app.messages import templates
from inclusion_app.messages.templates import MessageTemplate
from inclusion_app.referrals import rules

FACTS = ("organisation", "helper", "phone")
_about = partial(MessageTemplate, audience="resident", may=FACTS)
_to_staff = partial(MessageTemplate, audience="staff", channels=("email",))
_to_stranger = partial(MessageTemplate, audience="resident", channels=("email",))

TO_WHOM = N_("It is about: %(organisation)s.")
SENT_BY = N_("It was sent for you by %(helper)s.")
STOP = N_("You can stop it at any time. Tell your helper, or open your record.")
CALL = N_("Questions? Phone %(phone)s.")
LOOKS_ON = N_("Your helper looks for another way. You need to do nothing.")
# Where nobody sent them, nobody is told and nobody looks on but they themselves.
STOP_ALONE = N_("You can stop it at any time. Open your record.")
TRY_ANOTHER = N_("You can look for another service, or ask somebody to help you look.")

TEMPLATES: tuple[MessageTemplate, ...] = (
    _about(
        name="referral_sent",
        subject=N_("We asked somebody to help you"),
        lines=(N_("We asked somebody to help you, as you wished."), TO_WHOM, SENT_BY, STOP, CALL),
        sms=N_("We asked somebody to help you, as you wished. You can stop it at any time."),
    ),
    _about(
        name="referral_signposted",
        subject=N_("Somebody who may help you"),
        lines=(
            N_("Your helper told you about somebody who may help. They sent nothing about you."),
            TO_WHOM,
            CALL,
        ),
        sms=N_("Your helper told you about somebody who may help. They sent nothing about you."),
    ),
    _about(
        name="referral_seen",
        subject=N_("They have seen it"),
        lines=(N_("They have seen that you want help. They say yes or no soon."), TO_WHOM, CALL),
        sms=N_("They have seen that you want help. They say yes or no soon."),
    ),
    _about(
        name="referral_asked",
        subject=N_("They asked your helper something"),
        lines=(N_("They asked your helper something. You need to do nothing."), TO_WHOM, CALL),
        sms=N_("They asked your helper something. You need to do nothing."),
    ),
    _about(
        name="referral_answered",
        subject=N_("Your helper has answered"),
        lines=(N_("Your helper has answered their question. It goes on."), TO_WHOM, CALL),
        sms=N_("Your helper has answered their question. It goes on."),
    ),
    _about(
        name="referral_found_out",
        subject=N_("They know what they asked"),
        lines=(N_("They know now what they asked your helper. It goes on."), TO_WHOM, CALL),
        sms=N_("They know now what they asked your helper. It goes on."),
    ),
    _about(
        name="referral_accepted",
        subject=N_("They said yes"),
        lines=(N_("They said yes. They will contact you."), TO_WHOM, STOP, CALL),
        sms=N_("They said yes. They will contact you."),
    ),
    _about(
        name="referral_accepted_unreached",
        subject=N_("They said yes"),
        lines=(rules.ACCEPTED_UNREACHED, TO_WHOM, STOP, CALL),
        sms=rules.ACCEPTED_UNREACHED,
    ),
    _about(
        name="referral_waitlisted",
        subject=N_("You are on a waiting list"),
        lines=(
            N_("You are on their waiting list."),
            N_("They answer again by %(when)s."),
            TO_WHOM,
            CALL,
        ),
        sms=N_("You are on a waiting list. They answer again by %(when)s."),
        needs=("when",),
    ),
    _about(
        name="referral_begun",
        subject=N_("They help you now"),
        lines=(N_("They have begun to help you."), TO_WHOM, STOP, CALL),
        sms=N_("They have begun to help you."),
    ),
    _about(
        name="referral_declined",
        subject=N_("They cannot help"),
        lines=(N_("They cannot help with this. We are sorry."), TO_WHOM, LOOKS_ON, CALL),
        sms=N_("They cannot help with this. We are sorry. Your helper looks for another way."),
    ),
    _about(
        name="referral_own_no",
        subject=N_("It has ended, as you wished"),
        lines=(N_("You said no, so it has ended. You need to do nothing."), TO_WHOM, CALL),
        sms=N_("You said no, so it has ended."),
    ),
    _about(
        name="referral_rerouted",
        subject=N_("There may be somebody better"),
        lines=(
            N_("They know somebody who can help you better."),
            N_("Your helper asks you first. Nothing was sent on."),
            TO_WHOM,
            CALL,
        ),
        sms=N_("They know somebody who can help you better. Your helper asks you first."),
    ),
    _about(
        name="referral_closed",
        subject=N_("The help has ended"),
        lines=(
            N_("They have written down that the help has ended."),
            TO_WHOM,
            N_("Is it not so? Tell your helper. It can be opened again."),
            CALL,
        ),
        sms=N_("They have written down that the help has ended. Is it not so? Tell your helper."),
    ),
    _about(
        name="referral_reopened",
        subject=N_("It goes on"),
        lines=(N_("The help goes on, as you wished."), TO_WHOM, STOP, CALL),
        sms=N_("The help goes on, as you wished."),
    ),
    _about(
        name="referral_recalled",
        subject=N_("It was taken back"),
        lines=(N_("Your helper took back what they had sent."), TO_WHOM, CALL),
        sms=N_("Your helper took back what they had sent."),
    ),
    _about(
        name="referral_withdrawn",
        subject=N_("You took it back"),
        lines=(N_("You took it back. They see nothing of you any more."), TO_WHOM, CALL),
        sms=N_("You took it back. They see nothing of you any more."),
    ),
    _about(
        name="referral_lapsed",
        subject=N_("Nobody answered"),
        lines=(
            N_("Nobody answered. We are sorry. They see nothing of you any more."),
            TO_WHOM,
            LOOKS_ON,
            CALL,
        ),
        sms=N_("Nobody answered. We are sorry. Your helper looks for another way."),
    ),
    # --- the same for whoever was sent by no organisation
    _about(
        name="referral_accepted_alone",
        subject=N_("They said yes"),
        lines=(N_("They said yes. They will contact you."), TO_WHOM, STOP_ALONE, CALL),
        sms=N_("They said yes. They will contact you."),
    ),
    _about(
        name="referral_accepted_unreached_alone",
        subject=N_("They said yes"),
        lines=(rules.ACCEPTED_UNREACHED_ALONE, TO_WHOM, STOP_ALONE, CALL),
        sms=rules.ACCEPTED_UNREACHED_ALONE,
    ),
    _about(
        name="referral_begun_alone",
        subject=N_("They help you now"),
        lines=(N_("They have begun to help you."), TO_WHOM, STOP_ALONE, CALL),
        sms=N_("They have begun to help you."),
    ),
    _about(
        name="referral_declined_alone",
        subject=N_("They cannot help"),
        lines=(N_("They cannot help with this. We are sorry."), TO_WHOM, TRY_ANOTHER, CALL),
        sms=rules.STATES_ALONE_FOR_RESIDENT["declined"],
    ),
    _about(
        name="referral_rerouted_alone",
        subject=N_("There may be somebody better"),
        lines=(
            N_("They know somebody who can help you better."),
            N_("Nothing was sent on. You can ask them who it is."),
            TO_WHOM,
            CALL,
        ),
        sms=rules.STATES_ALONE_FOR_RESIDENT["rerouted"],
    ),
    _about(
        name="referral_closed_alone",
        subject=N_("The help has ended"),
        lines=(
            N_("They have written down that the help has ended."),
            TO_WHOM,
            N_("Is it not so? Tell them. It can be opened again."),
            CALL,
        ),
        sms=N_("They have written down that the help has ended. Is it not so? Tell them."),
    ),
    _about(
        name="referral_reopened_alone",
        subject=N_("It goes on"),
        lines=(N_("The help goes on, as you wished."), TO_WHOM, STOP_ALONE, CALL),
        sms=N_("The help goes on, as you wished."),
    ),
    _about(
        name="referral_lapsed_alone",
        subject=N_("Nobody answered"),
        lines=(
            N_("Nobody answered. We are sorry. They see nothing of you any more."),
            TO_WHOM,
            TRY_ANOTHER,
            CALL,
        ),
        sms=rules.STATES_ALONE_FOR_RESIDENT["lapsed"],
    ),
    # --- to the staff: the number of it and where to look; no name, no reason, no word that somebody typed
    _to_staff(
        name="staff_referral_came",
        subject=N_("A referral has come in"),
        lines=(
            N_("A referral has come in. Its number is %(number)s."),
            N_("Say that you have seen it by %(until)s."),
        ),
        needs=("number", "until", "link"),
    ),
    _to_staff(
        name="staff_referral_turned",
        subject=N_("Something happened to a referral"),
        lines=(N_("Referral %(number)s: %(state)s"), N_("Open it to read more.")),
        needs=("number", "state", "link"),
    ),
    _to_staff(
        name="staff_referral_yours",
        subject=N_("You look after a referral now"),
        lines=(N_("You look after referral %(number)s now."), N_("Open it to read more.")),
        needs=("number", "link"),
    ),
    _to_staff(
        name="staff_referral_waits",
        subject=N_("A referral waits for you"),
        lines=(
            N_("Referral %(number)s waits for an answer until %(until)s."),
            N_("After that it ends by itself, and whoever sent it looks for another way."),
        ),
        needs=("number", "until", "link"),
    ),
    _to_staff(
        name="staff_referral_question",
        subject=N_("A question waits for your answer"),
        lines=(
            N_("Whoever received referral %(number)s asked something and waits."),
            N_("Until you answer, nothing goes on for the person."),
        ),
        needs=("number", "link"),
    ),
    _to_staff(
        name="staff_referral_late",
        subject=N_("A referral is late"),
        lines=(
            N_("The time to answer referral %(number)s is over since %(until)s."),
            N_("Whoever sent it is told as well."),
        ),
        needs=("number", "until", "link"),
    ),
    _to_staff(
        name="partner_referral",
        subject=N_("Somebody would like your help"),
        lines=(
            N_("%(organisation)s asks whether you can help somebody."),
            N_("Open the link to read what they share and to answer. You need no account."),
            N_("The link works until %(until)s. Do not pass it on."),
        ),
        needs=("organisation", "link", "until"),
        useful_for=timedelta(days=14),
    ),
    _to_staff(
        name="partner_referral_waits",
        subject=N_("Somebody still waits for your answer"),
        lines=(
            N_("%(organisation)s asked whether you can help somebody. They wait for your answer."),
            N_("Open the link to read what they share and to answer. You need no account."),
            N_("The link works until %(until)s. Do not pass it on."),
        ),
        needs=("organisation", "link", "until"),
        useful_for=timedelta(days=14),
    ),
    _to_staff(
        name="partner_referral_ended",
        subject=N_("You do not need to answer any more"),
        lines=(
            N_("Somebody asked you for help. Its number was %(number)s. It has ended."),
            N_("You need to do nothing. Delete what you wrote down about the person."),
        ),
        needs=("number",),
    ),
    # --- to whoever filled in the public form, by e-mail and in the language of the form
    _to_stranger(
        name="public_referral_confirm",
        subject=N_("Is this from you?"),
        lines=(
            N_("Somebody asked for help for a person and gave this address."),
            N_("Was it you? Open the link and press the button. Before that nobody reads it."),
            N_("Was it not you? Then do nothing. It is deleted after three days."),
        ),
        needs=("link",),
        useful_for=timedelta(days=3),
    ),
    _to_stranger(
        name="public_referral_news",
        subject=N_("What became of the help you asked for"),
        lines=(
            N_("You asked for help for somebody. The number is %(number)s."),
            N_("It went to %(organisation)s."),
            N_("It stands like this now: %(state)s."),
        ),
        needs=("number", "state"),
        may=("organisation",),
    ),
    _to_stranger(
        name="public_referral_ended",
        subject=N_("What became of the help you asked for"),
        lines=(
            N_("You asked for help for somebody. The number is %(number)s."),
            N_("It went to %(organisation)s."),
            N_("It stands like this now: %(state)s."),
            N_("They named a better service: %(better)s. Nothing was sent there."),
            # The same after every end: how it ended is not told.
            N_("Is more help needed? You can ask again, or ask another service, on this page."),
        ),
        needs=("number", "state", "link"),
        may=("organisation", "better"),
    ),
)

templates.add(TEMPLATES)
