"""Somebody has blocked the bot, or is back; `app.bot.user_context` has noted it already."""

import structlog
from aiogram import Router
from aiogram.types import ChatMemberUpdated

log = structlog.stdlib.get_logger(__name__)


def router() -> Router:
    """Without a handler Telegram isn't asked for these updates."""
    routes = Router(name="membership")
    routes.my_chat_member.register(changed)
    return routes


async def changed(event: ChatMemberUpdated) -> None:
    log.info("bot.membership", status=event.new_chat_member.status)
