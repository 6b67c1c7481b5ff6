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
# Held in one organisation, but they reach the whole city; only a platform admin gives them.
CITY_WIDE = frozenset({"platform_admin", "insights_viewer", "data_protection"})

SESSION_IDLE = timedelta(minutes=30)
SESSION_WARNED = timedelta(minutes=5)  # so long before the end of the idle time a notice offers to stay
SESSION_LONGEST = timedelta(hours=10)
# A change of what opens the account asks for the password again when the last proof is older than this.
PROOF_FRESH = timedelta(minutes=5)
HALF_WAY = timedelta(minutes=10)  # between the right password and the second factor
INVITATION_LIFE = timedelta(days=7)
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
