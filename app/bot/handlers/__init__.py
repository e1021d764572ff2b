"""One router a file, put in order once."""

from aiogram import Router

from app.bot.handlers import anything, avatars, creation, errors, menu, photos, training


def router() -> Router:
    """Commands stand before the wizard, so that they work in the middle of it; `anything` is last."""
    root = Router(name="bot")
    for make in (
        errors.router,
        menu.router,
        creation.router,
        photos.router,
        training.router,
        avatars.router,
        anything.router,
    ):
        root.include_router(make())
    return root
