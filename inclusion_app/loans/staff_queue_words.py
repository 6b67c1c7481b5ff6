"""What the pages of the queue, of offers and of the scheme say. English first; residents never read these."""

from __future__ import annotations

from collections.abc import Mapping

from inclusion_app.core.words import N_

STATES: Mapping[str, str] = {
    "draft": N_("Not sent yet"),
    "submitted": N_("To decide"),
    "need_info": N_("We asked them something"),
    "approved": N_("Approved"),
    "queued": N_("In the queue"),
    "offered": N_("One is kept for them"),
    "fulfilled": N_("Handed over"),
    "declined": N_("Declined"),
    "withdrawn": N_("Withdrawn"),
    "expired": N_("Over"),
}
# Which requests a list shows; the first is what waits for a decision.
SHOWN: Mapping[str, str] = {
    "submitted": N_("To decide"),
    "need_info": N_("We asked them something"),
    "queued": N_("In the queue"),
    "offered": N_("One is kept for them"),
    "ended": N_("Ended"),
    "all": N_("All"),
}
ENDED = ("fulfilled", "declined", "withdrawn", "expired")
OFFERS: Mapping[str, str] = {
    "open": N_("Waits for their answer"),
    "accepted": N_("They said yes"),
    "lapsed": N_("Nobody answered or came"),
    "declined": N_("They said no"),
    "taken_back": N_("Taken back"),
    "fulfilled": N_("Handed over"),
}
# The same questions and reasons in words of the staff; the person reads those of rules.
QUESTIONS: Mapping[str, str] = {
    "talk": N_("Please talk to us"),
    "which": N_("Which device helps most"),
    "reach": N_("How we can reach them"),
    "where": N_("Where they can fetch it, or whether we bring it"),
    "settings": N_("How it should be set"),
    "still_wanted": N_("Whether they still want one"),
}
DECLINED: Mapping[str, str] = {
    "no_stock": N_("We have no such device to lend"),
    "has_one": N_("They have one from us already"),
    "asked_twice": N_("They asked twice; the first request stays"),
    "not_here": N_("We lend to people of another area"),
    "other_way": N_("There is a better way for them than a loan"),
    "no_contact": N_("We could not reach them"),
}
KEEP_OR_END: Mapping[str, str] = {
    "keep": N_("They want to wait for another one. They keep their place."),
    "end": N_("They do not want one any more."),
}
POOLS: Mapping[str, str] = {"area": N_("An area"), "referrer": N_("Who comes through an organisation")}

APPROVED = N_("They are in the queue.")
OFFERED = N_("They are next, so a ready device is kept for them.")
ASKED = N_("We asked them. Their time in the queue counts on.")
ANSWERED = N_("Noted. It waits for your decision.")
DECLINED_NOW = N_("Declined, with the reason and the ways on.")
WITHDRAWN = N_("The request is withdrawn.")
FIRST = N_("They come first now. Your reason is kept.")
NOT_FIRST = N_("The points decide again.")
NOTED = N_("The note is kept.")
SAID_YES = N_("They said yes. Agree a time, or bring it to them.")
SAID_NO = N_("The device goes to who is next.")
TIME_SET = N_("The time is set.")
ADDRESS_KEPT = N_("The address is kept until the device was handed over.")
SWAPPED = N_("Another device is kept for them.")
TOO_FAR = N_("They come before this one can be there. Agree another time first.")
SENT_THERE = N_("It is on its way to where they fetch it. Say there that it has arrived.")
NOTHING_TO_SEND = N_("There is nothing to send. Look at the page again.")
TAKEN_BACK = N_("It is not kept for them any more. They wait on with their time kept.")
# After these goes a message, where there is a way for it.
WITH_MESSAGE = frozenset({OFFERED, ASKED, DECLINED_NOW, TIME_SET, TAKEN_BACK})
SCHEME_SAVED = N_("Saved. The public page says the same.")
SCHEME_OPENED = N_("Your organisation has a scheme now. Look at its points and times.")
QUOTA_ADDED = N_("The quota is added. It counts from now on.")
QUOTA_GONE = N_("The quota is gone. What it kept is for all.")
ASKED_FOR = N_("The request is sent. Give them the code.")
SPEAK_FIRST = N_("Speak to the referrer before you call, write or meet.")
NO_MODEL = N_("Choose a device.")
NOT_SPOKEN = N_("Read it to them. Then tick that they said yes.")
CHOOSE_PLACE = N_("Choose where they can fetch it, or that it is brought.")
NEEDS_PHONE = N_("Pages for residents name this number. Write one while residents can ask.")
ENOUGH_ASKED_FOR = N_(
    "They have asked for %(most)s devices already. Take one request back to ask for another."
)
NOT_THERE = N_("This device is not lent there. Choose another place.")
