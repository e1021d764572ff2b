"""Requests that are forgotten; indexes for deleting people, avatars and photos, and for the sweeps.

The indexes are built while the previous release goes on working, so nobody waits for a table; each waits for
the transactions that are open when it begins. They come first, and one that was cut short is dropped before
it is built anew: a migration that didn't come to its end is run once more.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0009"
branch_labels = None
depends_on = None

# By name: the table, the column, and which of its rows are in it.
INDEXES = {
    "ix_inbox_events_training_id": ("inbox_events", "training_id", None),
    "ix_notifications_user_id": ("notifications", "user_id", None),
    "ix_trainings_user_id": ("trainings", "user_id", None),
    "ix_users_current_avatar_id": ("users", "current_avatar_id", "current_avatar_id IS NOT NULL"),
    "ix_users_main_avatar_id": ("users", "main_avatar_id", "main_avatar_id IS NOT NULL"),
    "ix_avatar_photos_storage_key": ("avatar_photos", "storage_key", None),
    "ix_uploads_avatar_id": ("uploads", "avatar_id", None),
    "ix_uploads_photo_id": ("uploads", "photo_id", "photo_id IS NOT NULL"),
    "ix_uploads_digest_id": ("uploads", "digest_id", "digest_id IS NOT NULL"),
    "ix_uploads_waiting": ("uploads", "user_id, created_at", "state = 'WAITING'"),
    "ix_bot_states_user_id": ("bot_states", "user_id", None),
    "pgqueuer_held_idx": ("jobs.pgqueuer", "id", "status = 'failed'::jobs.pgqueuer_status"),
}


def upgrade() -> None:
    with op.get_context().autocommit_block():
        for name, (table, column, condition) in INDEXES.items():
            schema = "jobs." if table.startswith("jobs.") else ""
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {schema}{name}")
            where = f" WHERE {condition}" if condition else ""
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {table} ({column}){where}")
    # Jobs of the previous release: from now on an upload's job is found by its key.
    op.execute(
        "UPDATE jobs.pgqueuer SET dedupe_key = 'upload.check:' ||"
        " (convert_from(payload, 'UTF8')::jsonb ->> 'upload_id')"
        " WHERE entrypoint = 'upload.check' AND status = 'queued' AND dedupe_key IS NULL"
    )
    op.create_table(
        "forgotten_requests",
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("forgotten_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_forgotten_requests"),
        sa.CheckConstraint("length(digest) = 32", name=op.f("ck_forgotten_requests_digest_is_32_bytes")),
    )
    op.create_index("ix_forgotten_requests_forgotten_at", "forgotten_requests", ["forgotten_at"])


def downgrade() -> None:
    for name, (table, _, _) in INDEXES.items():
        op.execute(f"DROP INDEX {'jobs.' if table.startswith('jobs.') else ''}{name}")
    op.drop_table("forgotten_requests")
