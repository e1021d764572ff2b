"""One router a file, put in order once."""

from aiogram import F, Router
from aiogram.enums import ChatType

from app.bot.handlers import anything, avatars, creation, errors, membership, menu, photos, tips, training


def router() -> Router:
    """Commands stand before the wizard, so that they work in the middle of it; `anything` is last.

    A group is left in peace: an avatar is between one person and the bot.
    """
    root = Router(name="bot")
    root.message.filter(F.chat.type == ChatType.PRIVATE)
    for make in (
        errors.router,
        membership.router,
        menu.router,
        creation.router,
        photos.router,
        tips.router,
        training.router,
        avatars.router,
        anything.router,
    ):
        root.include_router(make())
    return root
