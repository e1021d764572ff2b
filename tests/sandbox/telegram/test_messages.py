"""What a bot may write, change and delete, and how Telegram refuses."""

import pytest
from aiogram import Bot
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramForbiddenError,
)
from aiogram.types import (
    BufferedInputFile,
    Message,
    ReactionTypeEmoji,
)

from sandbox.telegram.user import TelegramUser
from tests.sandbox.telegram.harness import (
    keyboard,
    picture,
)


async def test_edits_and_deletions(bot: Bot, started: TelegramUser) -> None:
    sent = await bot.send_message(started.id, "one", reply_markup=keyboard("A"))
    with pytest.raises(TelegramBadRequest, match="message is not modified"):
        await bot.edit_message_text(
            "one", chat_id=started.id, message_id=sent.message_id, reply_markup=keyboard("A")
        )
    edited = await bot.edit_message_reply_markup(
        chat_id=started.id, message_id=sent.message_id, reply_markup=keyboard("B")
    )
    assert isinstance(edited, Message)
    assert (await started.wait_for(lambda m: m.labels == ("B",))).edits == 0
    await bot.set_message_reaction(started.id, sent.message_id, [ReactionTypeEmoji(emoji="👍")])
    await started.wait_for(lambda m: m.reactions == ("👍",))

    theirs = (await started.chat()).messages[0]
    with pytest.raises(TelegramBadRequest, match="message can't be edited"):
        await bot.edit_message_text("words", chat_id=started.id, message_id=theirs.id)
    with pytest.raises(TelegramBadRequest, match="message to edit not found"):
        await bot.edit_message_text("words", chat_id=started.id, message_id=1)

    await bot.delete_message(started.id, sent.message_id)
    with pytest.raises(TelegramBadRequest, match="message to delete not found"):
        await bot.delete_message(started.id, sent.message_id)
    await bot.delete_messages(started.id, [theirs.id, 1])
    assert (await started.chat()).messages == ()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<b>unclosed", 'Can\'t find end tag corresponding to start tag "b"'),
        ("<b><i>x</b></i>", 'Unmatched end tag at byte offset 7, expected "</i>", found "</b>"'),
        ("я <div>x</div>", 'Unsupported start tag "div" at byte offset 3'),
        ("1 < 2", 'Unsupported start tag "" at byte offset 2'),
        ("1 <b", "Unclosed start tag at byte offset 2"),
        ("<a href='x>y</a>", "Unclosed start tag at byte offset 0"),
        ("x</b>", "Unexpected end tag at byte offset 1"),
    ],
)
async def test_broken_html_is_refused(bot: Bot, started: TelegramUser, text: str, reason: str) -> None:
    with pytest.raises(TelegramBadRequest) as refusal:
        await bot.send_message(started.id, text, parse_mode="HTML")
    assert refusal.value.message == f"Bad Request: can't parse entities: {reason}"


async def test_html_becomes_entities_that_count_utf16(bot: Bot, started: TelegramUser) -> None:
    source = '  🙂 <b>a <i>&lt;b&gt;&amp;_*[</i></b> <a href="https://e.example/?a=1&amp;b">link</a>\n'
    sent = await bot.send_message(started.id, source, parse_mode="HTML")
    assert sent.text == "🙂 a <b>&_*[ link"
    found = [(e.type, e.extract_from(sent.text)) for e in sent.entities or []]
    assert found == [("bold", "a <b>&_*["), ("italic", "<b>&_*["), ("text_link", "link")]
    seen = (await started.chat()).messages[-1]
    assert seen.html == source.strip()


async def test_limits_of_a_message(bot: Bot, started: TelegramUser) -> None:
    await bot.send_message(started.id, "<b>" + "x" * 4096 + "</b>", parse_mode="HTML")
    for text, reason in (("x" * 4097, "message is too long"), (" <b></b> ", "message text is empty")):
        with pytest.raises(TelegramBadRequest, match=reason):
            await bot.send_message(started.id, text, parse_mode="HTML")
    with pytest.raises(TelegramBadRequest, match="caption is too long"):
        await bot.send_photo(started.id, BufferedInputFile(picture(9, 9), "p.jpg"), caption="x" * 1025)
    await bot.send_message(started.id, "x", reply_markup=keyboard("Д" * 32))
    with pytest.raises(TelegramBadRequest, match="BUTTON_DATA_INVALID"):
        await bot.send_message(started.id, "x", reply_markup=keyboard("Д" * 33))


async def test_who_can_be_written_to(bot: Bot, aisha: TelegramUser) -> None:
    with pytest.raises(TelegramBadRequest, match="chat not found"):
        await bot.send_message(aisha.id, "she has never written")
    await aisha.send("/start")
    assert (await bot.get_chat(aisha.id)).first_name == "Aisha"
    await aisha.block_bot()
    with pytest.raises(TelegramForbiddenError, match="bot was blocked by the user"):
        await bot.send_message(aisha.id, "words")
    await aisha.unblock_bot()
    await bot.send_chat_action(aisha.id, "typing")
    assert (await aisha.chat()).action == "typing"
