"""The job that sends a notification: one attempt at a time, each recorded before it is made."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import LargeBinary, bindparam, exists, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.core.backoff import Backoff
from app.core.buttons import Screen
from app.core.errors import AishaError
from app.core.i18n import Dictionary
from app.core.metrics import AMBIGUOUS_ATTEMPTS, DELIVERY_SECONDS, NOTIFICATIONS
from app.database.engine import Database
from app.database.models import Notification, User
from app.jobs.job import Job, Retry
from app.jobs.priority_gate import PriorityGate
from app.notifications import service
from app.notifications.circuit_breaker import TOKEN_REFUSED, circuit_is_open, open_circuit
from app.notifications.facts import FACT
from app.notifications.messages import message
from app.notifications.rate_limit import Later, Rates, acquire, pause
from app.notifications.sender import (
    Ambiguous,
    Rejected,
    TelegramSender,
    TokenRefused,
    TooManyRequests,
)
from app.notifications.unanswered import OutageDetector, hold_unanswered, retry_after_outage

_REPEATED_AFTER = timedelta(seconds=5)
_BACKOFF = Backoff(first=timedelta(seconds=1), factor=2, ceiling=timedelta(minutes=10))

# Unless it was sent, or is held, already. Made once: building it takes longer than running it.
_later = aliased(Notification)
_SUPERSEDED = exists().where(_later.request_key == Notification.request_key, _later.id > Notification.id)
_LOCK_UNSENT = (
    select(
        Notification,
        User.language,
        circuit_is_open(bindparam("token", type_=LargeBinary)),
        _SUPERSEDED,
    )
    .join(User, User.id == Notification.user_id)
    .where(Notification.id == bindparam("notification"), Notification.state.in_(service.UNSENT))
    .with_for_update(of=Notification)
)

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One that is noted and goes after `wait`, which the pace asks for."""

    notification: Notification
    screen: Screen
    wait: timedelta


class DeliverNotification:
    kind = service.DELIVER

    def __init__(
        self,
        database: Database,
        telegram: TelegramSender,
        dictionary: Dictionary,
        rates: Rates,
        priority_gate: PriorityGate,
    ) -> None:
        self._database = database
        self._telegram = telegram
        self._dictionary = dictionary
        self._rates = rates
        self._priority_gate = priority_gate
        self._outage = OutageDetector()

    async def __call__(self, job: Job) -> None:
        async with self._priority_gate.background(), self._database.transaction() as session:
            begun = await self._begin(session, int(job.payload["notification_id"]))
        if isinstance(begun, Later):
            raise Retry(begun.after)
        if begun is not None:
            await asyncio.sleep(begun.wait.total_seconds())
            await self._make(begun)

    async def _begin(self, session: AsyncSession, notification_id: int) -> Attempt | Later | None:
        """The attempt to make now; None when there is none to make."""
        asked = {"notification": notification_id, "token": self._telegram.fingerprint}
        found = (await session.execute(_LOCK_UNSENT, asked)).one_or_none()
        if found is None:
            return None
        notification, language, refused, superseded = found
        fact = FACT.validate_python(notification.fact)
        if superseded and fact.provisional:
            await session.delete(notification)  # it waited, and isn't true any more
            return None
        if refused:
            await _hold(session, notification, TOKEN_REFUSED)
            return None
        if service.repeated_in_vain(notification):  # the process died each time
            await hold_unanswered(session, notification)
            return None
        waited = notification.due_at is not None
        turn = await acquire(session, notification.user_id, self._rates, waited=waited)
        if isinstance(turn, Later):
            await service.postpone(session, notification.id, turn.after)
            return turn
        if not service.begin_sending(notification):
            AMBIGUOUS_ATTEMPTS.inc()
        screen = message(fact, self._dictionary[language])
        return Attempt(notification, screen, turn.wait)

    async def _make(self, attempt: Attempt) -> None:
        """Send it and note how that ended.

        Raises:
            Retry: when it may be tried again.
        """
        notification = attempt.notification
        try:
            message_id = await self._telegram.send(notification.user_id, attempt.screen)
        except AishaError as error:
            NOTIFICATIONS.labels(error.reason.removeprefix("telegram-")).inc()
            async with self._priority_gate.background(), self._database.transaction() as session:
                after = await self._failed(session, notification, error)
            if after is not None:
                raise Retry(after) from error
            return
        # A restart of Postgres just now must not tell the person twice.
        async with self._priority_gate.background():
            await self._database.commit_with_retry(
                lambda session: service.mark_sent(session, notification.id, message_id)
            )
        if self._outage.message_sent():
            async with self._priority_gate.background(), self._database.transaction() as session:
                await retry_after_outage(session)
        NOTIFICATIONS.labels("sent").inc()
        DELIVERY_SECONDS.observe((datetime.now(UTC) - notification.created_at).total_seconds())
        log.info("notification.sent", user_id=notification.user_id, kind=notification.kind)

    async def _failed(
        self, session: AsyncSession, notification: Notification, error: AishaError
    ) -> timedelta | None:
        """Note why the attempt failed; when to try again, None when it is held."""
        after = _BACKOFF(notification.attempts)
        match error:
            case TooManyRequests(retry_after=seconds):
                if not await service.lock(session, notification.id):
                    return None  # the person has left meanwhile, and a pause would be written down anew
                wanted = timedelta(seconds=seconds)
                after = await pause(session, notification.user_id, self._rates, wanted)
            case TokenRefused():
                if await open_circuit(session, self._telegram.fingerprint):
                    log.error("notification.token_refused", remedy="TELEGRAM_TOKEN: ask @BotFather")
                await _hold(session, notification, TOKEN_REFUSED)
                return None
            case Rejected():
                await _hold(session, notification, error.description)
                if error.unreachable:
                    await service.flag_unreachable(session, notification.user_id)
                return None
            case Ambiguous():
                self._outage.no_answer()
                if notification.ambiguous:
                    await hold_unanswered(session, notification)
                    return None
                after = _REPEATED_AFTER
        if not isinstance(error, Ambiguous):
            await service.mark_pending(session, notification.id)
        await service.postpone(session, notification.id, after)
        return after


async def _hold(session: AsyncSession, notification: Notification, why: str) -> None:
    await service.hold(session, notification.id, why)
    log.warning("notification.held", user_id=notification.user_id, kind=notification.kind, why=why)
