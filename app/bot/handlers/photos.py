"""Photos, sent as photos or as files, one by one or as albums; and what people send in their place."""

from aiogram import Router
from aiogram.filters import BaseFilter, StateFilter
from aiogram.fsm.context import FSMContext
from aiogram.types import Message

from app.avatars import service as avatars
from app.bot.incoming_media import arrival_of
from app.bot.steps import OF_A_STEP, Creation
from app.bot.user_context import Person
from app.photos import uploads
from app.photos.uploads import IncomingMedia, NameFirst
from app.telegram.update_store import StoredUpdate


class BringsMedia(BaseFilter):
    """Lets a message with media through, and hands on what it brings."""

    async def __call__(self, message: Message) -> bool | dict[str, IncomingMedia]:
        arrival = arrival_of(message)
        return {"arrival": arrival} if arrival else False


def router() -> Router:
    routes = Router(name="photos")
    routes.message.register(too_early, StateFilter(Creation), BringsMedia(), flags=OF_A_STEP)
    routes.message.register(take, BringsMedia())
    return routes


async def take(message: Message, arrival: IncomingMedia, person: Person, kept: StoredUpdate) -> None:
    async with kept.effect() as session:
        await uploads.receive(session, person.id, arrival)


async def too_early(
    message: Message, arrival: IncomingMedia, person: Person, kept: StoredUpdate, state: FSMContext
) -> None:
    """Before an avatar has its name, a photo would go to the one before it: it waits."""
    begun_after = (await state.get_data()).get("begun_after")
    async with kept.effect() as session:
        named = await avatars.newest_after(session, person.id, begun_after)
        if named:
            await uploads.receive(session, person.id, arrival)
        else:
            await uploads.wait(session, person.id, arrival, NameFirst())
    if named:
        await state.clear()
