"""The job that tells a person: one attempt at a time, each noted before it is made."""

import random
from datetime import timedelta

import structlog

from app.core.i18n import Dictionary
from app.database.engine import Database
from app.database.models import Notification, User
from app.jobs.backoff import Backoff
from app.jobs.job import Job, Retry
from app.notifications import service
from app.notifications.facts import FACT
from app.notifications.messages import message
from app.notifications.telegram import (
    Ambiguous,
    NotSent,
    Rejected,
    TelegramSender,
    TokenRefused,
    TooManyRequests,
)

MAX_ATTEMPTS = 20
_TOKEN_PAUSE = timedelta(minutes=1)
_BACKOFF = Backoff(first=timedelta(seconds=1), factor=2, ceiling=timedelta(minutes=10))

log = structlog.stdlib.get_logger(__name__)


class DeliverNotification:
    def __init__(self, database: Database, telegram: TelegramSender, dictionary: Dictionary) -> None:
        self._database = database
        self._telegram = telegram
        self._dictionary = dictionary

    async def __call__(self, job: Job) -> None:
        async with self._database.transaction() as session:
            notification = await service.begin_sending(session, int(job.payload["notification_id"]))
            if notification is None:
                return
            language = (await session.get_one(User, notification.user_id)).language
        message_id = await self._send(notification, language)
        if message_id is None:
            return
        async with self._database.transaction() as session:
            await service.mark_sent(session, notification.id, message_id)
        log.info("notification.sent", user_id=notification.user_id, kind=notification.kind)

    async def _send(self, notification: Notification, language: str) -> int | None:
        """The message's id, or None when it is held.

        Raises:
            Retry: when it may be tried again.
        """
        screen = message(FACT.validate_python(notification.fact), self._dictionary[language])
        try:
            return await self._telegram.send(notification.user_id, screen)
        except TooManyRequests as error:
            raise await self._later(notification, timedelta(seconds=error.retry_after)) from error
        except TokenRefused as error:
            log.error("notification.token_refused", remedy="TELEGRAM_TOKEN: ask @BotFather for the right one")
            raise await self._later(notification, _TOKEN_PAUSE) from error
        except NotSent as error:
            raise await self._later(notification, _wait(notification)) from error
        except Ambiguous as error:
            if notification.attempts < MAX_ATTEMPTS:
                raise Retry(_wait(notification)) from error
            await self._hold(notification, "no answer from Telegram")
        except Rejected as error:
            await self._hold(notification, error.description)
        return None

    async def _later(self, notification: Notification, after: timedelta) -> Retry:
        async with self._database.transaction() as session:
            await service.mark_pending(session, notification.id)
        return Retry(after)

    async def _hold(self, notification: Notification, why: str) -> None:
        async with self._database.transaction() as session:
            await service.hold(session, notification.id, why)
        log.warning("notification.held", user_id=notification.user_id, kind=notification.kind, why=why)


def _wait(notification: Notification) -> timedelta:
    return _BACKOFF(notification.attempts, random.random())  # noqa: S311 - spreads load, guards nothing
