"""Alembic's entry: the same address the processes use, the same models."""

import asyncio
import sys

from alembic import context
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from app.core.config import GeneralSettings, SettingsError
from app.database.address import database_url
from app.database.models import Base


def address() -> str:
    """The url a caller put into the configuration, else the one the processes would use."""
    given: str | None = context.config.attributes.get("url")
    try:
        return given or database_url(GeneralSettings())
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)


def migrate(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()


async def main(url: str) -> None:
    engine = create_async_engine(url, hide_parameters=True)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(migrate)
    finally:
        await engine.dispose()


asyncio.run(main(address()))
