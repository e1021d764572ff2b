"""Uploads until people are told of them; what the coach saw; the main avatar; known errors."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "uploads",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("avatar_id", sa.BigInteger),
        sa.Column("message_id", sa.BigInteger, nullable=False),
        sa.Column("file_id", sa.String),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("refusal", sa.String(64)),
        sa.Column("details", JSONB, server_default="{}", nullable=False),
        sa.Column("photo_id", sa.BigInteger),
        sa.Column("digest_id", sa.BigInteger),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        _check("state", "state IN ('WAITING', 'ACCEPTED', 'REFUSED')"),
        _check("refused_has_a_reason", "(state = 'REFUSED') = (refusal IS NOT NULL)"),
        _check("taken_for_an_avatar", "state = 'REFUSED' OR avatar_id IS NOT NULL"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_uploads_user_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["avatar_id"], ["avatars.id"], name="fk_uploads_avatar_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["photo_id"], ["avatar_photos.id"], name="fk_uploads_photo_id", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_uploads"),
    )
    op.create_table(
        "known_errors",
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("kind", name="pk_known_errors"),
    )
    op.create_index("ix_uploads_user_id", "uploads", ["user_id"])
    op.add_column("avatar_photos", sa.Column("traits", JSONB))
    op.add_column("avatar_photos", sa.Column("advice", JSONB, server_default="[]", nullable=False))
    op.add_column("avatars", sa.Column("digest_message_id", sa.BigInteger))
    op.add_column("avatars", sa.Column("photos_open", sa.Boolean, server_default="false", nullable=False))
    op.add_column("users", sa.Column("progress_message_id", sa.BigInteger))
    op.add_column("users", sa.Column("main_avatar_id", sa.BigInteger))
    op.create_foreign_key(
        "fk_users_main_avatar_id",
        "users",
        "avatars",
        ["main_avatar_id"],
        ["id"],
        ondelete="SET NULL",
    )


def downgrade() -> None:
    op.drop_column("users", "main_avatar_id")
    op.drop_column("users", "progress_message_id")
    op.drop_column("avatars", "photos_open")
    op.drop_column("avatars", "digest_message_id")
    op.drop_column("avatar_photos", "advice")
    op.drop_column("avatar_photos", "traits")
    op.drop_table("known_errors")
    op.drop_table("uploads")


def _check(name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_uploads_{name}"))
