"""training: courses, sessions and their dates, bookings and the register, certificates; messages to whom a booking names"""

import sqlalchemy as sa
from alembic import op

revision = "7b2e51c04d9a"
down_revision = "3d6ff9c79c87"
branch_labels = None
depends_on = None

ONE_OWNER = "ck_status_changes_one_owner"
ONE_OF_TWO = "(roadmap_id IS NULL) <> (place_id IS NULL)"
ONE_OF_THREE = (
    " + ".join(
        f"CASE WHEN {owner} IS NULL THEN 0 ELSE 1 END" for owner in ("roadmap_id", "place_id", "booking_id")
    )
    + " = 1"
)
KIND_KNOWN = "ck_given_codes_kind_known"
KINDS = "'resident', 'group', 'unclaimed'"


def upgrade() -> None:  # noqa: PLR0915 - one table after the other
    op.create_table(
        "feed_counters",
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_feed_counters")),
    )
    op.create_table(
        "courses",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("comes_after_id", sa.Integer(), nullable=True),
        sa.Column("area", sa.String(length=4), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("steps", sa.String(length=120), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("level BETWEEN 0 AND 4", name=op.f("ck_courses_level_known")),
        sa.CheckConstraint(
            "kind IN ('skills', 'code_club', 'making_day', 'bootcamp_taster', 'bootcamp', 'family', 'wellbeing')",
            name=op.f("ck_courses_kind_known"),
        ),
        sa.CheckConstraint("comes_after_id <> id", name=op.f("ck_courses_not_after_itself")),
        sa.ForeignKeyConstraint(
            ["comes_after_id"],
            ["courses.id"],
            name=op.f("fk_courses_comes_after_id_courses"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_courses_organisation_id_organisations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_courses")),
    )
    with op.batch_alter_table("courses", schema=None) as batch_op:
        batch_op.create_index(op.f("ix_courses_organisation_id"), ["organisation_id"], unique=False)
        batch_op.create_index(op.f("ix_courses_comes_after_id"), ["comes_after_id"], unique=False)

    op.create_table(
        "course_texts",
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("title", sa.String(length=80), nullable=False),
        sa.Column("summary", sa.String(length=600), nullable=False),
        sa.Column("bring", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.CheckConstraint("state IN ('drafted', 'checked')", name=op.f("ck_course_texts_state_known")),
        sa.ForeignKeyConstraint(
            ["course_id"], ["courses.id"], name=op.f("fk_course_texts_course_id_courses"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("course_id", "language", name=op.f("pk_course_texts")),
    )
    op.create_table(
        "training_sessions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(length=80), nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=True),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("booked_as", sa.String(length=8), nullable=False),
        sa.Column("is_online", sa.Boolean(), nullable=False),
        sa.Column("joining", sa.String(length=300), nullable=False),
        sa.Column("room", sa.String(length=80), nullable=False),
        sa.Column("taught_in", sa.String(length=8), nullable=False),
        sa.Column("offers", sa.String(length=200), nullable=False),
        sa.Column("lead_days", sa.Integer(), nullable=False),
        sa.Column("for_age", sa.String(length=8), nullable=False),
        sa.Column("led_by", sa.String(length=80), nullable=False),
        sa.Column("responsible_adult", sa.String(length=80), nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("companion_cap", sa.Integer(), nullable=False),
        sa.Column("waiting_size", sa.Integer(), nullable=False),
        sa.Column("party_size", sa.Integer(), nullable=False),
        sa.Column("pattern", sa.String(length=120), nullable=False),
        sa.Column("is_demonstration", sa.Boolean(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("change_number", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "booked_as IN ('single', 'series', 'course', 'undated')",
            name=op.f("ck_training_sessions_booked_as_known"),
        ),
        sa.CheckConstraint(
            "for_age IN ('any', 'young', 'adults', 'older')", name=op.f("ck_training_sessions_for_age_known")
        ),
        sa.CheckConstraint(
            "is_online OR place_id IS NOT NULL OR booked_as = 'undated'",
            name=op.f("ck_training_sessions_somewhere"),
        ),
        sa.CheckConstraint(
            "status IN ('draft', 'published', 'cancelled')", name=op.f("ck_training_sessions_status_known")
        ),
        sa.CheckConstraint(
            "capacity > 0 AND companion_cap >= 0 AND waiting_size >= 0",
            name=op.f("ck_training_sessions_sizes"),
        ),
        sa.CheckConstraint("party_size > 0", name=op.f("ck_training_sessions_party_has_size")),
        sa.ForeignKeyConstraint(
            ["course_id"], ["courses.id"], name=op.f("fk_training_sessions_course_id_courses")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_training_sessions_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["place_id"], ["places.id"], name=op.f("fk_training_sessions_place_id_places")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_training_sessions")),
        sa.UniqueConstraint("slug", name=op.f("uq_training_sessions_slug")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("training_sessions", schema=None) as batch_op:
        batch_op.create_index(op.f("ix_training_sessions_course_id"), ["course_id"], unique=False)
        batch_op.create_index(op.f("ix_training_sessions_organisation_id"), ["organisation_id"], unique=False)
        batch_op.create_index(op.f("ix_training_sessions_place_id"), ["place_id"], unique=False)
        batch_op.create_index(
            "ix_training_sessions_status_change_number", ["status", "change_number"], unique=False
        )

    op.create_table(
        "bookings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("form_key", sa.String(length=64), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=18), nullable=False),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.Column("companions", sa.Integer(), nullable=False),
        sa.Column("booked_for", sa.String(length=6), nullable=False),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("age_band", sa.String(length=10), nullable=True),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("needs", sa.Text(), nullable=True),
        sa.Column("contact_kind", sa.String(length=8), nullable=False),
        sa.Column("contact", sa.Text(), nullable=True),
        sa.Column("contact_of", sa.String(length=8), nullable=False),
        sa.Column("contact_name", sa.Text(), nullable=True),
        sa.Column("is_discreet", sa.Boolean(), nullable=False),
        sa.Column("consent_wording", sa.String(length=20), nullable=False),
        sa.Column("consent_how", sa.String(length=10), nullable=False),
        sa.Column("resident_id", sa.Integer(), nullable=True),
        sa.Column("group_id", sa.Integer(), nullable=True),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("staff_id", sa.Integer(), nullable=True),
        sa.Column("organisation_id", sa.Integer(), nullable=True),
        sa.Column("waiting_mode", sa.String(length=8), nullable=False),
        sa.Column("waits_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("offer_ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("offers_lapsed", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.String(length=10), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("forgotten_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(contact IS NOT NULL) <= (contact_kind IN ('sms', 'email', 'letter', 'call'))",
            name=op.f("ck_bookings_contact_has_kind"),
        ),
        sa.CheckConstraint(
            "(status = 'offered') = (offer_ends_at IS NOT NULL)", name=op.f("ck_bookings_offered_until")
        ),
        sa.CheckConstraint(
            "(status IN ('cancelled', 'session_cancelled')) = (ended_at IS NOT NULL)",
            name=op.f("ck_bookings_ended_with_time"),
        ),
        sa.CheckConstraint(
            "age_band IS NULL OR age_band <> 'under_13' OR contact_of = 'adult'",
            name=op.f("ck_bookings_child_with_adult"),
        ),
        sa.CheckConstraint(
            "contact_kind IN ('none', 'sms', 'email', 'letter', 'call', 'record')",
            name=op.f("ck_bookings_contact_kind_known"),
        ),
        sa.CheckConstraint(
            "contact_of IN ('learner', 'helper', 'adult')", name=op.f("ck_bookings_contact_of_known")
        ),
        sa.CheckConstraint(
            "status IN ('requested', 'booked', 'waitlisted', 'offered', 'cancelled', 'session_cancelled')",
            name=op.f("ck_bookings_status_known"),
        ),
        sa.CheckConstraint(
            "waiting_mode IN ('book_me', 'ask_me')", name=op.f("ck_bookings_waiting_mode_known")
        ),
        sa.CheckConstraint("places > 0 AND companions >= 0", name=op.f("ck_bookings_sizes")),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["self_help_groups.id"],
            name=op.f("fk_bookings_group_id_self_help_groups"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_bookings_organisation_id_organisations")
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"],
            ["residents.id"],
            name=op.f("fk_bookings_resident_id_residents"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["training_sessions.id"], name=op.f("fk_bookings_session_id_training_sessions")
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_bookings_staff_id_staff"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bookings")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_bookings_code_hash")),
        sa.UniqueConstraint("form_key", name=op.f("uq_bookings_form_key")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("bookings", schema=None) as batch_op:
        batch_op.create_index(op.f("ix_bookings_group_id"), ["group_id"], unique=False)
        batch_op.create_index(op.f("ix_bookings_organisation_id"), ["organisation_id"], unique=False)
        batch_op.create_index(op.f("ix_bookings_resident_id"), ["resident_id"], unique=False)
        batch_op.create_index("ix_bookings_session_id_status", ["session_id", "status"], unique=False)
        batch_op.create_index(op.f("ix_bookings_staff_id"), ["staff_id"], unique=False)
        batch_op.create_index("ix_bookings_status_offer_ends_at", ["status", "offer_ends_at"], unique=False)

    op.create_table(
        "occurrences",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("begins", sa.Time(), nullable=False),
        sa.Column("ends", sa.Time(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=True),
        sa.Column("room", sa.String(length=80), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("held", sa.Integer(), nullable=False),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.Column("companion_cap", sa.Integer(), nullable=False),
        sa.Column("companions", sa.Integer(), nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("status IN ('on', 'cancelled')", name=op.f("ck_occurrences_status_known")),
        sa.CheckConstraint("begins < ends", name=op.f("ck_occurrences_has_length")),
        sa.CheckConstraint("companions <= companion_cap", name=op.f("ck_occurrences_companions_fit")),
        sa.CheckConstraint("taken + held <= capacity", name=op.f("ck_occurrences_not_oversold")),
        sa.CheckConstraint(
            "taken >= 0 AND held >= 0 AND waiting >= 0 AND companions >= 0",
            name=op.f("ck_occurrences_counts"),
        ),
        sa.ForeignKeyConstraint(["place_id"], ["places.id"], name=op.f("fk_occurrences_place_id_places")),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["training_sessions.id"],
            name=op.f("fk_occurrences_session_id_training_sessions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_occurrences")),
        sa.UniqueConstraint("uid", name=op.f("uq_occurrences_uid")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("occurrences", schema=None) as batch_op:
        batch_op.create_index(op.f("ix_occurrences_place_id"), ["place_id"], unique=False)
        batch_op.create_index(
            "ix_occurrences_session_id", ["session_id", "status", "starts_at"], unique=False
        )
        batch_op.create_index("ix_occurrences_status_starts_at", ["status", "starts_at"], unique=False)

    op.create_table(
        "opinions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("helped", sa.String(length=6), nullable=False),
        sa.Column("what_next", sa.String(length=20), nullable=True),
        sa.Column("on_paper", sa.Boolean(), nullable=False),
        sa.CheckConstraint("helped IN ('yes', 'a_bit', 'no')", name=op.f("ck_opinions_helped_known")),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["training_sessions.id"],
            name=op.f("fk_opinions_session_id_training_sessions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opinions")),
    )
    with op.batch_alter_table("opinions", schema=None) as batch_op:
        batch_op.create_index("ix_opinions_session_id", ["session_id"], unique=False)

    op.create_table(
        "arrangements",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("booking_id", sa.Integer(), nullable=False),
        sa.Column("need", sa.String(length=20), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(status = 'asked') = (decided_at IS NULL)", name=op.f("ck_arrangements_decided_with_time")
        ),
        sa.CheckConstraint(
            "status IN ('asked', 'arranged', 'not_possible')", name=op.f("ck_arrangements_status_known")
        ),
        sa.ForeignKeyConstraint(
            ["booking_id"],
            ["bookings.id"],
            name=op.f("fk_arrangements_booking_id_bookings"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["decided_by_id"],
            ["staff.id"],
            name=op.f("fk_arrangements_decided_by_id_staff"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_arrangements")),
        sa.UniqueConstraint("booking_id", "need", name=op.f("uq_arrangements_booking_id_need")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "booking_dates",
        sa.Column("booking_id", sa.Integer(), nullable=False),
        sa.Column("occurrence_id", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("attendance", sa.String(length=10), nullable=True),
        sa.Column("came", sa.Integer(), nullable=False),
        sa.Column("how", sa.String(length=8), nullable=True),
        sa.Column("marked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("marked_by_id", sa.Integer(), nullable=True),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "attendance IS NULL OR attendance IN ('attended', 'part', 'absent', 'excused')",
            name=op.f("ck_booking_dates_attendance_known"),
        ),
        sa.CheckConstraint(
            "attendance IS NULL OR status = 'on'", name=op.f("ck_booking_dates_cancelled_is_no_absence")
        ),
        sa.CheckConstraint(
            "how IS NULL OR how IN ('screen', 'scan', 'paper', 'desk')",
            name=op.f("ck_booking_dates_how_known"),
        ),
        sa.CheckConstraint("status IN ('on', 'cancelled')", name=op.f("ck_booking_dates_status_known")),
        sa.CheckConstraint(
            "(attendance IS NULL) = (marked_at IS NULL)", name=op.f("ck_booking_dates_marked_with_time")
        ),
        sa.CheckConstraint(
            "happened_at IS NULL OR attendance IS NOT NULL",
            name=op.f("ck_booking_dates_happened_when_marked"),
        ),
        sa.CheckConstraint("came >= 0", name=op.f("ck_booking_dates_came_counts")),
        sa.ForeignKeyConstraint(
            ["booking_id"],
            ["bookings.id"],
            name=op.f("fk_booking_dates_booking_id_bookings"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["marked_by_id"],
            ["staff.id"],
            name=op.f("fk_booking_dates_marked_by_id_staff"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["occurrence_id"], ["occurrences.id"], name=op.f("fk_booking_dates_occurrence_id_occurrences")
        ),
        sa.PrimaryKeyConstraint("booking_id", "occurrence_id", name=op.f("pk_booking_dates")),
    )
    with op.batch_alter_table("booking_dates", schema=None) as batch_op:
        batch_op.create_index(
            "ix_booking_dates_occurrence_id_status", ["occurrence_id", "status"], unique=False
        )

    op.create_table(
        "session_notices",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("occurrence_id", sa.Integer(), nullable=True),
        sa.Column("template", sa.String(length=40), nullable=False),
        sa.Column("params", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["occurrence_id"],
            ["occurrences.id"],
            name=op.f("fk_session_notices_occurrence_id_occurrences"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["training_sessions.id"],
            name=op.f("fk_session_notices_session_id_training_sessions"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_session_notices_staff_id_staff"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session_notices")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("session_notices", schema=None) as batch_op:
        batch_op.create_index(op.f("ix_session_notices_occurrence_id"), ["occurrence_id"], unique=False)
        batch_op.create_index(op.f("ix_session_notices_session_id"), ["session_id"], unique=False)

    op.create_table(
        "walk_ins",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("occurrence_id", sa.Integer(), nullable=False),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("resident_id", sa.Integer(), nullable=True),
        sa.Column("attendance", sa.String(length=10), nullable=False),
        sa.Column("how", sa.String(length=8), nullable=False),
        sa.Column("marked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("marked_by_id", sa.Integer(), nullable=True),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("form_key", sa.String(length=64), nullable=False),
        sa.CheckConstraint("attendance IN ('attended', 'part')", name=op.f("ck_walk_ins_attendance_known")),
        sa.ForeignKeyConstraint(
            ["marked_by_id"], ["staff.id"], name=op.f("fk_walk_ins_marked_by_id_staff"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["occurrence_id"], ["occurrences.id"], name=op.f("fk_walk_ins_occurrence_id_occurrences")
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"],
            ["residents.id"],
            name=op.f("fk_walk_ins_resident_id_residents"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_walk_ins")),
        sa.UniqueConstraint("form_key", name=op.f("uq_walk_ins_form_key")),
    )
    with op.batch_alter_table("walk_ins", schema=None) as batch_op:
        batch_op.create_index(op.f("ix_walk_ins_occurrence_id"), ["occurrence_id"], unique=False)
        batch_op.create_index(op.f("ix_walk_ins_resident_id"), ["resident_id"], unique=False)

    op.create_table(
        "credentials",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("level", sa.String(length=8), nullable=True),
        sa.Column("resident_id", sa.Integer(), nullable=True),
        sa.Column("booking_id", sa.Integer(), nullable=True),
        sa.Column("walk_in_id", sa.Integer(), nullable=True),
        sa.Column("session_id", sa.Integer(), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("signed", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "(kind = 'award') = (level IS NOT NULL)", name=op.f("ck_credentials_award_has_level")
        ),
        sa.CheckConstraint("kind IN ('attendance', 'award')", name=op.f("ck_credentials_kind_known")),
        sa.CheckConstraint(
            "level IS NULL OR level IN ('bronze', 'silver', 'gold')", name=op.f("ck_credentials_level_known")
        ),
        sa.ForeignKeyConstraint(
            ["booking_id"],
            ["bookings.id"],
            name=op.f("fk_credentials_booking_id_bookings"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"],
            ["residents.id"],
            name=op.f("fk_credentials_resident_id_residents"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["training_sessions.id"], name=op.f("fk_credentials_session_id_training_sessions")
        ),
        sa.ForeignKeyConstraint(
            ["walk_in_id"],
            ["walk_ins.id"],
            name=op.f("fk_credentials_walk_in_id_walk_ins"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credentials")),
        sa.UniqueConstraint("booking_id", name=op.f("uq_credentials_booking_id")),
        sa.UniqueConstraint(
            "resident_id", "kind", "level", name=op.f("uq_credentials_resident_id_kind_level")
        ),
        sa.UniqueConstraint("walk_in_id", name=op.f("uq_credentials_walk_in_id")),
    )
    with op.batch_alter_table("credentials", schema=None) as batch_op:
        batch_op.create_index(op.f("ix_credentials_resident_id"), ["resident_id"], unique=False)
        batch_op.create_index(op.f("ix_credentials_session_id"), ["session_id"], unique=False)

    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.add_column(sa.Column("about", sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column("useful_until", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("to_name", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("is_discreet", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.create_index(op.f("ix_messages_about"), ["about"], unique=False)

    with op.batch_alter_table("status_changes", schema=None) as batch_op:
        batch_op.add_column(sa.Column("booking_id", sa.Integer(), nullable=True))
        batch_op.drop_constraint(op.f(ONE_OWNER), type_="check")
        batch_op.create_check_constraint(op.f(ONE_OWNER), ONE_OF_THREE)
        batch_op.create_index(op.f("ix_status_changes_booking_id"), ["booking_id"], unique=False)
        batch_op.create_foreign_key(
            op.f("fk_status_changes_booking_id_bookings"),
            "bookings",
            ["booking_id"],
            ["id"],
            ondelete="CASCADE",
        )

    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.alter_column("is_discreet", server_default=None)
    with op.batch_alter_table("given_codes", schema=None) as batch_op:
        batch_op.drop_constraint(op.f(KIND_KNOWN), type_="check")
        batch_op.create_check_constraint(op.f(KIND_KNOWN), f"kind IN ({KINDS}, 'booking', 'loan')")


def downgrade() -> None:  # noqa: PLR0915
    op.execute("DELETE FROM given_codes WHERE kind IN ('booking', 'loan')")
    with op.batch_alter_table("given_codes", schema=None) as batch_op:
        batch_op.drop_constraint(op.f(KIND_KNOWN), type_="check")
        batch_op.create_check_constraint(op.f(KIND_KNOWN), f"kind IN ({KINDS})")
    op.execute("DELETE FROM status_changes WHERE booking_id IS NOT NULL")
    # A message about a booking is for nobody the schema before knows.
    op.execute("DELETE FROM tray_items WHERE message_id IN (SELECT id FROM messages WHERE about IS NOT NULL)")
    op.execute("DELETE FROM messages WHERE about IS NOT NULL")
    with op.batch_alter_table("status_changes", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("fk_status_changes_booking_id_bookings"), type_="foreignkey")
        batch_op.drop_index(op.f("ix_status_changes_booking_id"))
        batch_op.drop_constraint(op.f(ONE_OWNER), type_="check")
        batch_op.create_check_constraint(op.f(ONE_OWNER), ONE_OF_TWO)
        batch_op.drop_column("booking_id")

    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.drop_index(op.f("ix_messages_about"))
        batch_op.drop_column("is_discreet")
        batch_op.drop_column("to_name")
        batch_op.drop_column("useful_until")
        batch_op.drop_column("about")

    with op.batch_alter_table("credentials", schema=None) as batch_op:
        batch_op.drop_index(op.f("ix_credentials_session_id"))
        batch_op.drop_index(op.f("ix_credentials_resident_id"))

    op.drop_table("credentials")
    with op.batch_alter_table("walk_ins", schema=None) as batch_op:
        batch_op.drop_index(op.f("ix_walk_ins_resident_id"))
        batch_op.drop_index(op.f("ix_walk_ins_occurrence_id"))

    op.drop_table("walk_ins")
    with op.batch_alter_table("session_notices", schema=None) as batch_op:
        batch_op.drop_index(op.f("ix_session_notices_session_id"))
        batch_op.drop_index(op.f("ix_session_notices_occurrence_id"))

    op.drop_table("session_notices")
    with op.batch_alter_table("booking_dates", schema=None) as batch_op:
        batch_op.drop_index("ix_booking_dates_occurrence_id_status")

    op.drop_table("booking_dates")
    op.drop_table("arrangements")
    with op.batch_alter_table("opinions", schema=None) as batch_op:
        batch_op.drop_index("ix_opinions_session_id")

    op.drop_table("opinions")
    with op.batch_alter_table("occurrences", schema=None) as batch_op:
        batch_op.drop_index("ix_occurrences_status_starts_at")
        batch_op.drop_index("ix_occurrences_session_id")
        batch_op.drop_index(op.f("ix_occurrences_place_id"))

    op.drop_table("occurrences")
    with op.batch_alter_table("bookings", schema=None) as batch_op:
        batch_op.drop_index("ix_bookings_status_offer_ends_at")
        batch_op.drop_index(op.f("ix_bookings_staff_id"))
        batch_op.drop_index("ix_bookings_session_id_status")
        batch_op.drop_index(op.f("ix_bookings_resident_id"))
        batch_op.drop_index(op.f("ix_bookings_organisation_id"))
        batch_op.drop_index(op.f("ix_bookings_group_id"))

    op.drop_table("bookings")
    with op.batch_alter_table("training_sessions", schema=None) as batch_op:
        batch_op.drop_index("ix_training_sessions_status_change_number")
        batch_op.drop_index(op.f("ix_training_sessions_place_id"))
        batch_op.drop_index(op.f("ix_training_sessions_organisation_id"))
        batch_op.drop_index(op.f("ix_training_sessions_course_id"))

    op.drop_table("training_sessions")
    op.drop_table("course_texts")
    with op.batch_alter_table("courses", schema=None) as batch_op:
        batch_op.drop_index(op.f("ix_courses_comes_after_id"))
        batch_op.drop_index(op.f("ix_courses_organisation_id"))

    op.drop_table("courses")
    op.drop_table("feed_counters")
