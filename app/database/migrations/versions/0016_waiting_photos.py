"""A style has no gender; photos that came before there was an avatar for them wait for it."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("avatars", "gender", nullable=True)
    op.create_check_constraint(
        op.f("ck_avatars_portrait_has_a_gender"), "avatars", "type <> 'portrait' OR gender IS NOT NULL"
    )
    op.create_table(
        "waiting_photos",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("message_id", sa.BigInteger, nullable=False),
        sa.Column("file_id", sa.String, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_waiting_photos"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_waiting_photos_user_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_waiting_photos_user_id", "waiting_photos", ["user_id"])


def downgrade() -> None:
    op.drop_table("waiting_photos")
    op.drop_constraint(op.f("ck_avatars_portrait_has_a_gender"), "avatars")
    op.execute("UPDATE avatars SET gender = 'female' WHERE gender IS NULL")
    op.alter_column("avatars", "gender", nullable=False)
