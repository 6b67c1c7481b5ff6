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
