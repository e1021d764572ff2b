"""FAL's public keys, as one fetch brought them."""

from sqlalchemy import CheckConstraint, LargeBinary
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.database.models.base import Base, Moment


class FalKeys(Base):
    """`keys` are Ed25519 public keys of 32 bytes, the whole of what `url` gave at `fetched_at`."""

    __tablename__ = "fal_keys"
    __table_args__ = (
        CheckConstraint("url LIKE 'https://%'", name="came_over_tls"),
        CheckConstraint("cardinality(keys) > 0", name="not_empty"),
    )

    url: Mapped[str] = mapped_column(primary_key=True)
    keys: Mapped[list[bytes]] = mapped_column(ARRAY(LargeBinary))
    fetched_at: Mapped[Moment]
