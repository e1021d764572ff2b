"""The bot process: `python -m app.main`. It leads people, keeps their photos and submits their trainings."""

import asyncio

import app.bot.lazy_models  # noqa: F401 - for its effect, before anything imports aiogram

# isort: split
from dishka import AsyncContainer, make_async_container

from app.bot.providers import BotProvider
from app.bot.serve import serve as serve_bot
from app.core.bootstrap import process_context
from app.core.memory import give_back_large_blocks
from app.core.settings import Settings
from app.database.engine import Database
from app.database.startup import open_database
from app.providers import CoreProvider


def make_container(settings: Settings, database: Database) -> AsyncContainer:
    return make_async_container(
        CoreProvider(), BotProvider(), context={Settings: settings, Database: database}
    )


async def serve(settings: Settings) -> None:
    async with open_database(settings) as database:
        container = make_container(settings, database)
        try:
            await serve_bot(container)
        finally:
            await container.close()


def main() -> None:
    give_back_large_blocks()
    with process_context("bot") as settings:
        asyncio.run(serve(settings))


if __name__ == "__main__":
    main()
