"""The Telegram emulator, driven over real sockets by an unmodified aiogram bot and by a person's client."""

import asyncio
import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from io import BytesIO

import httpx
import pytest
from aiogram import Bot, Dispatcher, F
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramConflictError,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.types import (
    BotCommand,
    BufferedInputFile,
    CallbackQuery,
    ChatMemberUpdated,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    Message,
    ReactionTypeEmoji,
)
from PIL import Image

from sandbox.telegram.user import NeverHappenedError, TelegramUser

TOKEN = "4242:sandbox-token"
USER_IDS = itertools.count(1001)


class Emulator:
    """A running `python -m sandbox.telegram`."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sandbox.telegram", "--port", str(port)],
            env={**os.environ, "TELEGRAM_EMULATOR_TOKEN": TOKEN},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._await_health()

    def _await_health(self) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if httpx.get(f"{self.url}/health", trust_env=False).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError(f"the emulator did not start:\n{self.stop()}")

    def stop(self) -> str:
        """Ends the process and gives what it has printed since the last time."""
        if self.process.poll() is not None:
            return ""
        self.process.send_signal(signal.SIGTERM)
        return self.process.communicate(timeout=10)[0]


def start_emulator() -> Emulator:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    return Emulator(port)


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    running = start_emulator()
    yield running
    assert running.stop() == ""
    assert running.process.returncode == 0


def aiogram_bot(emulator: Emulator, token: str = TOKEN) -> Bot:
    return Bot(token, session=AiohttpSession(api=TelegramAPIServer.from_base(emulator.url)))


@pytest.fixture
async def bot(emulator: Emulator) -> AsyncIterator[Bot]:
    """A bot with no update waiting for it, every kind of them allowed."""
    async with aiogram_bot(emulator).context() as bot:
        await bot.delete_webhook(drop_pending_updates=True)
        await bot.get_updates(allowed_updates=[])
        yield bot


@pytest.fixture
async def aisha(emulator: Emulator, bot: Bot) -> AsyncIterator[TelegramUser]:
    """A person whom the bot has not met."""
    async with TelegramUser(emulator.url, next(USER_IDS), username="aisha") as user:
        yield user


@pytest.fixture
async def api(emulator: Emulator) -> AsyncIterator[httpx.AsyncClient]:
    """A plain HTTP sender, as the webhook service has."""
    async with httpx.AsyncClient(base_url=emulator.url, trust_env=False) as client:
        await client.delete("/control/faults")
        yield client


@pytest.fixture
async def started(aisha: TelegramUser) -> TelegramUser:
    """Aisha, who has written to the bot, so that it may write to her."""
    await aisha.send("/start")
    return aisha


class Polling:
    """A dispatcher that polls in the background for as long as the block lasts."""

    def __init__(self, dispatcher: Dispatcher, bot: Bot) -> None:
        self._dispatcher, self._bot = dispatcher, bot

    async def __aenter__(self) -> None:
        polling = self._dispatcher.start_polling(self._bot, handle_signals=False, close_bot_session=False)
        self._task = asyncio.create_task(polling)

    async def __aexit__(self, *_: object) -> None:
        await self._dispatcher.stop_polling()
        await self._task


def picture(width: int, height: int, *, orientation: int = 1) -> bytes:
    """A JPEG, green on top and red below, as a camera stores it."""
    image = Image.new("RGB", (width, height), "red")
    image.paste("green", (0, 0, width, height // 2))
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "Camera"
    file = BytesIO()
    image.save(file, "JPEG", exif=exif)
    return file.getvalue()


def keyboard(*labels: str) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(
        inline_keyboard=[[InlineKeyboardButton(text=label, callback_data=label.lower()) for label in labels]]
    )


async def plan(api: httpx.AsyncClient, **fault: object) -> None:
    (await api.post("/control/faults", json=fault)).raise_for_status()


async def test_polling_bot_talks_to_a_person(emulator: Emulator, bot: Bot, aisha: TelegramUser) -> None:
    dispatcher = Dispatcher()

    @dispatcher.message(F.text)
    async def echo(message: Message) -> None:
        await message.answer(f"<b>{message.text}</b>", parse_mode="HTML", reply_markup=keyboard("Yes", "No"))

    @dispatcher.callback_query()
    async def answer(query: CallbackQuery) -> None:
        await query.answer(f"You chose {query.data}", show_alert=True)
        assert isinstance(query.message, Message)
        await query.message.edit_text(f"Chosen: {query.data}")

    async with Polling(dispatcher, bot):
        question = await aisha.send("/start me")
        reply = await aisha.wait_for(lambda m: m.labels == ("Yes", "No"), since=question.seq)
        assert (reply.text, reply.html) == ("/start me", "<b>/start me</b>")

        press = await aisha.wait_answer(await aisha.press("Yes"))
        assert (press.data, press.text, press.show_alert) == ("yes", "You chose yes", True)
        edited = await aisha.wait_for(lambda m: m.edits == 1)
        assert (edited.id, edited.text, edited.keyboard) == (reply.id, "Chosen: yes", ())

        await aisha.press_data(reply.id, "somebody:else")
        await aisha.wait_for(lambda m: m.text == "Chosen: somebody:else")


async def test_updates_carry_what_telegram_sends(bot: Bot, aisha: TelegramUser) -> None:
    await aisha.send("hi 🙂 /menu")
    await aisha.block_bot()
    await aisha.unblock_bot()
    text, blocked, unblocked = await bot.get_updates()

    assert text.message is not None
    assert text.message.from_user is not None
    assert (text.message.from_user.username, text.message.from_user.language_code) == ("aisha", "ru")
    assert text.message.entities is not None
    assert text.message.entities[0].extract_from(text.message.text or "") == "/menu"
    assert _status(blocked.my_chat_member) == "kicked"
    assert _status(unblocked.my_chat_member) == "member"


def _status(change: ChatMemberUpdated | None) -> str:
    assert change is not None
    return str(change.new_chat_member.status)


async def test_updates_stay_until_a_higher_offset_confirms_them(bot: Bot, aisha: TelegramUser) -> None:
    for text in ("one", "two", "three"):
        await aisha.send(text)
    first = await bot.get_updates(limit=2)
    again = await bot.get_updates(limit=2)
    assert [update.update_id for update in first] == [update.update_id for update in again]
    rest = await bot.get_updates(offset=first[-1].update_id + 1)
    assert [update.message.text for update in rest if update.message] == ["three"]

    waiting = asyncio.create_task(bot.get_updates(offset=rest[-1].update_id + 1, timeout=30))
    await aisha.send("four")
    assert [update.message.text for update in await waiting if update.message] == ["four"]


async def test_second_poller_ends_the_first_with_conflict(
    emulator: Emulator, bot: Bot, aisha: TelegramUser, api: httpx.AsyncClient
) -> None:
    async def refused() -> None:
        with pytest.raises(TelegramConflictError, match="terminated by other getUpdates request"):
            await bot.get_updates(timeout=30)

    async with aiogram_bot(emulator).context() as twin, asyncio.TaskGroup() as tasks:
        polls = [tasks.create_task(refused()), tasks.create_task(_poll_until_text(twin))]
        await asyncio.wait(polls[:1])
        await aisha.send("hello")


async def _poll_until_text(bot: Bot) -> None:
    updates = await bot.get_updates(timeout=30)
    assert [update.message.text for update in updates if update.message] == ["hello"]


async def test_webhook_and_polling_exclude_each_other(bot: Bot) -> None:
    await bot.set_webhook("https://bot.example/hook")
    assert (await bot.get_webhook_info()).url == "https://bot.example/hook"
    with pytest.raises(TelegramConflictError, match="webhook is active"):
        await bot.get_updates()
    await bot.delete_webhook(drop_pending_updates=True)
    assert await bot.get_updates() == []


async def test_photo_arrives_upright_small_and_without_exif(bot: Bot, aisha: TelegramUser) -> None:
    await aisha.send_photo(picture(4000, 3000, orientation=6), caption="me")
    (update,) = await bot.get_updates()

    assert update.message is not None
    assert update.message.caption == "me"
    assert update.message.photo is not None
    sizes = [(size.width, size.height) for size in update.message.photo]
    assert sizes == [(68, 90), (240, 320), (600, 800), (960, 1280)]
    content = await bot.download(update.message.photo[-1])
    assert content is not None
    with Image.open(content) as image:
        assert (image.format, image.size, dict(image.getexif())) == ("JPEG", (960, 1280), {})
        left, right = image.getpixel((100, 640)), image.getpixel((860, 640))
    assert isinstance(left, tuple)
    assert isinstance(right, tuple)
    assert left[0] > 200  # red was at the bottom; turned clockwise, the bottom is on the left
    assert right[0] < 50


async def test_document_arrives_untouched(bot: Bot, aisha: TelegramUser) -> None:
    original = picture(300, 200, orientation=6)
    await aisha.send_document(original, file_name='фото "лето".jpg', mime="image/jpeg")
    (update,) = await bot.get_updates()

    assert update.message is not None
    assert update.message.document is not None
    assert update.message.document.mime_type == "image/jpeg"
    content = await bot.download(update.message.document)
    assert content is not None
    assert content.read() == original


async def test_file_over_20_mb_is_not_served(bot: Bot, aisha: TelegramUser) -> None:
    await aisha.send_document(bytes(20 * 1024 * 1024 + 1), file_name="big.bin")
    (update,) = await bot.get_updates()
    assert update.message is not None
    assert update.message.document is not None
    with pytest.raises(TelegramBadRequest, match="file is too big"):
        await bot.get_file(update.message.document.file_id)


@pytest.mark.parametrize("as_documents", [False, True])
async def test_album_is_separate_updates_of_one_group(
    bot: Bot, aisha: TelegramUser, as_documents: bool
) -> None:
    await aisha.send_album([picture(100, 100)] * 10, as_documents=as_documents, caption="ten")
    messages = [update.message for update in await bot.get_updates()]
    assert len(messages) == 10
    assert len({message.media_group_id for message in messages if message}) == 1
    assert [message.caption for message in messages if message] == ["ten", *[None] * 9]
    assert all(message and bool(message.document) is as_documents for message in messages)


async def test_bot_sends_files(bot: Bot, started: TelegramUser) -> None:
    photo = BufferedInputFile(picture(2000, 1000), "photo.jpg")
    sent = await bot.send_photo(
        started.id, photo, caption="<i>you</i>", parse_mode="HTML", reply_markup=keyboard("Ok")
    )
    assert sent.photo is not None
    await bot.send_photo(started.id, sent.photo[-1].file_id)
    await bot.send_document(started.id, BufferedInputFile(b"words", "note.txt"))
    await bot.send_media_group(
        started.id, [InputMediaPhoto(media=photo, caption="two"), InputMediaPhoto(media=photo)]
    )

    messages = (await started.chat()).messages[1:]
    attachments = [message.attachment for message in messages if message.attachment]
    assert [one.kind for one in attachments] == ["photo", "photo", "document", "photo", "photo"]
    assert (attachments[0].width, attachments[0].height) == (1280, 640)
    assert attachments[2].file_name == "note.txt"
    assert messages[0].html == "<i>you</i>"
    assert messages[0].labels == ("Ok",)
    assert messages[3].media_group_id == messages[4].media_group_id is not None

    with pytest.raises(TelegramBadRequest, match="there is no text in the message to edit"):
        await bot.edit_message_text("words", chat_id=started.id, message_id=messages[0].id)
    await bot.edit_message_caption(chat_id=started.id, message_id=messages[0].id, caption="new")
    await started.wait_for(lambda m: m.text == "new")
    with pytest.raises(TelegramBadRequest, match="IMAGE_PROCESS_FAILED"):
        await bot.send_photo(started.id, BufferedInputFile(b"no picture", "photo.jpg"))


async def test_person_sees_the_bytes_of_a_photo(
    started: TelegramUser, bot: Bot, api: httpx.AsyncClient
) -> None:
    await bot.send_document(started.id, BufferedInputFile(b"words", "note.txt"))
    (message,) = [m for m in (await started.chat()).messages if m.attachment]
    assert message.attachment is not None
    assert (await api.get(message.attachment.url)).content == b"words"
    async with TelegramUser(str(api.base_url), next(USER_IDS)) as stranger:
        assert (await stranger.chat()).messages == ()


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
        ("1 < 2", "Unclosed start tag at byte offset 2"),
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


async def test_callback_is_answered_once(bot: Bot, started: TelegramUser) -> None:
    await bot.send_message(started.id, "x", reply_markup=keyboard("A"))
    press = await started.press("a")
    await bot.answer_callback_query(press.id)
    for query_id in (press.id, "12345"):
        with pytest.raises(TelegramBadRequest, match="query is too old"):
            await bot.answer_callback_query(query_id)


async def test_bot_profile(bot: Bot) -> None:
    assert (await bot.get_me()).is_bot
    await bot.set_my_commands([BotCommand(command="start", description="Начать")])
    (command,) = await bot.get_my_commands()
    assert (command.command, command.description) == ("start", "Начать")
    await bot.set_my_description("Аватары", language_code="ru")
    assert (await bot.get_my_description(language_code="ru")).description == "Аватары"
    assert (await bot.get_my_description()).description == ""


async def test_wrong_token_and_unknown_method(emulator: Emulator, api: httpx.AsyncClient) -> None:
    async with aiogram_bot(emulator, "4242:wrong").context() as stranger:
        with pytest.raises(TelegramUnauthorizedError):
            await stranger.get_me()
    assert (await api.get("/file/bot4242:wrong/photos/x.jpg")).status_code == 401
    answer = await api.get(f"/bot{TOKEN}/sendEverything")
    assert answer.status_code == 404
    assert answer.json() == {"ok": False, "error_code": 404, "description": "Not Found"}


async def test_plain_sender_and_the_list_of_calls(api: httpx.AsyncClient, started: TelegramUser) -> None:
    message = {"chat_id": started.id, "text": "ready", "reply_markup": {"inline_keyboard": []}}
    assert (await api.post(f"/bot{TOKEN}/sendMessage", json=message)).json()["result"]["text"] == "ready"
    assert (await api.get(f"/bot{TOKEN}/sendmessage", params={"chat_id": 1, "text": "x"})).status_code == 400
    upload = await api.post(
        f"/bot{TOKEN}/sendDocument",
        data={"chat_id": str(started.id)},
        files={"document": ("a.txt", b"words")},
    )
    assert upload.status_code == 200

    calls = (await api.get("/control/calls")).json()[-3:]
    assert [(call["method"], call["chat_id"], call["ok"]) for call in calls] == [
        ("sendMessage", started.id, True),
        ("sendmessage", 1, False),
        ("sendDocument", started.id, True),
    ]
    assert calls[0]["params"]["text"] == "ready"
    assert calls[2]["params"]["document"] == {"file_name": "a.txt", "file_size": 5}
    assert TOKEN not in (await api.get("/control/calls")).text


async def test_faults_are_dealt_in_order_and_used_up(
    bot: Bot, started: TelegramUser, api: httpx.AsyncClient
) -> None:
    await plan(api, method="sendMessage", kind="rate_limit", retry_after=34)
    await plan(api, method="sendMessage", kind="forbidden", description="user is deactivated")
    await plan(api, method="sendMessage", kind="bad_gateway", chat_id=started.id)
    await plan(api, method="sendMessage", kind="unauthorized")
    await plan(api, method="sendMessage", kind="bad_request", chat_id=2002)
    with pytest.raises(TelegramRetryAfter) as limited:
        await bot.send_message(started.id, "x")
    assert limited.value.retry_after == 34
    with pytest.raises(TelegramForbiddenError, match="user is deactivated"):
        await bot.send_message(started.id, "x")
    with pytest.raises(TelegramServerError, match="Bad Gateway"):
        await bot.send_message(started.id, "x")
    with pytest.raises(TelegramUnauthorizedError):
        await bot.send_message(started.id, "x")
    await bot.send_message(started.id, "at last")
    assert [message.text for message in (await started.chat()).messages] == ["/start", "at last"]


async def test_lost_replies(bot: Bot, started: TelegramUser, api: httpx.AsyncClient) -> None:
    await plan(api, method="sendMessage", kind="reset_after_processing")
    with pytest.raises(TelegramNetworkError):
        await bot.send_message(started.id, "done, but the reply is lost")
    await plan(api, method="sendMessage", kind="hang")
    with pytest.raises(TelegramNetworkError, match="timeout"):
        await bot.send_message(started.id, "never done", request_timeout=1)
    await plan(api, method="sendMessage", kind="unauthorized", times=5)
    await api.delete("/control/faults")
    await bot.send_message(started.id, "fine")
    texts = [message.text for message in (await started.chat()).messages]
    assert texts == ["/start", "done, but the reply is lost", "fine"]


async def test_failed_wait_shows_the_chat(bot: Bot, started: TelegramUser) -> None:
    await bot.send_message(started.id, "Pick one", reply_markup=keyboard("A"))
    with pytest.raises(NeverHappenedError, match=r"(?s)/start.*Pick one.*\[ A \]"):
        await started.wait_for(lambda m: m.text == "ready", timeout=0.1)
    with pytest.raises(NeverHappenedError, match="no button 'B'"):
        await started.press("B")


async def test_sigterm_does_not_wait_for_long_polls() -> None:
    emulator = start_emulator()
    async with (
        aiogram_bot(emulator).context() as bot,
        TelegramUser(emulator.url, next(USER_IDS)) as person,
        httpx.AsyncClient(base_url=emulator.url, trust_env=False) as api,
    ):
        await plan(api, method="getMe", kind="hang")
        waits = [
            asyncio.create_task(bot.get_updates(timeout=50)),
            asyncio.create_task(bot.get_me()),
            asyncio.create_task(person.wait_for(lambda m: m.text == "never", timeout=50)),
        ]
        await eventually(lambda: called(api, "getMe"))
        assert await asyncio.to_thread(emulator.stop) == ""
        polled, hung, watched = await asyncio.gather(*waits, return_exceptions=True)
    assert polled == []
    assert isinstance(hung, TelegramServerError)
    assert isinstance(watched, httpx.TransportError)
    assert emulator.process.returncode == 0


async def called(api: httpx.AsyncClient, method: str) -> bool:
    return bool((await api.get("/control/calls", params={"method": method})).json())


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(15):
        while not await condition():  # noqa: ASYNC110 - the condition lives in another process
            await asyncio.sleep(0.01)
