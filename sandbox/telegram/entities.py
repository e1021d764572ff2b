"""Formatted text: plain words and entities whose offsets count UTF-16 units, as the Bot API has them."""

import html
import re
from dataclasses import dataclass, field
from typing import Any

from sandbox.telegram.errors import ApiError, bad_request

Entity = dict[str, Any]

_TYPES = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline",
    "s": "strikethrough", "strike": "strikethrough", "del": "strikethrough", "tg-spoiler": "spoiler",
    "span": "spoiler", "code": "code", "pre": "pre", "a": "text_link", "blockquote": "blockquote",
    "tg-emoji": "custom_emoji",
}  # fmt: skip
_TAGS = {
    "bold": "b", "italic": "i", "underline": "u", "strikethrough": "s", "spoiler": "tg-spoiler",
    "code": "code", "pre": "pre", "blockquote": "blockquote", "expandable_blockquote": "blockquote",
}  # fmt: skip
_TAG = re.compile(r"<(?P<end>/?)(?P<name>[^\s>]*)")
_TAG_REST = re.compile(r"""(?P<attributes>(?:"[^"]*"|'[^']*'|[^>"'])*)>""")
_ATTRIBUTE = re.compile(r"""([^\s=]+)(?:\s*=\s*("[^"]*"|'[^']*'|\S+))?""")
_REFERENCE = re.compile(r"&(?:#\d+|#x[0-9a-fA-F]+|lt|gt|amp|quot);")
_COMMAND = re.compile(r"(?<![\w/@])/[A-Za-z0-9_]{1,64}(?:@\w+)?")
_LINK = re.compile(r"https?://[^\s<>]+")


@dataclass(frozen=True)
class FormattedText:
    plain: str = ""
    entities: list[Entity] = field(default_factory=list)

    def __len__(self) -> int:
        return utf16_length(self.plain)


def utf16_length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def typed_by_user(text: str) -> FormattedText:
    """What a client sends for `text`: commands and links are marked, outer blanks are gone."""
    text = text.strip()
    marked = sorted(
        (found.start(), kind, found[0])
        for kind, pattern in (("bot_command", _COMMAND), ("url", _LINK))
        for found in pattern.finditer(text)
    )
    entities: list[Entity] = [
        {"type": kind, "offset": utf16_length(text[:start]), "length": utf16_length(words)}
        for start, kind, words in marked
    ]
    return FormattedText(text, entities)


def first_link(text: FormattedText) -> str | None:
    """Where the preview under a message leads."""
    hidden = (entity["url"] for entity in text.entities if entity["type"] == "text_link")
    shown = _LINK.search(text.plain)
    return shown[0] if shown else next(hidden, None)


def parse_html(source: str) -> FormattedText:
    """Reads Telegram's HTML parse mode.

    Only the documented tags are allowed, each closed in order; otherwise ApiError 400 "can't parse entities".
    Source: https://core.telegram.org/bots/api#html-style
    """
    return _HtmlReader(source).read()


def trimmed(text: FormattedText) -> FormattedText:
    """The text as Telegram stores it: without outer blanks, its entities moved and cut to fit."""
    plain = text.plain.strip()
    cut = utf16_length(text.plain[: len(text.plain) - len(text.plain.lstrip())])
    size = utf16_length(plain)
    entities = []
    for entity in text.entities:
        start = max(0, entity["offset"] - cut)
        end = min(size, entity["offset"] + entity["length"] - cut)
        if end > start:
            entities.append({**entity, "offset": start, "length": end - start})
    return FormattedText(plain, sorted(entities, key=lambda entity: (entity["offset"], -entity["length"])))


def to_html(text: FormattedText) -> str:
    """The text as HTML of the same parse mode, safe to put into a page."""
    opening: dict[int, str] = {}
    closing: dict[int, str] = {}
    for entity in text.entities:
        start, end = entity["offset"], entity["offset"] + entity["length"]
        head, tail = _markup(entity)
        opening[start] = opening.get(start, "") + head
        closing[end] = tail + closing.get(end, "")
    pieces, position = [], 0
    for character in text.plain:
        pieces += [closing.get(position, ""), opening.get(position, ""), html.escape(character, quote=False)]
        position += utf16_length(character)
    return "".join(pieces) + closing.get(position, "")


def _markup(entity: Entity) -> tuple[str, str]:
    if entity["type"] == "text_link":
        return f'<a href="{html.escape(entity["url"])}">', "</a>"
    tag = _TAGS.get(entity["type"])
    return (f"<{tag}>", f"</{tag}>") if tag else ("", "")


@dataclass
class _OpenTag:
    name: str
    attributes: dict[str, str]
    offset: int


class _HtmlReader:
    def __init__(self, source: str) -> None:
        self._source = source
        self._position = 0
        self._plain = ""
        self._open: list[_OpenTag] = []
        self._entities: list[Entity] = []

    def read(self) -> FormattedText:
        while tag := _TAG.search(self._source, self._position):
            self._take_words(tag.start())
            self._take_tag(tag)
        self._take_words(len(self._source))
        if self._open:
            raise _unparsable(f'Can\'t find end tag corresponding to start tag "{self._open[-1].name}"')
        return FormattedText(self._plain, self._entities)

    def _take_words(self, end: int) -> None:
        words = self._source[self._position : end]
        self._plain += _REFERENCE.sub(lambda reference: html.unescape(reference[0]), words)
        self._position = end

    def _take_tag(self, tag: re.Match[str]) -> None:
        name, is_end = tag["name"].lower(), bool(tag["end"])
        cut_off = tag.end() == len(self._source)
        if not is_end and not cut_off and name not in _TYPES:
            raise _unparsable(f'Unsupported start tag "{name}"{self._where()}')
        rest = _TAG_REST.match(self._source, tag.end())
        if rest is None:
            raise _unparsable(f"Unclosed {'end' if is_end else 'start'} tag{self._where()}")
        if is_end:
            self._close(name)
        else:
            self._start(name, rest["attributes"])
        self._position = rest.end()

    def _start(self, name: str, attributes: str) -> None:
        values = {
            m[1].lower(): html.unescape((m[2] or "").strip("\"'")) for m in _ATTRIBUTE.finditer(attributes)
        }
        if name == "span" and values.get("class") != "tg-spoiler":
            raise _unparsable(f'Tag "span" must have class "tg-spoiler"{self._where()}')
        self._open.append(_OpenTag(name, values, utf16_length(self._plain)))

    def _close(self, name: str) -> None:
        if not self._open:
            raise _unparsable(f"Unexpected end tag{self._where()}")
        tag = self._open.pop()
        if name not in ("", tag.name):
            raise _unparsable(
                f'Unmatched end tag{self._where()}, expected "</{tag.name}>", found "</{name}>"'
            )
        length = utf16_length(self._plain) - tag.offset
        if length and (extra := _extra(tag, self._plain)) is not None:
            kind = _TYPES[tag.name]
            if "expandable" in tag.attributes and kind == "blockquote":
                kind = "expandable_blockquote"
            self._entities.append({"type": kind, "offset": tag.offset, "length": length, **extra})

    def _where(self) -> str:
        return f" at byte offset {len(self._source[: self._position].encode())}"


def _extra(tag: _OpenTag, plain: str) -> dict[str, str] | None:
    """What the entity carries besides its place; None when Telegram would leave the words unmarked."""
    if tag.name == "a":
        words = plain.encode("utf-16-le")[tag.offset * 2 :].decode("utf-16-le")
        url = tag.attributes.get("href") or words
        return {"url": url} if re.match(r"(?:https?://|tg://|mailto:)\S+$", url) else None
    if tag.name == "tg-emoji":
        return {"custom_emoji_id": tag.attributes.get("emoji-id", "")}
    return {}


def _unparsable(reason: str) -> ApiError:
    return bad_request(f"can't parse entities: {reason}")
