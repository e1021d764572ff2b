"""What Telegram shows of the bot to people who haven't started it."""

from aiogram import Bot
from aiogram.methods import SetMyDescription

from app.bot.commands import set_profile
from app.core.i18n import Dictionary, Language
from app.core.settings import AvatarSettings
from tests.integration.bot_calls import Calls


async def test_the_description_tells_how_many_photos_are_wanted_here() -> None:
    telegram = Calls()
    settings = AvatarSettings(min_photos=5, max_photos=7)
    await set_profile(Bot("1:token", session=telegram), Dictionary(), settings)
    told = [call.description for call in telegram.made if isinstance(call, SetMyDescription)]
    assert len(told) == len(Language)
    assert all("5–7" in str(description) for description in told)
