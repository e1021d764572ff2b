"""Trial trainings: for whom, until when, which were such; and whether FAL was given a callback URL."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "smokes",
        sa.Column("user_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("until", MOMENT, nullable=False),
        sa.Column("begun_at", MOMENT, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_smokes"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_smokes_user_id", ondelete="CASCADE"),
    )
    op.add_column("trainings", sa.Column("smoke", sa.Boolean, server_default="false", nullable=False))
    op.add_column("trainings", sa.Column("with_callback", sa.Boolean))


def downgrade() -> None:
    op.drop_column("trainings", "with_callback")
    op.drop_column("trainings", "smoke")
    op.drop_table("smokes")
