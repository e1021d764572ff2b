"""Alembic's entry: the same address the processes use, the same models."""

import asyncio

from alembic import context
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from app.core.config import GeneralSettings
from app.database.address import database_url
from app.database.models import Base


def migrate(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()


async def main() -> None:
    address = context.config.attributes.get("url") or database_url(GeneralSettings())
    engine = create_async_engine(address)
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()


asyncio.run(main())
