"""Settings as a table, for tests: every field, and the variables that set it."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import get_type_hints

import pytest
from pydantic import AliasChoices

from app.core.settings import Section, Settings

PRODUCTION = {
    "ENVIRONMENT": "production",
    "DATABASE_URL": "postgresql+asyncpg://aisha:database-password@db/aisha",
    "TELEGRAM_TOKEN": "123456:telegram-token-value",
    "FAL_API_KEY": "fal-key-id:fal-key-value",
    "FAL_WEBHOOK_URL": "https://aisha.example/api/v1/avatar/status_update",
    "FAL_WEBHOOK_SECRET": "webhook-secret-new,webhook-secret-old",
    "ADMIN_TOKEN": "admin-token-value",
}


@dataclass(frozen=True)
class Variable:
    """One field of a section; `names` are the variables that set it, the usual one first."""

    section: str
    owner: type[Section]
    field: str
    names: tuple[str, ...]


def variables() -> Iterator[Variable]:
    sections = get_type_hints(Settings)
    for section in fields(Settings):
        owner = sections[section.name]
        for name, field in owner.model_fields.items():
            alias = field.validation_alias
            names = (
                tuple(str(choice) for choice in alias.choices)
                if isinstance(alias, AliasChoices)
                else (f"{owner.model_config.get('env_prefix', '')}{name}".upper(),)
            )
            yield Variable(section.name, owner, name, names)


def put(monkeypatch: pytest.MonkeyPatch, values: dict[str, str]) -> None:
    """Make these the only variables of ours in the environment."""
    for variable in variables():
        for name in variable.names:
            monkeypatch.delenv(name, raising=False)
    for name, value in values.items():
        monkeypatch.setenv(name, value)
