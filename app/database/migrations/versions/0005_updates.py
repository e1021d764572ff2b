"""Updates of Telegram's, kept until they are done with, and from where to ask for more."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bot_updates",
        sa.Column("update_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("starts", sa.SmallInteger, server_default="0", nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("update_id", name="pk_bot_updates"),
    )
    op.create_table(
        "bot_offsets",
        sa.Column("bot_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("next_id", sa.BigInteger, nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("bot_id", name="pk_bot_offsets"),
    )


def downgrade() -> None:
    op.drop_table("bot_offsets")
    op.drop_table("bot_updates")
