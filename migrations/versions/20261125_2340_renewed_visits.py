"""the id of a visit before its last renewal, for buttons that were pressed twice"""

import sqlalchemy as sa
from alembic import op

revision = "7c9a51d2e8b6"
down_revision = "9a4f0c63d1e8"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("visits", schema=None) as batch_op:
        batch_op.add_column(sa.Column("before_hash", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("renewed_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_check_constraint(
            op.f("ck_visits_renewed_with_time"), "(before_hash IS NULL) = (renewed_at IS NULL)"
        )
        batch_op.create_index("ix_visits_before_hash", ["before_hash"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("visits", schema=None) as batch_op:
        batch_op.drop_index("ix_visits_before_hash")
        batch_op.drop_constraint(op.f("ck_visits_renewed_with_time"), type_="check")
        batch_op.drop_column("renewed_at")
        batch_op.drop_column("before_hash")
