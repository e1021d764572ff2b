"""What people write where there are buttons to press."""

import re
import unicodedata
from collections.abc import Iterable

from app.core.i18n import Dictionary, Language
from app.database.models import AvatarType, Gender

_WORD = re.compile(r"[^\W\d_]+")


def type_in(text: str, dictionary: Dictionary) -> AvatarType | None:
    return next((kind for kind in AvatarType if _means(text, kind.value, dictionary)), None)


def gender_in(text: str, dictionary: Dictionary) -> Gender | None:
    return next((gender for gender in Gender if _means(text, gender.value, dictionary)), None)


def _means(text: str, choice: str, dictionary: Dictionary) -> bool:
    """Whether it is a word for this choice, in any language of ours."""
    said = _bare(text)
    return said != "" and said in {_bare(one) for one in _answers(choice, dictionary)}


def _answers(choice: str, dictionary: Dictionary) -> Iterable[str]:
    for words in map(dictionary.__getitem__, Language):
        answers = words.label(f"answer-{choice}")
        yield from answers.split(",")


def _bare(text: str) -> str:
    """Only its letters count: no emoji, no full stop, no capitals."""
    return " ".join(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))
