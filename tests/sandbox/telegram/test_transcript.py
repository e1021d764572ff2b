"""How a chat looks in a terminal."""

from itertools import count
from typing import Literal

from rich.cells import cell_len

from sandbox.telegram.chat import Attachment, Button, ChatMessage
from sandbox.telegram.transcript import render

IDS = count(1)
PHOTO = Attachment("photo", 1, "image/jpeg", "/photo")


def message(
    sender: Literal["user", "bot"],
    text: str,
    *,
    attachment: Attachment | None = None,
    group: str | None = None,
    keyboard: tuple[tuple[Button, ...], ...] = (),
    edits: int = 0,
) -> ChatMessage:
    return ChatMessage(next(IDS), 1, sender, 0, text, text, attachment, group, keyboard, edits)


def test_a_chat_reads_like_a_chat() -> None:
    chat = [
        message("user", "/start"),
        message("bot", "Привет! 👋\nЧто делаем?", keyboard=((Button("Аватар", "a"), Button("Помощь", "h")),)),
        *[message("user", "", attachment=PHOTO, group="g") for _ in range(10)],
        message("bot", "Десять фотографий получены", edits=9),
        message("bot", "Готово"),
    ]
    assert render(chat, width=40).splitlines() == [
        "                              ╭─ you ──╮",
        "                              │ /start │",
        "                              ╰────────╯",
        "╭─ bot ───────╮",
        "│ Привет! 👋  │",
        "│ Что делаем? │",
        "╰─────────────╯",
        "  [ Аватар ] [ Помощь ]",
        "                        ╭─ you ────────╮",
        "                        │ [photo × 10] │",
        "                        ╰──────────────╯",
        "╭─ bot ─────────────╮",
        "│ Десять фотографий │",
        "│ получены          │",
        "╰──────── ✎ edited ─╯",
        "╭────────╮",
        "│ Готово │",
        "╰────────╯",
    ]


def test_albums_and_lone_files_stay_apart() -> None:
    note = Attachment("document", 1, "text/plain", "/note", file_name="note.txt")
    albums = [message("user", "", attachment=PHOTO, group=group) for group in "aab"]
    drawn = render([*albums, message("user", "read me", attachment=note)])
    assert [line.strip("│ ") for line in drawn.splitlines() if "│" in line] == [
        "[photo × 2]",
        "[photo]",
        "[file note.txt]",
        "read me",
    ]


def test_nothing_is_wider_than_the_terminal() -> None:
    drawn = render([message("bot", "x" * 500 + " " + "слово " * 50), message("user", "🙂" * 100)], width=60)
    assert max(map(cell_len, drawn.splitlines())) <= 60
