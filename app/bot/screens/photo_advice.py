"""What the coach says, in words, and the screen with its tips."""

from app.bot.screens.parts import button, menu_row
from app.core.buttons import Screen, ShowAvatar
from app.core.i18n import Words
from app.database.models import AvatarType
from app.photos.quality import Advice
from app.photos.set_quality import SetRemark, Shot, Shots


def advice_words(words: Words, advice: Advice) -> str:
    """Half a sentence about one photo, to stand behind its number."""
    return words(f"advice-{advice.value}")


def set_advice_words(words: Words, remark: SetRemark, room: int) -> str:
    """A line about all the photos of an avatar; where there is no room for more, some have to be replaced."""
    return words(f"set-advice-{remark.advice.value}", count=remark.count, room=room)


def shots_words(words: Words, shots: Shots, room: int) -> str:
    """A line about how the faces are taken, and what is to be added."""
    names = {
        Shot.STRAIGHT: words("shot-straight"),
        Shot.ASIDE: words("shot-aside"),
        Shot.CLOSE: words("shot-close"),
        Shot.HALF_LENGTH: words("shot-half-length"),
    }
    return words(
        "set-shots",
        straight=shots.have[Shot.STRAIGHT],
        aside=shots.have[Shot.ASIDE],
        close=shots.have[Shot.CLOSE],
        half=shots.have[Shot.HALF_LENGTH],
        wanted=", ".join(names[shot] for shot in shots.wanted),
        room=room,
    )


def tips(words: Words, avatar_id: int, avatar_type: AvatarType) -> Screen:
    """Which photos teach an avatar well; one step back leads to the avatar."""
    back = button(words, "button-back", ShowAvatar(avatar_id))
    return Screen(words("photo-tips", type=avatar_type.value), ((back,), menu_row(words)))
