"""Words of the staff about one loan. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from inclusion_app.core.words import N_

# --- refusals
NOT_FREE = N_("This SIM card is not free. Take another one.")
HAS_ONE = N_("There is a SIM card in it already. Swap it instead.")
HAS_NONE = N_("There is no SIM card in it.")
LOAN_OVER = N_("This loan is over.")
NOT_LOST = N_("This loan is not lost.")
NOTHING_TO_GIVE = N_("A SIM card alone cannot be given away. Take it out.")
OWNER_FIRST = N_("It belongs to %(owner)s. Ask them first, and tick that they agree.")
CHOOSE_SIM = N_("Choose a SIM card.")
CHOOSE_CAUSE = N_("Choose what happened.")

# --- what was done
KEPT_LONGER = N_("They can keep it longer.")
SIM_IN = N_("The SIM card is in.")
SIM_SWAPPED = N_("The SIM card is swapped. The old one has ended.")
SIM_OUT = N_("The SIM card is out.")
LOST_NOTED = N_("It is noted as gone. Nobody owes anything.")
LOCK_NOTED = N_("It is noted that you locked it.")
FOUND_NOTED = N_("It is back. It waits for its wipe.")
GIVEN = N_("It is theirs now.")
ANSWER_KEPT = N_("The answer is kept without a name.")
NOTE_KEPT = N_("The note is kept.")

STATES: Mapping[str, str] = {
    "active": N_("On loan"),
    "returned": N_("Came back"),
    "lost": N_("Gone"),
    "gifted": N_("Given away"),
}
AGREED: Mapping[str, str] = {
    "drawn": N_("Signed on the screen"),
    "paper": N_("Signed on paper"),
    "spoken": N_("A spoken yes"),
}
HOW_ASKED: Mapping[str, str] = {
    "code": N_("With their code"),
    "link": N_("By the link"),
    "sms": N_("By text message"),
    "helper": N_("Through a helper"),
    "desk": N_("At the desk"),
}
REFUSED_FOR: Mapping[str, str] = {
    "over": N_("The loan was over."),
    "most": N_("It was kept longer as often as it can be."),
    "waited_for": N_("Somebody waits for one."),
    "asked": N_("They asked on that day already."),
}
TOLD_BY: Mapping[str, str] = {
    "sms": N_("Text message"),
    "email": N_("E-mail"),
    "letter": N_("Letter"),
    "call": N_("Phone call by staff"),
    "caseworker": N_("Through their caseworker"),
}
# Who may have a SIM of the National Databank (Good Things Foundation). Asked aloud; no answer is kept.
DATABANK: Sequence[str] = (
    N_("Are you 18 or older?"),
    N_("Is the money of your home low?"),
    N_("Is there no internet at home, or too little of it, or does it cost too much?"),
)
