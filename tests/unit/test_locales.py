"""Words in three languages: the same ones in each, all that the code asks for, none that nobody reads."""

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from fluent.syntax import FluentParser
from fluent.syntax import ast as ftl
from fluent.syntax.visitor import Visitor

import app
from app.bot.answers import gender_in, type_in
from app.bot.commands import COMMANDS
from app.core.errors import AishaError
from app.core.i18n import LOCALES, Dictionary, Language, Words
from app.core.settings import Preset
from app.database.models import OPEN, AvatarState, AvatarType, Gender
from app.fal.failures import Reason
from app.photos.quality import Advice
from app.photos.set_quality import SetAdvice
from tests.unit.telegram_html import visible

ROOT = Path(__file__).parents[2]
COUNTED = frozenset({"zero", "one", "two", "few", "many", "other", "0"})
STATES = {
    ("avatar-training", "state"): OPEN,
    ("avatar-label", "state"): frozenset(AvatarState),
    ("avatar-type", "type"): frozenset(AvatarType),
    ("preset-label", "preset"): frozenset(Preset),
    ("photo-tips", "type"): frozenset(AvatarType),
    ("ask-name", "type"): frozenset(AvatarType),
}
# Errors of these modules end in a log, an exit code or an answer to FAL; no person meets them.
UNSEEN = {
    "app.core.errors",
    "app.core.settings.section",
    "app.fal.account",
    "app.fal.answers",
    "app.fal.client",
    "app.fal.jwks",
    "app.fal.signature",
    "app.fal.upload",
    "app.fal.webhook",
    "app.inbox.authenticate",
    "app.inbox.store",
    "app.notifications.sender",
}
# The submit job meets it, and tells of a failed training.
UNSEEN_ALONE = {"PhotoMissing"}
NUMBERS = {"count", "have", "height", "left", "maximum", "megabytes", "minimum", "minutes", "needed", "room"}
NUMBERS |= {"done", "number", "page", "pages", "sent", "side", "width"}
NUMBERS |= {"side", "width", "steps", "hours", "position", "done", "total"}
COUNTS = [0, 1, 2, 5, 11, 21, 50]
PLAIN = (
    "advice-",
    "button-",
    "preset-",
    "duration",
    "command-",
    "avatar-label",
    "avatar-type",
    "photos-count",
    "failure-",
)
NASTY = '<b>&_*[{$}"' * 6


@dataclass
class Phrase(Visitor):
    """What a message needs: its variables, and the variants of those it chooses by."""

    variables: set[str] = field(default_factory=set)
    variants: dict[str, set[str]] = field(default_factory=dict)

    def visit_VariableReference(self, node: ftl.VariableReference) -> None:  # noqa: N802 - fluent's name
        self.variables.add(node.id.name)

    def visit_SelectExpression(self, node: ftl.SelectExpression) -> None:  # noqa: N802 - fluent's name
        assert isinstance(node.selector, ftl.VariableReference)
        keys = {v.key.name if isinstance(v.key, ftl.Identifier) else v.key.value for v in node.variants}
        self.variants[node.selector.id.name] = keys
        self.generic_visit(node)


def phrases(language: Language) -> dict[str, Phrase]:
    found: dict[str, Phrase] = {}
    for path in sorted((LOCALES / language.value).glob("*.ftl")):
        for entry in FluentParser().parse(path.read_text(encoding="utf-8")).body:
            assert isinstance(entry, ftl.Message), f"{path}: {entry.to_json()}"
            assert entry.id.name not in found, f"{entry.id.name} twice"
            found[entry.id.name] = Phrase()
            found[entry.id.name].visit(entry)
    return found


RUSSIAN = phrases(Language.RUSSIAN)
DICTIONARY = Dictionary()


@pytest.fixture(params=list(Language))
def language(request: pytest.FixtureRequest) -> Language:
    return Language(request.param)


@pytest.fixture
def words(language: Language) -> Words:
    return DICTIONARY[language]


def test_every_language_has_the_same_words(language: Language) -> None:
    assert phrases(language).keys() == RUSSIAN.keys()


def test_they_need_the_same_arguments(language: Language) -> None:
    needed = {key: phrase.variables for key, phrase in phrases(language).items()}
    assert needed == {key: phrase.variables for key, phrase in RUSSIAN.items()}


def test_every_state_that_can_occur_has_its_variant(language: Language) -> None:
    chosen = {
        (key, variable): variants
        for key, phrase in phrases(language).items()
        for variable, variants in phrase.variants.items()
        if not variants <= COUNTED
    }
    assert chosen == {place: {state.value for state in states} for place, states in STATES.items()}


# What the code asks for.


@dataclass
class Asked:
    """Keys that stand in the code, and the beginnings of those that are put together."""

    keys: set[str] = field(default_factory=set)
    families: set[str] = field(default_factory=set)


@cache
def calls() -> list[ast.Call]:
    paths = (ROOT / "app").rglob("*.py")
    nodes = [node for path in paths for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    return [node for node in nodes if isinstance(node, ast.Call)]


@cache
def asked() -> Asked:
    found = Asked()
    for call in calls():
        name = ast.unparse(call.func)
        place = 1 if name == "button" else 0
        if len(call.args) <= place or not (place or name.split(".label")[0].endswith("words")):
            continue
        key = call.args[place]
        if isinstance(key, ast.Constant):
            found.keys.add(str(key.value))
        elif isinstance(key, ast.JoinedStr) and isinstance(key.values[0], ast.Constant):
            found.families.add(str(key.values[0].value))
    return found


def met_by_people() -> dict[str, type[AishaError]]:
    """The errors that the bot may have to put into words, by name."""
    for module in pkgutil.walk_packages(app.__path__, "app."):
        if "migrations" not in module.name:
            importlib.import_module(module.name)

    def leaves(kind: type[AishaError]) -> Iterator[type[AishaError]]:
        for child in kind.__subclasses__():
            yield from leaves(child) if child.__subclasses__() else [child]

    return {
        kind.__name__: kind
        for kind in leaves(AishaError)
        if kind.__module__.startswith("app.") and kind.__module__ not in UNSEEN
        if kind.__name__ not in UNSEEN_ALONE
    }


def families() -> dict[str, set[str]]:
    return {
        "error-": {kind.reason for kind in met_by_people().values()},
        "failure-": {reason.value for reason in Reason},
        "advice-": {advice.value for advice in Advice},
        "set-advice-": {advice.value for advice in SetAdvice},
        "command-": set(COMMANDS),
        "answer-": {*AvatarType, *Gender},
    }


def test_the_code_asks_for_no_other_family() -> None:
    assert asked().families == families().keys()


def test_all_that_is_asked_for_exists_and_all_that_exists_is_asked_for() -> None:
    wanted = {f"{prefix}{name}" for prefix, names in families().items() for name in names}
    assert wanted | asked().keys == RUSSIAN.keys()


def test_errors_carry_what_their_words_need() -> None:
    people = met_by_people()
    given = {
        (name, frozenset(keyword.arg for keyword in call.keywords))
        for call in calls()
        if (name := ast.unparse(call.func)) in people
    }
    assert {name for name, _ in given}, "errors are raised somewhere"
    for name, details in given:
        assert details >= RUSSIAN[f"error-{people[name].reason}"].variables, name


def test_errors_raised_bare_have_words_that_need_nothing() -> None:
    people, bare = met_by_people(), set()
    for path in sorted((ROOT / "app").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Name):
                bare.add(node.exc.id)
    for name in bare & people.keys():
        assert not RUSSIAN[f"error-{people[name].reason}"].variables, name


# How they read.


def samples(key: str) -> Iterator[dict[str, Any]]:
    """Arguments for every path through a message, with the nastiest text where a text may stand."""
    phrase = RUSSIAN[key]
    choices: dict[str, list[Any]] = {}
    for name in sorted(phrase.variables):
        if (key, name) in STATES:
            choices[name] = sorted(state.value for state in STATES[key, name])
        else:
            choices[name] = COUNTS if name in phrase.variants else [21 if name in NUMBERS else NASTY]
    for values in product(*choices.values()):
        yield dict(zip(choices, values, strict=True))


@pytest.mark.parametrize("key", RUSSIAN)
def test_every_message_is_one_that_telegram_takes(words: Words, key: str) -> None:
    for arguments in samples(key):
        shown = visible(words(key, **arguments))
        assert "{" not in shown.replace(NASTY, "")


@pytest.mark.parametrize("key", [key for key in RUSSIAN if key.startswith(PLAIN)])
def test_labels_have_no_markup_and_one_line(words: Words, key: str) -> None:
    for arguments in samples(key):
        label = words.label(key, **arguments)
        assert not {"<b>", "\n", "&amp;"} & {label.replace(NASTY, ""), *label.replace(NASTY, "")}
        assert len(label.replace(NASTY, "")) <= 256


def test_a_persons_words_are_escaped_in_text_and_not_on_buttons(words: Words) -> None:
    assert "&lt;b&gt;&amp;" in words("training-completed", name="<b>&")
    assert words.label("avatar-label", state="DRAFT", name="<b>&").endswith(" <b>&")


@pytest.mark.parametrize("template", ["{ $name }", "{ -term }", "{$", "}", "{ button-menu }", "*[other]"])
def test_a_persons_words_are_no_template(words: Words, template: str) -> None:
    assert template in words("drill-completed", name=template)


RUSSIAN_COUNTS = [
    (1, "1 фотография", "1 фотографию", "1 минуту"),
    (2, "2 фотографии", "2 фотографии", "2 минуты"),
    (5, "5 фотографий", "5 фотографий", "5 минут"),
    (11, "11 фотографий", "11 фотографий", "11 минут"),
    (12, "12 фотографий", "12 фотографий", "12 минут"),
    (21, "21 фотография", "21 фотографию", "21 минуту"),
    (22, "22 фотографии", "22 фотографии", "22 минуты"),
    (111, "111 фотографий", "111 фотографий", "111 минут"),
]


@pytest.mark.parametrize(("count", "there", "more", "minutes"), RUSSIAN_COUNTS)
def test_russian_counts_as_russians_do(count: int, there: str, more: str, minutes: str) -> None:
    words = DICTIONARY["ru"]
    about: dict[str, str | int] = {"name": "А", "type": "портрет", "bar": "", "side": 512, "megabytes": 20}
    collecting = words("avatar-collecting", **about, have=0, minimum=50, left=count)
    since = words("training-since", hours=0, minutes=count)
    assert words.label("photos-count", count=count) == there
    assert f"Пришлите ещё {more}:" in collecting
    assert since == f"Начали {minutes} назад."


@pytest.mark.parametrize(("count", "hours"), [(1, "1 час"), (2, "2 часа"), (5, "5 часов"), (21, "21 час")])
def test_russian_counts_hours(count: int, hours: str) -> None:
    assert DICTIONARY["ru"]("training-since", hours=count, minutes=59) == f"Начали {hours} назад."


@pytest.mark.parametrize(("count", "photos"), [(1, "1 photo"), (2, "2 photos"), (21, "21 photos")])
def test_english_counts_as_the_english_do(count: int, photos: str) -> None:
    assert DICTIONARY["en"].label("photos-count", count=count) == photos


@pytest.mark.parametrize("key", ["no-such-words", "", "avatar-training.label", "-term"])
def test_words_that_do_not_exist_are_an_error(words: Words, key: str) -> None:
    with pytest.raises(KeyError):
        words(key)


def test_an_argument_that_is_missing_is_an_error(words: Words) -> None:
    with pytest.raises(KeyError):
        words("training-completed")


@pytest.mark.parametrize(
    ("code", "language"),
    [
        (None, "ru"),
        ("", "ru"),
        ("ru", "ru"),
        ("RU-ru", "ru"),
        ("kk-KZ", "kk"),
        ("en-GB", "en"),
        ("uk", "ru"),
        ("de", "en"),
        ("zh-hans", "en"),
        ("-", "en"),
    ],
)
def test_a_person_is_spoken_to_in_a_language_that_they_read(code: str | None, language: str) -> None:
    assert Language.of(code) == language


@pytest.mark.parametrize("spoken", list(Language))
def test_a_buttons_own_words_are_an_answer_too(spoken: Language) -> None:
    """In every language, whichever the buttons are in."""
    label = DICTIONARY[spoken].label
    assert [type_in(label(f"button-{kind}"), DICTIONARY) for kind in AvatarType] == list(AvatarType)
    assert [gender_in(label(f"button-{gender}"), DICTIONARY) for gender in Gender] == list(Gender)


@pytest.mark.parametrize("said", ["", "?", "👤", "портрет женский", "portraits", "123"])
def test_nothing_else_is_an_answer(said: str) -> None:
    assert type_in(said, DICTIONARY) is None
    assert gender_in(said, DICTIONARY) is None
