"""A queue of updates a chat, the ids that have come, and what a person is in the middle of saying.

Rows that were kept before have no chat; they make a queue of their own.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("bot_updates", sa.Column("chat_id", sa.BigInteger))
    op.create_index("ix_bot_updates_chat_id_update_id", "bot_updates", ["chat_id", "update_id"])
    op.create_table(
        "bot_update_ids",
        sa.Column("update_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("update_id", name="pk_bot_update_ids"),
    )
    op.create_table(
        "bot_states",
        sa.Column("bot_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("chat_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("user_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("state", sa.Text),
        sa.Column("data", postgresql.JSONB, server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("bot_id", "chat_id", "user_id", name="pk_bot_states"),
    )


def downgrade() -> None:
    op.drop_table("bot_states")
    op.drop_table("bot_update_ids")
    op.drop_index("ix_bot_updates_chat_id_update_id", "bot_updates")
    op.drop_column("bot_updates", "chat_id")
