"""A section of settings, and what can be wrong with one."""

from dataclasses import dataclass
from typing import Any

from pydantic import AliasChoices, Field, JsonValue
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.core.errors import CannotStart

PLACEHOLDER = "CHANGE_ME"
_REMEDY = "remedy"


@dataclass(frozen=True)
class Problem:
    """One variable that keeps a process from starting, and what to do about it."""

    variable: str
    what: str
    remedy: str


class SettingsError(CannotStart):
    """The process can't start with these settings; `str()` is the whole message for the operator."""

    reason = "settings"

    def __init__(self, problems: list[Problem]) -> None:
        width = max(len(problem.variable) for problem in problems)
        head = f"Cannot start: {len(problems)} invalid setting{'s' if len(problems) > 1 else ''}."
        rows = [f"  {p.variable:<{width}}  {p.what}. {p.remedy}" for p in problems]
        foot = (
            "Set them in .env or in the environment, then start again; they stand in docs/configuration.md."
        )
        super().__init__("\n".join([head, *rows, foot]))
        self.problems = problems


class Section(BaseSettings):
    """Settings that belong together; the docstring is its introduction in docs/configuration.md."""

    model_config = SettingsConfigDict(
        env_file=".env",
        extra="ignore",
        env_ignore_empty=True,
        frozen=True,
        hide_input_in_errors=True,
        str_strip_whitespace=True,
    )

    @classmethod
    def variables(cls) -> dict[str, str]:
        """The environment variable of each field, by the field's name."""
        prefix = cls.model_config.get("env_prefix", "")
        return {name: _variable(prefix, name, field) for name, field in cls.model_fields.items()}

    @classmethod
    def remedy(cls, name: str) -> str:
        """What helps when this field is missing or malformed."""
        extra = cls.model_fields[name].json_schema_extra
        told = extra.get(_REMEDY) if isinstance(extra, dict) else None
        return str(told) if told else f"docs/configuration.md tells what {cls.variables()[name]} may be"


def _variable(prefix: str, name: str, field: FieldInfo) -> str:
    alias = field.validation_alias
    return str(alias.choices[0]) if isinstance(alias, AliasChoices) else f"{prefix}{name}".upper()


def setting(default: Any, description: str, *, remedy: str = "", **constraints: Any) -> Any:
    """A field, and what docs and examples say about it; `remedy` is what an operator reads if it's wrong."""
    extra: dict[str, JsonValue] = {_REMEDY: remedy} if remedy else {}
    return Field(default, description=description, json_schema_extra=extra, **constraints)
