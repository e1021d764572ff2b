"""Every screen as a pure function: data in, text and buttons out."""

from app.bot.screens.avatar import ask_delete, ask_new_name, avatar, avatars_list, deleted, no_avatar
from app.bot.screens.creation import ask_name, choose_gender, choose_type
from app.bot.screens.gallery import ask_delete_photos, photo
from app.bot.screens.menu import again, ask_delete_me, farewell, languages, menu, support
from app.bot.screens.photo_advice import tips
from app.bot.screens.training import confirm_cancel, confirm_training
from app.bot.screens.upload_summary import UploadResult, checking, digest, refused

__all__ = [
    "UploadResult",
    "again",
    "ask_delete",
    "ask_delete_me",
    "ask_delete_photos",
    "ask_name",
    "ask_new_name",
    "avatar",
    "avatars_list",
    "checking",
    "choose_gender",
    "choose_type",
    "confirm_cancel",
    "confirm_training",
    "deleted",
    "digest",
    "farewell",
    "languages",
    "menu",
    "no_avatar",
    "photo",
    "refused",
    "support",
    "tips",
]
