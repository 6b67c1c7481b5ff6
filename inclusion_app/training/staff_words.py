"""What the pages of the organiser say, and why something is refused. English first; residents never read these."""

from __future__ import annotations

from inclusion_app.core.words import N_

AREAS = {
    "FND": N_("First steps"),
    "COMM": N_("Talking and writing to people"),
    "INFO": N_("Finding and keeping things"),
    "TRAN": N_("Forms, money and services"),
    "PROB": N_("Solving problems"),
    "SAFE": N_("Staying safe"),
}
LEVELS = {
    "0": N_("For people who have never used a computer"),
    "1": N_("First steps"),
    "2": N_("Some practice needed"),
    "3": N_("Good practice needed"),
    "4": N_("For people who help others"),
}
STATES = {"draft": N_("Draft"), "published": N_("Published"), "cancelled": N_("Cancelled")}
BOOKING_STATES = {
    "requested": N_("Would come"),
    "booked": N_("Booked"),
    "waitlisted": N_("Waits"),
    "offered": N_("Has an offer"),
    "cancelled": N_("Cancelled"),
    "session_cancelled": N_("Session cancelled"),
}
WAITING_MODES = {"book_me": N_("Book me when a place is free"), "ask_me": N_("Ask me first")}
NEED_STATES = {"asked": N_("Asked for"), "arranged": N_("Arranged"), "not_possible": N_("Not possible")}
ROUTES = {
    "sms": N_("By text message"),
    "email": N_("By e-mail"),
    "call": N_("By phone: a call in your tray"),
    "letter": N_("By letter: one in your tray"),
    "record": N_("By the way they chose for their plan"),
    "none": N_("No way to reach them: tell these yourself"),
}
REACH = {
    "none": N_("No way"),
    "sms": N_("Text message"),
    "email": N_("E-mail"),
    "call": N_("Phone"),
    "letter": N_("Letter"),
    "record": N_("As for their plan"),
}
CONTACT_OF = {
    "learner": N_("the learner"),
    "helper": N_("a helper"),
    "adult": N_("the adult who answers for them"),
}
AGE_BANDS = {"under_13": N_("Under 13"), "13_15": N_("13 to 15")}
NOTICES = {
    "training_late": N_("We begin later today"),
    "training_bring": N_("Bring something"),
    "training_words": N_("Your own words, in English only"),
}
WHOLE_WEEKS = {"1": N_("Every week"), "2": N_("Every two weeks"), "4": N_("Every four weeks")}
WORDS_STATES = {
    "drafted": N_("A draft. Residents read it; nobody has checked it yet."),
    "checked": N_("Checked by somebody who reads it. Residents read it."),
}

ONE_OR_LATER = {"one": N_("Only this date"), "later": N_("This date and all later ones")}
BANK_HOLIDAY = N_("Bank holiday")
PLACE_CLOSED = N_("The place is closed")

NO_DAY = N_("Type a real day: day, month, year.")
NO_BEGIN = N_("Type when it begins, like 9:30.")
NO_END = N_("Type when it ends, like 11:30.")
ENDS_FIRST = N_("The end comes after the beginning, on the same day.")
IN_THE_PAST = N_("This day and time are over already.")
TOO_FAR = N_("This day is more than two years away.")
NO_PLACE_FOUND = N_("We know no place with this name. Type a part of its name.")
CHOOSE_PLACE = N_("Several places have this name. Choose one of them.")
NEEDS_PLACE = N_("A session is at a place or online.")
UNKNOWN_STEP = N_("There is no step %(step)s in the plan.")
OWN_COURSE = N_("Choose one of the courses of your organisation.")
AFTER_ITSELF = N_("A course cannot come after itself.")
CANNOT_PUBLISH_PLACE = N_("Say where it is, or that it is online, before you publish it.")
CANNOT_PUBLISH_PHONE = N_("Give a phone number for questions before you publish it.")
CANNOT_PUBLISH_DATE = N_("Add a date that is still to come before you publish it.")
CANNOT_PUBLISH_WORDS = N_("Give the course a title before you publish it.")
ONE_DATE = N_("This session has one date. Choose “several dates” or “a course”, or copy it.")
MANY_DATES = N_("A session of one date has no weekly pattern. Choose “several dates” or “a course”.")
COURSE_HAS_BOOKINGS = N_("People are booked on all dates of this course, so no date can be added.")
HAS_DATES = N_("This session has a date already.")
DATE_TWICE = N_("The session has this date already.")
NOTHING_CHANGED = N_("Nothing is different from before.")
NOT_TO_CHANGE = N_("This is cancelled or over, so it cannot be changed any more.")
SMALLER_THAN_TAKEN = N_("More places than that are taken or offered already.")
PLACE_OF_DATES = N_("People are booked. Move each date on its own page, so that everybody is told.")
LATE_NEEDS_TODAY = N_("Choose a date of today. People read this on the day only.")
NEEDS_WORDS = N_("Write what people should read.")
NOBODY_TO_TELL = N_("Nobody is booked on this.")
CONSENT_NEEDED = N_("Book for somebody only when they say yes.")

SAVED = N_("Saved.")
DRAFTED = N_("Saved as a draft. Residents see it when you publish it.")
PUBLISHED = N_("Published. Residents can find it now.")
MOVED = N_("Moved. Everybody who can be told is told.")
DATES_MOVED = N_("All these dates are moved. Everybody who can be told is told once.")
DATES_CANCELLED = N_("All these dates are cancelled. Everybody who can be told is told once.")
DATE_CANCELLED = N_("Cancelled. Everybody who can be told is told.")
SESSION_CANCELLED = N_("The session is cancelled. Everybody who can be told is told.")
CAPACITY_CHANGED = N_("Saved. Places that are free now went to the waiting list first.")
NEED_DECIDED = N_("Saved. The person is told.")
NEED_UNDONE = N_("Taken back. When you decide again, the person is told again.")
NOTICE_SENT = N_("Sent to everybody who can be told.")
NOTICE_TWICE = N_("This was sent already.")
DATED = N_("The session has a date. Everybody who wanted to come is asked, in their order.")
BOOKED = N_("Booked. Give the person their code.")
DATES_ADDED = N_("The dates are added.")
BOOKED_FOR = {
    "booked": N_("Booked. They are told by the ways they chose."),
    "waitlisted": N_("The session is full. They are on the waiting list."),
    "offered": N_("A place is kept for them until they answer."),
    "requested": N_("Noted. They are told when the session has a date."),
}

# Beside every number to call: who does not know would say in which service's name.
DISCREET = N_("No message may name the service.")
