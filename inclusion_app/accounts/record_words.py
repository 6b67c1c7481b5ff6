"""What the acts in the record are called in the log an organisation's admin reads. Rooms above add theirs."""

from __future__ import annotations

from inclusion_app.core.words import N_

ACTIONS = {
    "read accounts.own_organisation": N_("Looked at the staff of the organisation"),
    "read accounts.organisation": N_("Looked at the staff of the organisation"),
    "read accounts.colleague": N_("Looked at the roles of a colleague"),
    "read accounts.end_access": N_("Looked at the roles of a colleague"),
    "read accounts.staff_list": N_("Took the staff list as a file"),
    "read accounts.read_log": N_("Looked at this log"),
    "make organisation": N_("Made an organisation"),
    "close organisation": N_("Closed an organisation"),
    "share caseload": N_("Let caseworkers share their caseload"),
    "unshare caseload": N_("Ended the shared caseload"),
    "invite staff": N_("Invited somebody"),
    "take back invitation": N_("Took an invitation back"),
    "accept invitation": N_("Accepted an invitation"),
    "change roles": N_("Changed the roles of a colleague"),
    "read accounts.end_sign_ins": N_("Looked at the roles of a colleague"),
    "end sign-ins": N_("Ended the sign-ins of a colleague"),
    "end staff": N_("Ended the access of a colleague"),
    "act for": N_("Acted for another organisation"),
    "verify record": N_("Checked the record"),
    "set up app": N_("Set up an app for codes"),
    "remove app": N_("Removed the app for codes"),
    "add key": N_("Added a key"),
    "remove key": N_("Removed a key"),
    "new recovery codes": N_("Made new recovery codes"),
    "change recovery codes": N_("Made new recovery codes"),
    "use recovery code": N_("Used a recovery code"),
    "reset factors": N_("Took away the second factors of a colleague"),
    "change password": N_("Changed their password"),
}
OPENED = N_("Opened a page")
EXPIRED = N_("Deleted at the end of its time")
CHANGED = N_("Made a change")


def action_words(action: str) -> str:
    """An act of the record in words (N_); there are always some, also for what nobody described yet."""
    if action in ACTIONS:
        return ACTIONS[action]
    if action.startswith("read "):
        return OPENED
    return EXPIRED if action.startswith("expire ") else CHANGED  # "expire visits": what it was stands behind
