"""What the staff pages say when something is refused or noticed. English first; residents never read these."""

from __future__ import annotations

from inclusion_app.core.words import N_

POSSIBLE_MATCH = N_("Possible match. Ask the person for permission to link.")
NEEDS_ADULT = N_("For a child under 13, add a way to reach an adult who answers for them.")
TOO_MANY_ROUTES = N_("Keep five ways to reach somebody at most.")
NO_ADDRESS = N_("A letter needs an address.")
HOURS_WRONG = N_("Type both times, like 10:00 and 12:00. The first comes before the second.")
CANNOT_LINK = N_("This code cannot be linked. Check it with the person.")
CANNOT_AGREE = N_("Somebody else of your organisation must agree. Or this was decided already.")
CANNOT_UNDO = N_("This can no longer be undone, or it was undone already.")
NO_PERMISSION = N_("Link two records only when the person says yes.")
TOO_MANY_TRIES = N_("Too many codes were tried. Wait an hour.")
SAVED = N_("Saved.")
CONSENT_SAVED = N_("The consent is written down.")
CONSENT_ENDED = N_("This consent has ended.")
LINK_ASKED = N_("Somebody else of your organisation must agree now.")
LINKED = N_("The two records are linked.")
LINK_REFUSED = N_("The two records stay apart.")
UNLINKED = N_("The two records are apart again.")
RESTRICTED = N_("Saved. It works from the next page on, for everybody.")
ON_CASELOAD = N_("The person is on your caseload.")
NO_MATCH = N_("No match among the people you may see.")
HOW_GIVEN = {
    "screen": N_("by themselves, on a screen"),
    "paper": N_("on paper"),
    "spoken": N_("said to one of us"),
}
