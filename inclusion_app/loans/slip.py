"""What stands on the slip of a request or a loan: one side of paper, in the reader's language beside English. Pure.

It names nobody and says no reason: paper is left on tables.
"""

from __future__ import annotations

from dataclasses import dataclass

from inclusion_app.core.paper_parts import Pair, Paper
from inclusion_app.core.words import N_

WORDS = {
    "old": N_("The page of your code is always right."),
    "where": N_("Where"),
    "now": N_("How it stands"),
    "help": N_("Speak to a person"),
    "code": N_("Your code"),
}
NO_DEBT = N_("There is nothing to pay, whatever happens to it.")
SAY_YES = N_("Say yes or no before that. You can say it on the page of your code, or by phone.")
COME_OR_CALL = N_("Please phone us or go to a place below.")
CALL_FIRST = N_("Phone us to say when you come.")
SAY_WHERE = N_("We bring it to you. Phone us to say where.")
NO_PAPERS = N_("Say your code there. You need no ID.")
WE_BRING_IT = N_("We bring it to you. We tell you when.")
PAY_NOTHING = N_("There is nothing to pay.")
LONGER = N_("You can ask to keep it longer.")
WITH_PARTS = N_("Bring it, with all its parts, to one of the places below.")
DATA_UNTIL = N_("The data on your SIM card ends on %(day)s.")
BACK_BY = N_("Please give it back by %(day)s.")
KEPT_UNTIL = N_("We keep it for you until %(until)s.")
FETCH = N_("You fetch it on %(when)s.")
CALL = N_("Phone this number:")
LOOK = N_("Type the address or scan the square to see what is new.")
AT_A_LIBRARY = N_("Ask at any library.")
OPENS = N_("Say it when you come. It opens your page on a screen too.")


@dataclass(frozen=True, kw_only=True)
class LoanSlip(Paper):
    """One request or loan on one side. `title` is the device, in the words it is written in; `places` are names with
    their addresses, of which one is enough.
    """

    heading: Pair
    title: Pair
    said: tuple[Pair, ...]
    places: tuple[tuple[str, str], ...] = ()
    phone: str = ""
    call: Pair
    at_a_library: Pair
    code_opens: Pair
    code: str
    code_words: str
