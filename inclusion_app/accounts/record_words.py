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
}
OPENED = N_("Opened a page")


def action_words(action: str) -> str:
    """An act of the record in words (N_); the name of a change nobody described stands as it is."""
    if action in ACTIONS:
        return ACTIONS[action]
    return OPENED if action.startswith("read ") else action
