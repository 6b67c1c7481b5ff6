"""anonymous counts of steps without a place near; which of them a visit has counted"""

import sqlalchemy as sa
from alembic import op

revision = "5d0e6b83a7c4"
down_revision = "b41c7d20e9f5"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "offer_gaps",
        sa.Column("step_id", sa.String(length=8), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("area", sa.String(length=40), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.CheckConstraint("times > 0", name=op.f("ck_offer_gaps_times_counted")),
        sa.PrimaryKeyConstraint("step_id", "month", "area", name=op.f("pk_offer_gaps")),
    )
    op.add_column("visits", sa.Column("gaps_counted", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("visits", "gaps_counted")
    op.drop_table("offer_gaps")
