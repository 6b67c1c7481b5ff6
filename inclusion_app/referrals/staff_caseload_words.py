"""What the pages of a caseload say. English first; residents never read these."""

from __future__ import annotations

from collections.abc import Mapping

from inclusion_app.core.words import N_

# What is due, by the kind of it; of a task and of a clock the words of the rules stand beside.
KINDS: Mapping[str, str] = {
    "answer": N_("Answer the question about a referral"),
    "sent": N_("Referral sent"),
    "helped": N_("Others help"),
    "asked": N_("We asked the sender something"),
    "loan_question": N_("Answer the loan desk"),
    "loan_waits": N_("A device is asked for"),
    "loan_offer": N_("Answer the offer of a device"),
    "loan_fetch": N_("Fetch the device"),
    "loan_back": N_("The device goes back"),
    "booking_offer": N_("Answer the offer of a place"),
    "booking_waits": N_("On a waiting list for training"),
    "session": N_("Training"),
}
# How a referral to others stands, by its state, with the day they have.
SENT: Mapping[str, str] = {
    "sent": N_("Sent, not seen yet"),
    "acknowledged": N_("Seen, answer by %(day)s"),
    "accepted": N_("Accepted, first contact by %(day)s"),
    "waitlisted": N_("On a waiting list until %(day)s"),
}
# The same on paper that can be lost: what kind of thing and by when, never what was typed.
ON_PAPER: Mapping[str, str] = {
    "task": N_("Task, by %(day)s"),
    "another_way": N_("Find another way, by %(day)s"),
    "find_out": N_("Ask whether it helped, by %(day)s"),
    "take_over": N_("Take this person on, by %(day)s"),
    "clock": N_("Referral: answer by %(day)s"),
    "contact": N_("Referral: first contact by %(day)s"),
    "answer": N_("Referral: answer a question"),
    "loan_question": N_("Device: answer the loan desk"),
    "loan_offer": N_("Device: answer the offer by %(day)s"),
    "loan_fetch": N_("Device: fetch it by %(day)s"),
    "loan_back": N_("Device: goes back by %(day)s"),
    "booking_offer": N_("Course: answer the offer by %(day)s"),
    "session": N_("Course on %(day)s"),
}
VIEW_SAVED = N_("The view is kept.")
VIEW_RENAMED = N_("The view has its new name.")
VIEW_GONE = N_("The view is deleted. Nothing else is.")
NO_VIEW_NAME = N_("Give the view a name.")
VIEW_NAMED = N_("You have a view of this name. Choose another name.")
TOO_MANY_VIEWS = N_("You keep 20 views. Delete one first.")
GIVEN = N_("Your colleague looks after this person now. They have a task to take over.")
CHOOSE_PEOPLE = N_("Choose at least one number.")
CHOOSE_FOR_SHEET = N_("Choose at least one person.")
TOO_MANY_ON_SHEET = N_("A sheet has room for %(most)s people. Choose fewer.")
SHEET_MADE = N_("The sheet is made. Print it today.")
SHEET_DESTROYED = N_("It is written down that the sheet is destroyed.")
CHOOSE_END = N_("Choose how it was destroyed.")
NOTES_SAVED = N_("The notes are written down.")
NOTHING_TYPED = N_("Type at least one note.")
DAY_MISSING = N_("Write the day it happened.")
REAL_DAY = N_("Write a day with day, month and year.")
WORDS_MISSING = N_("Write what happened, or leave the day empty too.")
FOR_PERSON = N_("For person %(place)s: %(said)s")
NOTE_LONG = N_("Write at most 4000 letters.")
