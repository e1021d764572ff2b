"""People, avatars and their photos, trainings, callbacks and what people have to be told."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

FINAL = "('COMPLETED', 'FAILED', 'CANCELLED')"


def upgrade() -> None:
    _users()
    _avatars()
    _avatar_photos()
    _trainings()
    _inbox_events()
    _notifications()


def downgrade() -> None:
    op.drop_constraint("fk_users_current_avatar_id", "users")
    for table in ("notifications", "inbox_events", "trainings", "avatar_photos", "avatars", "users"):
        op.drop_table(table)


def _users() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("language", sa.String, nullable=False),
        sa.Column("current_avatar_id", sa.BigInteger),
        _moment("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        _check("users", "language_is_spoken", "language IN ('ru', 'kk', 'en')"),
    )


def _avatars() -> None:
    op.create_table(
        "avatars",
        _id(),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("type", sa.String(32), nullable=False),
        sa.Column("gender", sa.String(32), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("model_url", sa.String),
        sa.Column("finetune_id", sa.String),
        _moment("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_avatars"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_avatars_user_id"),
        _check("avatars", "type", "type IN ('portrait', 'style')"),
        _check("avatars", "gender", "gender IN ('male', 'female')"),
        _check("avatars", "state", "state IN ('DRAFT', 'TRAINING', 'COMPLETED')"),
        _check("avatars", "name_not_blank", "length(btrim(name)) > 0"),
        _check("avatars", "model_url_https", "model_url IS NULL OR model_url LIKE 'https://%'"),
        _check(
            "avatars",
            "completed_has_model",
            "state <> 'COMPLETED' OR model_url IS NOT NULL OR finetune_id IS NOT NULL",
        ),
        _check("avatars", "portrait_has_no_finetune", "type <> 'portrait' OR finetune_id IS NULL"),
    )
    op.create_index("ix_avatars_user_id", "avatars", ["user_id"])
    op.create_foreign_key(
        "fk_users_current_avatar_id", "users", "avatars", ["current_avatar_id"], ["id"], ondelete="SET NULL"
    )


def _avatar_photos() -> None:
    op.create_table(
        "avatar_photos",
        _id(),
        sa.Column("avatar_id", sa.BigInteger, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("sha256", sa.LargeBinary, nullable=False),
        sa.Column("storage_key", sa.String, nullable=False),
        sa.Column("format", sa.String(16), nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("size_bytes", sa.Integer, nullable=False),
        _moment("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_avatar_photos"),
        sa.ForeignKeyConstraint(
            ["avatar_id"], ["avatars.id"], name="fk_avatar_photos_avatar_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("avatar_id", "sha256", name="uq_avatar_photos_avatar_id_sha256"),
        sa.UniqueConstraint("avatar_id", "position", name="uq_avatar_photos_avatar_id_position"),
        _check("avatar_photos", "position_counts_from_one", "position > 0"),
        _check("avatar_photos", "sha256_is_32_bytes", "length(sha256) = 32"),
    )


def _trainings() -> None:
    op.create_table(
        "trainings",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("avatar_id", sa.BigInteger, nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("trainer", sa.String, nullable=False),
        sa.Column("arguments", JSONB, nullable=False),
        sa.Column("archive_url", sa.String),
        sa.Column("request_id", sa.String),
        sa.Column("model_url", sa.String),
        sa.Column("finetune_id", sa.String),
        sa.Column("failure", sa.String),
        sa.Column("failure_detail", sa.String),
        _moment("requested_at"),
        sa.Column("submitted_at", sa.DateTime(timezone=True)),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("next_check_at", sa.DateTime(timezone=True)),
        sa.Column("checks", sa.Integer, server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_trainings"),
        sa.ForeignKeyConstraint(["avatar_id"], ["avatars.id"], name="fk_trainings_avatar_id"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_trainings_user_id"),
        sa.UniqueConstraint("request_id", name="uq_trainings_request_id"),
        *_training_checks(),
    )
    op.create_index("ix_trainings_avatar_id_requested_at", "trainings", ["avatar_id", "requested_at"])
    op.create_index(
        "uq_trainings_one_open_per_avatar",
        "trainings",
        ["avatar_id"],
        unique=True,
        postgresql_where=sa.text(f"state NOT IN {FINAL}"),
    )
    op.create_index(
        "ix_trainings_due",
        "trainings",
        ["next_check_at"],
        postgresql_where=sa.text(f"state NOT IN {FINAL}"),
    )


def _training_checks() -> list[sa.CheckConstraint]:
    checks = {
        "kind": "kind IN ('real', 'drill')",
        "state": (
            "state IN ('REQUESTED', 'SUBMITTING', 'SUBMIT_UNKNOWN', 'SUBMITTED', 'RUNNING', 'OVERDUE', "
            "'CANCELLING', 'COMPLETED', 'FAILED', 'CANCELLED')"
        ),
        "final_has_a_time": f"(state IN {FINAL}) = (finished_at IS NOT NULL)",
        "failed_has_a_reason": "(state = 'FAILED') = (failure IS NOT NULL)",
        "completed_has_a_model": (
            "state <> 'COMPLETED' OR kind = 'drill' OR model_url IS NOT NULL OR finetune_id IS NOT NULL"
        ),
        "drill_has_no_model": "kind = 'real' OR (model_url IS NULL AND finetune_id IS NULL)",
        "model_url_https": "model_url IS NULL OR model_url LIKE 'https://%'",
        "submitted_has_a_request": "state <> 'SUBMITTED' OR request_id IS NOT NULL",
    }
    return [_check("trainings", name, condition) for name, condition in checks.items()]


def _inbox_events() -> None:
    op.create_table(
        "inbox_events",
        _id(),
        sa.Column("request_id", sa.String, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("body_sha256", sa.LargeBinary, nullable=False),
        sa.Column("source", sa.String(32), nullable=False),
        sa.Column("trusted", sa.Boolean, nullable=False),
        sa.Column("training_id", sa.Uuid),
        sa.Column("training_type", sa.String, nullable=False),
        sa.Column("fal_user_id", sa.String),
        sa.Column("correlation_id", sa.String, nullable=False),
        _moment("received_at"),
        sa.Column("handled_at", sa.DateTime(timezone=True)),
        sa.Column("outcome", sa.String(32)),
        sa.PrimaryKeyConstraint("id", name="pk_inbox_events"),
        sa.UniqueConstraint("request_id", "body_sha256", name="uq_inbox_events_request_id_body_sha256"),
        _check(
            "inbox_events",
            "outcome",
            "outcome IN ('completed', 'failed', 'started', 'ignored', 'duplicate', 'conflict', 'asked', "
            "'unmatched', 'unknown_status')",
        ),
        _check("inbox_events", "source", "source IN ('fal', 'simulation', 'unsigned')"),
        _check("inbox_events", "handled_has_an_outcome", "(handled_at IS NULL) = (outcome IS NULL)"),
        _check("inbox_events", "sha256_is_32_bytes", "length(body_sha256) = 32"),
    )
    op.create_index(
        "ix_inbox_events_pending",
        "inbox_events",
        ["received_at"],
        postgresql_where=sa.text("handled_at IS NULL"),
    )


def _notifications() -> None:
    op.create_table(
        "notifications",
        _id(),
        sa.Column("training_id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("fact", JSONB, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("attempts", sa.Integer, server_default="0", nullable=False),
        sa.Column("correlation_id", sa.String, nullable=False),
        sa.Column("message_id", sa.Integer),
        sa.Column("held_reason", sa.String),
        _moment("created_at"),
        sa.Column("sent_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_notifications"),
        sa.ForeignKeyConstraint(["training_id"], ["trainings.id"], name="fk_notifications_training_id"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_notifications_user_id"),
        sa.UniqueConstraint("training_id", "kind", name="uq_notifications_training_id_kind"),
        _check("notifications", "state", "state IN ('PENDING', 'SENDING', 'SENT', 'HELD')"),
        _check("notifications", "sent_has_a_time", "(state = 'SENT') = (sent_at IS NOT NULL)"),
        _check("notifications", "held_has_a_reason", "(state = 'HELD') = (held_reason IS NOT NULL)"),
    )


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False)


def _moment(name: str) -> sa.Column[object]:
    """A time that the database sets."""
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False)


def _check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))
