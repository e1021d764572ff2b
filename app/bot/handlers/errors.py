"""Errors are handled once, by class: a refusal in its words, all else with a reference to the log."""

from contextlib import suppress

import structlog
from aiogram import Bot, Router
from aiogram.exceptions import TelegramForbiddenError
from aiogram.filters import ExceptionTypeFilter
from aiogram.types import ErrorEvent, ReplyParameters
from dishka.integrations.aiogram import FromDishka, inject

from app.bot.error_alerts import ErrorAlerts
from app.bot.user_context import Person
from app.core.errors import AishaError
from app.core.logging import correlation_id, where
from app.telegram.update_store import AlreadyProcessed

log = structlog.stdlib.get_logger(__name__)


def router() -> Router:
    routes = Router(name="errors")
    routes.errors.register(done_already, ExceptionTypeFilter(AlreadyProcessed))
    routes.errors.register(refused, ExceptionTypeFilter(AishaError))
    routes.errors.register(unreachable, ExceptionTypeFilter(TelegramForbiddenError))
    routes.errors.register(unexpected)
    return routes


async def refused(event: ErrorEvent, person: Person, bot: Bot) -> None:
    error = event.exception
    if not isinstance(error, AishaError):
        raise error
    log.info("bot.refused", reason=error.reason)
    await _tell(event, person, bot, person.words(f"error-{error.reason}", **error.details))


async def done_already(_event: ErrorEvent) -> None:
    log.info("bot.done_already")


async def unreachable(event: ErrorEvent) -> None:
    """The person has blocked the bot in the middle: there is nobody to tell."""
    log.info("bot.blocked")


@inject
async def unexpected(
    event: ErrorEvent, person: Person, bot: Bot, error_alerts: FromDishka[ErrorAlerts]
) -> None:
    error, reference = event.exception, correlation_id()
    log.error("bot.unexpected", error=type(error).__name__, where=where(error), reference=reference)
    try:
        await _tell(event, person, bot, person.words("error-unexpected", reference=reference))
    finally:
        await error_alerts.unexpected(error, reference)


async def _tell(event: ErrorEvent, person: Person, bot: Bot, text: str) -> None:
    message = event.update.message
    reply = (
        ReplyParameters(message_id=message.message_id, allow_sending_without_reply=True) if message else None
    )
    with suppress(TelegramForbiddenError):  # blocked meanwhile
        await bot.send_message(person.id, text, reply_parameters=reply)
