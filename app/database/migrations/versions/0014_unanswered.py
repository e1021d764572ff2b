"""Why FAL, when it was asked about a training, gave no answer."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("trainings", sa.Column("unanswered", sa.String))


def downgrade() -> None:
    op.drop_column("trainings", "unanswered")
