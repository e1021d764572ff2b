"""The wizard's steps."""

from app.bot.screens.parts import button, menu_row
from app.core.buttons import ChooseGender, ChooseType, NewAvatar, Screen
from app.core.i18n import Words
from app.database.models import AvatarType, Gender
from app.database.models.avatars import NAME_LENGTH


def choose_type(words: Words) -> Screen:
    types = (
        button(words, "button-portrait", ChooseType(AvatarType.PORTRAIT.value)),
        button(words, "button-style", ChooseType(AvatarType.STYLE.value)),
    )
    return Screen(words("choose-type"), (types, menu_row(words)))


def choose_gender(words: Words, avatar_type: AvatarType) -> Screen:
    genders = (
        button(words, "button-male", ChooseGender(avatar_type.value, Gender.MALE.value)),
        button(words, "button-female", ChooseGender(avatar_type.value, Gender.FEMALE.value)),
    )
    return Screen(words("choose-gender"), (genders, (button(words, "button-back", NewAvatar()),)))


def ask_name(words: Words, avatar_type: AvatarType) -> Screen:
    back = button(words, "button-back", ChooseType(avatar_type.value))
    return Screen(words("ask-name", maximum=NAME_LENGTH), ((back,),))
