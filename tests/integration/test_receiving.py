"""Polling and webhook as Telegram hears them: who may take updates, and who takes them back."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, cast

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramConflictError
from aiogram.fsm.storage.memory import DisabledEventIsolation
from aiogram.methods import GetWebhookInfo, TelegramMethod
from aiogram.types import WebhookInfo
from pydantic import SecretStr

from app.core.backoff import Backoff
from app.core.i18n import Dictionary
from app.core.settings import BotSettings, TelegramSettings
from app.database.engine import Database
from app.telegram import polling, webhook
from app.telegram.chat_worker import ChatWorkers
from app.telegram.flood_control import FloodControl
from app.telegram.http_session import GetUpdates
from app.telegram.polling import Polling
from app.telegram.update_store import Updates
from app.telegram.webhook import Webhook
from tests.integration.bot_calls import Calls
from tests.integration.jobs_harness import until
from tests.ports import free_port

URL = "https://aisha.example/telegram"


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    millisecond = timedelta(milliseconds=1)
    monkeypatch.setattr(polling, "_BACKOFF", Backoff(first=millisecond, factor=1, ceiling=millisecond))
    monkeypatch.setattr(webhook, "_CHECK_INTERVAL_SECONDS", 0.01)


class Patience:
    """Answers polls with nothing, or with conflicts, and then no more."""

    def __init__(self, empty: int = 0, conflicts: int = 0) -> None:
        self.empty, self.conflicts = empty, conflicts

    async def __call__(self, method: TelegramMethod[Any]) -> Any:
        if isinstance(method, GetUpdates):
            if self.empty:
                self.empty -= 1
                return []
            if self.conflicts:
                self.conflicts -= 1
                raise TelegramConflictError(method, "can't use getUpdates method while webhook is active")
            await asyncio.Event().wait()
        return True


@contextmanager
def running(work: Any) -> Iterator[asyncio.Task[None]]:
    task = asyncio.ensure_future(work)
    yield task
    task.cancel()


def parts(calls: Calls, database: Database) -> tuple[Bot, Updates, ChatWorkers]:
    bot = Bot("42:token", session=calls)
    updates, floods = Updates(bot, database), FloodControl(bot, database, Dictionary())
    return bot, updates, ChatWorkers(bot, updates, cast("Any", None), DisabledEventIsolation(), floods)


async def test_polling_deletes_a_webhook_once(database: Database) -> None:
    calls = Calls(Patience(empty=3, conflicts=1))
    with running(Polling(*parts(calls, database), []).run()):
        await until(lambda: len(calls.made) >= 6)
    assert calls.names == ["deleteWebhook"] + ["getUpdates"] * 5


async def test_and_again_when_it_is_refused_for_long(database: Database) -> None:
    calls = Calls(Patience(conflicts=polling._PATIENCE))
    with running(Polling(*parts(calls, database), []).run()):
        await until(lambda: len(calls.made) >= polling._PATIENCE + 3)
    polls = ["getUpdates"]
    assert calls.names == ["deleteWebhook", *polls * polling._PATIENCE, "deleteWebhook", *polls]


async def test_a_webhook_that_was_taken_back_is_set_again(database: Database) -> None:
    told = [URL, "", URL, "https://elsewhere.example/"]

    async def answer(method: TelegramMethod[Any]) -> Any:
        if not isinstance(method, GetWebhookInfo):
            return True
        url = told.pop(0) if told else URL
        return WebhookInfo(url=url, has_custom_certificate=False, pending_update_count=0)

    calls = Calls(answer)
    telegram = TelegramSettings(webhook_url=URL, webhook_secret=SecretStr("secret"), token=SecretStr("42:x"))
    listening = BotSettings(host="127.0.0.1", port=free_port())
    bot, updates, chats = parts(calls, database)
    with running(Webhook(bot, updates, chats, database, [], telegram, listening).run()):
        await until(lambda: len(calls.made) >= 8)
    look, put = "getWebhookInfo", "setWebhook"
    assert calls.names[:8] == [put, look, look, put, look, look, put, look]
