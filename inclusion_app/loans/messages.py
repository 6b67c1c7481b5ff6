"""What people are told about a request or a loan: each message by every way, in the language they asked in.

A link opens the page of their code. Whoever asked that nothing names the service gets neither the link nor the place.
"""

from __future__ import annotations

from functools import partial

from inclusion_app.core.words import N_
from inclusion_app.messages import templates
from inclusion_app.messages.templates import MessageTemplate

# Facts of the request or loan itself, which every message may say (services/telling.py).
FACTS = ("device", "place", "phone", "link")
_about = partial(MessageTemplate, audience="resident", may=FACTS)

CALL = N_("Questions? Phone %(phone)s.")

TEMPLATES: tuple[MessageTemplate, ...] = ()

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

# --- hand-over and return

NOTHING_TO_PAY = N_("There is nothing to pay.")
HANDED_OVER: tuple[MessageTemplate, ...] = (
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
templates.add(HANDED_OVER)
