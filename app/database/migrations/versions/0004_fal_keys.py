"""FAL's keys kept for a day; handled callbacks found by their age, to be counted and forgotten."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "fal_keys",
        sa.Column("url", sa.String, nullable=False),
        sa.Column("keys", ARRAY(sa.LargeBinary), nullable=False),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("url", name="pk_fal_keys"),
        sa.CheckConstraint("url LIKE 'https://%'", name=op.f("ck_fal_keys_came_over_tls")),
        sa.CheckConstraint("cardinality(keys) > 0", name=op.f("ck_fal_keys_not_empty")),
    )
    op.create_index(
        "ix_inbox_events_handled",
        "inbox_events",
        ["handled_at", "outcome"],
        postgresql_where=sa.text("handled_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_inbox_events_handled", "inbox_events")
    op.drop_table("fal_keys")
