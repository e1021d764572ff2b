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


def choose_gender(words: Words) -> Screen:
    """Only of a portrait."""
    genders = (
        button(words, "button-male", ChooseGender(AvatarType.PORTRAIT.value, Gender.MALE.value)),
        button(words, "button-female", ChooseGender(AvatarType.PORTRAIT.value, Gender.FEMALE.value)),
    )
    return Screen(words("choose-gender"), (genders, (button(words, "button-back", NewAvatar()),)))


def ask_name(words: Words, avatar_type: AvatarType) -> Screen:
    """One step back is the gender, of a style the type."""
    portrait = avatar_type is AvatarType.PORTRAIT
    back = button(words, "button-back", ChooseType(avatar_type.value) if portrait else NewAvatar())
    return Screen(words("ask-name", type=avatar_type.value, maximum=NAME_LENGTH), ((back,),))
