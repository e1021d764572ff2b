"""What the images are made of: linted recipes, and a context that lets in what is named alone."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCKERFILES = ["Dockerfile.webhook", "Dockerfile.bot", "deploy/nginx/Dockerfile"]
OF_DEPLOY = ("deploy/nginx", "deploy/requirements")
HADOLINT = Path(sys.executable).with_name("hadolint")  # requirements_dev.txt brings it


@pytest.mark.skipif(not HADOLINT.exists(), reason="hadolint isn't installed: make install")
def test_hadolint_has_nothing_to_say() -> None:
    done = subprocess.run([HADOLINT, *DOCKERFILES], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("name", DOCKERFILES)
def test_an_image_says_which_release_it_is_and_takes_its_base_from_outside(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert re.search(r"^ARG BASE=\S+$", text, re.MULTILINE)
    assert set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) == {"${BASE}"}
    assert 'org.opencontainers.image.version="${VERSION}"' in text
    assert 'org.opencontainers.image.revision="${REVISION}"' in text


@pytest.mark.parametrize("name", DOCKERFILES[:2])
def test_an_image_of_ours_runs_as_nobody_in_particular(name: str) -> None:
    scenario = (ROOT / name).read_text(encoding="utf-8").rpartition("\nFROM ")[2]
    assert re.findall(r"^USER (.+)$", scenario, re.MULTILINE) == ["10001:10001"]


def test_only_what_is_named_enters_an_image() -> None:
    """Whatever else there is, secrets above all, would have to be let in by a line of its own."""
    rules = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert next(rule for rule in rules if not rule.startswith("#")) == "*"
    let_in = {rule[1:] for rule in rules if rule.startswith("!")}
    assert let_in == {"app", "api_server", "scripts/*.py", "pyproject.toml", *OF_DEPLOY}


def test_what_an_image_copies_is_there_and_let_in() -> None:
    recipes = [(ROOT / name).read_text(encoding="utf-8") for name in DOCKERFILES]
    copied = {path for text in recipes for path in re.findall(r"^COPY (?!--from)(\S+) ", text, re.MULTILINE)}
    assert not [path for path in copied if not (ROOT / path).exists()]
    ours = {path for path in copied if not path.startswith(OF_DEPLOY)}
    assert ours == {"app", "api_server", "scripts", "pyproject.toml"}
