"""End to end: a drill of the doctor's own, its callback through the public address, followed to the operator.

Each step is a check of its own, so that the first one that fails is where the way ends. Whatever happens, the
drill is deleted again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

import httpx
import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from app.database.models import (
    FINAL,
    InboxEvent,
    Notification,
    NotificationState,
    Outcome,
    RequestState,
    Training,
)
from app.doctor.context import DoctorContext
from app.doctor.result import Check, CheckResult, failure, ok
from app.fal import simulation
from app.notifications.service import UNSENT
from app.trainings import drill

ANSWER_SECONDS = 15.0  # FAL waits no longer for its first attempt
POLL_SECONDS = 0.1

_OWNER = "Set ADMIN_CHAT_ID: drills belong to the operator"
_SECRET = "Give both the same FAL_WEBHOOK_SECRET, and set both clocks by NTP"  # noqa: S105  # words
_DATABASE = "Lead FAL_WEBHOOK_URL to the service of this installation, or give it this DATABASE_URL"
_WORKER = "Start the webhook service with API_WORKER on; then see queue-lag and jobs-held"
_ANSWER = "See webhook-answer and webhook-installation"
_REFUSALS = {
    "unwelcome": failure(
        "The service knows the secret, not the training: it has another database", _DATABASE
    ),
    "signature-mismatch": failure("The service doesn't know our FAL_WEBHOOK_SECRET", _SECRET),
    "not-stored": failure("The service can't reach its database", "See database, as the service reaches it"),
}

log = structlog.stdlib.get_logger(__name__)

Row = TypeVar("Row", InboxEvent, Training, Notification)


class EndToEnd:
    """`patience` is how many seconds each step of the jobs may take."""

    def __init__(self, context: DoctorContext, patience: float = 30) -> None:
        self._context = context
        self._patience = patience
        self._training = Training()

    def checks(self) -> list[Check]:
        telegram = "See messages-held, telegram-token, and that the webhook service reaches Telegram"
        return [
            Check("drill-begun", self.begin, _OWNER, "migrations", ("ADMIN_CHAT_ID", "FAL_WEBHOOK_SECRET")),
            Check("drill-accepted", self.call, "See the webhook checks", "drill-begun", timeout_seconds=30),
            Check("drill-kept", self.check_row, _DATABASE, "drill-accepted"),
            self._step("drill-handled", self.check_handled, "drill-kept", _WORKER, "nobody handles it"),
            self._step(
                "drill-finished", self.check_end, "drill-handled", _WORKER, "the drill isn't finished"
            ),
            self._step(
                "drill-told", self.check_message, "drill-finished", telegram, "Telegram has confirmed nothing"
            ),
        ]

    async def begin(self) -> CheckResult:
        settings = self._context.settings
        if settings.admin.chat_id is None:
            return failure("ADMIN_CHAT_ID is empty: nobody owns the drill")
        if not settings.fal.webhook_url:
            return failure("FAL_WEBHOOK_URL is empty: there is no address to call", "See webhook-address")
        async with self._context.database.transaction() as session:
            begun = await drill.begin(session, settings.admin.chat_id)
        self._training = begun.training
        self._context.closing.push_async_callback(self._clear_away, begun)
        return ok(f"Drill {self._training.id} of {settings.admin.chat_id} waits for its callback")

    async def call(self) -> CheckResult:
        callback = simulation.callback(
            self._context.settings.fal, self._training.id, "completed", datetime.now(UTC)
        )
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=ANSWER_SECONDS) as http:
                response = await http.send(callback)
        except httpx.HTTPError as error:
            return failure(f"Nobody answers at FAL_WEBHOOK_URL ({type(error).__name__})")
        return _answered(response)

    async def check_row(self) -> CheckResult:
        event = await self._find(self._event)
        if event is None:
            return failure("It was accepted, and is not in this database: the service has another one")
        return ok(f"It is row {event.id} of the inbox")

    async def check_handled(self) -> CheckResult:
        event = await self._until(self._event, lambda event: event.handled_at is not None)
        if event.outcome is Outcome.COMPLETED:
            return ok("A job carried it out")
        return failure(f"It was handled as {event.outcome}", "python -m scripts.inbox list")

    async def check_end(self) -> CheckResult:
        training = await self._until(self._drill, lambda training: training.state in FINAL)
        if training.state is RequestState.COMPLETED:
            return ok("The drill is COMPLETED")
        return failure(f"The drill is {training.state}", "Somebody else ended it: run the doctor again")

    async def check_message(self) -> CheckResult:
        message = await self._until(self._message, lambda message: message.state not in UNSENT)
        if message.state is NotificationState.SENT:
            return ok(f"The operator was told (message {message.message_id})")
        return failure(f"The message is held: {message.held_reason}")

    def _step(
        self, name: str, look: Callable[[], Awaitable[CheckResult]], after: str, remedy: str, late: str
    ) -> Check:
        words = f"After {self._patience:g} s {late}"
        return Check(name, look, remedy, after, timeout_seconds=self._patience, late=words)

    async def _event(self, session: AsyncSession) -> InboxEvent | None:
        return await session.scalar(
            select(InboxEvent).where(InboxEvent.request_id == self._training.request_id)
        )

    async def _drill(self, session: AsyncSession) -> Training | None:
        return await session.get(Training, self._training.id)

    async def _message(self, session: AsyncSession) -> Notification | None:
        return await session.scalar(select(Notification).where(Notification.request_key == self._training.id))

    async def _find(self, read: Callable[[AsyncSession], Awaitable[Row | None]]) -> Row | None:
        async with self._context.database.transaction() as session:
            return await read(session)

    async def _until(
        self, read: Callable[[AsyncSession], Awaitable[Row | None]], met: Callable[[Row], bool]
    ) -> Row:
        """The row once it is as it should be; the check's deadline ends the waiting."""
        while True:
            row = await self._find(read)
            if row is not None and met(row):
                return row
            await asyncio.sleep(POLL_SECONDS)

    async def _clear_away(self, begun: drill.Drill) -> None:
        try:
            async with self._context.database.transaction() as session:
                await drill.clear_away(session, begun)
        except (OSError, SQLAlchemyError) as error:
            log.error("doctor.drill_left", training_id=str(self._training.id), error=type(error).__name__)


def _answered(response: httpx.Response) -> CheckResult:
    if response.is_redirect:
        return failure(f"It is redirected ({response.status_code}), which FAL never follows", _ANSWER)
    try:
        body = response.json()
    except ValueError:
        body = None
    reason = body.get("reason") if isinstance(body, dict) else None
    if response.is_success and reason is None and isinstance(body, dict):
        return ok(f"{response.status_code} from FAL_WEBHOOK_URL")
    return _REFUSALS.get(str(reason)) or failure(f"It is answered {response.status_code}", _ANSWER)
