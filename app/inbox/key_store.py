"""FAL's public keys in the database: one fetch serves every instance, and a start while FAL is silent."""

import asyncio
from collections.abc import Sequence

import structlog
from nacl.signing import VerifyKey
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from app.database.engine import Database
from app.database.models import FalKeys
from app.fal.jwks import StoredKeys

_TIMEOUT_SECONDS = 2  # callbacks wait for it, and FAL for them

log = structlog.stdlib.get_logger(__name__)


class DatabaseKeyStore:
    """`app.fal.jwks.KeyStore` over the table `fal_keys`; a database in trouble is an empty store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, url: str) -> StoredKeys | None:
        age = func.extract("epoch", func.clock_timestamp() - FalKeys.fetched_at)
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS), self._database.transaction() as session:
                row = (await session.execute(select(FalKeys.keys, age).where(FalKeys.url == url))).first()
            return StoredKeys(tuple(map(VerifyKey, row[0])), float(row[1])) if row else None
        except (SQLAlchemyError, OSError, ValueError) as error:
            log.warning("jwks.store_failed", action="load", error=type(error).__name__)
            return None

    async def save(self, url: str, keys: Sequence[VerifyKey]) -> None:
        fresh = {"keys": [bytes(key) for key in keys], "fetched_at": func.clock_timestamp()}
        statement = insert(FalKeys).values(url=url, **fresh)
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS), self._database.transaction() as session:
                await session.execute(statement.on_conflict_do_update(index_elements=["url"], set_=fresh))
        except (SQLAlchemyError, OSError) as error:
            log.warning("jwks.store_failed", action="save", error=type(error).__name__)
