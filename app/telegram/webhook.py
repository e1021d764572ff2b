"""Updates by webhook: Telegram brings them, to whichever process, and is answered once they are kept."""

import asyncio
import hmac
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import structlog
from aiogram import Bot
from aiogram.exceptions import TelegramAPIError, TelegramBadRequest
from aiohttp import web
from pydantic_core import from_json
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.core import log_sinks
from app.core.backoff import Backoff
from app.core.errors import CannotStart
from app.core.settings import BotSettings, TelegramSettings
from app.database.engine import Database
from app.telegram.chat_worker import ChatWorkers
from app.telegram.retry_after import wait_after
from app.telegram.update_store import Updates

_SECRET = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the header's name
_MOST_BYTES = 1024**2
_CONNECTIONS = 40  # at a time, of Telegram's to all processes together
_TIMEOUT_SECONDS = 5.0  # for requests that are inside when the process stops
_CHECK_INTERVAL_SECONDS = (
    60.0  # seconds; a process that polls, and isn't stopped yet, may take the webhook back
)
_BACKOFF = Backoff(first=timedelta(seconds=1), factor=2, ceiling=timedelta(seconds=30))

log = structlog.stdlib.get_logger(__name__)


class Webhook:
    def __init__(
        self,
        bot: Bot,
        updates: Updates,
        chats: ChatWorkers,
        database: Database,
        kinds: list[str],
        telegram: TelegramSettings,
        listening: BotSettings,
    ) -> None:
        self._bot = bot
        self._updates = updates
        self._chats = chats
        self._database = database
        self._kinds = kinds
        self._url = telegram.webhook_url
        self._secret = telegram.webhook_secret.get_secret_value()
        self._listening = listening

    async def run(self) -> None:
        """Until it is cancelled; who is inside then is answered.

        Raises:
            CannotStart: the port is taken, or Telegram refuses the address.
        """
        app = web.Application(client_max_size=_MOST_BYTES)
        app.router.add_post(urlsplit(self._url).path or "/", self.receive)
        app.router.add_get("/health", self.health)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=_TIMEOUT_SECONDS)
        await runner.setup()
        try:
            await self._listen(runner)
            await self._announce()
            while True:
                await asyncio.sleep(_CHECK_INTERVAL_SECONDS)
                await self._look()
        finally:
            await runner.cleanup()

    async def receive(self, request: web.Request) -> web.Response:
        """401 for a stranger, 413 for what is too long, 503 while it can't be kept: Telegram comes again."""
        secret = request.headers.get(_SECRET, "").encode("utf-8", "surrogateescape")  # whatever bytes came
        if not hmac.compare_digest(secret, self._secret.encode()):
            return web.Response(status=401)
        update = self._updates.understood(_read(await request.read()))
        if update is None:
            return web.Response()
        try:
            self._chats.drain(await self._updates.keep([update]))
        except (OSError, SQLAlchemyError) as error:
            log.warning("bot.update_not_kept", error=type(error).__name__)
            return web.Response(status=503)
        return web.Response()

    async def health(self, _request: web.Request) -> web.Response:
        try:
            async with self._database.engine.connect() as connection:
                await connection.execute(text("SELECT 1"))
        except (OSError, SQLAlchemyError):
            return web.json_response({"status": "error", "failed": "database"}, status=503)
        return web.json_response(log_sinks.health())

    async def _listen(self, runner: web.AppRunner) -> None:
        host, port = self._listening.host, self._listening.port
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            what = f"nothing can listen on {host}:{port} ({error.strerror})"
            raise CannotStart(f"Cannot start: {what}. Free it, or change BOT_HOST and BOT_PORT") from None

    async def _look(self) -> None:
        """See that Telegram still brings updates here."""
        try:
            told = await self._bot.get_webhook_info()
            if told.url != self._url:
                log.warning("bot.webhook_lost")
                await self._set()
        except TelegramAPIError as error:
            log.warning("bot.webhook_not_set", error=type(error).__name__, retry_in=_CHECK_INTERVAL_SECONDS)

    async def _set(self) -> None:
        await self._bot.set_webhook(
            self._url,
            allowed_updates=self._kinds,
            secret_token=self._secret,
            max_connections=_CONNECTIONS,
        )

    async def _announce(self) -> None:
        """Each process tells Telegram the same, so it doesn't matter who is last."""
        failures = 0
        while True:
            try:
                await self._set()
                return
            except TelegramBadRequest as error:
                what = f"Telegram refuses TELEGRAM_WEBHOOK_URL ({error.message})"
                raise CannotStart(f"Cannot start: {what}. It takes a public https address") from None
            except TelegramAPIError as error:
                failures += 1
                wait = wait_after(error, _BACKOFF, failures)
                log.warning("bot.webhook_not_set", error=type(error).__name__, retry_in=wait.total_seconds())
                await asyncio.sleep(wait.total_seconds())


def _read(body: bytes) -> Any:
    try:
        return from_json(body)
    except ValueError:
        return None
