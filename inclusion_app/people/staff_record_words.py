"""What the acts of residents, and those on their records, are called where staff read the record of reads."""

from __future__ import annotations

from collections.abc import Mapping

from inclusion_app.accounts import record_words
from inclusion_app.accounts.rules import ROLES
from inclusion_app.core.words import N_

record_words.ACTIONS.update(
    {
        "read people.person": N_("Opened a record"),
        "read people.caseload": N_("Looked at the list of their people"),
        "read people.search": N_("Searched for a person"),
        "read people.safeguarding": N_("Looked at the list of a safeguarding lead"),
        "read people.request_person": N_("Opened a record for a request by right"),
        "read people.reads": N_("Looked at who looked"),
        "read people.record_made": N_("Showed a new code"),
        "read people.desk_paper": N_("Showed a new code"),
        "read people.feedback_one": N_("Read what a person wrote"),
        **dict.fromkeys(
            ("read people.glass", "read people.glass_review"),
            N_("Looked at what was done behind broken glass"),
        ),
        **dict.fromkeys(
            ("read people.edit_identity", "read people.edit_contact", "read people.edit_needs"),
            N_("Opened a record to change it"),
        ),
        "read people.restrict": N_("Looked at who is kept from a record"),
        **dict.fromkeys(
            ("read messages.tray_item", "read messages.finish_item"), N_("Opened a letter or call")
        ),
        "read messages.letter": N_("Printed a letter"),
        "read handout": N_("Printed a plan"),
        "make": N_("Saved a plan"),
        "make record": N_("Made a record"),
        "change record": N_("Changed a record"),
        "correct record": N_("Corrected their own record"),
        "change contact": N_("Changed how they are reached"),
        "type in": N_("Typed in a paper"),
        "renew code": N_("Made a new code"),
        "give new code": N_("Gave a new code"),
        "give new secret": N_("Set a new PIN or pictures"),
        "set pin for everything": N_("Changed what the code opens"),
        "open by link": N_("Opened a plan by a link"),
        "export": N_("Downloaded all that is held"),
        "delete": N_("Deleted their record"),
        "expire": record_words.EXPIRED,
        "make household": N_("Began the plan of a home"),
        "join household": N_("Joined the plan of a home"),
        "leave household": N_("Left the plan of a home"),
        "join group": N_("Joined a group"),
        "leave group": N_("Left a group"),
        "give consent": N_("Gave consent"),
        "write down consent": N_("Wrote a consent down"),
        "withdraw consent": N_("Ended a consent"),
        "hand on": N_("Handed a person on to another caseworker"),
        "restrict": N_("Kept a record out of every search"),
        "keep from": N_("Kept a record from somebody"),
        "lift restriction": N_("Ended a restriction"),
        "ask to link": N_("Asked to link two records"),
        "link": N_("Linked two records"),
        "refuse to link": N_("Refused to link two records"),
        "undo link": N_("Undid the link of two records"),
        "break glass": N_("Broke the glass"),
        "ask to break glass": N_("Asked to break the glass"),
        "agree to break glass": N_("Agreed to break the glass"),
        "end glass": N_("Closed the glass again"),
        "review glass": N_("Reviewed a broken glass"),
        "send feedback": N_("Sent a complaint, thanks or correction"),
        "take feedback": N_("Took what a person wrote"),
        "give back feedback": N_("Gave back what a person wrote"),
        "answer feedback": N_("Answered what a person wrote"),
        "open request": N_("Opened a request by right"),
        "extend request": N_("Extended a request by right"),
        "close request": N_("Closed a request by right"),
        "export for request": N_("Downloaded all that is held, for a request"),
        "take tray item": N_("Took a letter or call"),
        "give back tray item": N_("Gave back a letter or call"),
        "finish tray item": N_("Finished a letter or call"),
        "free tray item": N_("Freed a letter or call"),
        "send message again": N_("Sent a message again"),
    }
)

# Who did something, by the kind the record keeps: a role of the staff, or one of these.
WHO: Mapping[str, str] = {
    **ROLES,
    "staff": N_("Staff"),
    "resident": N_("A resident, with PIN or pictures"),
    "visit": N_("A visitor"),
    "code": N_("Somebody with the code alone"),
    "group": N_("A group"),
    "helper": N_("A helper"),
    "command": N_("Who runs the service"),
    "retention": N_("The service itself"),
    "restore": N_("The service itself"),
}
