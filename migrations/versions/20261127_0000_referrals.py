"""referrals: services, referrals and what was said about them, notes, files, tasks, sheets; safeguarding flags"""

import sqlalchemy as sa
from alembic import op

revision = "e81b5d2f7a30"
down_revision = "c4f1d09be672"
branch_labels = None
depends_on = None

ONE_OWNER = "ck_status_changes_one_owner"
OWNERS = ("roadmap_id", "place_id", "booking_id", "loan_request_id", "loan_id", "unit_id")


def one_of(*owners: str) -> str:
    """Exactly one of these columns names the owner of a change."""
    return " + ".join(f"CASE WHEN {owner} IS NULL THEN 0 ELSE 1 END" for owner in owners) + " = 1"


def upgrade() -> None:  # noqa: PLR0915 - one table after the other
    op.create_table(
        "group_facilitators",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("since_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_with", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["self_help_groups.id"],
            name=op.f("fk_group_facilitators_group_id_self_help_groups"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_group_facilitators_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_group_facilitators_staff_id_staff"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_group_facilitators")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("group_facilitators", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_group_facilitators_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_group_facilitators_staff_id"), ["staff_id"], unique=False)
        batch_op.create_index(
            "uq_group_facilitators_live",
            ["group_id", "staff_id", "organisation_id"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    op.create_table(
        "case_files",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("resident_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.String(length=40), nullable=False),
        sa.Column("stored_as", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["author_id"], ["staff.id"], name=op.f("fk_case_files_author_id_staff"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_case_files_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"],
            ["residents.id"],
            name=op.f("fk_case_files_resident_id_residents"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_files")),
        sa.UniqueConstraint("stored_as", name=op.f("uq_case_files_stored_as")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("case_files", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_case_files_author_id"), ["author_id"], unique=False)
        batch_op.create_index(
            "ix_case_files_organisation_id_resident_id", ["organisation_id", "resident_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_case_files_resident_id"), ["resident_id"], unique=False)

    op.create_table(
        "case_notes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("form_key", sa.String(length=64), nullable=False),
        sa.Column("resident_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("happened_on", sa.Date(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("is_shareable", sa.Boolean(), nullable=False),
        sa.Column("amends_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('visit', 'call', 'message', 'outreach', 'other')", name=op.f("ck_case_notes_kind_known")
        ),
        sa.CheckConstraint("amends_id IS NULL OR amends_id <> id", name=op.f("ck_case_notes_amends_another")),
        sa.ForeignKeyConstraint(
            ["amends_id"],
            ["case_notes.id"],
            name=op.f("fk_case_notes_amends_id_case_notes"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["author_id"], ["staff.id"], name=op.f("fk_case_notes_author_id_staff"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_case_notes_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"],
            ["residents.id"],
            name=op.f("fk_case_notes_resident_id_residents"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_notes")),
        sa.UniqueConstraint("form_key", name=op.f("uq_case_notes_form_key")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("case_notes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_case_notes_amends_id"), ["amends_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_case_notes_author_id"), ["author_id"], unique=False)
        batch_op.create_index(
            "ix_case_notes_organisation_id_resident_id", ["organisation_id", "resident_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_case_notes_resident_id"), ["resident_id"], unique=False)

    op.create_table(
        "city_services",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("helps", sa.String(length=120), nullable=False),
        sa.Column("summary", sa.String(length=300), nullable=False),
        sa.Column("wards", sa.String(length=600), nullable=False),
        sa.Column("ages", sa.String(length=80), nullable=False),
        sa.Column("languages", sa.String(length=120), nullable=False),
        sa.Column("places", sa.Integer(), nullable=True),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("keeps_waiting_list", sa.Boolean(), nullable=False),
        sa.Column("reply_days", sa.Integer(), nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=False),
        sa.Column("website", sa.String(length=200), nullable=False),
        sa.Column("is_public", sa.Boolean(), nullable=False),
        sa.Column("partner_email", sa.Text(), nullable=True),
        sa.Column("duty_staff_id", sa.Integer(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "places IS NULL OR taken <= places", name=op.f("ck_city_services_no_more_than_places")
        ),
        sa.CheckConstraint("taken >= 0", name=op.f("ck_city_services_taken_not_below_nought")),
        sa.ForeignKeyConstraint(
            ["duty_staff_id"],
            ["staff.id"],
            name=op.f("fk_city_services_duty_staff_id_staff"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_city_services_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_city_services")),
        sa.UniqueConstraint("organisation_id", "name", name=op.f("uq_city_services_organisation_id_name")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("city_services", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_city_services_duty_staff_id"), ["duty_staff_id"], unique=False)

    op.create_table(
        "outreach_sheets",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("destroyed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("destroyed_how", sa.String(length=10), nullable=True),
        sa.Column("destroyed_by_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(destroyed_at IS NULL) = (destroyed_how IS NULL)",
            name=op.f("ck_outreach_sheets_destroyed_somehow"),
        ),
        sa.ForeignKeyConstraint(
            ["destroyed_by_id"],
            ["staff.id"],
            name=op.f("fk_outreach_sheets_destroyed_by_id_staff"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_outreach_sheets_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_outreach_sheets_staff_id_staff"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outreach_sheets")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("outreach_sheets", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_outreach_sheets_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_outreach_sheets_staff_id"), ["staff_id"], unique=False)

    op.create_table(
        "safeguarding_flags",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("form_key", sa.String(length=64), nullable=False),
        sa.Column("resident_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("raised_by_id", sa.Integer(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("assigned_id", sa.Integer(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (ended_by_id IS NULL)", name=op.f("ck_safeguarding_flags_ended_by_somebody")
        ),
        sa.ForeignKeyConstraint(
            ["assigned_id"], ["staff.id"], name=op.f("fk_safeguarding_flags_assigned_id_staff")
        ),
        sa.ForeignKeyConstraint(
            ["ended_by_id"], ["staff.id"], name=op.f("fk_safeguarding_flags_ended_by_id_staff")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_safeguarding_flags_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["raised_by_id"], ["staff.id"], name=op.f("fk_safeguarding_flags_raised_by_id_staff")
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"],
            ["residents.id"],
            name=op.f("fk_safeguarding_flags_resident_id_residents"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_safeguarding_flags")),
        sa.UniqueConstraint("form_key", name=op.f("uq_safeguarding_flags_form_key")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("safeguarding_flags", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_safeguarding_flags_assigned_id"), ["assigned_id"], unique=False)
        batch_op.create_index(
            "ix_safeguarding_flags_organisation_id_resident_id",
            ["organisation_id", "resident_id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_safeguarding_flags_raised_by_id"), ["raised_by_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_safeguarding_flags_resident_id"), ["resident_id"], unique=False)

    op.create_table(
        "saved_views",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("filters", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_saved_views_organisation_id_organisations"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_saved_views_staff_id_staff"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_views")),
        sa.UniqueConstraint(
            "staff_id", "organisation_id", "name", name=op.f("uq_saved_views_staff_id_organisation_id_name")
        ),
    )
    with op.batch_alter_table("saved_views", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_saved_views_organisation_id"), ["organisation_id"], unique=False)

    op.create_table(
        "referrals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("form_key", sa.String(length=64), nullable=False),
        sa.Column("resident_id", sa.Integer(), nullable=True),
        sa.Column("service_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("sender_id", sa.Integer(), nullable=True),
        sa.Column("sender_staff_id", sa.Integer(), nullable=True),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column("consent_id", sa.Integer(), nullable=True),
        sa.Column("mode", sa.String(length=10), nullable=False),
        sa.Column("urgency", sa.String(length=6), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("introduced_how", sa.String(length=10), nullable=True),
        sa.Column("introduced_on", sa.Date(), nullable=True),
        sa.Column("introduced_to", sa.Text(), nullable=True),
        sa.Column("asked_from", sa.String(length=12), nullable=True),
        sa.Column("promised_on", sa.Date(), nullable=True),
        sa.Column("declined_for", sa.String(length=20), nullable=True),
        sa.Column("declined_by", sa.String(length=10), nullable=True),
        sa.Column("outcome", sa.String(length=20), nullable=True),
        sa.Column("clock_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("clock_due", sa.DateTime(timezone=True), nullable=True),
        sa.Column("clock_stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("nudged", sa.Integer(), nullable=False),
        sa.Column("holds_place", sa.Boolean(), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("better_id", sa.Integer(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("contacted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(status = 'closed') = (outcome IS NOT NULL)", name=op.f("ck_referrals_closed_with_outcome")
        ),
        sa.CheckConstraint(
            "(status = 'declined') = (declined_for IS NOT NULL)",
            name=op.f("ck_referrals_declined_with_reason"),
        ),
        sa.CheckConstraint(
            "(status = 'needs_info') = (asked_from IS NOT NULL)",
            name=op.f("ck_referrals_asked_from_somewhere"),
        ),
        sa.CheckConstraint(
            "(status = 'waitlisted') = (promised_on IS NOT NULL)",
            name=op.f("ck_referrals_waitlisted_with_day"),
        ),
        sa.CheckConstraint(
            "mode <> 'signposted' OR consent_id IS NULL", name=op.f("ck_referrals_signposted_shares_nothing")
        ),
        sa.CheckConstraint("mode IN ('signposted', 'cold', 'warm')", name=op.f("ck_referrals_mode_known")),
        sa.CheckConstraint(
            "status = 'draft' OR sent_at IS NOT NULL OR ended_at IS NOT NULL",
            name=op.f("ck_referrals_sent_with_time"),
        ),
        sa.CheckConstraint(
            "status IN ('draft', 'sent', 'acknowledged', 'needs_info', 'accepted', 'waitlisted', 'active', 'closed', 'declined', "
            "'rerouted', 'recalled', 'withdrawn', 'lapsed')",
            name=op.f("ck_referrals_status_known"),
        ),
        sa.CheckConstraint("urgency IN ('usual', 'urgent')", name=op.f("ck_referrals_urgency_known")),
        sa.CheckConstraint(
            "(clock_since IS NULL) = (clock_due IS NULL)", name=op.f("ck_referrals_clock_with_end")
        ),
        sa.CheckConstraint(
            "(declined_for IS NULL) = (declined_by IS NULL)", name=op.f("ck_referrals_declined_by_somebody")
        ),
        sa.CheckConstraint(
            "parent_id IS NULL OR parent_id <> id", name=op.f("ck_referrals_child_of_another")
        ),
        sa.ForeignKeyConstraint(
            ["better_id"], ["city_services.id"], name=op.f("fk_referrals_better_id_city_services")
        ),
        sa.ForeignKeyConstraint(
            ["consent_id"],
            ["consents.id"],
            name=op.f("fk_referrals_consent_id_consents"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_referrals_organisation_id_organisations")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["staff.id"], name=op.f("fk_referrals_owner_id_staff"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"],
            ["referrals.id"],
            name=op.f("fk_referrals_parent_id_referrals"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"],
            ["residents.id"],
            name=op.f("fk_referrals_resident_id_residents"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["sender_id"], ["organisations.id"], name=op.f("fk_referrals_sender_id_organisations")
        ),
        sa.ForeignKeyConstraint(
            ["sender_staff_id"],
            ["staff.id"],
            name=op.f("fk_referrals_sender_staff_id_staff"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["service_id"], ["city_services.id"], name=op.f("fk_referrals_service_id_city_services")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_referrals")),
        sa.UniqueConstraint("form_key", name=op.f("uq_referrals_form_key")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("referrals", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_referrals_better_id"), ["better_id"], unique=False)
        batch_op.create_index("ix_referrals_clock_due", ["clock_due"], unique=False)
        batch_op.create_index(batch_op.f("ix_referrals_consent_id"), ["consent_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_referrals_owner_id"), ["owner_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_referrals_parent_id"), ["parent_id"], unique=False)
        batch_op.create_index("ix_referrals_received", ["organisation_id", "status"], unique=False)
        batch_op.create_index(batch_op.f("ix_referrals_resident_id"), ["resident_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_referrals_sender_staff_id"), ["sender_staff_id"], unique=False)
        batch_op.create_index("ix_referrals_sent", ["sender_id", "status"], unique=False)
        batch_op.create_index(batch_op.f("ix_referrals_service_id"), ["service_id"], unique=False)
        batch_op.create_index(
            "uq_referrals_live",
            ["resident_id", "service_id"],
            unique=True,
            sqlite_where=sa.text(
                "status IN ('accepted', 'acknowledged', 'active', 'draft', 'needs_info', 'sent', 'waitlisted') "
                "AND mode <> 'signposted'"
            ),
            postgresql_where=sa.text(
                "status IN ('accepted', 'acknowledged', 'active', 'draft', 'needs_info', 'sent', 'waitlisted') "
                "AND mode <> 'signposted'"
            ),
        )
        batch_op.create_index(
            "uq_referrals_told",
            ["resident_id", "service_id"],
            unique=True,
            sqlite_where=sa.text(
                "status IN ('accepted', 'acknowledged', 'active', 'draft', 'needs_info', 'sent', 'waitlisted') "
                "AND mode = 'signposted'"
            ),
            postgresql_where=sa.text(
                "status IN ('accepted', 'acknowledged', 'active', 'draft', 'needs_info', 'sent', 'waitlisted') "
                "AND mode = 'signposted'"
            ),
        )

    op.create_table(
        "safeguarding_words",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("flag_id", sa.Integer(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["flag_id"],
            ["safeguarding_flags.id"],
            name=op.f("fk_safeguarding_words_flag_id_safeguarding_flags"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_safeguarding_words_staff_id_staff"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_safeguarding_words")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("safeguarding_words", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_safeguarding_words_flag_id"), ["flag_id"], unique=False)

    op.create_table(
        "sheet_people",
        sa.Column("sheet_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("resident_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["resident_id"],
            ["residents.id"],
            name=op.f("fk_sheet_people_resident_id_residents"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["sheet_id"],
            ["outreach_sheets.id"],
            name=op.f("fk_sheet_people_sheet_id_outreach_sheets"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("sheet_id", "resident_id", name=op.f("pk_sheet_people")),
    )
    with op.batch_alter_table("sheet_people", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sheet_people_resident_id"), ["resident_id"], unique=False)

    op.create_table(
        "case_tasks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column("resident_id", sa.Integer(), nullable=True),
        sa.Column("referral_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_how", sa.String(length=20), nullable=True),
        sa.Column("done_by_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('own', 'another_way', 'find_out', 'take_over')", name=op.f("ck_case_tasks_kind_known")
        ),
        sa.CheckConstraint(
            "(done_at IS NULL) OR (done_how IS NOT NULL)", name=op.f("ck_case_tasks_done_somehow")
        ),
        sa.ForeignKeyConstraint(
            ["done_by_id"], ["staff.id"], name=op.f("fk_case_tasks_done_by_id_staff"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_case_tasks_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["staff.id"], name=op.f("fk_case_tasks_owner_id_staff"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["referral_id"],
            ["referrals.id"],
            name=op.f("fk_case_tasks_referral_id_referrals"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"],
            ["residents.id"],
            name=op.f("fk_case_tasks_resident_id_residents"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_tasks")),
        sa.UniqueConstraint("key", name=op.f("uq_case_tasks_key")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("case_tasks", schema=None) as batch_op:
        batch_op.create_index("ix_case_tasks_open", ["organisation_id", "done_at", "due_on"], unique=False)
        batch_op.create_index(batch_op.f("ix_case_tasks_owner_id"), ["owner_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_case_tasks_referral_id"), ["referral_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_case_tasks_resident_id"), ["resident_id"], unique=False)

    op.create_table(
        "partner_links",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("referral_id", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["referral_id"],
            ["referrals.id"],
            name=op.f("fk_partner_links_referral_id_referrals"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_partner_links")),
    )
    with op.batch_alter_table("partner_links", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_partner_links_referral_id"), ["referral_id"], unique=False)

    op.create_table(
        "public_referrals",
        sa.Column("referral_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("from_kind", sa.String(length=10), nullable=False),
        sa.Column("from_name", sa.Text(), nullable=False),
        sa.Column("from_organisation", sa.Text(), nullable=False),
        sa.Column("from_email", sa.Text(), nullable=True),
        sa.Column("about_name", sa.Text(), nullable=False),
        sa.Column("about_contact", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "from_kind IN ('self', 'family', 'jobcentre', 'health', 'other')",
            name=op.f("ck_public_referrals_from_kind_known"),
        ),
        sa.CheckConstraint(
            "token_hash IS NOT NULL OR confirmed_at IS NOT NULL",
            name=op.f("ck_public_referrals_to_be_confirmed"),
        ),
        sa.ForeignKeyConstraint(
            ["referral_id"],
            ["referrals.id"],
            name=op.f("fk_public_referrals_referral_id_referrals"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("referral_id", name=op.f("pk_public_referrals")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_public_referrals_token_hash")),
    )
    op.create_table(
        "referral_notes",
        sa.Column("referral_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("note_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["note_id"],
            ["case_notes.id"],
            name=op.f("fk_referral_notes_note_id_case_notes"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["referral_id"],
            ["referrals.id"],
            name=op.f("fk_referral_notes_referral_id_referrals"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("referral_id", "note_id", name=op.f("pk_referral_notes")),
    )
    with op.batch_alter_table("referral_notes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_referral_notes_note_id"), ["note_id"], unique=False)

    op.create_table(
        "referral_words",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("referral_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('why', 'question', 'answer', 'said_no', 'better', 'ended', 'again')",
            name=op.f("ck_referral_words_kind_known"),
        ),
        sa.ForeignKeyConstraint(
            ["referral_id"],
            ["referrals.id"],
            name=op.f("fk_referral_words_referral_id_referrals"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_referral_words_staff_id_staff"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_referral_words")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("referral_words", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_referral_words_referral_id"), ["referral_id"], unique=False)

    op.create_table(
        "sittings",
        sa.Column("session_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("resident_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("until_at > began_at", name=op.f("ck_sittings_ends_after_begin")),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_sittings_organisation_id_organisations"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"],
            ["residents.id"],
            name=op.f("fk_sittings_resident_id_residents"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["staff_sessions.id"],
            name=op.f("fk_sittings_session_id_staff_sessions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_sittings")),
    )
    with op.batch_alter_table("sittings", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sittings_organisation_id"), ["organisation_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_sittings_resident_id"), ["resident_id"], unique=False)

    # What was given before this is for no referral.
    op.add_column(
        "consents", sa.Column("is_for_referral", sa.Boolean(), nullable=False, server_default=sa.false())
    )

    with op.batch_alter_table("status_changes", schema=None) as batch_op:
        batch_op.add_column(sa.Column("referral_id", sa.Integer(), nullable=True))
        batch_op.drop_constraint(op.f(ONE_OWNER), type_="check")
        batch_op.create_check_constraint(op.f(ONE_OWNER), one_of(*OWNERS, "referral_id"))
        batch_op.create_index(batch_op.f("ix_status_changes_referral_id"), ["referral_id"], unique=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_status_changes_referral_id_referrals"),
            "referrals",
            ["referral_id"],
            ["id"],
            ondelete="CASCADE",
        )


def downgrade() -> None:  # noqa: PLR0915
    op.execute("DELETE FROM status_changes WHERE referral_id IS NOT NULL")
    # What was shared for a referral opened nothing by itself; without the mark it would.
    op.execute("UPDATE consents SET withdrawn_at = given_at WHERE is_for_referral AND withdrawn_at IS NULL")
    with op.batch_alter_table("status_changes", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_status_changes_referral_id_referrals"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_status_changes_referral_id"))
        batch_op.drop_constraint(op.f(ONE_OWNER), type_="check")
        batch_op.create_check_constraint(op.f(ONE_OWNER), one_of(*OWNERS))
        batch_op.drop_column("referral_id")

    op.drop_column("consents", "is_for_referral")

    with op.batch_alter_table("sittings", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sittings_resident_id"))
        batch_op.drop_index(batch_op.f("ix_sittings_organisation_id"))

    op.drop_table("sittings")
    with op.batch_alter_table("referral_words", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_referral_words_referral_id"))

    op.drop_table("referral_words")
    with op.batch_alter_table("referral_notes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_referral_notes_note_id"))

    op.drop_table("referral_notes")
    op.drop_table("public_referrals")
    with op.batch_alter_table("partner_links", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_partner_links_referral_id"))

    op.drop_table("partner_links")
    with op.batch_alter_table("case_tasks", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_case_tasks_resident_id"))
        batch_op.drop_index(batch_op.f("ix_case_tasks_referral_id"))
        batch_op.drop_index(batch_op.f("ix_case_tasks_owner_id"))
        batch_op.drop_index("ix_case_tasks_open")

    op.drop_table("case_tasks")
    with op.batch_alter_table("sheet_people", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sheet_people_resident_id"))

    op.drop_table("sheet_people")
    with op.batch_alter_table("safeguarding_words", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_safeguarding_words_flag_id"))

    op.drop_table("safeguarding_words")
    with op.batch_alter_table("referrals", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_referrals_told",
            sqlite_where=sa.text(
                "status IN ('accepted', 'acknowledged', 'active', 'draft', 'needs_info', 'sent', 'waitlisted') "
                "AND mode = 'signposted'"
            ),
            postgresql_where=sa.text(
                "status IN ('accepted', 'acknowledged', 'active', 'draft', 'needs_info', 'sent', 'waitlisted') "
                "AND mode = 'signposted'"
            ),
        )
        batch_op.drop_index(
            "uq_referrals_live",
            sqlite_where=sa.text(
                "status IN ('accepted', 'acknowledged', 'active', 'draft', 'needs_info', 'sent', 'waitlisted') "
                "AND mode <> 'signposted'"
            ),
            postgresql_where=sa.text(
                "status IN ('accepted', 'acknowledged', 'active', 'draft', 'needs_info', 'sent', 'waitlisted') "
                "AND mode <> 'signposted'"
            ),
        )
        batch_op.drop_index(batch_op.f("ix_referrals_service_id"))
        batch_op.drop_index("ix_referrals_sent")
        batch_op.drop_index(batch_op.f("ix_referrals_sender_staff_id"))
        batch_op.drop_index(batch_op.f("ix_referrals_resident_id"))
        batch_op.drop_index("ix_referrals_received")
        batch_op.drop_index(batch_op.f("ix_referrals_parent_id"))
        batch_op.drop_index(batch_op.f("ix_referrals_owner_id"))
        batch_op.drop_index(batch_op.f("ix_referrals_consent_id"))
        batch_op.drop_index("ix_referrals_clock_due")
        batch_op.drop_index(batch_op.f("ix_referrals_better_id"))

    op.drop_table("referrals")
    with op.batch_alter_table("saved_views", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_saved_views_organisation_id"))

    op.drop_table("saved_views")
    with op.batch_alter_table("safeguarding_flags", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_safeguarding_flags_resident_id"))
        batch_op.drop_index(batch_op.f("ix_safeguarding_flags_raised_by_id"))
        batch_op.drop_index("ix_safeguarding_flags_organisation_id_resident_id")
        batch_op.drop_index(batch_op.f("ix_safeguarding_flags_assigned_id"))

    op.drop_table("safeguarding_flags")
    with op.batch_alter_table("outreach_sheets", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_outreach_sheets_staff_id"))
        batch_op.drop_index(batch_op.f("ix_outreach_sheets_organisation_id"))

    op.drop_table("outreach_sheets")
    with op.batch_alter_table("city_services", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_city_services_duty_staff_id"))

    op.drop_table("city_services")
    with op.batch_alter_table("group_facilitators", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_group_facilitators_live",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_group_facilitators_staff_id"))
        batch_op.drop_index(batch_op.f("ix_group_facilitators_organisation_id"))

    op.drop_table("group_facilitators")
    with op.batch_alter_table("case_notes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_case_notes_resident_id"))
        batch_op.drop_index("ix_case_notes_organisation_id_resident_id")
        batch_op.drop_index(batch_op.f("ix_case_notes_author_id"))
        batch_op.drop_index(batch_op.f("ix_case_notes_amends_id"))

    op.drop_table("case_notes")
    with op.batch_alter_table("case_files", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_case_files_resident_id"))
        batch_op.drop_index("ix_case_files_organisation_id_resident_id")
        batch_op.drop_index(batch_op.f("ix_case_files_author_id"))

    op.drop_table("case_files")
