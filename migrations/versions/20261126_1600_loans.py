"""loans: schemes, device models and units, requests, offers and loans; wipes, repairs, stock-takes"""

import sqlalchemy as sa
from alembic import op

revision = "c4f1d09be672"
down_revision = "7b2e51c04d9a"
branch_labels = None
depends_on = None

ONE_OWNER = "ck_status_changes_one_owner"
OWNERS = ("roadmap_id", "place_id", "booking_id")


def one_of(*owners: str) -> str:
    """Exactly one of these columns names the owner of a change."""
    return " + ".join(f"CASE WHEN {owner} IS NULL THEN 0 ELSE 1 END" for owner in owners) + " = 1"


def upgrade() -> None:  # noqa: PLR0915 - one table after the other
    op.add_column("visits", sa.Column("asking", sa.Text(), nullable=True))
    op.create_table(
        "loan_schemes",
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=False),
        sa.Column("points", sa.JSON(), nullable=False),
        sa.Column("offer_days", sa.Integer(), nullable=False),
        sa.Column("hold_days", sa.Integer(), nullable=False),
        sa.Column("max_renewals", sa.Integer(), nullable=False),
        sa.Column("tag_prefix", sa.String(length=3), nullable=True),
        sa.Column("last_tag", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "offer_days > 0 AND hold_days >= 0 AND max_renewals >= 0", name=op.f("ck_loan_schemes_times")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_loan_schemes_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", name=op.f("pk_loan_schemes")),
        sa.UniqueConstraint("tag_prefix", name=op.f("uq_loan_schemes_tag_prefix")),
    )
    op.create_table(
        "device_models",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("features", sa.String(length=120), nullable=False),
        sa.Column("steps", sa.String(length=40), nullable=False),
        sa.Column("loan_days", sa.Integer(), nullable=False),
        sa.Column("support_until", sa.Date(), nullable=True),
        sa.Column("is_offered", sa.Boolean(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('laptop', 'tablet', 'phone', 'hub', 'sim')", name=op.f("ck_device_models_kind_known")
        ),
        sa.CheckConstraint("loan_days > 0", name=op.f("ck_device_models_has_length")),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["loan_schemes.organisation_id"],
            name=op.f("fk_device_models_organisation_id_loan_schemes"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_models")),
    )
    with op.batch_alter_table("device_models", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_device_models_organisation_id"), ["organisation_id"], unique=False
        )

    op.create_table(
        "loan_outcomes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("used_for", sa.String(length=120), nullable=False),
        sa.Column("changed", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["loan_schemes.organisation_id"],
            name=op.f("fk_loan_outcomes_organisation_id_loan_schemes"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_loan_outcomes")),
    )
    with op.batch_alter_table("loan_outcomes", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_loan_outcomes_organisation_id"), ["organisation_id"], unique=False
        )

    op.create_table(
        "quota_pools",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("ward", sa.String(length=12), nullable=True),
        sa.Column("referrer_id", sa.Integer(), nullable=True),
        sa.Column("share", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(kind = 'area') = (ward IS NOT NULL) AND (kind = 'referrer') = (referrer_id IS NOT NULL)",
            name=op.f("ck_quota_pools_of_one_thing"),
        ),
        sa.CheckConstraint("kind IN ('area', 'referrer')", name=op.f("ck_quota_pools_kind_known")),
        sa.CheckConstraint("share BETWEEN 1 AND 100", name=op.f("ck_quota_pools_share_in_hundred")),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["loan_schemes.organisation_id"],
            name=op.f("fk_quota_pools_organisation_id_loan_schemes"),
        ),
        sa.ForeignKeyConstraint(
            ["referrer_id"], ["organisations.id"], name=op.f("fk_quota_pools_referrer_id_organisations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quota_pools")),
        sa.UniqueConstraint(
            "organisation_id", "referrer_id", name=op.f("uq_quota_pools_organisation_id_referrer_id")
        ),
        sa.UniqueConstraint("organisation_id", "ward", name=op.f("uq_quota_pools_organisation_id_ward")),
    )
    op.create_table(
        "sims",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("holder_id", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("iccid", sa.String(length=20), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=True),
        sa.Column("carrier", sa.String(length=40), nullable=False),
        sa.Column("data_gb", sa.Integer(), nullable=True),
        sa.Column("data_until", sa.Date(), nullable=True),
        sa.Column("state", sa.String(length=6), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_demonstration", sa.Boolean(), nullable=False),
        sa.CheckConstraint("state IN ('stock', 'out', 'ended', 'lost')", name=op.f("ck_sims_state_known")),
        sa.CheckConstraint("data_gb IS NULL OR data_gb > 0", name=op.f("ck_sims_has_data")),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["loan_schemes.organisation_id"], name=op.f("fk_sims_holder_id_loan_schemes")
        ),
        sa.ForeignKeyConstraint(["place_id"], ["places.id"], name=op.f("fk_sims_place_id_places")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sims")),
        sa.UniqueConstraint("iccid", name=op.f("uq_sims_iccid")),
        sa.UniqueConstraint("number", name=op.f("uq_sims_number")),
    )
    with op.batch_alter_table("sims", schema=None) as batch_op:
        batch_op.create_index("ix_sims_holder_id", ["holder_id", "state", "data_until"], unique=False)
        batch_op.create_index(batch_op.f("ix_sims_place_id"), ["place_id"], unique=False)

    op.create_table(
        "stock_items",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("holder_id", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("in_stock", sa.Integer(), nullable=False),
        sa.Column("on_loan", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "kind = 'accessory' OR on_loan = 0", name=op.f("ck_stock_items_consumables_are_gone")
        ),
        sa.CheckConstraint("kind IN ('accessory', 'consumable')", name=op.f("ck_stock_items_kind_known")),
        sa.CheckConstraint("in_stock >= 0 AND on_loan >= 0", name=op.f("ck_stock_items_counts")),
        sa.ForeignKeyConstraint(
            ["holder_id"],
            ["loan_schemes.organisation_id"],
            name=op.f("fk_stock_items_holder_id_loan_schemes"),
        ),
        sa.ForeignKeyConstraint(["place_id"], ["places.id"], name=op.f("fk_stock_items_place_id_places")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_items")),
        sa.UniqueConstraint(
            "holder_id", "place_id", "name", name=op.f("uq_stock_items_holder_id_place_id_name")
        ),
    )
    with op.batch_alter_table("stock_items", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_stock_items_place_id"), ["place_id"], unique=False)

    op.create_table(
        "stock_takes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("begun_by_id", sa.Integer(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["begun_by_id"], ["staff.id"], name=op.f("fk_stock_takes_begun_by_id_staff"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["loan_schemes.organisation_id"],
            name=op.f("fk_stock_takes_organisation_id_loan_schemes"),
        ),
        sa.ForeignKeyConstraint(["place_id"], ["places.id"], name=op.f("fk_stock_takes_place_id_places")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_takes")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("stock_takes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_stock_takes_place_id"), ["place_id"], unique=False)
        batch_op.create_index(
            "uq_stock_takes_open_place",
            ["organisation_id", "place_id"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    op.create_table(
        "device_model_texts",
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("title", sa.String(length=80), nullable=False),
        sa.Column("summary", sa.String(length=600), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.CheckConstraint("state IN ('drafted', 'checked')", name=op.f("ck_device_model_texts_state_known")),
        sa.ForeignKeyConstraint(
            ["model_id"],
            ["device_models.id"],
            name=op.f("fk_device_model_texts_model_id_device_models"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("model_id", "language", name=op.f("pk_device_model_texts")),
    )
    op.create_table(
        "loan_requests",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("form_key", sa.String(length=64), nullable=False),
        sa.Column("resident_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("purposes", sa.String(length=120), nullable=False),
        sa.Column("whom", sa.String(length=10), nullable=False),
        sa.Column("wants_data", sa.Boolean(), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("settings", sa.String(length=120), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=True),
        sa.Column("ward", sa.String(length=12), nullable=True),
        sa.Column("staff_id", sa.Integer(), nullable=True),
        sa.Column("referrer_id", sa.Integer(), nullable=True),
        sa.Column("consent_wording", sa.String(length=20), nullable=False),
        sa.Column("consent_how", sa.String(length=10), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("waits_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("put_first_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("put_first_for", sa.Text(), nullable=True),
        sa.Column("offers_lapsed", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("forgotten_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(status = 'declined') <= (reason <> '')", name=op.f("ck_loan_requests_declined_for_a_reason")
        ),
        sa.CheckConstraint(
            "(status IN ('fulfilled', 'declined', 'withdrawn', 'expired')) = (ended_at IS NOT NULL)",
            name=op.f("ck_loan_requests_ended_with_time"),
        ),
        sa.CheckConstraint(
            "(status IN ('queued', 'offered', 'fulfilled')) <= (waits_since IS NOT NULL)",
            name=op.f("ck_loan_requests_queued_since"),
        ),
        sa.CheckConstraint(
            "status IN ('draft', 'submitted', 'need_info', 'approved', 'queued', 'offered', 'fulfilled', 'declined',"
            " 'withdrawn', 'expired')",
            name=op.f("ck_loan_requests_status_known"),
        ),
        sa.CheckConstraint(
            "(put_first_at IS NULL) = (put_first_for IS NULL)",
            name=op.f("ck_loan_requests_put_first_for_a_reason"),
        ),
        sa.CheckConstraint("points >= 0 AND offers_lapsed >= 0", name=op.f("ck_loan_requests_counts")),
        sa.ForeignKeyConstraint(
            ["model_id"], ["device_models.id"], name=op.f("fk_loan_requests_model_id_device_models")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["loan_schemes.organisation_id"],
            name=op.f("fk_loan_requests_organisation_id_loan_schemes"),
        ),
        sa.ForeignKeyConstraint(["place_id"], ["places.id"], name=op.f("fk_loan_requests_place_id_places")),
        sa.ForeignKeyConstraint(
            ["referrer_id"], ["organisations.id"], name=op.f("fk_loan_requests_referrer_id_organisations")
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"],
            ["residents.id"],
            name=op.f("fk_loan_requests_resident_id_residents"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_loan_requests_staff_id_staff"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_loan_requests")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_loan_requests_code_hash")),
        sa.UniqueConstraint("form_key", name=op.f("uq_loan_requests_form_key")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("loan_requests", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_loan_requests_model_id"), ["model_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_loan_requests_place_id"), ["place_id"], unique=False)
        batch_op.create_index(
            "ix_loan_requests_queue", ["organisation_id", "status", "model_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_loan_requests_referrer_id"), ["referrer_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_loan_requests_resident_id"), ["resident_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_loan_requests_staff_id"), ["staff_id"], unique=False)

    op.create_table(
        "units",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tag", sa.String(length=12), nullable=False),
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("holder_id", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("serial", sa.String(length=40), nullable=True),
        sa.Column("imei", sa.String(length=15), nullable=True),
        sa.Column("donor", sa.String(length=80), nullable=False),
        sa.Column("acquired_on", sa.Date(), nullable=True),
        sa.Column("support_until", sa.Date(), nullable=True),
        sa.Column("fitness", sa.String(length=10), nullable=False),
        sa.Column("retired_for", sa.String(length=20), nullable=True),
        sa.Column("condition", sa.String(length=1), nullable=False),
        sa.Column("note", sa.String(length=300), nullable=False),
        sa.Column("returned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("wiped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("hold_until", sa.Date(), nullable=True),
        sa.Column("is_unlocked", sa.Boolean(), nullable=True),
        sa.Column("issued", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_demonstration", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "(fitness = 'retired') = (retired_for IS NOT NULL)", name=op.f("ck_units_retired_for_a_reason")
        ),
        sa.CheckConstraint(
            "fitness <> 'ready' OR (wiped_at IS NOT NULL AND checked_at IS NOT NULL)",
            name=op.f("ck_units_ready_is_clean"),
        ),
        sa.CheckConstraint(
            "fitness <> 'ready' OR returned_at IS NULL OR (wiped_at > returned_at AND checked_at > returned_at)",
            name=op.f("ck_units_clean_since_return"),
        ),
        sa.CheckConstraint(
            "fitness IN ('intake', 'wiping', 'testing', 'ready', 'quarantine', 'repair', 'missing', 'retired')",
            name=op.f("ck_units_fitness_known"),
        ),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["loan_schemes.organisation_id"], name=op.f("fk_units_holder_id_loan_schemes")
        ),
        sa.ForeignKeyConstraint(
            ["model_id"], ["device_models.id"], name=op.f("fk_units_model_id_device_models")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["organisations.id"], name=op.f("fk_units_owner_id_organisations")
        ),
        sa.ForeignKeyConstraint(["place_id"], ["places.id"], name=op.f("fk_units_place_id_places")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_units")),
        sa.UniqueConstraint("imei", name=op.f("uq_units_imei")),
        sa.UniqueConstraint("serial", name=op.f("uq_units_serial")),
        sa.UniqueConstraint("tag", name=op.f("uq_units_tag")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("units", schema=None) as batch_op:
        batch_op.create_index(
            "ix_units_holder_id", ["holder_id", "fitness", "model_id", "place_id", "hold_until"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_units_model_id"), ["model_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_units_owner_id"), ["owner_id"], unique=False)
        batch_op.create_index("ix_units_place_id", ["place_id", "fitness"], unique=False)

    op.create_table(
        "kit_parts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.CheckConstraint("count > 0", name=op.f("ck_kit_parts_counts")),
        sa.ForeignKeyConstraint(
            ["unit_id"], ["units.id"], name=op.f("fk_kit_parts_unit_id_units"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kit_parts")),
        sa.UniqueConstraint("unit_id", "name", name=op.f("uq_kit_parts_unit_id_name")),
    )
    op.create_table(
        "loan_notes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("loan_request_id", sa.Integer(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["loan_request_id"],
            ["loan_requests.id"],
            name=op.f("fk_loan_notes_loan_request_id_loan_requests"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_loan_notes_staff_id_staff"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_loan_notes")),
    )
    with op.batch_alter_table("loan_notes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_loan_notes_loan_request_id"), ["loan_request_id"], unique=False)

    op.create_table(
        "loan_offers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        sa.Column("sim_id", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("slot_place_id", sa.Integer(), nullable=True),
        sa.Column("slot_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("slot_seat", sa.Integer(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(state IN ('open', 'accepted')) = (ended_at IS NULL)",
            name=op.f("ck_loan_offers_ended_with_time"),
        ),
        sa.CheckConstraint(
            "state IN ('open', 'accepted', 'lapsed', 'declined', 'taken_back', 'fulfilled')",
            name=op.f("ck_loan_offers_state_known"),
        ),
        sa.CheckConstraint("(unit_id IS NULL) <> (sim_id IS NULL)", name=op.f("ck_loan_offers_of_one_thing")),
        sa.CheckConstraint(
            "slot_at IS NULL OR slot_place_id IS NOT NULL", name=op.f("ck_loan_offers_slot_somewhere")
        ),
        sa.CheckConstraint(
            "slot_seat IS NULL OR slot_at IS NOT NULL", name=op.f("ck_loan_offers_seat_of_slot")
        ),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["loan_requests.id"],
            name=op.f("fk_loan_offers_request_id_loan_requests"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["sim_id"], ["sims.id"], name=op.f("fk_loan_offers_sim_id_sims")),
        sa.ForeignKeyConstraint(
            ["slot_place_id"], ["places.id"], name=op.f("fk_loan_offers_slot_place_id_places")
        ),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_loan_offers_unit_id_units")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_loan_offers")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("loan_offers", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_loan_offers_request_id"), ["request_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_loan_offers_sim_id"), ["sim_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_loan_offers_slot_place_id"), ["slot_place_id"], unique=False)
        batch_op.create_index("ix_loan_offers_state_ends_at", ["state", "ends_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_loan_offers_unit_id"), ["unit_id"], unique=False)
        batch_op.create_index(
            "uq_loan_offers_live_request",
            ["request_id"],
            unique=True,
            sqlite_where=sa.text("state IN ('open', 'accepted')"),
            postgresql_where=sa.text("state IN ('open', 'accepted')"),
        )
        batch_op.create_index(
            "uq_loan_offers_live_sim",
            ["sim_id"],
            unique=True,
            sqlite_where=sa.text("state IN ('open', 'accepted')"),
            postgresql_where=sa.text("state IN ('open', 'accepted')"),
        )
        batch_op.create_index(
            "uq_loan_offers_live_unit",
            ["unit_id"],
            unique=True,
            sqlite_where=sa.text("state IN ('open', 'accepted')"),
            postgresql_where=sa.text("state IN ('open', 'accepted')"),
        )
        batch_op.create_index(
            "uq_loan_offers_slot",
            ["slot_place_id", "slot_at", "slot_seat"],
            unique=True,
            sqlite_where=sa.text("state = 'accepted' AND slot_at IS NOT NULL"),
            postgresql_where=sa.text("state = 'accepted' AND slot_at IS NOT NULL"),
        )

    op.create_table(
        "loan_request_answers",
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("answers", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["loan_requests.id"],
            name=op.f("fk_loan_request_answers_request_id_loan_requests"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_loan_request_answers")),
    )
    op.create_table(
        "loans",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("form_key", sa.String(length=64), nullable=False),
        sa.Column("loan_request_id", sa.Integer(), nullable=True),
        sa.Column("resident_id", sa.Integer(), nullable=True),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("issued_by_id", sa.Integer(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("renewals", sa.Integer(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by_id", sa.Integer(), nullable=True),
        sa.Column("cause", sa.String(length=12), nullable=True),
        sa.Column("locked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("condition_out", sa.String(length=1), nullable=False),
        sa.Column("condition_back", sa.String(length=1), nullable=True),
        sa.Column("agreement", sa.String(length=12), nullable=False),
        sa.Column("agreed_how", sa.String(length=6), nullable=False),
        sa.Column("signature", sa.Text(), nullable=True),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("follow_up_on", sa.Date(), nullable=True),
        sa.Column("outcome_asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(status = 'active') = (ended_at IS NULL)", name=op.f("ck_loans_ended_with_time")),
        sa.CheckConstraint(
            "agreed_how IN ('drawn', 'paper', 'spoken')", name=op.f("ck_loans_agreed_how_known")
        ),
        sa.CheckConstraint(
            "cause IS NULL OR status IN ('lost', 'returned')", name=op.f("ck_loans_cause_of_loss")
        ),
        sa.CheckConstraint(
            "status IN ('active', 'returned', 'lost', 'gifted')", name=op.f("ck_loans_status_known")
        ),
        sa.CheckConstraint("renewals >= 0", name=op.f("ck_loans_counts")),
        sa.ForeignKeyConstraint(
            ["ended_by_id"], ["staff.id"], name=op.f("fk_loans_ended_by_id_staff"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["issued_by_id"], ["staff.id"], name=op.f("fk_loans_issued_by_id_staff"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["loan_request_id"],
            ["loan_requests.id"],
            name=op.f("fk_loans_loan_request_id_loan_requests"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["model_id"], ["device_models.id"], name=op.f("fk_loans_model_id_device_models")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["loan_schemes.organisation_id"],
            name=op.f("fk_loans_organisation_id_loan_schemes"),
        ),
        sa.ForeignKeyConstraint(["place_id"], ["places.id"], name=op.f("fk_loans_place_id_places")),
        sa.ForeignKeyConstraint(
            ["resident_id"],
            ["residents.id"],
            name=op.f("fk_loans_resident_id_residents"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_loans_unit_id_units")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_loans")),
        sa.UniqueConstraint("form_key", name=op.f("uq_loans_form_key")),
        sa.UniqueConstraint("loan_request_id", name=op.f("uq_loans_loan_request_id")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("loans", schema=None) as batch_op:
        batch_op.create_index(
            "ix_loans_organisation_id", ["organisation_id", "status", "due_on", "unit_id"], unique=False
        )
        batch_op.create_index("ix_loans_issued", ["organisation_id", "model_id", "issued_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_loans_model_id"), ["model_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_loans_place_id"), ["place_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_loans_resident_id"), ["resident_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_loans_unit_id"), ["unit_id"], unique=False)
        batch_op.create_index(
            "uq_loans_active_unit",
            ["unit_id"],
            unique=True,
            sqlite_where=sa.text("status = 'active'"),
            postgresql_where=sa.text("status = 'active'"),
        )

    op.create_table(
        "repair_tickets",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=18), nullable=False),
        sa.Column("fault", sa.String(length=20), nullable=False),
        sa.Column("note", sa.String(length=300), nullable=False),
        sa.Column("workshop_id", sa.Integer(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_by_id", sa.Integer(), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("result", sa.String(length=16), nullable=True),
        sa.CheckConstraint(
            "(status = 'done') = (done_at IS NOT NULL)", name=op.f("ck_repair_tickets_done_with_time")
        ),
        sa.CheckConstraint(
            "(status = 'done') = (result IS NOT NULL)", name=op.f("ck_repair_tickets_done_with_result")
        ),
        sa.CheckConstraint(
            "status <> 'at_workshop' OR workshop_id IS NOT NULL", name=op.f("ck_repair_tickets_at_a_place")
        ),
        sa.CheckConstraint(
            "status IN ('reported', 'at_workshop', 'waiting_for_part', 'done')",
            name=op.f("ck_repair_tickets_status_known"),
        ),
        sa.ForeignKeyConstraint(
            ["opened_by_id"],
            ["staff.id"],
            name=op.f("fk_repair_tickets_opened_by_id_staff"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["loan_schemes.organisation_id"],
            name=op.f("fk_repair_tickets_organisation_id_loan_schemes"),
        ),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_repair_tickets_unit_id_units")),
        sa.ForeignKeyConstraint(
            ["workshop_id"], ["places.id"], name=op.f("fk_repair_tickets_workshop_id_places")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_repair_tickets")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("repair_tickets", schema=None) as batch_op:
        batch_op.create_index(
            "ix_repair_tickets_organisation_id", ["organisation_id", "status"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_repair_tickets_workshop_id"), ["workshop_id"], unique=False)
        batch_op.create_index(
            "uq_repair_tickets_open_unit",
            ["unit_id"],
            unique=True,
            sqlite_where=sa.text("status <> 'done'"),
            postgresql_where=sa.text("status <> 'done'"),
        )

    op.create_table(
        "safety_checks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("checked_by_id", sa.Integer(), nullable=True),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("faults", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(
            ["checked_by_id"],
            ["staff.id"],
            name=op.f("fk_safety_checks_checked_by_id_staff"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_safety_checks_unit_id_units")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_safety_checks")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("safety_checks", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_safety_checks_unit_id"), ["unit_id"], unique=False)

    op.create_table(
        "stock_take_sightings",
        sa.Column("stock_take_id", sa.Integer(), nullable=False),
        sa.Column("tag", sa.String(length=40), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["stock_take_id"],
            ["stock_takes.id"],
            name=op.f("fk_stock_take_sightings_stock_take_id_stock_takes"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["unit_id"], ["units.id"], name=op.f("fk_stock_take_sightings_unit_id_units")
        ),
        sa.PrimaryKeyConstraint("stock_take_id", "tag", name=op.f("pk_stock_take_sightings")),
    )
    with op.batch_alter_table("stock_take_sightings", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_stock_take_sightings_unit_id"), ["unit_id"], unique=False)

    op.create_table(
        "unit_transfers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("from_id", sa.Integer(), nullable=False),
        sa.Column("to_id", sa.Integer(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_by_id", sa.Integer(), nullable=True),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("from_id <> to_id", name=op.f("ck_unit_transfers_to_another_place")),
        sa.ForeignKeyConstraint(["from_id"], ["places.id"], name=op.f("fk_unit_transfers_from_id_places")),
        sa.ForeignKeyConstraint(
            ["sent_by_id"], ["staff.id"], name=op.f("fk_unit_transfers_sent_by_id_staff"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["to_id"], ["places.id"], name=op.f("fk_unit_transfers_to_id_places")),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_unit_transfers_unit_id_units")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit_transfers")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("unit_transfers", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_unit_transfers_to_id"), ["to_id"], unique=False)
        batch_op.create_index(
            "uq_unit_transfers_open_unit",
            ["unit_id"],
            unique=True,
            sqlite_where=sa.text("arrived_at IS NULL"),
            postgresql_where=sa.text("arrived_at IS NULL"),
        )

    op.create_table(
        "take_ins",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        sa.Column("loan_id", sa.Integer(), nullable=True),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_by_id", sa.Integer(), nullable=True),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("was_loan", sa.String(length=10), nullable=True),
        sa.Column("was_ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("was_fitness", sa.String(length=10), nullable=True),
        sa.Column("was_place_id", sa.Integer(), nullable=True),
        sa.Column("was_returned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("was_hold_until", sa.Date(), nullable=True),
        sa.Column("was_unlocked", sa.Boolean(), nullable=True),
        sa.CheckConstraint(
            "unit_id IS NOT NULL OR loan_id IS NOT NULL", name=op.f("ck_take_ins_of_something")
        ),
        sa.CheckConstraint("looked_at IS NULL OR undone_at IS NULL", name=op.f("ck_take_ins_one_end")),
        sa.ForeignKeyConstraint(
            ["loan_id"], ["loans.id"], name=op.f("fk_take_ins_loan_id_loans"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["loan_schemes.organisation_id"],
            name=op.f("fk_take_ins_organisation_id_loan_schemes"),
        ),
        sa.ForeignKeyConstraint(["place_id"], ["places.id"], name=op.f("fk_take_ins_place_id_places")),
        sa.ForeignKeyConstraint(
            ["taken_by_id"], ["staff.id"], name=op.f("fk_take_ins_taken_by_id_staff"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_take_ins_unit_id_units")),
        sa.ForeignKeyConstraint(
            ["was_place_id"], ["places.id"], name=op.f("fk_take_ins_was_place_id_places")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_take_ins")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("take_ins", schema=None) as batch_op:
        batch_op.create_index("ix_take_ins_organisation_id", ["organisation_id", "looked_at"], unique=False)
        batch_op.create_index("ix_take_ins_taken_by_id", ["taken_by_id", "taken_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_take_ins_loan_id"), ["loan_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_take_ins_place_id"), ["place_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_take_ins_unit_id"), ["unit_id"], unique=False)
        batch_op.create_index(
            "uq_take_ins_open_loan",
            ["loan_id"],
            unique=True,
            sqlite_where=sa.text("undone_at IS NULL"),
            postgresql_where=sa.text("undone_at IS NULL"),
        )

    op.create_table(
        "loan_evidence",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        sa.Column("loan_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("media_type", sa.String(length=40), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("added_by_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("kind IN ('wipe_report', 'photo')", name=op.f("ck_loan_evidence_kind_known")),
        sa.ForeignKeyConstraint(
            ["added_by_id"],
            ["staff.id"],
            name=op.f("fk_loan_evidence_added_by_id_staff"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["loan_id"], ["loans.id"], name=op.f("fk_loan_evidence_loan_id_loans"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["loan_schemes.organisation_id"],
            name=op.f("fk_loan_evidence_organisation_id_loan_schemes"),
        ),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_loan_evidence_unit_id_units")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_loan_evidence")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("loan_evidence", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_loan_evidence_loan_id"), ["loan_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_loan_evidence_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_loan_evidence_unit_id"), ["unit_id"], unique=False)

    op.create_table(
        "loan_parts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("loan_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("stock_item_id", sa.Integer(), nullable=True),
        sa.Column("count_out", sa.Integer(), nullable=False),
        sa.Column("count_back", sa.Integer(), nullable=True),
        sa.Column("is_damaged", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "count_out > 0 AND count_back >= 0 AND count_back <= count_out", name=op.f("ck_loan_parts_counts")
        ),
        sa.ForeignKeyConstraint(
            ["loan_id"], ["loans.id"], name=op.f("fk_loan_parts_loan_id_loans"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["stock_item_id"],
            ["stock_items.id"],
            name=op.f("fk_loan_parts_stock_item_id_stock_items"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_loan_parts")),
    )
    with op.batch_alter_table("loan_parts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_loan_parts_loan_id"), ["loan_id"], unique=False)

    op.create_table(
        "loan_renewals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("form_key", sa.String(length=64), nullable=False),
        sa.Column("loan_id", sa.Integer(), nullable=False),
        sa.Column("how", sa.String(length=8), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("new_due_on", sa.Date(), nullable=True),
        sa.Column("refused_for", sa.String(length=20), nullable=True),
        sa.CheckConstraint(
            "how IN ('code', 'link', 'sms', 'helper', 'desk')", name=op.f("ck_loan_renewals_how_known")
        ),
        sa.CheckConstraint(
            "(new_due_on IS NULL) <> (refused_for IS NULL)", name=op.f("ck_loan_renewals_granted_or_refused")
        ),
        sa.ForeignKeyConstraint(
            ["loan_id"], ["loans.id"], name=op.f("fk_loan_renewals_loan_id_loans"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_loan_renewals")),
        sa.UniqueConstraint("form_key", name=op.f("uq_loan_renewals_form_key")),
    )
    with op.batch_alter_table("loan_renewals", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_loan_renewals_loan_id"), ["loan_id"], unique=False)

    op.create_table(
        "sim_uses",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("loan_id", sa.Integer(), nullable=False),
        sa.Column("sim_id", sa.Integer(), nullable=False),
        sa.Column("from_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("warned_for", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["loan_id"], ["loans.id"], name=op.f("fk_sim_uses_loan_id_loans"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["sim_id"], ["sims.id"], name=op.f("fk_sim_uses_sim_id_sims")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sim_uses")),
    )
    with op.batch_alter_table("sim_uses", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sim_uses_loan_id"), ["loan_id"], unique=False)
        batch_op.create_index(
            "uq_sim_uses_open_sim",
            ["sim_id"],
            unique=True,
            sqlite_where=sa.text("until_at IS NULL"),
            postgresql_where=sa.text("until_at IS NULL"),
        )

    op.create_table(
        "wipes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("method", sa.String(length=16), nullable=False),
        sa.Column("tool", sa.String(length=60), nullable=False),
        sa.Column("wiped_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verified_by_id", sa.Integer(), nullable=True),
        sa.Column("evidence_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "method IN ('clear', 'purge', 'crypto_erase', 'encrypted_reset')",
            name=op.f("ck_wipes_method_known"),
        ),
        sa.ForeignKeyConstraint(
            ["evidence_id"], ["loan_evidence.id"], name=op.f("fk_wipes_evidence_id_loan_evidence")
        ),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_wipes_unit_id_units")),
        sa.ForeignKeyConstraint(
            ["verified_by_id"], ["staff.id"], name=op.f("fk_wipes_verified_by_id_staff"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wipes")),
        sa.UniqueConstraint("unit_id", "evidence_id", name=op.f("uq_wipes_unit_id_evidence_id")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("wipes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_wipes_evidence_id"), ["evidence_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_wipes_unit_id"), ["unit_id"], unique=False)

    with op.batch_alter_table("status_changes", schema=None) as batch_op:
        batch_op.add_column(sa.Column("loan_request_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("loan_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("unit_id", sa.Integer(), nullable=True))
        batch_op.drop_constraint(op.f(ONE_OWNER), type_="check")
        batch_op.create_check_constraint(
            op.f(ONE_OWNER), one_of(*OWNERS, "loan_request_id", "loan_id", "unit_id")
        )
        batch_op.create_index(batch_op.f("ix_status_changes_loan_id"), ["loan_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_status_changes_loan_request_id"), ["loan_request_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_status_changes_unit_id"), ["unit_id"], unique=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_status_changes_unit_id_units"), "units", ["unit_id"], ["id"], ondelete="CASCADE"
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_status_changes_loan_id_loans"), "loans", ["loan_id"], ["id"], ondelete="CASCADE"
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_status_changes_loan_request_id_loan_requests"),
            "loan_requests",
            ["loan_request_id"],
            ["id"],
            ondelete="CASCADE",
        )


def downgrade() -> None:  # noqa: PLR0915 - one table after the other
    op.execute("DELETE FROM status_changes WHERE COALESCE(loan_request_id, loan_id, unit_id) IS NOT NULL")
    op.execute("DELETE FROM given_codes WHERE kind = 'loan'")
    op.drop_column("visits", "asking")
    with op.batch_alter_table("status_changes", schema=None) as batch_op:
        batch_op.drop_constraint(
            batch_op.f("fk_status_changes_loan_request_id_loan_requests"), type_="foreignkey"
        )
        batch_op.drop_constraint(batch_op.f("fk_status_changes_loan_id_loans"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("fk_status_changes_unit_id_units"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_status_changes_unit_id"))
        batch_op.drop_index(batch_op.f("ix_status_changes_loan_request_id"))
        batch_op.drop_index(batch_op.f("ix_status_changes_loan_id"))
        batch_op.drop_constraint(op.f(ONE_OWNER), type_="check")
        batch_op.create_check_constraint(op.f(ONE_OWNER), one_of(*OWNERS))
        batch_op.drop_column("unit_id")
        batch_op.drop_column("loan_id")
        batch_op.drop_column("loan_request_id")

    with op.batch_alter_table("wipes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_wipes_unit_id"))
        batch_op.drop_index(batch_op.f("ix_wipes_evidence_id"))

    op.drop_table("wipes")
    with op.batch_alter_table("sim_uses", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_sim_uses_open_sim",
            sqlite_where=sa.text("until_at IS NULL"),
            postgresql_where=sa.text("until_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_sim_uses_loan_id"))

    op.drop_table("sim_uses")
    with op.batch_alter_table("loan_renewals", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_loan_renewals_loan_id"))

    op.drop_table("loan_renewals")
    with op.batch_alter_table("loan_parts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_loan_parts_loan_id"))

    op.drop_table("loan_parts")
    with op.batch_alter_table("loan_evidence", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_loan_evidence_unit_id"))
        batch_op.drop_index(batch_op.f("ix_loan_evidence_organisation_id"))
        batch_op.drop_index(batch_op.f("ix_loan_evidence_loan_id"))

    op.drop_table("loan_evidence")
    with op.batch_alter_table("take_ins", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_take_ins_open_loan",
            sqlite_where=sa.text("undone_at IS NULL"),
            postgresql_where=sa.text("undone_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_take_ins_unit_id"))
        batch_op.drop_index(batch_op.f("ix_take_ins_place_id"))
        batch_op.drop_index(batch_op.f("ix_take_ins_loan_id"))
        batch_op.drop_index("ix_take_ins_taken_by_id")
        batch_op.drop_index("ix_take_ins_organisation_id")

    op.drop_table("take_ins")
    with op.batch_alter_table("unit_transfers", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_unit_transfers_open_unit",
            sqlite_where=sa.text("arrived_at IS NULL"),
            postgresql_where=sa.text("arrived_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_unit_transfers_to_id"))

    op.drop_table("unit_transfers")
    with op.batch_alter_table("stock_take_sightings", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_stock_take_sightings_unit_id"))

    op.drop_table("stock_take_sightings")
    with op.batch_alter_table("safety_checks", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_safety_checks_unit_id"))

    op.drop_table("safety_checks")
    with op.batch_alter_table("repair_tickets", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_repair_tickets_open_unit",
            sqlite_where=sa.text("status <> 'done'"),
            postgresql_where=sa.text("status <> 'done'"),
        )
        batch_op.drop_index(batch_op.f("ix_repair_tickets_workshop_id"))
        batch_op.drop_index("ix_repair_tickets_organisation_id")

    op.drop_table("repair_tickets")
    with op.batch_alter_table("loans", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_loans_active_unit",
            sqlite_where=sa.text("status = 'active'"),
            postgresql_where=sa.text("status = 'active'"),
        )
        batch_op.drop_index(batch_op.f("ix_loans_unit_id"))
        batch_op.drop_index(batch_op.f("ix_loans_resident_id"))
        batch_op.drop_index(batch_op.f("ix_loans_place_id"))
        batch_op.drop_index(batch_op.f("ix_loans_model_id"))
        batch_op.drop_index("ix_loans_issued")
        batch_op.drop_index("ix_loans_organisation_id")

    op.drop_table("loans")
    op.drop_table("loan_request_answers")
    with op.batch_alter_table("loan_offers", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_loan_offers_slot",
            sqlite_where=sa.text("state = 'accepted' AND slot_at IS NOT NULL"),
            postgresql_where=sa.text("state = 'accepted' AND slot_at IS NOT NULL"),
        )
        batch_op.drop_index(
            "uq_loan_offers_live_unit",
            sqlite_where=sa.text("state IN ('open', 'accepted')"),
            postgresql_where=sa.text("state IN ('open', 'accepted')"),
        )
        batch_op.drop_index(
            "uq_loan_offers_live_sim",
            sqlite_where=sa.text("state IN ('open', 'accepted')"),
            postgresql_where=sa.text("state IN ('open', 'accepted')"),
        )
        batch_op.drop_index(
            "uq_loan_offers_live_request",
            sqlite_where=sa.text("state IN ('open', 'accepted')"),
            postgresql_where=sa.text("state IN ('open', 'accepted')"),
        )
        batch_op.drop_index(batch_op.f("ix_loan_offers_unit_id"))
        batch_op.drop_index("ix_loan_offers_state_ends_at")
        batch_op.drop_index(batch_op.f("ix_loan_offers_slot_place_id"))
        batch_op.drop_index(batch_op.f("ix_loan_offers_sim_id"))
        batch_op.drop_index(batch_op.f("ix_loan_offers_request_id"))

    op.drop_table("loan_offers")
    with op.batch_alter_table("loan_notes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_loan_notes_loan_request_id"))

    op.drop_table("loan_notes")
    op.drop_table("kit_parts")
    with op.batch_alter_table("units", schema=None) as batch_op:
        batch_op.drop_index("ix_units_place_id")
        batch_op.drop_index(batch_op.f("ix_units_owner_id"))
        batch_op.drop_index(batch_op.f("ix_units_model_id"))
        batch_op.drop_index("ix_units_holder_id")

    op.drop_table("units")
    with op.batch_alter_table("loan_requests", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_loan_requests_staff_id"))
        batch_op.drop_index(batch_op.f("ix_loan_requests_resident_id"))
        batch_op.drop_index(batch_op.f("ix_loan_requests_referrer_id"))
        batch_op.drop_index("ix_loan_requests_queue")
        batch_op.drop_index(batch_op.f("ix_loan_requests_place_id"))
        batch_op.drop_index(batch_op.f("ix_loan_requests_model_id"))

    op.drop_table("loan_requests")
    op.drop_table("device_model_texts")
    with op.batch_alter_table("stock_takes", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_stock_takes_open_place",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_stock_takes_place_id"))

    op.drop_table("stock_takes")
    with op.batch_alter_table("stock_items", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_stock_items_place_id"))

    op.drop_table("stock_items")
    with op.batch_alter_table("sims", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sims_place_id"))
        batch_op.drop_index("ix_sims_holder_id")

    op.drop_table("sims")
    op.drop_table("quota_pools")
    with op.batch_alter_table("loan_outcomes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_loan_outcomes_organisation_id"))

    op.drop_table("loan_outcomes")
    with op.batch_alter_table("device_models", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_device_models_organisation_id"))

    op.drop_table("device_models")
    op.drop_table("loan_schemes")
