"""What both processes are made of; photos and their storage belong to the bot's own."""

from collections.abc import AsyncIterator

import httpx
from dishka import Provider, Scope, from_context, provide

from app.core.i18n import Dictionary
from app.core.settings import Settings
from app.database.engine import Database
from app.fal.client import Fal
from app.requests.poll import StatusPoller
from app.requests.purpose import Purposes
from app.trainings.purpose import TRAINING


class CoreProvider(Provider):
    """`Settings` and an open `Database` come in with the container's context."""

    scope = Scope.APP

    settings = from_context(Settings)
    database = from_context(Database)
    dictionary = provide(Dictionary)
    poller = provide(StatusPoller)

    @provide
    def purposes(self) -> Purposes:
        return Purposes((TRAINING,))

    @provide
    def fal(self, settings: Settings, http: httpx.AsyncClient) -> Fal:
        return Fal(settings.fal.api_key, http)

    @provide
    async def http(self) -> AsyncIterator[httpx.AsyncClient]:
        async with httpx.AsyncClient() as client:
            yield client
