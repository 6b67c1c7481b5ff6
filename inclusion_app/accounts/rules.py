"""Who may work with the service, in which role, and for how long a sign-in lasts. Pure."""

from __future__ import annotations

from datetime import timedelta

from inclusion_app.core.words import N_

ORGANISATION_KINDS = {
    "council": N_("Council"),
    "voluntary": N_("Voluntary or community organisation"),
    "library": N_("Library"),
    "provider": N_("Training provider"),
    "jobcentre": N_("Jobcentre"),
    "health": N_("Health team"),
}

# A role belongs to a membership of one organisation. The names stand in the record of reads.
ROLES = {
    "caseworker": N_("Caseworker"),
    "loan_coordinator": N_("Loan coordinator"),
    "training_organiser": N_("Training organiser"),
    "organisation_admin": N_("Organisation admin"),
    "safeguarding_lead": N_("Safeguarding lead"),
    "front_desk": N_("Front desk"),
    "places_editor": N_("Places editor"),
    "referrer": N_("Referrer"),
    "group_facilitator": N_("Group facilitator"),
    "platform_admin": N_("Platform admin"),
    "insights_viewer": N_("Insights viewer"),
    "data_protection": N_("Data-protection officer"),
}
# What each role is for, in a sentence for whoever gives or is given it.
ROLE_WORDS = {
    "caseworker": N_("Helps residents with their plan and sees what they agreed to share."),
    "loan_coordinator": N_("Lends devices and takes them back."),
    "training_organiser": N_("Runs courses and their registers."),
    "organisation_admin": N_("Invites staff and gives them roles. Sees nothing of residents."),
    "safeguarding_lead": N_("Looks after concerns about somebody's safety."),
    "front_desk": N_("Helps a person who is there with their code. Cannot search."),
    "places_editor": N_("Keeps the facts about places right. Sees no personal data."),
    "referrer": N_("Makes referrals and follows their own."),
    "group_facilitator": N_("Runs self-help groups."),
    "platform_admin": N_("Looks after all organisations of the city. Sees nothing of residents."),
    "insights_viewer": N_("Sees sums for the city, never a person."),
    "data_protection": N_("Answers requests about personal data for the whole city."),
}
# Held in one organisation, but they reach the whole city; only a platform admin gives them.
CITY_WIDE = frozenset({"platform_admin", "insights_viewer", "data_protection"})

# How long a sign-in lasts stands in core/staff_sessions.py; so long before the end of its idle time a notice offers to stay.
SESSION_WARNED = timedelta(minutes=5)
# A change of what opens the account asks for the password again when the last proof is older than this.
PROOF_FRESH = timedelta(minutes=5)
INVITATION_PATH = "/staff/invitation/"
INVITATION_LIFE = timedelta(days=7)
EXPIRES_SOON = timedelta(days=2)
INVITATION_KEPT = timedelta(days=30)  # after its end, so that an admin sees that it was not answered
RECOVER_LIFE = timedelta(hours=1)
RECOVERY_CODES = 10
PASSWORD_SHORTEST, PASSWORD_LONGEST = 12, 200
NAME_LENGTH, ORGANISATION_LENGTH, EMAIL_LENGTH = 80, 100, 254


def may_give(giver_roles: frozenset[str], role: str) -> bool:
    """True when somebody with these roles may give this one: an organisation's admin gives those that stay within."""
    if role not in ROLES:
        return False
    if "platform_admin" in giver_roles:
        return True
    return "organisation_admin" in giver_roles and role not in CITY_WIDE
