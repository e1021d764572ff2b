"""A notification is about a request of any purpose, so its key refers to no single table any more."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

NAME = "fk_notifications_training_id"


def upgrade() -> None:
    op.drop_constraint(NAME, "notifications", type_="foreignkey")


def downgrade() -> None:
    op.create_foreign_key(NAME, "notifications", "trainings", ["training_id"], ["id"])
