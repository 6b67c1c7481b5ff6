"""organisations, staff and sign-in; records, consents and requests of residents; the outbox and its trays"""

import sqlalchemy as sa
from alembic import op

revision = "3d6ff9c79c87"
down_revision = "c3f1a9d27b40"
branch_labels = None
depends_on = None


def upgrade() -> None:  # noqa: PLR0915 - one table after the other
    of_an_organisation = sa.text("organisation_id IS NOT NULL")
    op.create_index(
        "ix_audit_rows_organisation_id",
        "audit_rows",
        ["organisation_id", "id"],
        sqlite_where=of_an_organisation,
        postgresql_where=of_an_organisation,
    )
    op.create_table(
        "job_runs",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ok_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fault", sa.String(length=60), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_job_runs")),
    )
    op.create_table(
        "stopped_addresses",
        sa.Column("value_hash", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("value_hash", name=op.f("pk_stopped_addresses")),
    )
    op.create_table(
        "organisations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("shares_caseload", sa.Boolean(), nullable=False),
        sa.Column("is_demonstration", sa.Boolean(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind IN ('council', 'voluntary', 'library', 'provider', 'jobcentre', 'health')",
            name=op.f("ck_organisations_kind_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisations")),
        sa.UniqueConstraint("name", name=op.f("uq_organisations_name")),
    )
    op.create_table(
        "staff",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_hash", sa.String(length=64), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=True),
        sa.Column("password_set_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
        sa.UniqueConstraint("email_hash", name=op.f("uq_staff_email_hash")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "access_requests",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("resident_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("extended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("extension", sa.String(length=10), nullable=True),
        sa.Column("opened_by_id", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(length=20), nullable=True),
        sa.CheckConstraint(
            "kind IN ('access', 'correction', 'erasure', 'objection')",
            name=op.f("ck_access_requests_kind_known"),
        ),
        sa.CheckConstraint(
            "(closed_at IS NULL) = (outcome IS NULL)", name=op.f("ck_access_requests_closed_with_outcome")
        ),
        sa.CheckConstraint(
            "outcome IS NULL OR outcome IN ('granted', 'partly', 'refused', 'withdrawn')",
            name=op.f("ck_access_requests_outcome_known"),
        ),
        sa.CheckConstraint(
            "(extended_at IS NULL) = (extension IS NULL)",
            name=op.f("ck_access_requests_extended_with_reason"),
        ),
        sa.CheckConstraint(
            "extension IS NULL OR extension IN ('complex', 'many')",
            name=op.f("ck_access_requests_extension_known"),
        ),
        sa.ForeignKeyConstraint(
            ["opened_by_id"], ["staff.id"], name=op.f("fk_access_requests_opened_by_id_staff")
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"],
            ["residents.id"],
            name=op.f("fk_access_requests_resident_id_residents"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_requests")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("access_requests", schema=None) as batch_op:
        batch_op.create_index(op.f("ix_access_requests_resident_id"), ["resident_id"], unique=False)

    op.create_table(
        "break_glasses",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("resident_id", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("second_id", sa.Integer(), nullable=True),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reviewed_by_id", sa.Integer(), nullable=True),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finding", sa.String(length=20), nullable=True),
        sa.Column("open_slot", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(began_at IS NULL) = (ends_at IS NULL)", name=op.f("ck_break_glasses_began_with_end")
        ),
        sa.CheckConstraint(
            "(reviewed_at IS NULL) = (finding IS NULL)", name=op.f("ck_break_glasses_reviewed_with_finding")
        ),
        sa.CheckConstraint(
            "finding IS NULL OR finding IN ('justified', 'not_justified', 'follow_up')",
            name=op.f("ck_break_glasses_finding_known"),
        ),
        sa.CheckConstraint(
            "open_slot IS NULL OR open_slot = staff_id", name=op.f("ck_break_glasses_own_slot")
        ),
        sa.CheckConstraint(
            "reviewed_by_id IS NULL OR reviewed_by_id <> staff_id",
            name=op.f("ck_break_glasses_reviewed_by_another"),
        ),
        sa.CheckConstraint(
            "reviewed_by_id IS NULL OR second_id IS NULL OR reviewed_by_id <> second_id",
            name=op.f("ck_break_glasses_reviewed_by_a_third"),
        ),
        sa.CheckConstraint(
            "second_id IS NULL OR second_id <> staff_id", name=op.f("ck_break_glasses_two_people")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_break_glasses_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"],
            ["residents.id"],
            name=op.f("fk_break_glasses_resident_id_residents"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["reviewed_by_id"], ["staff.id"], name=op.f("fk_break_glasses_reviewed_by_id_staff")
        ),
        sa.ForeignKeyConstraint(["second_id"], ["staff.id"], name=op.f("fk_break_glasses_second_id_staff")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_break_glasses_staff_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_break_glasses")),
        sa.UniqueConstraint("open_slot", name=op.f("uq_break_glasses_open_slot")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("break_glasses", schema=None) as batch_op:
        batch_op.create_index(op.f("ix_break_glasses_organisation_id"), ["organisation_id"], unique=False)
        batch_op.create_index(op.f("ix_break_glasses_resident_id"), ["resident_id"], unique=False)
        batch_op.create_index(op.f("ix_break_glasses_staff_id"), ["staff_id"], unique=False)

    op.create_table(
        "caseload_entries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("resident_id", sa.Integer(), nullable=False),
        sa.Column("since_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_caseload_entries_organisation_id_organisations"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"],
            ["residents.id"],
            name=op.f("fk_caseload_entries_resident_id_residents"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_caseload_entries_staff_id_staff"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_caseload_entries")),
        sa.UniqueConstraint(
            "organisation_id",
            "staff_id",
            "resident_id",
            name=op.f("uq_caseload_entries_organisation_id_staff_id_resident_id"),
        ),
    )
    with op.batch_alter_table("caseload_entries", schema=None) as batch_op:
        batch_op.create_index(op.f("ix_caseload_entries_resident_id"), ["resident_id"], unique=False)
        batch_op.create_index(op.f("ix_caseload_entries_staff_id"), ["staff_id"], unique=False)

    op.create_table(
        "consents",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("resident_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(length=40), nullable=False),
        sa.Column("basis", sa.String(length=20), nullable=False),
        sa.Column("wording", sa.String(length=20), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("how", sa.String(length=10), nullable=False),
        sa.Column("told_staff_id", sa.Integer(), nullable=True),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "basis IN ('consent', 'public_task', 'vital_interests')", name=op.f("ck_consents_basis_known")
        ),
        sa.CheckConstraint("how IN ('screen', 'paper', 'spoken')", name=op.f("ck_consents_how_known")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_consents_organisation_id_organisations")
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"],
            ["residents.id"],
            name=op.f("fk_consents_resident_id_residents"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["told_staff_id"], ["staff.id"], name=op.f("fk_consents_told_staff_id_staff"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("consents", schema=None) as batch_op:
        batch_op.create_index(
            "ix_consents_organisation_id_resident_id", ["organisation_id", "resident_id"], unique=False
        )
        batch_op.create_index(op.f("ix_consents_resident_id"), ["resident_id"], unique=False)

    op.create_table(
        "contact_routes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("resident_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("value_hash", sa.String(length=64), nullable=True),
        sa.Column("is_adults", sa.Boolean(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('sms', 'email', 'letter', 'call', 'caseworker')",
            name=op.f("ck_contact_routes_kind_known"),
        ),
        sa.CheckConstraint(
            "(value IS NULL) = (value_hash IS NULL)", name=op.f("ck_contact_routes_value_with_hash")
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"],
            ["residents.id"],
            name=op.f("fk_contact_routes_resident_id_residents"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_routes")),
        sa.UniqueConstraint("resident_id", "position", name=op.f("uq_contact_routes_resident_id_position")),
    )
    with op.batch_alter_table("contact_routes", schema=None) as batch_op:
        batch_op.create_index(op.f("ix_contact_routes_value_hash"), ["value_hash"], unique=False)

    op.create_table(
        "feedback",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("resident_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind IN ('complaint', 'thanks', 'correction')", name=op.f("ck_feedback_kind_known")
        ),
        sa.CheckConstraint(
            "(answer IS NULL) = (answered_at IS NULL)", name=op.f("ck_feedback_answered_with_time")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_feedback_organisation_id_organisations")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["staff.id"], name=op.f("fk_feedback_owner_id_staff"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"],
            ["residents.id"],
            name=op.f("fk_feedback_resident_id_residents"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feedback")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("feedback", schema=None) as batch_op:
        batch_op.create_index(op.f("ix_feedback_organisation_id"), ["organisation_id"], unique=False)
        batch_op.create_index(op.f("ix_feedback_resident_id"), ["resident_id"], unique=False)

    op.create_table(
        "retention_runs",
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("ran_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("gone", sa.Integer(), nullable=False),
        sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("gone_in_all", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_retention_runs")),
    )

    op.create_table(
        "invitations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_hash", sa.String(length=64), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("roles", sa.String(length=300), nullable=False),
        sa.Column("invited_by_id", sa.Integer(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("staff_id", sa.Integer(), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(used_at IS NULL) = (staff_id IS NULL)", name=op.f("ck_invitations_used_by_somebody")
        ),
        sa.CheckConstraint(
            "used_at IS NULL OR revoked_at IS NULL", name=op.f("ck_invitations_used_or_revoked")
        ),
        sa.ForeignKeyConstraint(
            ["invited_by_id"],
            ["staff.id"],
            name=op.f("fk_invitations_invited_by_id_staff"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_invitations_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_invitations_staff_id_staff"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_invitations_token_hash")),
    )
    with op.batch_alter_table("invitations", schema=None) as batch_op:
        batch_op.create_index(op.f("ix_invitations_email_hash"), ["email_hash"], unique=False)
        batch_op.create_index(op.f("ix_invitations_organisation_id"), ["organisation_id"], unique=False)

    op.create_table(
        "known_devices",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_known_devices_staff_id_staff"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_known_devices")),
        sa.UniqueConstraint("staff_id", "token_hash", name=op.f("uq_known_devices_staff_id_token_hash")),
    )
    with op.batch_alter_table("known_devices", schema=None) as batch_op:
        batch_op.create_index(op.f("ix_known_devices_last_at"), ["last_at"], unique=False)

    op.create_table(
        "memberships",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("since_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "role IN ('caseworker', 'loan_coordinator', 'training_organiser', 'organisation_admin',"
            " 'safeguarding_lead', 'front_desk', 'places_editor', 'referrer', 'group_facilitator',"
            " 'platform_admin', 'insights_viewer', 'data_protection')",
            name=op.f("ck_memberships_role_known"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_memberships_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_memberships_staff_id_staff"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_memberships")),
    )
    with op.batch_alter_table("memberships", schema=None) as batch_op:
        batch_op.create_index(
            "ix_memberships_live",
            ["staff_id", "organisation_id", "role"],
            unique=True,
            sqlite_where=sa.text("until_at IS NULL"),
            postgresql_where=sa.text("until_at IS NULL"),
        )
        batch_op.create_index(op.f("ix_memberships_organisation_id"), ["organisation_id"], unique=False)

    op.create_table(
        "merges",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kept_id", sa.Integer(), nullable=False),
        sa.Column("gone_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("asked_by_id", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("agreed_by_id", sa.Integer(), nullable=True),
        sa.Column("agreed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_by_id", sa.Integer(), nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(agreed_by_id IS NULL) = (agreed_at IS NULL)", name=op.f("ck_merges_agreed_with_time")
        ),
        sa.CheckConstraint(
            "agreed_by_id IS NULL OR agreed_by_id <> asked_by_id", name=op.f("ck_merges_two_people")
        ),
        sa.CheckConstraint("kept_id <> gone_id", name=op.f("ck_merges_two_residents")),
        sa.ForeignKeyConstraint(["agreed_by_id"], ["staff.id"], name=op.f("fk_merges_agreed_by_id_staff")),
        sa.ForeignKeyConstraint(["asked_by_id"], ["staff.id"], name=op.f("fk_merges_asked_by_id_staff")),
        sa.ForeignKeyConstraint(
            ["gone_id"], ["residents.id"], name=op.f("fk_merges_gone_id_residents"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["kept_id"], ["residents.id"], name=op.f("fk_merges_kept_id_residents"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_merges_organisation_id_organisations")
        ),
        sa.ForeignKeyConstraint(["undone_by_id"], ["staff.id"], name=op.f("fk_merges_undone_by_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merges")),
    )
    with op.batch_alter_table("merges", schema=None) as batch_op:
        batch_op.create_index(op.f("ix_merges_gone_id"), ["gone_id"], unique=False)
        batch_op.create_index(op.f("ix_merges_kept_id"), ["kept_id"], unique=False)

    op.create_table(
        "messages",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("template", sa.String(length=40), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("params", sa.Text(), nullable=True),
        sa.Column("resident_id", sa.Integer(), nullable=True),
        sa.Column("staff_id", sa.Integer(), nullable=True),
        sa.Column("organisation_id", sa.Integer(), nullable=True),
        sa.Column("from_officer", sa.Boolean(), nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("to", sa.Text(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("provider_id", sa.String(length=80), nullable=True),
        sa.Column("fault", sa.String(length=40), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(state = 'sending') = (claimed_until IS NOT NULL)", name=op.f("ck_messages_sending_is_claimed")
        ),
        sa.CheckConstraint(
            "(state = 'sent') = (sent_at IS NOT NULL)", name=op.f("ck_messages_sent_with_time")
        ),
        sa.CheckConstraint(
            "channel IN ('email', 'sms', 'letter', 'call')", name=op.f("ck_messages_channel_known")
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'sending', 'sent', 'dead', 'dropped')", name=op.f("ck_messages_state_known")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_messages_organisation_id_organisations")
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"],
            ["residents.id"],
            name=op.f("fk_messages_resident_id_residents"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_messages_staff_id_staff"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.UniqueConstraint("key", name=op.f("uq_messages_key")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.create_index(op.f("ix_messages_made_at"), ["made_at"], unique=False)
        batch_op.create_index(op.f("ix_messages_organisation_id"), ["organisation_id"], unique=False)
        batch_op.create_index(op.f("ix_messages_provider_id"), ["provider_id"], unique=False)
        batch_op.create_index(op.f("ix_messages_resident_id"), ["resident_id"], unique=False)
        batch_op.create_index(op.f("ix_messages_staff_id"), ["staff_id"], unique=False)
        batch_op.create_index("ix_messages_state_next_try_at", ["state", "next_try_at"], unique=False)

    op.create_table(
        "passkeys",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("credential_id", sa.String(length=1400), nullable=False),
        sa.Column("public_key", sa.String(length=1400), nullable=False),
        sa.Column("sign_count", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(length=60), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_passkeys_staff_id_staff"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkeys")),
        sa.UniqueConstraint("credential_id", name=op.f("uq_passkeys_credential_id")),
    )
    with op.batch_alter_table("passkeys", schema=None) as batch_op:
        batch_op.create_index(op.f("ix_passkeys_staff_id"), ["staff_id"], unique=False)

    op.create_table(
        "recovery_codes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_recovery_codes_staff_id_staff"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_codes")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_recovery_codes_code_hash")),
    )
    with op.batch_alter_table("recovery_codes", schema=None) as batch_op:
        batch_op.create_index(op.f("ix_recovery_codes_staff_id"), ["staff_id"], unique=False)

    op.create_table(
        "resident_links",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("resident_id", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["resident_id"],
            ["residents.id"],
            name=op.f("fk_resident_links_resident_id_residents"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_resident_links")),
    )
    with op.batch_alter_table("resident_links", schema=None) as batch_op:
        batch_op.create_index(op.f("ix_resident_links_resident_id"), ["resident_id"], unique=False)

    op.create_table(
        "restrictions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("resident_id", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=True),
        sa.Column("organisation_id", sa.Integer(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(staff_id IS NULL) <> (organisation_id IS NULL)", name=op.f("ck_restrictions_one_of_two")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_restrictions_organisation_id_organisations"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"],
            ["residents.id"],
            name=op.f("fk_restrictions_resident_id_residents"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_restrictions_staff_id_staff"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_restrictions")),
        sa.UniqueConstraint(
            "resident_id", "organisation_id", name=op.f("uq_restrictions_resident_id_organisation_id")
        ),
        sa.UniqueConstraint("resident_id", "staff_id", name=op.f("uq_restrictions_resident_id_staff_id")),
    )
    op.create_table(
        "staff_links",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_staff_links_staff_id_staff"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_staff_links")),
    )
    with op.batch_alter_table("staff_links", schema=None) as batch_op:
        batch_op.create_index(op.f("ix_staff_links_staff_id"), ["staff_id"], unique=False)

    op.create_table(
        "staff_sessions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=True),
        sa.Column("stage", sa.String(length=10), nullable=False),
        sa.Column("challenge", sa.String(length=100), nullable=True),
        sa.Column("device", sa.String(length=60), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("proven_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "stage <> 'full' OR organisation_id IS NOT NULL",
            name=op.f("ck_staff_sessions_full_acts_somewhere"),
        ),
        sa.CheckConstraint(
            "stage IN ('password', 'codes', 'full')", name=op.f("ck_staff_sessions_stage_known")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_staff_sessions_organisation_id_organisations"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_staff_sessions_staff_id_staff"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_staff_sessions_token_hash")),
    )
    with op.batch_alter_table("staff_sessions", schema=None) as batch_op:
        batch_op.create_index(op.f("ix_staff_sessions_last_used_at"), ["last_used_at"], unique=False)
        batch_op.create_index(op.f("ix_staff_sessions_staff_id"), ["staff_id"], unique=False)

    op.create_table(
        "desk_papers",
        sa.Column("session_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("resident_id", sa.Integer(), nullable=False),
        sa.Column("old_code_hash", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["resident_id"],
            ["residents.id"],
            name=op.f("fk_desk_papers_resident_id_residents"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["staff_sessions.id"],
            name=op.f("fk_desk_papers_session_id_staff_sessions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_desk_papers")),
    )
    with op.batch_alter_table("desk_papers", schema=None) as batch_op:
        batch_op.create_index(op.f("ix_desk_papers_resident_id"), ["resident_id"], unique=False)

    op.create_table(
        "totps",
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("last_step", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_totps_staff_id_staff"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("staff_id", name=op.f("pk_totps")),
    )
    op.create_table(
        "consent_items",
        sa.Column("consent_id", sa.Integer(), nullable=False),
        sa.Column("item", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(
            ["consent_id"],
            ["consents.id"],
            name=op.f("fk_consent_items_consent_id_consents"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("consent_id", "item", name=op.f("pk_consent_items")),
    )
    op.create_table(
        "tray_items",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_by_id", sa.Integer(), nullable=True),
        sa.Column("outcome", sa.String(length=20), nullable=True),
        sa.CheckConstraint("kind IN ('letter', 'call')", name=op.f("ck_tray_items_kind_known")),
        sa.CheckConstraint(
            "(done_at IS NULL) = (outcome IS NULL)", name=op.f("ck_tray_items_done_with_outcome")
        ),
        sa.ForeignKeyConstraint(
            ["done_by_id"], ["staff.id"], name=op.f("fk_tray_items_done_by_id_staff"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["messages.id"],
            name=op.f("fk_tray_items_message_id_messages"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_tray_items_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["staff.id"], name=op.f("fk_tray_items_owner_id_staff"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tray_items")),
        sa.UniqueConstraint("message_id", name=op.f("uq_tray_items_message_id")),
    )
    with op.batch_alter_table("tray_items", schema=None) as batch_op:
        batch_op.create_index(
            "ix_tray_items_organisation_id_done_at", ["organisation_id", "done_at"], unique=False
        )
        batch_op.create_index(op.f("ix_tray_items_owner_id"), ["owner_id"], unique=False)

    with op.batch_alter_table("residents", schema=None) as batch_op:
        batch_op.add_column(sa.Column("name", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("name_hash", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("spoken", sa.String(length=20), nullable=True))
        batch_op.add_column(sa.Column("read", sa.String(length=20), nullable=True))
        batch_op.add_column(sa.Column("age_band", sa.String(length=10), nullable=True))
        batch_op.add_column(sa.Column("ward", sa.String(length=12), nullable=True))
        batch_op.add_column(sa.Column("postcode_sector", sa.String(length=8), nullable=True))
        batch_op.add_column(sa.Column("address", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("needs", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("safe_contact", sa.Text(), nullable=True))
        batch_op.add_column(
            sa.Column("is_restricted", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        batch_op.add_column(sa.Column("merged_into_id", sa.Integer(), nullable=True))
        batch_op.create_index(op.f("ix_residents_merged_into_id"), ["merged_into_id"], unique=False)
        batch_op.create_index(op.f("ix_residents_name_hash"), ["name_hash"], unique=False)
        batch_op.create_foreign_key(
            op.f("fk_residents_merged_into_id_residents"),
            "residents",
            ["merged_into_id"],
            ["id"],
            ondelete="SET NULL",
        )
        batch_op.create_check_constraint(
            op.f("ck_residents_merged_into_another"), "merged_into_id IS NULL OR merged_into_id <> id"
        )
    with op.batch_alter_table("residents", schema=None) as batch_op:
        batch_op.alter_column("is_restricted", server_default=None)


def downgrade() -> None:  # noqa: PLR0915
    op.drop_index("ix_audit_rows_organisation_id", table_name="audit_rows")
    with op.batch_alter_table("residents", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_residents_merged_into_another"), type_="check")
        batch_op.drop_constraint(op.f("fk_residents_merged_into_id_residents"), type_="foreignkey")
        batch_op.drop_index(op.f("ix_residents_name_hash"))
        batch_op.drop_index(op.f("ix_residents_merged_into_id"))
        batch_op.drop_column("merged_into_id")
        batch_op.drop_column("is_restricted")
        batch_op.drop_column("safe_contact")
        batch_op.drop_column("needs")
        batch_op.drop_column("address")
        batch_op.drop_column("postcode_sector")
        batch_op.drop_column("ward")
        batch_op.drop_column("age_band")
        batch_op.drop_column("read")
        batch_op.drop_column("spoken")
        batch_op.drop_column("name_hash")
        batch_op.drop_column("name")

    with op.batch_alter_table("tray_items", schema=None) as batch_op:
        batch_op.drop_index(op.f("ix_tray_items_owner_id"))
        batch_op.drop_index("ix_tray_items_organisation_id_done_at")

    op.drop_table("tray_items")
    op.drop_table("consent_items")
    op.drop_table("totps")
    with op.batch_alter_table("desk_papers", schema=None) as batch_op:
        batch_op.drop_index(op.f("ix_desk_papers_resident_id"))

    op.drop_table("desk_papers")
    with op.batch_alter_table("staff_sessions", schema=None) as batch_op:
        batch_op.drop_index(op.f("ix_staff_sessions_staff_id"))
        batch_op.drop_index(op.f("ix_staff_sessions_last_used_at"))

    op.drop_table("staff_sessions")
    with op.batch_alter_table("staff_links", schema=None) as batch_op:
        batch_op.drop_index(op.f("ix_staff_links_staff_id"))

    op.drop_table("staff_links")
    op.drop_table("restrictions")
    with op.batch_alter_table("resident_links", schema=None) as batch_op:
        batch_op.drop_index(op.f("ix_resident_links_resident_id"))

    op.drop_table("resident_links")
    with op.batch_alter_table("recovery_codes", schema=None) as batch_op:
        batch_op.drop_index(op.f("ix_recovery_codes_staff_id"))

    op.drop_table("recovery_codes")
    with op.batch_alter_table("passkeys", schema=None) as batch_op:
        batch_op.drop_index(op.f("ix_passkeys_staff_id"))

    op.drop_table("passkeys")
    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.drop_index("ix_messages_state_next_try_at")
        batch_op.drop_index(op.f("ix_messages_staff_id"))
        batch_op.drop_index(op.f("ix_messages_resident_id"))
        batch_op.drop_index(op.f("ix_messages_provider_id"))
        batch_op.drop_index(op.f("ix_messages_organisation_id"))
        batch_op.drop_index(op.f("ix_messages_made_at"))

    op.drop_table("messages")
    with op.batch_alter_table("merges", schema=None) as batch_op:
        batch_op.drop_index(op.f("ix_merges_kept_id"))
        batch_op.drop_index(op.f("ix_merges_gone_id"))

    op.drop_table("merges")
    with op.batch_alter_table("memberships", schema=None) as batch_op:
        batch_op.drop_index(op.f("ix_memberships_organisation_id"))
        batch_op.drop_index(
            "ix_memberships_live",
            sqlite_where=sa.text("until_at IS NULL"),
            postgresql_where=sa.text("until_at IS NULL"),
        )

    op.drop_table("memberships")
    with op.batch_alter_table("known_devices", schema=None) as batch_op:
        batch_op.drop_index(op.f("ix_known_devices_last_at"))

    op.drop_table("known_devices")
    with op.batch_alter_table("invitations", schema=None) as batch_op:
        batch_op.drop_index(op.f("ix_invitations_organisation_id"))
        batch_op.drop_index(op.f("ix_invitations_email_hash"))

    op.drop_table("invitations")
    op.drop_table("retention_runs")
    with op.batch_alter_table("feedback", schema=None) as batch_op:
        batch_op.drop_index(op.f("ix_feedback_resident_id"))
        batch_op.drop_index(op.f("ix_feedback_organisation_id"))

    op.drop_table("feedback")
    with op.batch_alter_table("contact_routes", schema=None) as batch_op:
        batch_op.drop_index(op.f("ix_contact_routes_value_hash"))

    op.drop_table("contact_routes")
    with op.batch_alter_table("consents", schema=None) as batch_op:
        batch_op.drop_index(op.f("ix_consents_resident_id"))
        batch_op.drop_index("ix_consents_organisation_id_resident_id")

    op.drop_table("consents")
    with op.batch_alter_table("caseload_entries", schema=None) as batch_op:
        batch_op.drop_index(op.f("ix_caseload_entries_staff_id"))
        batch_op.drop_index(op.f("ix_caseload_entries_resident_id"))

    op.drop_table("caseload_entries")
    with op.batch_alter_table("break_glasses", schema=None) as batch_op:
        batch_op.drop_index(op.f("ix_break_glasses_staff_id"))
        batch_op.drop_index(op.f("ix_break_glasses_resident_id"))
        batch_op.drop_index(op.f("ix_break_glasses_organisation_id"))

    op.drop_table("break_glasses")
    with op.batch_alter_table("access_requests", schema=None) as batch_op:
        batch_op.drop_index(op.f("ix_access_requests_resident_id"))

    op.drop_table("access_requests")
    op.drop_table("staff")
    op.drop_table("organisations")
    op.drop_table("stopped_addresses")
    op.drop_table("job_runs")
