"""What both processes are made of; photos and their storage belong to the bot's own."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
from dishka import Provider, Scope, from_context, provide

from app.core.config import Settings
from app.core.i18n import Dictionary
from app.database.engine import Database
from app.fal.client import Fal
from app.jobs.options import WorkerOptions


def worker_options(settings: Settings) -> WorkerOptions:
    return WorkerOptions(
        heartbeat_timeout=timedelta(seconds=settings.jobs.heartbeat_timeout),
        dequeue_timeout=timedelta(seconds=settings.jobs.dequeue_timeout),
    )


class CoreProvider(Provider):
    """`Settings` and an open `Database` come in with the container's context."""

    scope = Scope.APP

    settings = from_context(Settings)
    database = from_context(Database)
    dictionary = provide(Dictionary)

    @provide
    def fal(self, settings: Settings) -> Fal:
        return Fal(settings.fal.api_key)

    @provide
    async def http(self) -> AsyncIterator[httpx.AsyncClient]:
        async with httpx.AsyncClient() as client:
            yield client
