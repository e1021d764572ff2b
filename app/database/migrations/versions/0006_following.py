"""Following a training: how it is asked for, what FAL said last, its message in the chat; consents."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
COLUMNS: dict[str, sa.types.TypeEngine[Any]] = {
    "preset": sa.String(32),
    "cancel_asked_at": MOMENT,
    "asked_at": MOMENT,
    "queue_position": sa.Integer(),
    "last_line": sa.String(),
}


def upgrade() -> None:
    for name, kind in COLUMNS.items():
        op.add_column("trainings", sa.Column(name, kind))
    op.create_check_constraint(
        op.f("ck_trainings_preset"), "trainings", "preset IN ('fast', 'balanced', 'quality')"
    )
    op.create_check_constraint(
        op.f("ck_trainings_cancelling_has_a_time"),
        "trainings",
        "state <> 'CANCELLING' OR cancel_asked_at IS NOT NULL",
    )
    op.create_index(
        "ix_trainings_completed",
        "trainings",
        ["trainer", "finished_at"],
        postgresql_where=sa.text("state = 'COMPLETED' AND kind = 'real'"),
    )
    op.create_table(
        "consents",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("avatar_id", sa.BigInteger, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("language", sa.String, nullable=False),
        sa.Column("given_at", MOMENT, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_consents"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_consents_user_id"),
        sa.ForeignKeyConstraint(
            ["avatar_id"], ["avatars.id"], name="fk_consents_avatar_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("avatar_id", "version", name="uq_consents_avatar_id_version"),
    )
    op.create_index("ix_consents_user_id", "consents", ["user_id"])
    op.create_table(
        "status_messages",
        sa.Column("training_id", sa.Uuid, nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("message_id", sa.BigInteger, nullable=False),
        sa.Column("shown", sa.LargeBinary, nullable=False),
        sa.Column("looked_at", MOMENT, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("training_id", name="pk_status_messages"),
        sa.ForeignKeyConstraint(
            ["training_id"],
            ["trainings.id"],
            name="fk_status_messages_training_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_status_messages_user_id"),
    )
    op.create_index("ix_status_messages_user_id_message_id", "status_messages", ["user_id", "message_id"])


def downgrade() -> None:
    op.drop_table("status_messages")
    op.drop_table("consents")
    op.drop_index("ix_trainings_completed", "trainings")
    op.drop_constraint(op.f("ck_trainings_cancelling_has_a_time"), "trainings")
    op.drop_constraint(op.f("ck_trainings_preset"), "trainings")
    for name in COLUMNS:
        op.drop_column("trainings", name)
