"""What people are told about a booking: each message by every way, in the language of the booking.

A link opens the booking. Whoever asked that nothing names the service gets neither the link nor the place; the sentences
that need them are left out. No other link is short or plain enough for them: each begins with the name of the service, so
by wire they are told that there is something (an offer, and until when) and go to the page of their code by themselves.
"""

from __future__ import annotations

from functools import partial

from inclusion_app.core.words import N_
from inclusion_app.messages import templates
from inclusion_app.messages.templates import MessageTemplate

# Facts of the booking itself, which every message may say (services/telling.py).
FACTS = ("when", "place", "phone", "link")
_about = partial(MessageTemplate, audience="resident", may=FACTS)

WHEN = N_("It begins on %(when)s.")
WHERE = N_("It is at %(place)s.")
CANNOT = N_("You cannot come? Tell us, so that somebody else can have the place.")
CALL = N_("Questions? Phone %(phone)s.")
DATES = N_("These are your dates now: %(dates)s.")
NOT_YET = N_("Do not travel yet. First you need a place.")
FROM_THEN_ON = N_("Your session does not take place from %(when)s on. Earlier dates stay.")
WAS_AND_IS = (N_("Your session has changed. It was on %(before)s."), N_("Now it is on %(when)s."))
NOT_RIGHT = N_("The new time is not right for you? Tell us, so that somebody else can have the place.")
NEWS = N_("Ask for news by phone, at any library or on the page of your code.")
ENGLISH_ONLY = N_("The organiser wrote this. It is only in English:")

TEMPLATES = (
    _about(
        name="training_booked",
        subject=N_("You are booked"),
        lines=(N_("You have a place."), WHEN, WHERE, CANNOT, CALL),
        sms=N_("You have a place. It begins on %(when)s."),
        needs=("when",),
    ),
    _about(
        name="training_waitlisted",
        subject=N_("You are on the waiting list"),
        lines=(
            N_("The session is full. You are on the waiting list."), NOT_YET, WHEN, WHERE,
            N_("We tell you when a place is free."), CALL,
        ),
        sms=N_("The session is full. You are on the waiting list."),
    ),
    _about(
        # A group may wait where places are free, but too few.
        name="training_waitlisted_group",
        subject=N_("You are on the waiting list"),
        lines=(
            N_("You are on the waiting list"),
            N_("Your group stays together. Smaller groups may go first."),
            NOT_YET, WHEN, WHERE,
            N_("We tell you when a place is free."), CALL,
        ),
        sms=N_("You are on the waiting list"),
    ),
    _about(
        name="training_noted",
        subject=N_("We know that you would come"),
        lines=(N_("This session has no date yet. We tell you when it has one."), CALL),
        sms=N_("This session has no date yet. We tell you when it has one."),
    ),
    _about(
        name="training_dated",
        subject=N_("The session has a date"),
        lines=(N_("You said that you would come. Now the session has a date."), WHEN, WHERE, CANNOT, CALL),
        sms=N_("The session has a date now. It begins on %(when)s."),
        needs=("when",),
    ),
    _about(
        name="training_booked_from_list",
        subject=N_("You have a place now"),
        lines=(N_("A place is free, and it is yours."), WHEN, WHERE, CANNOT, CALL),
        sms=N_("A place is free, and it is yours. It begins on %(when)s."),
        needs=("when",),
    ),
    _about(
        name="training_offer",
        subject=N_("A place is free. Do you want it?"),
        lines=(
            N_("A place is free. We keep it for you until %(until)s."),
            WHEN,
            WHERE,
            N_("Say yes or no before that. Then it goes to the next person."),
            CALL,
        ),
        sms=N_("A place is free on %(when)s. We keep it for you until %(until)s. Say yes or no."),
        needs=("when", "until"),
    ),
    _about(
        name="training_cancelled",
        subject=N_("Your session does not take place"),
        lines=(N_("The session on %(when)s does not take place. We are sorry."), N_("Please do not travel to it."), CALL),
        sms=N_("The session on %(when)s does not take place. Please do not travel to it."),
        needs=("when",),
    ),
    _about(
        # This date and all later ones of theirs, but not those before it.
        name="training_cancelled_from",
        subject=N_("Your session does not take place"),
        lines=(FROM_THEN_ON, CALL),
        sms=FROM_THEN_ON,
        needs=("when",),
    ),
    _about(
        name="training_all_cancelled",
        subject=N_("Your session does not take place"),
        lines=(
            N_("Your session does not take place. None of its dates does. We are sorry."),
            N_("Please do not travel to it."),
            CALL,
        ),
        sms=N_("Your session does not take place. None of its dates does. Please do not travel to it."),
    ),
    _about(
        name="training_dropped",
        subject=N_("A session does not take place"),
        lines=(N_("You said that you would come to a session. It does not take place. We are sorry."), CALL),
        sms=N_("The session you asked for does not take place. We are sorry."),
    ),
    _about(
        name="training_moved",
        subject=N_("Your session has a new time or place"),
        lines=(*WAS_AND_IS, WHERE, NOT_RIGHT, CALL),
        # Its place may be new too, and not every text message may say it.
        sms=N_("Your session has changed. Now it is on %(when)s. Check the place too."),
        needs=("when", "before"),
    ),
    _about(
        # More than one of their dates, told at once.
        name="training_moved_dates",
        subject=N_("Your session has a new time or place"),
        lines=(*WAS_AND_IS, DATES, WHERE, NOT_RIGHT, CALL),
        sms=N_("Several dates of your session have changed. The first is now on %(when)s. Check the others too."),
        needs=("when", "before", "dates"),
    ),
    _about(
        name="training_remind_days",
        subject=N_("Your session is soon"),
        lines=(N_("Do not forget your session."), WHEN, WHERE, CANNOT, CALL),
        sms=N_("Do not forget your session on %(when)s."),
        needs=("when",),
    ),
    _about(
        # What they asked for is not arranged, or not yet.
        name="training_remind_days_open",
        subject=N_("Your session is soon"),
        lines=(
            N_("Do not forget your session."), WHEN, WHERE,
            N_("The help you asked for is not arranged. Please talk to us before you travel."), CANNOT, CALL,
        ),
        sms=N_("Your session is on %(when)s. The help you asked for is not arranged. Please talk to us first."),
        needs=("when",),
    ),
    _about(
        name="training_remind_hours",
        subject=N_("Your session is today"),
        lines=(N_("Your session begins today at %(time)s."), WHERE, CANNOT, CALL),
        sms=N_("Your session begins today at %(time)s."),
        needs=("time",),
        # Nobody reads a letter or makes a call in time.
        channels=("email", "sms"),
    ),
    _about(
        name="training_arranged",
        subject=N_("What you need is arranged"),
        lines=(N_("You asked for help to take part. It is arranged."), WHEN, CALL),
        sms=N_("You asked for help to take part. It is arranged."),
    ),
    _about(
        name="training_not_possible",
        subject=N_("We could not arrange what you need"),
        lines=(
            N_("You asked for help to take part. This time we could not arrange it. We are sorry."),
            N_("Please talk to us before you travel."),
            WHEN,
            CALL,
        ),
        sms=N_("We could not arrange the help you asked for. Please talk to us before you travel."),
    ),
    # --- ready-made words of the organiser
    _about(
        name="training_new_room",
        subject=N_("Your session has a new room"),
        lines=(N_("Your session is in another room: %(room)s."), WHEN, DATES, WHERE, CALL),
        sms=N_("Your session is in another room: %(room)s."),
        needs=("room",),
        may=(*FACTS, "dates"),
        typed=("room",),
        unsaid="training_new_room_unsaid",
    ),
    _about(
        name="training_late",
        subject=N_("Your session begins later"),
        lines=(N_("Your session begins %(minutes)s minutes later today."), CALL),
        sms=N_("Your session begins %(minutes)s minutes later today."),
        needs=("minutes",),
    ),
    _about(
        name="training_bring",
        subject=N_("Please bring something to your session"),
        lines=(N_("Please bring this to your session: %(things)s."), WHEN, CALL),
        sms=N_("Please bring this to your session: %(things)s."),
        needs=("things",),
        typed=("things",),
        unsaid="training_words_unsaid",
    ),
    _about(
        name="training_words",
        subject=N_("A message about your session"),
        lines=(ENGLISH_ONLY, CALL),
        sms=N_("There is a message about your session. It is only in English."),
        needs=("words",),
        words_by_email=True,
        typed=("words",),
        unsaid="training_words_unsaid",
    ),
    # --- the same without what the organiser typed, for whom nothing may name the service: the page of their code shows it
    _about(
        name="training_new_room_unsaid",
        subject=N_("Your session has a new room"),
        lines=(N_("Your session has a new room"), WHEN, DATES, NEWS),
        sms=N_("Your session has a new room"),
        may=(*FACTS, "dates"),
    ),
    _about(
        name="training_words_unsaid",
        subject=N_("A message about your session"),
        lines=(N_("There is a message about your session. It is only in English."), NEWS),
        sms=N_("There is a message about your session. It is only in English."),
    ),
)  # fmt: skip
templates.add(TEMPLATES)
