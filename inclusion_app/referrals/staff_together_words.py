"""Words of the pages on which somebody of the staff works on a plan beside its person, and of the tasks that land there."""

from __future__ import annotations

from collections.abc import Mapping

from inclusion_app.core.words import N_
from inclusion_app.roadmaps.rules import Mode, StepState

TICK_FIRST = N_("Ask them first. Tick the box when they say yes.")
OVER = N_("The hour has ended, or you ended it. Are they still beside you? Ask again, then tick the box.")
BEGUN = N_("You sit beside them now.")
ENDED = N_("You have ended it. Nothing can be changed any more.")
ANSWERED = N_("The answers are kept. This is the plan now.")
CHANGED = N_("The plan is changed.")
NOTHING_CHANGED = N_("Nothing was changed.")

NOT_SAID = N_("They would rather not say")
NOTHING = N_("Nothing of these")
NOT_BOTH = N_("They said something and “rather not say”. Tick one of the two.")
NOT_NOTHING = N_("They said something and “nothing of these”. Tick one of the two.")
NOT_NONE = N_("They can use something, or “none of these”. Tick one of the two.")
THREE_AT_MOST = N_("Three goals at most. More can be added later.")
FIRST_OF_THESE = N_("Choose one of the goals that are ticked.")
DAY_OF_GOAL = N_("Tick this goal too, or leave its day empty.")
DAY_PASSED = N_("This day has passed. Type a later day, or leave it empty.")
NO_REAL_DAY = N_("Type a real day: day, month, year. Or leave it empty.")
ONE_ANSWER = N_("Give at least one answer.")
DAY_OR_NONE = N_("Type a day, or tick that there is none. Not both.")

# What one answers for somebody else, in the words of their worker.
TAPS: Mapping[str, str] = {
    "checks_who_wrote_it": N_("They also check who wrote it"),
    "pays_online": N_("They can also pay online"),
}
STATES: Mapping[str, str] = {
    StepState.NOT_STARTED.value: N_("Not started"),
    StepState.DOING.value: N_("They are doing it"),
    StepState.DONE_WITH_HELP.value: N_("Done with help"),
    StepState.DONE_ALONE.value: N_("Done on their own"),
    StepState.CAN_SHOW.value: N_("They can show others"),
    StepState.ALREADY_KNEW.value: N_("They knew it already"),
    StepState.NOT_FOR_ME.value: N_("Left out: not for them"),
}
MODES: Mapping[str, str] = {
    Mode.ME.value: N_("They do it"),
    Mode.TOGETHER.value: N_("We do it together"),
    Mode.FOR_ME.value: N_("Somebody does it for them"),
}
# The same as the person reads it in their own plan.
MODES_SAID: Mapping[str, str] = {
    Mode.ME.value: N_("I do it"),
    Mode.TOGETHER.value: N_("We do it together"),
    Mode.FOR_ME.value: N_("Somebody does it for me"),
}

# A task that another room's end makes: what came to nothing, by its number there.
CAME_TO_NOTHING: Mapping[str, str] = {
    "booking": N_("Booking %(number)s for a session came to nothing. Find them another one."),
    "loan request": N_("Request %(number)s for a device came to nothing. Find another way to one."),
}
