"""What the bot counts, for Prometheus; `BOT_METRICS_PORT` shows it."""

from prometheus_client import Counter, Gauge, start_http_server

from app.core.config import BotSettings
from app.core.errors import CannotStart

UPDATES = Counter("aisha_bot_updates", "Updates by what became of them", ["outcome"])
for outcome in ("kept", "handled", "delayed", "skipped", "dropped"):
    UPDATES.labels(outcome)
CHATS = Gauge("aisha_bot_chats", "Chats whose updates are being carried out by this process")
WAITING = Gauge("aisha_bot_updates_waiting", "Updates that are kept and not yet done with, seen every 5 s")


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
