"""One helper shows a screen, whatever message is there."""

from contextlib import suppress

from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import (
    BufferedInputFile,
    CallbackQuery,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    Message,
    ReplyParameters,
)

from app.core.buttons import Screen

_SAME = "message is not modified"


async def show(event: Message | CallbackQuery, screen: Screen) -> Message | None:
    """Answer a message with a screen; after a button, the message that bore it becomes the screen.

    A text can't become a picture, nor the other way round: then a new message takes the place of the old one.
    The message that is the screen now is returned; None when there is nobody to show it to.
    """
    if event.bot is None or event.from_user is None:
        return None
    pressed = event.message if isinstance(event, CallbackQuery) else None
    if not isinstance(pressed, Message):
        return await send(event.bot, event.from_user.id, screen)
    fits = bool(pressed.photo) is (screen.picture is not None)
    if fits and await edit(event.bot, pressed.chat.id, pressed.message_id, screen):
        return pressed
    shown = await send(event.bot, pressed.chat.id, screen)
    if not fits:
        await remove(event.bot, pressed.chat.id, pressed.message_id)
    return shown


async def edit(bot: Bot, chat_id: int, message_id: int, screen: Screen) -> bool:
    """Turn a message of the same sort into the screen; false when it can't be any more (too old, deleted)."""
    buttons = keyboard(screen)
    try:
        if screen.picture is None:
            await bot.edit_message_text(
                screen.text, chat_id=chat_id, message_id=message_id, reply_markup=buttons
            )
        else:
            media = InputMediaPhoto(media=_file(screen.picture), caption=screen.text)
            await bot.edit_message_media(media, chat_id=chat_id, message_id=message_id, reply_markup=buttons)
    except TelegramBadRequest as error:
        return _SAME in error.message
    return True


async def send(bot: Bot, chat_id: int, screen: Screen, *, reply_to: int | None = None) -> Message:
    reply = ReplyParameters(message_id=reply_to, allow_sending_without_reply=True) if reply_to else None
    buttons = keyboard(screen)
    if screen.picture is None:
        return await bot.send_message(chat_id, screen.text, reply_markup=buttons, reply_parameters=reply)
    return await bot.send_photo(
        chat_id,
        _file(screen.picture),
        caption=screen.text,
        reply_markup=buttons,
        reply_parameters=reply,
    )


async def upsert(bot: Bot, chat_id: int, message_id: int | None, screen: Screen) -> int:
    """Edit the message where there is one, else send it; its id."""
    if message_id is not None and await edit(bot, chat_id, message_id, screen):
        return message_id
    return (await send(bot, chat_id, screen)).message_id


async def remove(bot: Bot, chat_id: int, message_id: int) -> None:
    with suppress(TelegramBadRequest):  # the person deleted it, or it is too old to be: nothing to tidy
        await bot.delete_message(chat_id, message_id)


def keyboard(screen: Screen) -> InlineKeyboardMarkup | None:
    if not screen.rows:
        return None
    return InlineKeyboardMarkup(
        inline_keyboard=[
            [InlineKeyboardButton(text=button.label, callback_data=button.action.pack()) for button in row]
            for row in screen.rows
        ]
    )


def _file(picture: bytes) -> BufferedInputFile:
    return BufferedInputFile(picture, "photo.jpg")
