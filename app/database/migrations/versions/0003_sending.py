"""One pace for all instances, a halted sender, people who can't be reached, and doubtful attempts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "sending_limits",
        sa.Column("chat_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("sent", ARRAY(MOMENT), server_default="{}", nullable=False),
        sa.Column("line_ends_at", MOMENT),
        sa.Column("paused_until", MOMENT),
        sa.Column("paused_at", MOMENT),
        sa.PrimaryKeyConstraint("chat_id", name="pk_sending_limits"),
    )
    op.create_index(
        "ix_sending_limits_paused_at",
        "sending_limits",
        ["paused_at"],
        postgresql_where=sa.text("paused_at IS NOT NULL"),
    )
    op.create_table(
        "refused_tokens",
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        sa.Column("refused_at", MOMENT, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name="pk_refused_tokens"),
    )
    op.add_column("users", sa.Column("unreachable_at", MOMENT))
    op.add_column("notifications", sa.Column("due_at", MOMENT))
    op.add_column("notifications", sa.Column("ambiguous", sa.Integer, server_default="0", nullable=False))
    op.create_index(
        "ix_notifications_unsent",
        "notifications",
        ["state"],
        postgresql_where=sa.text("state <> 'SENT'"),
    )


def downgrade() -> None:
    op.drop_index("ix_notifications_unsent", "notifications")
    op.drop_column("notifications", "ambiguous")
    op.drop_column("notifications", "due_at")
    op.drop_column("users", "unreachable_at")
    op.drop_table("refused_tokens")
    op.drop_table("sending_limits")
