"""What the pages of a case say, and why something is refused. English first; residents never read these."""

from __future__ import annotations

from collections.abc import Mapping

from inclusion_app.accounts import record_words
from inclusion_app.core.words import N_

# What stands in a case, by kind; the address of the page names it.
KINDS: Mapping[str, str] = {
    "plan": N_("Plan"),
    "training": N_("Training"),
    "device": N_("Devices"),
    "referral": N_("Referrals"),
    "message": N_("Messages to them"),
    "note": N_("Notes"),
    "task": N_("Tasks done"),
    "file": N_("Files"),
}
NOT_SHARED: Mapping[str, str] = {
    "identity": N_("Their name, and the notes and files kept under it"),
    "contact": N_("How to reach them, and what we told them"),
    "needs": N_("What help they need to take part"),
    "plan": N_("Their plan, and training and devices that we did not ask for"),
}
NOT_BEYOND = N_("Training and devices that we did not ask for: they are shared with us for one referral only")
LOAN_STATES: Mapping[str, str] = {
    "active": N_("Lent"),
    "returned": N_("Came back"),
    "lost": N_("Gone"),
    "gifted": N_("Given to them"),
}
CHANNELS: Mapping[str, str] = {
    "email": N_("By email"),
    "sms": N_("By text message"),
    "letter": N_("By letter"),
    "call": N_("By phone"),
}
TASK_DONE: Mapping[str, str] = {
    "done": N_("Done"),
    "otherwise": N_("Done in another way"),
    "dropped": N_("Not needed any more"),
    "ended": N_("Ended with its referral"),
}
# Those that a person chooses.
TASK_CHOICES: Mapping[str, str] = {name: TASK_DONE[name] for name in ("done", "otherwise", "dropped")}

# What a referral became where its state alone does not tell.
ANSWERED = N_("The question was answered")
FOUND_OUT = N_("It goes on without an answer")
OPEN_AGAIN = N_("Open again")

# --- why not

NOTHING_WRITTEN = N_("Write what happened.")
NOTE_TOO_LONG = N_("This is too long. Split it into two notes.")
CHOOSE_KIND = N_("Choose how you were in touch.")
DAY_MISSING = N_("Type the day it happened.")
NOTE_TOO_LATE = N_("The 15 minutes are over. Add to the note instead; what you typed stands below.")
NOTE_SENT_ALONG = N_(
    "This note was sent along with a referral. Add to it instead; what you typed stands below."
)
MINUTES_OVER = N_("The 15 minutes to change this note are over. It stays as it is. You can add to it.")
SENT_ALONG = N_("This note was sent along with a referral. It stays as it is. You can add to it.")
NOTHING_WRITTEN_TASK = N_("Say what is to be done.")
TASK_TOO_LONG = N_("This is too long. Use fewer words.")
TASK_DAY_MISSING = N_("Type the day it is to be done.")
CHOOSE_OWNER = N_("Choose who does it.")
OWNER_MAY_NOT = N_("This colleague may not open this person. Choose somebody else.")
TASK_DONE_ALREADY = N_("This task is done already. Look at the page again.")
SAY_AT_REFERRAL = N_("Close the referral with what came of it. That ends this task.")
CHOOSE_HOW = N_("Choose how it ended.")

NOTHING_SENT = N_("Choose a file.")
EMPTY_FILE = N_("This file is empty.")
TOO_LARGE = N_("The file is larger than 5 MB.")
WRONG_KIND = N_("We take PDF, PNG, JPEG and plain text. This is none of them.")
WRONG_ENDING = N_("We take PDF, PNG, JPEG or plain text. Their names end in .pdf, .png, .jpg or .txt.")
OTHER_THAN_ITS_NAME = N_("The file is not what its name says. Save it again under the right kind.")
BROKEN_FILE = N_("The file is cut short or has something else inside. Save it again and send that one.")
PDF_ACTS = N_("This PDF has a script or another file inside. Print it to a new PDF and send that one.")
PDF_LOCKED = N_("This PDF is locked, so nobody can look into it. Save it without a password.")
DELETE_TOO_LATE = N_("The 15 minutes are over. Ask your safeguarding lead to delete it.")
REASON_MISSING = N_("Say why, in at least 10 letters.")

# --- what was done

NOTE_SAVED = N_("The note is kept. You can change it for 15 minutes.")
NOTE_CHANGED = N_("The note is changed.")
ADDED = N_("It is added to the note.")
TASK_MADE = N_("The task is made.")
TASK_ENDED = N_("The task is done.")
TASK_MOVED = N_("The task has a new day.")
TASK_GIVEN = N_("The task has a new owner.")
FILE_KEPT = N_("The file is kept.")
FILE_DELETED = N_("The file is deleted.")

# What is done in a case, in the record of reads and acts.
record_words.ACTIONS.update(
    {
        "read referrals.case": N_("Opened a case"),
        **dict.fromkeys(
            ("read referrals.new_note", "read referrals.edit_note", "read referrals.add_to_note"),
            N_("Opened a note of a case"),
        ),
        **dict.fromkeys(
            ("read referrals.task", "read referrals.new_task"), N_("Opened a task about a person")
        ),
        **dict.fromkeys(
            ("read referrals.new_file", "read referrals.delete_file"), N_("Opened the files of a case")
        ),
        "read referrals.file": N_("Took a file of a case"),
        "write note": N_("Wrote a note"),
        "change note": N_("Changed a note within 15 minutes"),
        "add to note": N_("Added to a note"),
        "make task": N_("Made a task about a person"),
        "keep file": N_("Kept a file of a case"),
        "refuse file": N_("Was refused a file: it was not what it said"),
        "delete file": N_("Deleted a file of a case"),
    }
)
