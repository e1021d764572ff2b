"""Settings are described once: what docs and examples say of them is made from their fields."""

import pytest

from devtools import settings_docs


@pytest.mark.parametrize("name", settings_docs.FILES)
def test_what_is_said_of_settings_is_what_their_fields_say(name: str) -> None:
    written = (settings_docs.ROOT / name).read_text(encoding="utf-8")
    assert written == settings_docs.FILES[name](), "run: make settings"


def test_every_setting_is_described() -> None:
    undescribed = [
        each.name for _, variables in settings_docs.sections() for each in variables if not each.description
    ]
    assert undescribed == []
