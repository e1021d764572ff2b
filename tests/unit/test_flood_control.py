"""Which of a chat's waiting updates a newer one makes needless."""

from datetime import UTC, datetime
from typing import Any

import pytest
from aiogram.types import CallbackQuery, Chat, Document, Message, PhotoSize, Sticker, Update, User

from app.telegram.flood_control import FEW, superseded

ASEL = User(id=7, is_bot=False, first_name="Әсел")
SAID: dict[str, Any] = {
    "message_id": 1,
    "date": datetime.now(UTC),
    "chat": Chat(id=7, type="private"),
    "from_user": ASEL,
}
FILE: dict[str, Any] = {"file_id": "1", "file_unique_id": "1"}
HEAVY: dict[str, dict[str, Any]] = {
    "photo": {"photo": [PhotoSize(**FILE, width=600, height=600)], "media_group_id": "1"},
    "file": {"document": Document(**FILE), "caption": "words"},
    "sticker": {
        "sticker": Sticker(**FILE, type="regular", width=1, height=1, is_animated=False, is_video=False)
    },
}


def text(number: int) -> Update:
    return Update(update_id=number, message=Message(**SAID, text="words"))


def tap(number: int) -> Update:
    query = CallbackQuery(id="1", from_user=ASEL, chat_instance="1", data="menu")
    return Update(update_id=number, callback_query=query)


def heavy(number: int, kind: str) -> Update:
    return Update(update_id=number, message=Message(**SAID, **HEAVY[kind]))


@pytest.mark.parametrize("one", [text, tap])
def test_a_few_are_all_carried_out(one: Any) -> None:
    assert superseded([one(number) for number in range(FEW)]) == ()
    assert superseded([]) == ()


def test_of_many_only_the_newest_is() -> None:
    waiting = [(text if number % 3 else tap)(number) for number in range(FEW + 1)]
    assert superseded(waiting) == waiting[:-1]


@pytest.mark.parametrize("kind", HEAVY)
def test_what_is_no_tap_and_no_text_is_never_needless(kind: str) -> None:
    files = [heavy(1000 + number, kind) for number in range(3 * FEW)]
    assert superseded(files) == ()
    waiting = [each for number, file in enumerate(files) for each in (text(number), file)]
    skipped = superseded(waiting)
    assert [each.update_id for each in skipped] == list(range(3 * FEW - 1))
