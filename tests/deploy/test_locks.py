"""What the images install is what the requirements and the constraints say, with a hash for every file."""

import re
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = {"webhook": "requirements_webhook.txt", "bot": "requirements.txt"}
OLDEST = {"python_full_version": "3.11.0"}  # Debian's 3.11.2 needs packages that 3.11.3 goes without


def lines(path: Path) -> list[str]:
    """Without comments; what a backslash continues is one line."""
    whole = path.read_text(encoding="utf-8").replace("\\\n", " ")
    bare = (re.sub(r"(^|\s)#.*", "", line).strip() for line in whole.splitlines())
    return [line for line in bare if line]


def pinned(path: Path) -> dict[str, str]:
    entries = (line.split()[0].partition("==") for line in lines(path))
    return {canonicalize_name(name): version for name, _, version in entries}


def wanted(path: Path) -> Iterator[Requirement]:
    for line in lines(path):
        option, _, other = line.partition(" ")
        if option == "-r":
            yield from wanted(path.parent / other)
        elif option != "-c":
            yield Requirement(line)


def with_dependencies(requirements: Iterable[Requirement], extra: str = "") -> Iterator[tuple[str, str]]:
    """The names that are needed on this platform, each with the extras that ask for more."""
    for requirement in requirements:
        if requirement.marker is None or requirement.marker.evaluate({**OLDEST, "extra": extra}):
            for part in ("", *sorted(requirement.extras)):
                yield canonicalize_name(requirement.name), part


def dependencies(name: str) -> list[Requirement]:
    try:
        return [Requirement(text) for text in requires(name) or ()]
    except PackageNotFoundError:  # this Python goes without it
        return []


def closure(requirements: Iterable[Requirement]) -> set[str]:
    found: set[tuple[str, str]] = set()
    ahead = set(with_dependencies(requirements))
    while ahead:
        name, extra = ahead.pop()
        found.add((name, extra))
        ahead |= set(with_dependencies(dependencies(name), extra)) - found
    return {name for name, _ in found}


@pytest.mark.parametrize("image", LOCKS)
def test_a_lock_has_all_that_is_needed_and_nothing_else(image: str) -> None:
    assert set(pinned(ROOT / f"deploy/requirements/{image}.txt")) == closure(wanted(ROOT / LOCKS[image]))


@pytest.mark.parametrize("image", LOCKS)
def test_a_lock_has_the_versions_that_are_tested(image: str) -> None:
    assert (
        pinned(ROOT / f"deploy/requirements/{image}.txt").items() <= pinned(ROOT / "constraints.txt").items()
    )


@pytest.mark.parametrize("image", LOCKS)
def test_every_line_of_a_lock_has_hashes_and_names_no_place(image: str) -> None:
    for line in lines(ROOT / f"deploy/requirements/{image}.txt"):
        assert re.fullmatch(r"[\w.-]+==[\w.]+(\s+--hash=sha256:[0-9a-f]{64})+", line)


def test_the_webhook_service_installs_nothing_of_the_bot() -> None:
    installed = pinned(ROOT / "deploy/requirements/webhook.txt")
    assert not installed.keys() & {"aiogram", "aiohttp", "pillow", "pillow-heif", "numpy", "minio", "redis"}
