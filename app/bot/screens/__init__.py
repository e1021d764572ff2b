"""Every screen as a pure function: data in, text and buttons out."""

from app.bot.screens.avatar import avatar, avatars_list, no_avatar
from app.bot.screens.coach import advice_words, set_advice_words, tips
from app.bot.screens.creation import ask_name, choose_gender, choose_type
from app.bot.screens.menu import menu
from app.bot.screens.training import confirm_training

__all__ = [
    "advice_words",
    "ask_name",
    "avatar",
    "avatars_list",
    "choose_gender",
    "choose_type",
    "confirm_training",
    "menu",
    "no_avatar",
    "set_advice_words",
    "tips",
]
