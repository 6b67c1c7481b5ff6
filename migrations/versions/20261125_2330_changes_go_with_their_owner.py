"""status changes go with what they are of; numbers of steps and reports are never given twice; when a report was settled"""

import sqlalchemy as sa
from alembic import op

revision = "9a4f0c63d1e8"
down_revision = "5d0e6b83a7c4"
branch_labels = None
depends_on = None

# Rows of plans and places deleted before, which a later row of the same number would take for its own.
OWNERS = """
UPDATE status_changes SET roadmap_id = (
    SELECT step_progress.roadmap_id FROM step_progress JOIN roadmaps ON roadmaps.id = step_progress.roadmap_id
    WHERE step_progress.id = status_changes.row_id AND roadmaps.made_at <= status_changes.at
) WHERE noun = 'step_progress'
"""
PLACES = """
UPDATE status_changes SET place_id = (
    SELECT place_reports.place_id FROM place_reports
    WHERE place_reports.id = status_changes.row_id AND place_reports.at <= status_changes.at
) WHERE noun = 'place_reports'
"""


def upgrade() -> None:
    # A table nothing points to: SQLite can write it anew without taking other rows with it.
    for table in ("step_progress", "place_reports"):
        _number_once(table, True)
    with op.batch_alter_table("place_reports", schema=None) as batch_op:
        batch_op.add_column(sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE place_reports SET settled_at = at WHERE status <> 'new'")
    with op.batch_alter_table("status_changes", schema=None) as batch_op:
        batch_op.add_column(sa.Column("roadmap_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("place_id", sa.Integer(), nullable=True))
    op.execute(OWNERS)
    op.execute(PLACES)
    op.execute("DELETE FROM status_changes WHERE roadmap_id IS NULL AND place_id IS NULL")
    with op.batch_alter_table("status_changes", schema=None) as batch_op:
        batch_op.create_check_constraint(
            op.f("ck_status_changes_one_owner"), "(roadmap_id IS NULL) <> (place_id IS NULL)"
        )
        batch_op.create_foreign_key(
            op.f("fk_status_changes_roadmap_id_roadmaps"),
            "roadmaps",
            ["roadmap_id"],
            ["id"],
            ondelete="CASCADE",
        )
        batch_op.create_foreign_key(
            op.f("fk_status_changes_place_id_places"), "places", ["place_id"], ["id"], ondelete="CASCADE"
        )
        batch_op.create_index("ix_status_changes_roadmap_id", ["roadmap_id"], unique=False)
        batch_op.create_index("ix_status_changes_place_id", ["place_id"], unique=False)
    endings = sa.text("action IN ('delete', 'expire')")
    op.create_index(
        "ix_audit_rows_endings", "audit_rows", ["at"], sqlite_where=endings, postgresql_where=endings
    )


def downgrade() -> None:
    op.drop_index("ix_audit_rows_endings", table_name="audit_rows")
    with op.batch_alter_table("status_changes", schema=None) as batch_op:
        batch_op.drop_index("ix_status_changes_place_id")
        batch_op.drop_index("ix_status_changes_roadmap_id")
        batch_op.drop_constraint(op.f("fk_status_changes_place_id_places"), type_="foreignkey")
        batch_op.drop_constraint(op.f("fk_status_changes_roadmap_id_roadmaps"), type_="foreignkey")
        batch_op.drop_constraint(op.f("ck_status_changes_one_owner"), type_="check")
        batch_op.drop_column("place_id")
        batch_op.drop_column("roadmap_id")
    with op.batch_alter_table("place_reports", schema=None) as batch_op:
        batch_op.drop_column("settled_at")
    for table in ("place_reports", "step_progress"):
        _number_once(table, False)


def _number_once(table: str, once: bool) -> None:
    """SQLite gives the number of a deleted last row away again unless told otherwise; PostgreSQL never does."""
    if op.get_bind().dialect.name == "sqlite":
        with op.batch_alter_table(
            table, schema=None, recreate="always", table_kwargs={"sqlite_autoincrement": once}
        ):
            pass
