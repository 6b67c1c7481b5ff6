"""What is read to somebody before one of the staff sits beside them: in English, and in their own language."""

from __future__ import annotations

from inclusion_app.core.words import N_

WORDING = (
    N_("I sit beside you for an hour. We work on your plan together."),
    N_("I see your answers and your steps."),
    N_("I do not see steps about health, benefits, energy bills or papers."),
    N_("I change only what you tell me to change."),
    N_("What I do stands in your record. You can read it there."),
    N_("You can say stop at any time."),
)
