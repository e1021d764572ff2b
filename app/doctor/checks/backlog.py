"""What waits and for how long: callbacks, jobs, messages."""

from datetime import timedelta

from sqlalchemy import func, select

from app.database.models import Notification, NotificationState, User
from app.doctor.context import DoctorContext
from app.doctor.result import Check, CheckResult, failure, ok, warning
from app.jobs import queue
from app.operations.backlog import Backlog, read_backlog

WARNING_AFTER = timedelta(minutes=1)
FAILURE_AFTER = timedelta(minutes=10)

_WORKERS = "See that the webhook service runs with API_WORKER on, and the bot; then scripts.jobs list"
_JOBS = "Fix what the reason names, then: python -m scripts.jobs list, and release ID --yes"
_MESSAGES = "python -m scripts.outbox list names the remedy of each; then release ID --yes"
_TOKEN = "See telegram-token; messages go on by themselves once the token works"  # noqa: S105  # words


def waiting(what: str, since: timedelta) -> CheckResult:
    """How bad it is that this waits for so long."""
    found = f"{what}, the oldest for {age(since)}"
    if since > FAILURE_AFTER:
        return failure(found)
    return warning(found) if since > WARNING_AFTER else ok(found)


def age(since: timedelta) -> str:
    """Roughly, for people: 40 s, 12 min, 3 h, 2 days; from two of a unit on in that unit."""
    seconds = max(since.total_seconds(), 0)
    for unit, length in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


class BacklogChecks:
    def __init__(self, context: DoctorContext) -> None:
        self._context = context

    def checks(self) -> list[Check]:
        return [
            Check("callbacks-pending", self.callbacks, _WORKERS, "migrations"),
            Check("queue-lag", self.lag, _WORKERS, "migrations"),
            Check("jobs-held", self.dead_letters, _JOBS, "migrations"),
            Check("messages-held", self.messages, _MESSAGES, "migrations"),
        ]

    async def callbacks(self) -> CheckResult:
        pending = (await self._backlog()).callbacks
        if not pending.count:
            return ok("All are handled")
        return waiting(f"{pending.count} callbacks kept and not handled", pending.longest)

    async def lag(self) -> CheckResult:
        kinds = (await self._backlog()).jobs
        if not any(kind.lag for kind in kinds.values()):
            return ok("No job waits for a worker")
        slowest = max(kinds, key=lambda kind: kinds[kind].lag)
        return waiting(f"{kinds[slowest].waiting} jobs {slowest}", kinds[slowest].lag)

    async def dead_letters(self) -> CheckResult:
        async with self._context.database.engine.connect() as connection:
            jobs = await queue.dead_letters(connection)
        if not jobs:
            return ok("None is held")
        kinds = sorted({f"{job.kind} ({job.reason or 'no reason kept'})" for job in jobs})
        return failure(f"{len(jobs)} held: {', '.join(kinds)}")

    async def messages(self) -> CheckResult:
        """Those for people who left the bot wait for them, and for no operator."""
        stopped_at = (await self._backlog()).sending_stopped_at
        if stopped_at is not None:
            what = f"Sending stands still since {stopped_at:%Y-%m-%d %H:%M}: Telegram refused the bot's token"
            return failure(what, _TOKEN)
        async with self._context.database.transaction() as session:
            rows = await session.execute(
                select(Notification.held_reason, func.count())
                .join(User, User.id == Notification.user_id)
                .where(Notification.state == NotificationState.HELD, User.unreachable_at.is_(None))
                .group_by(Notification.held_reason)
            )
            reasons = {str(reason): count for reason, count in rows}
        if reasons:
            counted = ", ".join(f"{count} × {reason}" for reason, count in sorted(reasons.items()))
            return warning(f"{sum(reasons.values())} held: {counted}")
        return ok("None is held")

    async def _backlog(self) -> Backlog:
        async with self._context.database.transaction() as session:
            return await read_backlog(session)
