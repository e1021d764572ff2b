"""A chat drawn for a terminal: the bot's words on the left, the person's on the right."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.cells import cell_len

from sandbox.telegram.chat import ChatMessage

_BUBBLE_SHARE = 0.72  # of the width, at most
_NAMES = {"bot": "─ bot ", "user": "─ you "}


def render(messages: Sequence[ChatMessage], width: int = 72) -> str:
    """Bubbles in the order of the chat, at most `width` terminal cells wide.

    Photos or files in a row become one line; an edited message stands in its latest form, marked.
    """
    lines: list[str] = []
    speaker = ""
    for _, run in groupby(messages, key=_run_key):
        group = list(run)
        sender = group[0].sender
        lines += _bubble(group, "" if sender == speaker else _NAMES[sender], width)
        lines += _keyboard(group[-1])
        speaker = sender
    return "\n".join(line.rstrip() for line in lines)


def _run_key(message: ChatMessage) -> tuple[object, ...]:
    """Attachments without words that follow each other belong together, and so do those of an album."""
    if message.attachment is None or message.keyboard:
        return (message.id,)
    if message.media_group_id or not message.text:
        return (message.sender, message.attachment.kind, message.media_group_id)
    return (message.id,)


def _bubble(group: Sequence[ChatMessage], name: str, width: int) -> list[str]:
    last = group[-1]
    content = list(_content(group, int(width * _BUBBLE_SHARE) - 4))
    marks = " ".join([*last.reactions, *(["✎ edited"] if last.edits else [])])
    foot = f" {marks} ─" if marks else ""
    inner = max(map(cell_len, [*content, name, foot]))
    box = [
        f"╭{name}{'─' * (inner + 2 - cell_len(name))}╮",
        *(f"│ {line}{' ' * (inner - cell_len(line))} │" for line in content),
        f"╰{'─' * (inner + 2 - cell_len(foot))}{foot}╯",
    ]
    indent = " " * (width - inner - 4) if last.sender == "user" else ""
    return [indent + line for line in box]


def _content(group: Sequence[ChatMessage], limit: int) -> Iterator[str]:
    attachment = group[0].attachment
    if attachment:
        name = f" {attachment.file_name}" if attachment.file_name and len(group) == 1 else ""
        kind = "photo" if attachment.kind == "photo" else "file"
        count = f" × {len(group)}" if len(group) > 1 else ""
        yield from _wrap(f"[{kind}{name}{count}]", limit)
    for message in group:
        for paragraph in message.text.splitlines():
            yield from _wrap(paragraph, limit)


def _wrap(paragraph: str, limit: int) -> Iterator[str]:
    """Lines of at most `limit` terminal cells, broken at blanks; a longer word is cut."""
    line = ""
    for word in _pieces(paragraph, limit):
        if line and cell_len(line) + 1 + cell_len(word) > limit:
            yield line
            line = word
        else:
            line = f"{line} {word}" if line else word
    yield line


def _pieces(paragraph: str, limit: int) -> Iterator[str]:
    for word in paragraph.split():
        piece = ""
        for character in word:
            if cell_len(piece + character) > limit:
                yield piece
                piece = ""
            piece += character
        yield piece


def _keyboard(message: ChatMessage) -> Iterator[str]:
    for row in message.keyboard:
        yield "  " + " ".join(f"[ {button.label} ]" for button in row)
