"""Every process's graph of dependencies can be built: a missing provider is found here, not at start."""

from collections.abc import Callable

import pytest
from dishka import AsyncContainer

import api_server.providers
import app.main
from app.core.settings import Settings
from app.database.engine import Database


@pytest.mark.parametrize("make_container", [app.main.make_container, api_server.providers.make_container])
async def test_the_graph_is_whole(
    make_container: Callable[[Settings, Database], AsyncContainer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TELEGRAM_TOKEN", "1:token")
    monkeypatch.setenv("FAL_API_KEY", "key")
    database = Database("postgresql+asyncpg://nobody@127.0.0.1/nothing")
    container = make_container(Settings.load(), database)  # dishka walks the whole graph here
    await container.close()
    await database.close()
