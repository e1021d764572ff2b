"""What the bot counts, for Prometheus; `BOT_METRICS_PORT` shows it."""

import asyncio

from prometheus_client import Counter, Gauge, Histogram, start_http_server

from app.core.errors import CannotStart
from app.core.settings import BotSettings

UPDATES = Counter("aisha_bot_updates", "Updates by what became of them", ["outcome"])
for outcome in ("kept", "handled", "delayed", "skipped", "dropped", "simplified", "unreadable"):
    UPDATES.labels(outcome)
CHATS = Gauge("aisha_bot_chats", "ChatWorkers whose updates are being carried out by this process")
WAITING = Gauge("aisha_bot_updates_waiting", "Updates that are kept and not yet done with, seen every 5 s")
LOOP_LAG = Histogram(
    "aisha_bot_loop_lag_seconds",
    "How much later than it asked for a task gets its turn",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)
_CHECK_INTERVAL_SECONDS = 0.05


async def watch_loop() -> None:
    """For ever: what blocks the event loop shows in how late this task is."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + _CHECK_INTERVAL_SECONDS
        await asyncio.sleep(_CHECK_INTERVAL_SECONDS)
        LOOP_LAG.observe(max(0.0, loop.time() - due))


def serve(settings: BotSettings) -> None:
    """Show them on `BOT_METRICS_PORT`, if there is one.

    Raises:
        CannotStart: it can't be listened on.
    """
    if settings.metrics_port is None:
        return
    try:
        start_http_server(settings.metrics_port, addr=settings.host)
    except OSError as error:
        where = f"{settings.host}:{settings.metrics_port}"
        what = f"nothing can listen on {where} ({error.strerror})"
        raise CannotStart(f"Cannot start: {what}. Free it, or change BOT_METRICS_PORT") from None
