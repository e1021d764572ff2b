"""What the coach measures in faces; thumbnails, which tell copies; what people have done to their photos."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("avatar_photos", sa.Column("features", JSONB))
    op.add_column("avatar_photos", sa.Column("thumbnail", sa.LargeBinary))
    op.add_column("avatar_photos", sa.Column("edit", JSONB))


def downgrade() -> None:
    op.drop_column("avatar_photos", "edit")
    op.drop_column("avatar_photos", "thumbnail")
    op.drop_column("avatar_photos", "features")
