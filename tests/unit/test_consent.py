"""The text that people agree to has a version: who changes the text makes a new one."""

import hashlib

from app.core.i18n import Dictionary, Language
from app.trainings import consent

TEXTS = {1: "1ed0dc9d0ba2fcbc", 2: "b994718804f77a60"}  # version -> hash of the words in all languages


def test_another_text_is_another_version() -> None:
    dictionary = Dictionary()
    words = "\n".join(dictionary[language]("consent") for language in Language)
    assert hashlib.sha256(words.encode()).hexdigest()[:16] == TEXTS[consent.VERSION]
    assert max(TEXTS) == consent.VERSION
