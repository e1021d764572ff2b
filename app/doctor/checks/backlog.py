"""What waits and for how long: callbacks, jobs, messages."""

from datetime import timedelta

from sqlalchemy import func, select

from app.database.models import InboxEvent, Notification, NotificationState, RefusedToken, User
from app.doctor.context import Place
from app.doctor.result import Check, Found, failure, ok, warning
from app.jobs import queue

WARNING_AFTER = timedelta(minutes=1)
FAILURE_AFTER = timedelta(minutes=10)

_WORKERS = "See that the webhook service runs with API_WORKER on, and the bot; then scripts.jobs list"
_JOBS = "Mend what the reason names, then: python -m scripts.jobs list, and release ID --yes"
_MESSAGES = "python -m scripts.outbox list names the remedy of each; then release ID --yes"
_TOKEN = "See telegram-token; messages go on by themselves once the token works"  # noqa: S105  # words


def waiting(what: str, since: timedelta) -> Found:
    """How bad it is that this waits for so long."""
    told = f"{what}, the oldest for {age(since)}"
    if since > FAILURE_AFTER:
        return failure(told)
    return warning(told) if since > WARNING_AFTER else ok(told)


def age(since: timedelta) -> str:
    """Roughly, for people: 40 s, 12 min, 3 h, 2 days; from two of a unit on in that unit."""
    seconds = max(since.total_seconds(), 0)
    for unit, length in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def work_checks(place: Place) -> list[Check]:
    async def callbacks() -> Found:
        since = func.extract("epoch", func.now() - func.min(InboxEvent.received_at))
        pending = select(func.count(), since).where(InboxEvent.handled_at.is_(None))
        async with place.database.transaction() as session:
            count, seconds = (await session.execute(pending)).one()
        if not count:
            return ok("All are handled")
        return waiting(f"{count} callbacks kept and not handled", timedelta(seconds=float(seconds)))

    async def lag() -> Found:
        async with place.database.engine.connect() as connection:
            kinds = await queue.depth(connection)
        if not any(kind.lag for kind in kinds.values()):
            return ok("No job waits for a worker")
        slowest = max(kinds, key=lambda kind: kinds[kind].lag)
        return waiting(f"{kinds[slowest].waiting} jobs {slowest}", kinds[slowest].lag)

    async def held() -> Found:
        async with place.database.engine.connect() as connection:
            jobs = await queue.held(connection)
        if not jobs:
            return ok("None is held")
        kinds = sorted({f"{job.kind} ({job.reason or 'no reason kept'})" for job in jobs})
        return failure(f"{len(jobs)} held: {', '.join(kinds)}")

    async def messages() -> Found:
        """Those for people who left the bot wait for them, and for no operator."""
        async with place.database.transaction() as session:
            halted = await session.scalar(select(func.min(RefusedToken.refused_at)))
            rows = await session.execute(
                select(Notification.held_reason, func.count())
                .join(User, User.id == Notification.user_id)
                .where(Notification.state == NotificationState.HELD, User.unreachable_at.is_(None))
                .group_by(Notification.held_reason)
            )
            reasons = {str(row[0]): int(row[1]) for row in rows}
        if halted is not None:
            what = f"Sending stands still since {halted:%Y-%m-%d %H:%M}: Telegram refused the bot's token"
            return failure(what, _TOKEN)
        if reasons:
            told = ", ".join(f"{count} × {reason}" for reason, count in sorted(reasons.items()))
            return warning(f"{sum(reasons.values())} held: {told}")
        return ok("None is held")

    return [
        Check("callbacks-pending", callbacks, _WORKERS, "migrations"),
        Check("queue-lag", lag, _WORKERS, "migrations"),
        Check("jobs-held", held, _JOBS, "migrations"),
        Check("messages-held", messages, _MESSAGES, "migrations"),
    ]
