"""Status messages of chats that Telegram has wait: left alone for so long, and the others are not."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramRetryAfter
from aiogram.methods import EditMessageText, TelegramMethod
from pydantic import SecretStr
from sqlalchemy import update

from app.bot.status_messages import Status
from app.core.i18n import Dictionary
from app.core.settings import Settings
from app.database.engine import Database
from app.database.models import AvatarState, RequestState, StatusMessage
from app.fal.client import Fal
from app.photos.scratch import ScratchFolder
from app.photos.service import Photos
from app.photos.storage import FolderStorage
from app.requests.poll import StatusPoller
from tests.decoders import IN_THREADS
from tests.factories import make_avatar, make_training, make_user
from tests.integration.bot_calls import Calls
from tests.integration.webhook_service import ENVIRONMENT
from tests.unit.settings import put

WAITING = 7
AN_HOUR = timedelta(hours=1)


async def followed(database: Database, user_id: int) -> None:
    """A message about a training that reads differently now."""
    async with database.transaction() as session:
        avatar = await make_avatar(session, await make_user(session, user_id), state=AvatarState.TRAINING)
        training = await make_training(session, avatar, RequestState.RUNNING)
        session.add(
            StatusMessage(training_id=training.id, user_id=user_id, message_id=1, content_hash=b"before")
        )


async def change(database: Database, checked_at: timedelta) -> None:
    """All of them read differently once more, and were looked at so much earlier than they were."""
    async with database.transaction() as session:
        earlier = StatusMessage.checked_at - checked_at
        await session.execute(update(StatusMessage).values(content_hash=b"before", checked_at=earlier))


async def test_a_chat_that_telegram_has_wait_is_left_alone_and_the_others_are_not(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answer(method: TelegramMethod[Any]) -> Any:
        if isinstance(method, EditMessageText) and method.chat_id == WAITING:
            raise TelegramRetryAfter(method, "Too Many Requests", int(AN_HOUR.total_seconds()))

    put(monkeypatch, ENVIRONMENT)
    settings, calls, scratch = Settings.load(), Calls(answer), ScratchFolder(tmp_path)
    photos = Photos(FolderStorage(tmp_path), scratch, settings.avatar, settings.photo, IN_THREADS)
    async with httpx.AsyncClient() as http:
        questions = StatusPoller(database, Fal(SecretStr("key"), http))
    status = Status(Bot("42:token", session=calls), database, Dictionary(), photos, questions)
    for user_id in (WAITING, 8):
        await followed(database, user_id)

    async def edited() -> list[int]:
        calls.made.clear()
        await status.refresh()
        return sorted(int(str(one.chat_id)) for one in calls.made if isinstance(one, EditMessageText))

    assert await edited() == [WAITING, 8]
    await change(database, timedelta(seconds=10))
    assert await edited() == [8]
    await change(database, AN_HOUR)
    assert await edited() == [WAITING, 8]
