"""Words that people read, from `locales/<language>/*.ftl` (Project Fluent)."""

import html
from enum import StrEnum
from pathlib import Path

from fluent.runtime import FluentBundle, FluentResource

LOCALES = Path(__file__).parent / "locales"


class Language(StrEnum):
    RUSSIAN = "ru"
    KAZAKH = "kk"
    ENGLISH = "en"

    @classmethod
    def of(cls, code: str | None) -> "Language":
        """The language to speak with a person whose Telegram says `code` (IETF tag, may be missing)."""
        base = (code or "ru").partition("-")[0].lower()
        if base in set(cls):
            return cls(base)
        return cls.RUSSIAN if base in _READ_RUSSIAN else cls.ENGLISH


_READ_RUSSIAN = {"be", "ky", "tg", "uk", "uz"}


class Words:
    """One language's words; text of arguments is escaped, because it goes into HTML messages."""

    def __init__(self, language: Language, locales: Path = LOCALES) -> None:
        self.language = language
        self._bundle = FluentBundle([language.value], use_isolating=False)
        for path in sorted((locales / language.value).glob("*.ftl")):
            self._bundle.add_resource(FluentResource(path.read_text(encoding="utf-8")))

    def __call__(self, key: str, **arguments: str | int) -> str:
        """The words under `key` as HTML.

        Raises:
            KeyError: no such words, or an argument they need is missing.
        """
        return self.label(
            key,
            **{k: html.escape(v, quote=False) if isinstance(v, str) else v for k, v in arguments.items()},
        )

    def label(self, key: str, **arguments: str | int) -> str:
        """The same as plain text, for buttons and pop-ups, which are no HTML."""
        message = self._bundle.get_message(key) if self._bundle.has_message(key) else None
        if message is None or message.value is None:
            raise KeyError(key)
        text, problems = self._bundle.format_pattern(message.value, arguments)
        if problems:
            raise KeyError(f"{key}: {problems[0]}")
        return str(text)


class Dictionary:
    """Every language, read once."""

    def __init__(self) -> None:
        self._words = {language: Words(language) for language in Language}

    def __getitem__(self, language: str) -> Words:
        return self._words[Language(language)]
