"""What a person can do with a step as it stands: one clear thing first, then the rest. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from inclusion_app.core.words import N_
from inclusion_app.roadmaps.rules import DONE, StepState


@dataclass(frozen=True)
class Move:
    """A button: what it sends as `do`, and its words."""

    do: str
    label: str


@dataclass(frozen=True)
class Moves:
    """How a step stands, in words, and the buttons: `first` is what most people want now; none is shown in vain."""

    now: str
    first: tuple[Move, ...] = ()
    done: tuple[Move, ...] = ()
    move: tuple[Move, ...] = ()


DOING = Move("doing", N_("I am doing this"))
HOW_DONE = (
    Move("done_with_help", N_("Done with help")),
    Move("done_alone", N_("Done on my own")),
    Move("can_show_others", N_("I can show others")),
    Move("already_knew", N_("I knew this already")),
)
WITH_HELP, ALONE, CAN_SHOW, _KNEW = HOW_DONE
ADD = Move("add", N_("Add to my plan"))
BACK = Move("add", N_("Put it back"))
NOT_DONE = Move("add", N_("Not done yet. Put it back"))
NOT_NOW = Move("not_started", N_("Not now"))
NOT_FOR_ME = Move("not_for_me", N_("Not for me"))
PIN = Move("pin", N_("Put at the top of my plan"))
UNPIN = Move("unpin", N_("Take down from the top"))

NOT_STARTED = N_("You have not started this step.")
IN_HAND = N_("You are doing this step now.")
SAID_DONE = {
    StepState.DONE_WITH_HELP: N_("You have done this with help. Well done."),
    StepState.DONE_ALONE: N_("You have done this on your own. Well done."),
    StepState.CAN_SHOW: N_("You can show this to others. Well done."),
    StepState.ALREADY_KNEW: N_("You knew this already. Well done."),
}
SET_ASIDE = N_("You said that this step is not for you.")
KNOWN = N_("Your answers say that you can do this.")
OUTSIDE = N_("This step is not in your plan.")


def moves(state: StepState | None, *, in_plan: bool, known: bool, pinned: bool) -> Moves:
    """The moves of a step. A state it has already is not among them, nor a pin where it would change nothing."""
    unpin = (UNPIN,) if pinned else ()
    if state is StepState.DOING:
        return Moves(IN_HAND, (WITH_HELP, ALONE), (CAN_SHOW,), (NOT_NOW, *unpin, NOT_FOR_ME))
    if state in DONE:
        others = tuple(move for move in HOW_DONE if move.do != state.value)
        return Moves(SAID_DONE[state], (), others, (NOT_DONE,))
    if state is StepState.NOT_FOR_ME:
        return Moves(SET_ASIDE, (BACK,), HOW_DONE)
    if in_plan:
        return Moves(NOT_STARTED, (DOING,), HOW_DONE, (*(unpin or (PIN,)), NOT_FOR_ME))
    if known:
        return Moves(KNOWN, (), (CAN_SHOW,), (ADD,))
    return Moves(OUTSIDE, (ADD, DOING), HOW_DONE)
