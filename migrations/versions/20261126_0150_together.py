"""together: every given code once, homes with one plan, self-help groups"""

import sqlalchemy as sa
from alembic import op

revision = "c3f1a9d27b40"
down_revision = "7c9a51d2e8b6"
branch_labels = None
depends_on = None

ONE_OWNER = "ck_roadmaps_one_owner"
OF_TWO = "(visit_id IS NULL) <> (resident_id IS NULL)"
OF_THREE = (
    "(visit_id IS NOT NULL AND resident_id IS NULL AND household_id IS NULL)"
    " OR (visit_id IS NULL AND resident_id IS NOT NULL AND household_id IS NULL)"
    " OR (visit_id IS NULL AND resident_id IS NULL AND household_id IS NOT NULL)"
)


def upgrade() -> None:
    op.create_table(
        "given_codes",
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('resident', 'group', 'unclaimed')", name=op.f("ck_given_codes_kind_known")
        ),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_given_codes")),
    )
    op.create_index("ix_given_codes_kind_given_at", "given_codes", ["kind", "given_at"], unique=False)
    op.execute(
        "INSERT INTO given_codes (code_hash, kind, given_at) SELECT code_hash, 'resident', made_at FROM residents"
    )
    op.create_table(
        "households",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_households")),
    )
    op.create_table(
        "household_members",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("household_id", sa.Integer(), nullable=False),
        sa.Column("resident_id", sa.Integer(), nullable=False),
        sa.Column("nickname", sa.Text(), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["household_id"],
            ["households.id"],
            name=op.f("fk_household_members_household_id_households"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"],
            ["residents.id"],
            name=op.f("fk_household_members_resident_id_residents"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_household_members")),
        sa.UniqueConstraint("resident_id", name=op.f("uq_household_members_resident_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_household_members_household_id"), "household_members", ["household_id"], unique=False
    )
    with op.batch_alter_table("roadmaps", schema=None) as batch_op:
        batch_op.add_column(sa.Column("household_id", sa.Integer(), nullable=True))
        batch_op.drop_constraint(op.f(ONE_OWNER), type_="check")
        batch_op.create_check_constraint(op.f(ONE_OWNER), OF_THREE)
        batch_op.create_unique_constraint(op.f("uq_roadmaps_household_id"), ["household_id"])
        batch_op.create_foreign_key(
            op.f("fk_roadmaps_household_id_households"),
            "households",
            ["household_id"],
            ["id"],
            ondelete="CASCADE",
        )
    op.create_table(
        "self_help_groups",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("secret_kind", sa.String(length=10), nullable=False),
        sa.Column("secret_hash", sa.String(length=200), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("kept", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "secret_kind IN ('pin', 'pictures')", name=op.f("ck_self_help_groups_secret_kind_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_self_help_groups")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_self_help_groups_code_hash")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_self_help_groups_last_used_at", "self_help_groups", ["last_used_at"], unique=False)
    op.create_table(
        "group_members",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("resident_id", sa.Integer(), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["self_help_groups.id"],
            name=op.f("fk_group_members_group_id_self_help_groups"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"],
            ["residents.id"],
            name=op.f("fk_group_members_resident_id_residents"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_group_members")),
        sa.UniqueConstraint("group_id", "resident_id", name=op.f("uq_group_members_group_id_resident_id")),
    )
    op.create_index(op.f("ix_group_members_resident_id"), "group_members", ["resident_id"], unique=False)
    with op.batch_alter_table("visits", schema=None) as batch_op:
        batch_op.add_column(sa.Column("group_id", sa.Integer(), nullable=True))
        batch_op.create_index(op.f("ix_visits_group_id"), ["group_id"], unique=False)
        batch_op.create_foreign_key(
            op.f("fk_visits_group_id_self_help_groups"),
            "self_help_groups",
            ["group_id"],
            ["id"],
            ondelete="SET NULL",
        )


def downgrade() -> None:
    with op.batch_alter_table("visits", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("fk_visits_group_id_self_help_groups"), type_="foreignkey")
        batch_op.drop_index(op.f("ix_visits_group_id"))
        batch_op.drop_column("group_id")
    op.drop_index(op.f("ix_group_members_resident_id"), table_name="group_members")
    op.drop_table("group_members")
    op.drop_index("ix_self_help_groups_last_used_at", table_name="self_help_groups")
    op.drop_table("self_help_groups")
    # The schema before knows no homes: the plan of one goes to who came first, and nobody else's is lost with it.
    op.execute(
        "UPDATE roadmaps SET resident_id = (SELECT min(resident_id) FROM household_members AS earliest"
        " WHERE earliest.household_id = roadmaps.household_id AND NOT EXISTS"
        " (SELECT 1 FROM roadmaps AS own WHERE own.resident_id = earliest.resident_id)), household_id = NULL"
        " WHERE household_id IS NOT NULL AND EXISTS (SELECT 1 FROM household_members AS theirs"
        " WHERE theirs.household_id = roadmaps.household_id AND NOT EXISTS"
        " (SELECT 1 FROM roadmaps AS own WHERE own.resident_id = theirs.resident_id))"
    )
    for table in ("step_progress", "status_changes"):
        op.execute(
            f"DELETE FROM {table} WHERE roadmap_id IN (SELECT id FROM roadmaps WHERE household_id IS NOT NULL)"  # noqa: S608
        )
    op.execute("DELETE FROM roadmaps WHERE household_id IS NOT NULL")
    with op.batch_alter_table("roadmaps", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("fk_roadmaps_household_id_households"), type_="foreignkey")
        batch_op.drop_constraint(op.f("uq_roadmaps_household_id"), type_="unique")
        batch_op.drop_constraint(op.f(ONE_OWNER), type_="check")
        batch_op.create_check_constraint(op.f(ONE_OWNER), OF_TWO)
        batch_op.drop_column("household_id")
    op.drop_index(op.f("ix_household_members_household_id"), table_name="household_members")
    op.drop_table("household_members")
    op.drop_table("households")
    op.drop_index("ix_given_codes_kind_given_at", table_name="given_codes")
    op.drop_table("given_codes")
