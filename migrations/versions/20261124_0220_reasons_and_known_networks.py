"""typed reasons beside the record; networks a code was opened from"""

import sqlalchemy as sa
from alembic import op

revision = "b41c7d20e9f5"
down_revision = "ec959aa3b1c6"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_reasons",
        sa.Column("row_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("salt", sa.String(length=64), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["row_id"], ["audit_rows.id"], name=op.f("fk_audit_reasons_row_id_audit_rows")
        ),
        sa.PrimaryKeyConstraint("row_id", name=op.f("pk_audit_reasons")),
    )
    op.create_table(
        "known_networks",
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key_hash", name=op.f("pk_known_networks")),
    )
    with op.batch_alter_table("known_networks", schema=None) as batch_op:
        batch_op.create_index("ix_known_networks_last_at", ["last_at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("known_networks", schema=None) as batch_op:
        batch_op.drop_index("ix_known_networks_last_at")

    op.drop_table("known_networks")
    # The older schema has no place for them; the record itself keeps their hashes and stays whole.
    op.drop_table("audit_reasons")
