"""What a resident reads of the record of reads: who, what and why, in whole plain sentences. Pure.

Each of the three is a sentence of its own, so that no language has to join words it would not join.
"""

from __future__ import annotations

from collections.abc import Mapping

from inclusion_app.core.words import N_
from inclusion_app.people.rules import PURPOSES

# Who of the staff, by the role in which they did it.
ROLE_WORDS: Mapping[str, str] = {
    "caseworker": N_("A worker who helps people."),
    "loan_coordinator": N_("A worker who lends devices."),
    "training_organiser": N_("A worker who plans courses."),
    "organisation_admin": N_("A person in charge there."),
    "safeguarding_lead": N_("The person there who keeps people safe."),
    "front_desk": N_("The front desk."),
    "places_editor": N_("A worker who looks after our list of places."),
    "referrer": N_("A worker who sent you there."),
    "group_facilitator": N_("A worker who leads a group."),
    "platform_admin": N_("A person who runs this service."),
    "insights_viewer": N_("A person who counts how we help."),
    "data_protection": N_("The person who checks that your facts are safe."),
}
SOMEBODY = N_("A person who works there.")
YOU = N_("You, with your PIN or pictures.")
CODE_ALONE = N_("Somebody with your code alone.")
# Of a plan, of a booking, of what somebody borrows.
BY_CODE = ("code", "booking code", "loan code")
AT_HOME = N_("Somebody of your home.")
OTHERS: Mapping[str, str] = {
    "group": N_("Your group."),
    "partner": N_("A helper there, by a link we sent."),
    "helper": N_("A helper who typed in your paper."),
    "command": N_("A person who runs this service."),
    "retention": N_("This service, by itself."),
    "restore": N_("This service, by itself."),
}

# What was looked at, by the names of the items in a row; what has no words here is not named one by one.
ITEM_NAMES: Mapping[str, str] = {
    "plan": N_("your plan"),
    "step": N_("a step of your plan"),
    "answers": N_("your answers"),
    "goals": N_("your goals"),
    "history": N_("what you have done"),
    "code": N_("your code"),
    "household": N_("who is in your home"),
    "nickname": N_("your nickname"),
    "groups": N_("your groups"),
    "identity": N_("your name and languages"),
    "contact": N_("how to reach you"),
    "needs": N_("what help you need"),
    "consents": N_("what you share"),
    "record": N_("all we hold about you"),
    "looks": N_("who looked"),
    "feedback": N_("your message"),
    "booking": N_("your booking"),
    "attendance": N_("if you came"),
    "tasks": N_("what we do for you next"),
    "loan": N_("what you borrow"),
    "referral": N_("who else helps you"),
    "referrals": N_("who else helps you"),
    "notes": N_("notes of your helpers"),
    "files": N_("files about you"),
}
LOOKED = N_("Looked at your record.")

# What was done, by the action of a row; a read without words here is a look.
DONE: Mapping[str, str] = {
    "make": N_("Saved your plan."),
    "type in": N_("Typed in your paper."),
    "renew code": N_("Made a new code."),
    "set pin for everything": N_("Changed what your code opens."),
    "make household": N_("Began a plan for your home."),
    "join household": N_("Joined the plan of a home."),
    "leave household": N_("Left the plan of a home."),
    "join group": N_("Joined a group."),
    "leave group": N_("Left a group."),
    "end help of group": N_("Ended the help of a worker in your group."),
    "refer oneself": N_("Asked somebody for help."),
    "withdraw referral": N_("Took back a request for help."),
    "put a referral on a record": N_("Put a request for help on your record."),
    "export": N_("Downloaded all we hold about you."),
    "correct record": N_("Corrected your facts."),
    "change contact": N_("Changed how to reach you."),
    "send feedback": N_("Sent a message about our help."),
    "answer feedback": N_("Answered your message."),
    "give consent": N_("Said who may see your facts."),
    "withdraw consent": N_("Stopped sharing your facts."),
    "take feedback": N_("Took your message to answer it."),
    "give back feedback": N_("Passed your message on."),
    "make record": N_("Began your record with you."),
    "change record": N_("Changed facts about you."),
    "write down consent": N_("Wrote down what you said you share."),
    "restrict": N_("Kept you out of every search."),
    "keep from": N_("Kept your record from somebody."),
    "lift restriction": N_("Ended a limit on who may look."),
    **dict.fromkeys(
        ("ask to link", "link", "refuse to link", "undo link"), N_("Checked if two records are yours.")
    ),
    **dict.fromkeys(("break glass", "agree to break glass"), N_("Opened your record in an emergency.")),
    **dict.fromkeys(("end glass", "review glass"), N_("Checked why your record was opened in an emergency.")),
    "ask to break glass": N_("Asked to open your record in an emergency."),
    "give new code": N_("Made a new code."),
    "give new secret": N_("Changed your PIN or pictures."),
    "open by link": LOOKED,
    **dict.fromkeys(
        ("take tray item", "give back tray item", "finish tray item", "free tray item", "send message again"),
        N_("Worked on a message to you."),
    ),
    **dict.fromkeys(("open request", "extend request", "close request"), N_("Worked on what you asked for.")),
    "export for request": N_("Made a copy of your record, as you asked."),
    **dict.fromkeys(
        (
            "read training.one_booking",
            "read training.booking_made",
            "read training.booked_for_resident",
            "read training.mark_by_code",
        ),
        N_("Opened your booking."),
    ),
    "book for a person": N_("Booked a session for you."),
    "cancel booking": N_("Cancelled your booking."),
    "decide need": N_("Decided about the help you asked for."),
    "register mark": N_("Wrote down if you came."),
    "register walk_in": N_("Wrote down that you came."),
    **dict.fromkeys(
        ("register unmark", "register walk_in_undone"), N_("Changed the note about whether you came.")
    ),
    "make certificate": N_("Made your certificate."),
    "keep booking": N_("Put a booking into your plan."),
    # Who looks after somebody, and what is written down outdoors.
    **dict.fromkeys(("hand on", "give to a colleague"), N_("Another worker looks after you now.")),
    "write a note from a sheet": N_("Wrote a note about you."),
    "read referrals.outreach": N_("Looked at what comes next for you."),
    # What somebody asks to borrow, by the code of it or at the desk.
    **dict.fromkeys(
        (
            "read loans.request_page",
            "read loans.bring",
            "read loans.broken_device",
            "read loans.lost_device",
            "read loans.how_it_goes",
            "read loans.print_slip",
            "read loans.slip",
            "read loans.one_request",
            "read loans.sent_request",
        ),
        N_("Opened your request for a device."),
    ),
    **dict.fromkeys(
        (
            "read loans.one_loan",
            "read loans.renew",
            "read loans.loan_sim",
            "read loans.take_sim_out",
            "read loans.loan_lost",
            "read loans.loan_locked",
            "read loans.loan_found",
            "read loans.loan_gift",
            "read loans.loan_outcome",
            "read loans.loan_note",
            "read loans.desk_people",
            "read loans.sent",
            "read loans.what",
        ),
        N_("Looked at what you borrow."),
    ),
    **dict.fromkeys(
        (
            "read loans.hand_over_start",
            "read loans.hand_over",
            "read loans.hand_over_many",
            "read loans.handed_over",
        ),
        N_("Made things ready to give you a device."),
    ),
    **dict.fromkeys(
        ("read loans.agreement_to_sign", "read loans.agreement_page", "read loans.agreement_pdf"),
        N_("Opened the paper you sign for a device."),
    ),
    "ask for a device for a person": N_("Asked for a device for you."),
    "approve a loan request": N_("Put you in the queue for a device."),
    "ask about a loan request": N_("Asked you about the device you want."),
    **dict.fromkeys(
        ("note an answer to a loan request", "answer loan question"),
        N_("Wrote down your answer about the device."),
    ),
    "decline a loan request": N_("Said no to your request for a device."),
    **dict.fromkeys(
        ("withdraw a loan request", "withdraw loan request"), N_("Took your request for a device back.")
    ),
    **dict.fromkeys(
        ("put a loan request first", "undo a loan request put first"), N_("Changed your place in the queue.")
    ),
    **dict.fromkeys(("write a loan note", "note about loan"), N_("Wrote a note about the device.")),
    **dict.fromkeys(
        ("note a yes to a kept device", "note a no to a kept device", "answer loan offer"),
        N_("Wrote down if you want the device."),
    ),
    **dict.fromkeys(
        ("set a time to fetch a device", "choose loan time"), N_("Chose a time to fetch your device.")
    ),
    **dict.fromkeys(
        ("keep an address to bring a device", "have loan brought"),
        N_("Wrote down where to bring your device."),
    ),
    "swap a kept device": N_("Kept another device for you."),
    "take back a kept device": N_("Stopped keeping a device for you."),
    **dict.fromkeys(
        ("hand over device", "hand over device out of turn"), N_("Gave you the device you borrow.")
    ),
    "take in device": N_("Took back the device you borrowed."),
    "undo take in": N_("Wrote down that you have the device still."),
    "look at return": N_("Checked the device you gave back."),
    **dict.fromkeys(("renew loan", "keep loan longer"), N_("Asked if you can keep the device longer.")),
    **dict.fromkeys(
        ("put SIM into loan", "swap SIM of loan", "take SIM out of loan"),
        N_("Changed the SIM card of your device."),
    ),
    "report loan broken": N_("Wrote down that your device is broken."),
    "report loan lost": N_("Wrote down that your device is gone."),
    "note that loan is locked": N_("Locked the device you lost."),
    "note that loan is found": N_("Wrote down that your device was found."),
    "give loan away": N_("Gave you the device to keep."),
    "answer how loan went": N_("Wrote down how it went with the device."),
    # Where somebody was sent for help.
    **dict.fromkeys(
        (
            "read referrals.referrals",
            "read referrals.referral",
            "read referrals.act",
            "read referrals.give_owner",
            "read referrals.partner",
            "read referrals.partner_act",
        ),
        N_("Read what you share to get help."),
    ),
    "acknowledge referral": N_("Wrote that they saw it. It is about help for you."),
    "ask referral": N_("Asked your helper something."),
    "answer referral": N_("Answered a question about your help."),
    "found_out referral": N_("Wrote that they know what they asked about your help."),
    "accept referral": N_("Said yes to helping you."),
    "waitlist referral": N_("Put you on a waiting list."),
    **dict.fromkeys(("decline referral", "reroute referral"), N_("Said that they cannot help.")),
    "begin referral": N_("Wrote down that they help you now."),
    "close referral": N_("Wrote down that the help has ended."),
    "reopen referral": N_("Began the help again, with your yes."),
    "recall referral": N_("Took back that you were sent there."),
    "give referral an owner": N_("Chose who helps you there."),
    **dict.fromkeys(("send partner link", "end partner link"), N_("Changed the link by which they answer.")),
    **dict.fromkeys(
        ("read referrals.choose", "read referrals.refer_to"), N_("Looked for other help for you.")
    ),
    "refer a person": N_("Asked somebody else to help you."),
    # What a helper writes down, and keeps.
    **dict.fromkeys(("write note", "add to note", "change note"), N_("Wrote a note about you.")),
    "make task": N_("Wrote down what to do for you."),
    "keep file": N_("Kept a file about you."),
    "refuse file": N_("Tried to keep a file. It was not kept."),
    "delete file": N_("Deleted a file about you."),
    # What a helper does beside the person, in the hour they said yes to.
    "sit beside": N_("Sat beside you, as you wished."),
    "end sitting": N_("Stopped working beside you."),
    "answer together": N_("Answered the questions with you."),
    "change plan together": N_("Changed your plan with you."),
    **dict.fromkeys(
        ("read referrals.together_plan", "read referrals.together_questions"),
        N_("Opened your plan with you."),
    ),
    **dict.fromkeys(
        ("read referrals.together_copy", "read referrals.together_copy_pdf"),
        N_("Printed your plan for you."),
    ),
}
CHANGED = N_("Changed your record.")

# Why, by the code in a row; what you do yourself needs no reason.
PURPOSE_WORDS: Mapping[str, str] = {
    "help": N_("To help you."),
    "present": N_("You were there."),
    "safety": N_("To keep somebody safe."),
    "request": N_("Because you asked for something."),
    "feedback": N_("To answer your message."),
    "contact": N_("To reach you."),
    "operations": N_("To run this service."),
    "retention": N_("Because the time to keep it was over."),
}


def who_words(actor_kind: str, *, is_self: bool) -> str:
    """Who did it. A name of the staff is never told: the organisation answers for them."""
    if actor_kind in BY_CODE:
        return CODE_ALONE
    if actor_kind in {"resident", "visit"}:
        return YOU if is_self else AT_HOME
    return ROLE_WORDS.get(actor_kind) or OTHERS.get(actor_kind, SOMEBODY)


def item_names(action: str, items: str) -> list[str]:
    """What was looked at, item by item; empty for a change, and for items we have no plain word for."""
    if not is_read(action):
        return []
    return list(dict.fromkeys(ITEM_NAMES[name] for name in items.split() if name in ITEM_NAMES))


def is_read(action: str) -> bool:
    """True when a row says that something was shown."""
    return action.startswith("read ")


def action_words(action: str) -> str:
    """What was done, as a sentence; there is always one, also for what a later part of the service will do."""
    return DONE.get(action, LOOKED if is_read(action) else CHANGED)


def purpose_words(purpose: str) -> str | None:
    """Why, as a sentence; None for what somebody did for themself."""
    if purpose == "own":
        return None
    return PURPOSE_WORDS.get(purpose) or PURPOSES.get(purpose, PURPOSE_WORDS["help"])


# A complaint, thanks or correction.
FEEDBACK_LENGTH = 2_000
ANSWER_LENGTH = 2_000
KINDS: Mapping[str, str] = {
    "complaint": N_("I am not happy with something"),
    "thanks": N_("I want to say thank you"),
    "correction": N_("Something written about me is wrong"),
}
# What stays after somebody deletes everything, by name, and why (UK GDPR, art. 5(2), 17(3)).
KEPT_AFTER: tuple[tuple[str, str], ...] = (
    (
        N_("A number, the days and who looked. No name and no words."),
        N_("We keep it for six years. It shows who looked, if somebody asks later."),
    ),
    (
        N_("The number and the day you deleted it."),
        N_("With it we delete you again if we ever need an old copy."),
    ),
    (
        N_("Old copies of all that we hold."),
        N_("They are locked. We delete them after 30 days."),
    ),
)
FEEDBACK_TITLE = N_("What you told us")
SENT_TO = N_("Sent to")
READ_BY = N_("Who reads it")
ANSWERED = N_("The answer")
ANSWERED_BY = N_("Who answered")
# Whom a message without an organisation is for.
CITY = "city"
THE_OFFICER = N_("The person who checks that your facts are safe")
