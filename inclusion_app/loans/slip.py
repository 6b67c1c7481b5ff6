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
BACK_BY = N_("Please give it back by %(day)s.")
BROUGHT = N_("We bring it to you. We tell you when.")
KEPT_UNTIL = N_("We keep it for you until %(until)s.")
FETCH = N_("You fetch it on %(when)s.")
CALL = N_("Phone this number:")
LOOK = N_("Type the address or scan the square to see what is new.")
AT_A_LIBRARY = N_("Ask at any library.")
OPENS = N_("Say it when you come. It opens your page on a screen too.")


@dataclass(frozen=True, kw_only=True)
class LoanSlip(Paper):
    """One request or loan on one side. `title` is the device, in the words it is written in."""

    heading: Pair
    title: Pair
    said: tuple[Pair, ...]
    place: str = ""
    address_line: str = ""
    phone: str = ""
    call: Pair
    at_a_library: Pair
    code_opens: Pair
    code: str
    code_words: str
