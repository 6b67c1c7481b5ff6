"""first light"""

import sqlalchemy as sa
from alembic import op

revision = "ec959aa3b1c6"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "areas",
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=14), nullable=False),
        sa.Column("ward_codes", sa.String(length=200), nullable=False),
        sa.Column("lat", sa.Double(), nullable=False),
        sa.Column("lng", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_areas")),
    )
    op.create_table(
        "attempts",
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("locks", sa.Integer(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("key_hash", name=op.f("pk_attempts")),
    )
    op.create_table(
        "audit_heads",
        sa.Column("chain", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("mac", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("chain", name=op.f("pk_audit_heads")),
    )
    op.create_table(
        "bank_holidays",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("title", sa.String(length=60), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_bank_holidays")),
    )
    op.create_table(
        "pack_states",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("loaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_pack_states")),
    )
    op.create_table(
        "residents",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("secret_kind", sa.String(length=10), nullable=False),
        sa.Column("secret_hash", sa.String(length=200), nullable=False),
        sa.Column("pin_for_everything", sa.Boolean(), nullable=False),
        sa.Column("nickname", sa.Text(), nullable=True),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("secret_kind IN ('pin', 'pictures')", name=op.f("ck_residents_secret_kind_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_residents")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_residents_code_hash")),
    )
    with op.batch_alter_table("residents", schema=None) as batch_op:
        batch_op.create_index("ix_residents_last_used_at", ["last_used_at"], unique=False)

    op.create_table(
        "status_changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("noun", sa.String(length=40), nullable=False),
        sa.Column("row_id", sa.Integer(), nullable=False),
        sa.Column("before", sa.String(length=30), nullable=False),
        sa.Column("after", sa.String(length=30), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=40), nullable=False),
        sa.Column("why", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_status_changes")),
    )
    with op.batch_alter_table("status_changes", schema=None) as batch_op:
        batch_op.create_index("ix_status_changes_noun_row_id", ["noun", "row_id"], unique=False)

    op.create_table(
        "wards",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=9), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("district", sa.String(length=40), nullable=False),
        sa.Column("lat", sa.Double(), nullable=False),
        sa.Column("lng", sa.Double(), nullable=False),
        sa.Column("outline", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wards")),
        sa.UniqueConstraint("code", name=op.f("uq_wards_code")),
    )
    op.create_table(
        "audit_rows",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("chain", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", sa.String(length=20), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("organisation_id", sa.Integer(), nullable=True),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("purpose", sa.String(length=40), nullable=False),
        sa.Column("resident_id", sa.Integer(), nullable=True),
        sa.Column("items", sa.String(length=400), nullable=False),
        sa.Column("reason_hmac", sa.String(length=64), nullable=True),
        sa.Column("mac", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["chain"], ["audit_heads.chain"], name=op.f("fk_audit_rows_chain_audit_heads")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_rows")),
        sa.UniqueConstraint("chain", "seq", name=op.f("uq_audit_rows_chain_seq")),
    )
    with op.batch_alter_table("audit_rows", schema=None) as batch_op:
        batch_op.create_index("ix_audit_rows_resident_id", ["resident_id"], unique=False)

    op.create_table(
        "places",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(length=80), nullable=False),
        sa.Column("source_key", sa.String(length=120), nullable=False),
        sa.Column("name", sa.String(length=160), nullable=False),
        sa.Column("kinds", sa.String(length=120), nullable=False),
        sa.Column("address", sa.String(length=240), nullable=False),
        sa.Column("postcode", sa.String(length=8), nullable=False),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("lng", sa.Double(), nullable=True),
        sa.Column("ward_id", sa.Integer(), nullable=True),
        sa.Column("area", sa.String(length=80), nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=False),
        sa.Column("website", sa.String(length=240), nullable=False),
        sa.Column("opening_note", sa.String(length=240), nullable=False),
        sa.Column("holiday_rule", sa.String(length=12), nullable=False),
        sa.Column("hours_confirmed", sa.Boolean(), nullable=False),
        sa.Column("hours_source", sa.String(length=120), nullable=False),
        sa.Column("hours_source_on", sa.String(length=12), nullable=False),
        sa.Column("hours_differ", sa.Boolean(), nullable=False),
        sa.Column("self_service_unknown", sa.Boolean(), nullable=False),
        sa.Column("confidence", sa.String(length=8), nullable=False),
        sa.Column("source", sa.String(length=160), nullable=False),
        sa.Column("source_address", sa.String(length=300), nullable=False),
        sa.Column("licence", sa.String(length=60), nullable=False),
        sa.Column("source_on", sa.String(length=12), nullable=False),
        sa.Column("read_on", sa.Date(), nullable=False),
        sa.Column("checked_on", sa.Date(), nullable=True),
        sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("confidence IN ('high', 'medium')", name=op.f("ck_places_confidence_known")),
        sa.CheckConstraint("(lat IS NULL) = (lng IS NULL)", name=op.f("ck_places_point_whole")),
        sa.ForeignKeyConstraint(["ward_id"], ["wards.id"], name=op.f("fk_places_ward_id_wards")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_places")),
        sa.UniqueConstraint("slug", name=op.f("uq_places_slug")),
        sa.UniqueConstraint("source_key", name=op.f("uq_places_source_key")),
    )
    with op.batch_alter_table("places", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_places_ward_id"), ["ward_id"], unique=False)

    op.create_table(
        "postcode_points",
        sa.Column(
            "key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("lat_e5", sa.Integer(), nullable=False),
        sa.Column("lng_e5", sa.Integer(), nullable=False),
        sa.Column("ward_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["ward_id"], ["wards.id"], name=op.f("fk_postcode_points_ward_id_wards")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_postcode_points")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "visits",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("resident_id", sa.Integer(), nullable=True),
        sa.Column("unlocked", sa.String(length=12), nullable=False),
        sa.Column("near", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(unlocked = 'nothing') = (resident_id IS NULL)", name=op.f("ck_visits_unlocked_has_resident")
        ),
        sa.CheckConstraint(
            "unlocked IN ('nothing', 'titles', 'everything')", name=op.f("ck_visits_unlocked_known")
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"],
            ["residents.id"],
            name=op.f("fk_visits_resident_id_residents"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visits")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_visits_token_hash")),
    )
    with op.batch_alter_table("visits", schema=None) as batch_op:
        batch_op.create_index("ix_visits_last_used_at", ["last_used_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_visits_resident_id"), ["resident_id"], unique=False)

    op.create_table(
        "facilities",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=30), nullable=False),
        sa.Column("value", sa.String(length=10), nullable=False),
        sa.Column("source_address", sa.String(length=300), nullable=False),
        sa.Column("source_on", sa.String(length=12), nullable=False),
        sa.Column("confidence", sa.String(length=8), nullable=False),
        sa.CheckConstraint("value IN ('yes', 'no', 'not_known')", name=op.f("ck_facilities_value_known")),
        sa.ForeignKeyConstraint(
            ["place_id"], ["places.id"], name=op.f("fk_facilities_place_id_places"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_facilities")),
        sa.UniqueConstraint("place_id", "name", name=op.f("uq_facilities_place_id_name")),
    )
    with op.batch_alter_table("facilities", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_facilities_place_id"), ["place_id"], unique=False)

    op.create_table(
        "opening_exceptions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("opens", sa.Time(), nullable=True),
        sa.Column("closes", sa.Time(), nullable=True),
        sa.Column("reason", sa.String(length=120), nullable=False),
        sa.CheckConstraint(
            "(opens IS NULL) = (closes IS NULL)", name=op.f("ck_opening_exceptions_times_whole")
        ),
        sa.ForeignKeyConstraint(
            ["place_id"],
            ["places.id"],
            name=op.f("fk_opening_exceptions_place_id_places"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opening_exceptions")),
        sa.UniqueConstraint(
            "place_id", "day", "opens", name=op.f("uq_opening_exceptions_place_id_day_opens")
        ),
    )
    with op.batch_alter_table("opening_exceptions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_opening_exceptions_place_id"), ["place_id"], unique=False)

    op.create_table(
        "opening_spans",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("opens", sa.Time(), nullable=False),
        sa.Column("closes", sa.Time(), nullable=False),
        sa.Column("kind", sa.String(length=14), nullable=False),
        sa.Column("nth", sa.Integer(), nullable=True),
        sa.Column("on_holidays", sa.Boolean(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.CheckConstraint("opens <> closes", name=op.f("ck_opening_spans_has_length")),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name=op.f("ck_opening_spans_weekday_known")),
        sa.ForeignKeyConstraint(
            ["place_id"], ["places.id"], name=op.f("fk_opening_spans_place_id_places"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opening_spans")),
    )
    with op.batch_alter_table("opening_spans", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_opening_spans_place_id"), ["place_id"], unique=False)

    op.create_table(
        "place_reports",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("what", sa.String(length=20), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status IN ('new', 'mended', 'refused')", name=op.f("ck_place_reports_status_known")
        ),
        sa.ForeignKeyConstraint(
            ["place_id"], ["places.id"], name=op.f("fk_place_reports_place_id_places"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_place_reports")),
    )
    with op.batch_alter_table("place_reports", schema=None) as batch_op:
        batch_op.create_index("ix_place_reports_status", ["status"], unique=False)

    op.create_table(
        "roadmaps",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("visit_id", sa.Integer(), nullable=True),
        sa.Column("resident_id", sa.Integer(), nullable=True),
        sa.Column("answers", sa.Text(), nullable=False),
        sa.Column("choices", sa.Text(), nullable=False),
        sa.Column("near", sa.Text(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(visit_id IS NULL) <> (resident_id IS NULL)", name=op.f("ck_roadmaps_one_owner")),
        sa.ForeignKeyConstraint(
            ["resident_id"],
            ["residents.id"],
            name=op.f("fk_roadmaps_resident_id_residents"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["visit_id"], ["visits.id"], name=op.f("fk_roadmaps_visit_id_visits"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roadmaps")),
        sa.UniqueConstraint("resident_id", name=op.f("uq_roadmaps_resident_id")),
        sa.UniqueConstraint("visit_id", name=op.f("uq_roadmaps_visit_id")),
    )
    op.create_table(
        "step_progress",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("roadmap_id", sa.Integer(), nullable=False),
        sa.Column("step_id", sa.String(length=8), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status IN ('not_started', 'doing', 'done_with_help', 'done_alone', 'can_show_others', 'not_for_me', 'already_knew')",
            name=op.f("ck_step_progress_status_known"),
        ),
        sa.ForeignKeyConstraint(
            ["roadmap_id"],
            ["roadmaps.id"],
            name=op.f("fk_step_progress_roadmap_id_roadmaps"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_step_progress")),
        sa.UniqueConstraint("roadmap_id", "step_id", name=op.f("uq_step_progress_roadmap_id_step_id")),
    )


def downgrade() -> None:
    op.drop_table("step_progress")
    op.drop_table("roadmaps")
    with op.batch_alter_table("place_reports", schema=None) as batch_op:
        batch_op.drop_index("ix_place_reports_status")

    op.drop_table("place_reports")
    with op.batch_alter_table("opening_spans", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_opening_spans_place_id"))

    op.drop_table("opening_spans")
    with op.batch_alter_table("opening_exceptions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_opening_exceptions_place_id"))

    op.drop_table("opening_exceptions")
    with op.batch_alter_table("facilities", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_facilities_place_id"))

    op.drop_table("facilities")
    with op.batch_alter_table("visits", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_visits_resident_id"))
        batch_op.drop_index("ix_visits_last_used_at")

    op.drop_table("visits")
    op.drop_table("postcode_points")
    with op.batch_alter_table("places", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_places_ward_id"))

    op.drop_table("places")
    with op.batch_alter_table("audit_rows", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_rows_resident_id")

    op.drop_table("audit_rows")
    op.drop_table("wards")
    with op.batch_alter_table("status_changes", schema=None) as batch_op:
        batch_op.drop_index("ix_status_changes_noun_row_id")

    op.drop_table("status_changes")
    with op.batch_alter_table("residents", schema=None) as batch_op:
        batch_op.drop_index("ix_residents_last_used_at")

    op.drop_table("residents")
    op.drop_table("pack_states")
    op.drop_table("bank_holidays")
    op.drop_table("audit_heads")
    op.drop_table("attempts")
    op.drop_table("areas")
