"""One router a file, put in order once."""

from aiogram import Router

from app.bot.handlers import (
    account,
    avatars,
    creation,
    errors,
    fallback,
    gallery,
    membership,
    menu,
    photos,
    tips,
    training,
)


def router() -> Router:
    """Commands stand before the wizard, so that they work in the middle of it; `anything` is last."""
    root = Router(name="bot")
    for make in (
        errors.router,
        membership.router,
        account.router,
        menu.router,
        photos.router,
        creation.router,
        tips.router,
        training.router,
        avatars.router,
        gallery.router,
        fallback.router,
    ):
        root.include_router(make())
    return root
