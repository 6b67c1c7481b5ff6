"""Who may look after which organisation, its staff and its record: one table for the check and the list filter.

An organisation admin reaches the organisation they act for, a platform admin every one. The read log and the staff
list of an organisation are for its own admin alone. What stands nowhere is denied.
"""

from __future__ import annotations

from inclusion_app.accounts.models import Organisation
from inclusion_app.core.permissions import EVERY_ROW, PermissionTable, Scope

OWN = Scope("own organisation", lambda principal: Organisation.id == principal.organisation_id)

TABLE = PermissionTable(
    Organisation,
    {
        "organisation.manage": {"organisation_admin": OWN, "platform_admin": EVERY_ROW},
        "organisation.export": {"organisation_admin": OWN},
        "organisation.reads": {"organisation_admin": OWN},
        "organisation.share": {"organisation_admin": OWN, "platform_admin": EVERY_ROW},
        "organisation.run": {"platform_admin": EVERY_ROW},
        "record.verify": {"platform_admin": EVERY_ROW},
    },
)
MANAGE = TABLE.permission("organisation.manage")
EXPORT = TABLE.permission("organisation.export")
READS = TABLE.permission("organisation.reads")
SHARE = TABLE.permission("organisation.share")
RUN = TABLE.permission("organisation.run")
VERIFY = TABLE.permission("record.verify")
