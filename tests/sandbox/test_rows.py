"""The page reads the database whose address the product has, however that is written."""

import pytest
from sqlalchemy import text

from sandbox.page.rows import open_database


@pytest.mark.parametrize("query", ["", "?sslmode=prefer&channel_binding=prefer"])
async def test_an_address_as_a_provider_hands_it_out(database_url: str, query: str) -> None:
    engine = open_database(database_url.replace("postgresql+asyncpg://", "postgres://") + query)
    async with engine.connect() as connection:
        assert await connection.scalar(text("SHOW default_transaction_read_only")) == "on"
    await engine.dispose()
