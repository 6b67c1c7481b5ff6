"""What the staff pages of this room say, and why something is refused. English first; residents never read these."""

from __future__ import annotations

from inclusion_app.core.words import N_

CHOOSE = N_("Choose")
CHOOSE_ONE = N_("Choose one from the list.")
CHOOSE_WHO_LOOKS = N_("Choose who looks after them.")
CHOOSE_WHOSE = N_("Choose whose people are handed on.")
POSSIBLE_MATCH = N_("Possible match. Ask the person for permission to link.")
NEEDS_ADULT = N_("For a child under 13, add a way to reach an adult who answers for them.")
TOO_MANY_ROUTES = N_("Keep five ways to reach somebody at most.")
NO_ADDRESS = N_("A letter needs an address.")
HOURS_WRONG = N_("Type both times, like 10:00 and 12:00. The first comes before the second.")
CANNOT_LINK = N_("This code cannot be linked. Check it with the person.")
CANNOT_AGREE = N_("Somebody else of your organisation must agree. Or this was decided already.")
CANNOT_UNDO = N_("This can no longer be undone, or it was undone already.")
NO_PERMISSION = N_("Link two records only when the person says yes.")
SAVED = N_("Saved.")
CONSENT_SAVED = N_("The consent is written down.")
CONSENT_ENDED = N_("This consent has ended.")
LINK_ASKED = N_("Somebody else of your organisation must agree now.")
LINKED = N_("The two records are linked.")
LINK_REFUSED = N_("The two records stay apart.")
UNLINKED = N_("The two records are apart again.")
RESTRICTED = N_("Saved. It works from the next page on, for everybody.")
ON_CASELOAD = N_("The person is on your caseload.")
HOW_GIVEN = {
    "screen": N_("by themselves, on a screen"),
    "paper": N_("on paper"),
    "spoken": N_("said to one of us"),
}
UNKNOWN_PERSON = N_("We do not know this code or record number. Look at it again.")
NOBODY_TYPED = N_("Type a code or a record number.")
TOO_MANY_TRIES = N_("Too many wrong codes or numbers. Wait a while and try again.")
REASON_SHORT = N_("Say the reason in at least 20 letters.")
REASON_LONG = N_("Say the reason in at most 500 letters.")
ONE_AT_A_TIME = N_("You have one open or asked for already. End that one first.")
NOT_WAITING = N_("This does not wait for a second person any more.")
NOT_OPEN = N_("This is over already.")
REVIEWED_ALREADY = N_("Somebody has reviewed this already.")
CHOOSE_ONE = N_("Choose one of the answers on this page.")
REAL_DAY = N_("Type a real day: day, month, year.")
# What is typed, on every page of the staff.
MISSING = N_("Fill this in.")
TOO_LONG = N_("This is too long. Use fewer words.")
NO_NUMBER = N_("Type a whole number from %(least)s to %(most)s.")
DAY_MISSING = N_("Type the day the request came.")
DAY_TO_COME = N_("This day has not come yet.")
DAY_LONG_AGO = N_("This day is more than a year ago. Look at it again.")
EXTENDED_ALREADY = N_("This request is closed, was extended before, or its month is over.")
CLOSED_ALREADY = N_("This request was closed already.")

FINDINGS = {
    "justified": N_("Justified"),
    "not_justified": N_("Not justified"),
    "follow_up": N_("Needs follow-up"),
}
REQUEST_KINDS = {
    "access": N_("A copy of what we hold"),
    "correction": N_("Put something right"),
    "erasure": N_("Delete"),
    "objection": N_("Objection"),
}
REQUEST_OUTCOMES = {
    "granted": N_("Granted"),
    "partly": N_("Granted in part"),
    "refused": N_("Refused"),
    "withdrawn": N_("Taken back by the person"),
}
EXTENSIONS = {
    "complex": N_("The request is complex"),
    "many": N_("The person made several requests"),
}
# What a page or a change was for, as the record of reads keeps it.
PURPOSES = {
    "help": N_("To help the person"),
    "safety": N_("Safety"),
    "request": N_("A request of the person by right"),
    "present": N_("The person was there"),
    "own": N_("The person themselves"),
    "retention": N_("Kept no longer"),
    "feedback": N_("To answer what the person wrote"),
    "contact": N_("To reach the person"),
    "operations": N_("To run the service"),
    "administration": N_("To look after staff and organisations"),
}

SAME_CASEWORKER = N_("Choose two different people.")
NOBODY_TO_HAND_ON = N_("There is nobody who can be handed on to this caseworker.")
CANNOT_TAKE = N_("This colleague cannot take this person on. Choose another one.")
HANDED_ON = N_("It is done. The caseworker sees these people now.")

# Safeguarding flags.
FLAG_SHORT = N_("Write at least 10 letters: what you saw or heard, and when.")
FLAG_END_SHORT = N_("Write what was done, in at least 10 letters.")
FLAG_LONG = N_("This is too long. Use at most 2000 signs.")
FLAG_SENT_BEFORE = N_("This form was sent before. Open the page of the person anew.")
FLAG_RAISED = N_("The flag stands. Your safeguarding lead is told now.")
FLAG_RAISED_WITHOUT_LEAD = N_(
    "The flag stands. No safeguarding lead reads it yet: follow your own procedure now."
)
FLAG_WORDS_KEPT = N_("Your words are kept.")
FLAG_ENDED = N_("The flag is ended. Nobody sees the marker of it any more.")
FLAG_IS_OVER = N_("This flag was ended already.")
FLAG_ASSIGNED = N_("Saved. They are told, and can read this flag now.")
FLAG_NOBODY_ASSIGNED = N_("Saved. No caseworker reads this flag now.")
FLAG_NOT_THEM = N_("Choose a caseworker of your organisation who may see this person.")
