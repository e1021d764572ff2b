"""What Telegram takes as a message: few tags, all of them closed, and 4096 characters that show."""

import html
import re

from app.core.buttons import MAX_BYTES, Screen, unpack

LIMIT = 4096
BUTTONS_LIMIT = 100
_TAG = re.compile(r"<(/?)(b|i|u|s|code|pre)>")
_PLAIN = re.compile(r"(?:[^<>&]|&(?:lt|gt|amp|quot);)*")


def visible(text: str) -> str:
    """The text as a person sees it; fails on what Telegram would refuse."""
    assert text.strip(), "an empty message"
    opened: list[str] = []
    shown, end = "", 0
    for tag in [*_TAG.finditer(text), None]:
        plain = text[end : tag.start() if tag else None]
        assert _PLAIN.fullmatch(plain), f"not escaped: {plain!r}"
        shown += html.unescape(plain)
        if tag is None:
            break
        end = tag.end()
        if not tag[1]:
            opened.append(tag[2])
        else:
            assert opened, f"nothing to close at {tag}"
            assert opened.pop() == tag[2]
    assert not opened, f"left open: {opened}"
    assert len(shown) <= LIMIT
    return shown


def checked(screen: Screen) -> str:
    """What a person sees of a screen that Telegram takes, buttons and all."""
    buttons = [button for row in screen.rows for button in row]
    assert len(buttons) <= BUTTONS_LIMIT
    for button in buttons:
        data = button.action.pack()
        assert len(data.encode()) <= MAX_BYTES
        assert unpack(data) == button.action
        assert button.label.strip()
    return visible(screen.text)
