"""What the pages of the desk, of repair, of counting and of moves say. English first; residents never read these."""

from __future__ import annotations

from inclusion_app.core.words import N_

# The lines of the desk, by what they count (staff_queries.counts_of).
DESK = {
    "decide": N_("Requests to decide"),
    "asked": N_("Requests that wait for an answer of the person"),
    "hand_overs": N_("Hand-overs today"),
    "to_bring": N_("To be brought to somebody"),
    "not_fetched": N_("Not fetched at the time they chose"),
    "offers": N_("Offers that wait for an answer"),
    "no_slot": N_("Taken offers without a time to fetch"),
    "elsewhere": N_("Kept for somebody, but lies elsewhere"),
    "broken_offers": N_("Offers of a device that is not ready any more"),
    "due": N_("Back today"),
    "late": N_("Late"),
    "data": N_("Data ends within two weeks"),
    "to_look_at": N_("Came back, parts not looked at"),
    "to_wipe": N_("To be wiped"),
    "held": N_("Kept before the wipe"),
    "to_test": N_("To be tested"),
    "repair": N_("In repair"),
    "moving": N_("On the way between places"),
    "missing": N_("Missing"),
    "counts": N_("Counts that are open"),
    "cleaning": N_("Being made ready"),
    "ready": N_("Ready to lend"),
}
PEOPLE = (
    "decide", "asked", "hand_overs", "to_bring", "not_fetched", "offers", "no_slot", "elsewhere", "broken_offers", "due", "late",
    "data",
)  # fmt: skip
MACHINES = ("to_wipe", "held", "to_test", "missing", "cleaning", "ready")
TICKETS = {
    "reported": N_("Reported"),
    "at_workshop": N_("At the workshop"),
    "waiting_for_part": N_("Waits for a part"),
    "done": N_("Done"),
}
# Why what was seen in a count is not where the books say.
ELSEWHERE = {
    "place": N_("At another place"),
    "moving": N_("On its way"),
    "lent": N_("Somebody has it on loan"),
    "missing": N_("Missing"),
    "retired": N_("Retired"),
}
ANOTHER_PLACE = N_("Choose, or name another place below")
NO_PLACE = N_("Choose a place, or type its name.")
PLACE_UNKNOWN = N_("No place has this name. Type a part of it.")
PLACES_MANY = N_("More than one place fits: %(names)s. Type more of the name.")
TAG_UNKNOWN = N_("No device of yours has this tag or number.")
TAGS_UNKNOWN = N_("No device of yours has this tag or number: %(tags)s.")
NOTHING_CHOSEN = N_("Choose one of these.")
TOO_LONG = N_("This is too long.")
TICKET_OPEN = N_("The ticket is open.")
SAVED = N_("Saved.")
REPAIR_DONE = N_("The repair is done.")
SENT = N_("They are on their way.")
ARRIVED = N_("It has arrived.")
STAYED = N_("It did not leave. It is where it was.")
SEEN = N_("Counted.")
SEEN_BEFORE = N_("This one was counted already.")
SEEN_UNKNOWN = N_("Nobody knows this tag. It is kept for the list.")
COUNT_OVER = N_("The count is over. Here is what differs.")
MARKED_MISSING = N_("It is marked as missing.")
MOVED_HERE = N_("By the books it is here now.")
