"""What is said of settings, made from their fields: `python -m devtools.settings_docs` writes three files.

docs/configuration.md is the reference, `.env.example` is for `make run`, and `prod.env.example` for
production: it holds what only the compose file and the deploy scripts read, too.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import Enum
from pathlib import Path
from textwrap import wrap
from typing import Any, get_type_hints

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from app.core.settings import Section, Settings

ROOT = Path(__file__).parents[1]
_WIDTH = 110


@dataclass(frozen=True)
class Variable:
    """`production` is the value in prod.env.example; None: it is commented out there, with its default."""

    name: str
    description: str
    default: str = ""
    production: str | None = None


# Read by the compose file and the deploy scripts, not by a process of ours.
DEPLOYMENT = (
    Variable("REGISTRY", "the registry that images are pushed to and pulled from", production="CHANGE_ME"),
    Variable("IMAGE_TAG", "which images run; the deploy scripts set it, the git revision if it isn't set"),
    Variable(
        "COMPOSE_PROFILES",
        "which servers are our own, on this host; empty: none, with managed ones",
        production="postgres,redis,minio",
    ),
    Variable(
        "WITHOUT_BOT",
        "on every host but one, since one bot alone may poll Telegram: the deploy scripts leave it out here",
        "1",
    ),
    Variable("ENV_FILE", "this file, if it has another name", "prod.env"),
    Variable("DOMAIN", "the name that FAL calls, and that the certificate is for", production="CHANGE_ME"),
    Variable(
        "TLS_DIR",
        "the folder of certificate.crt, private.key and ca_bundle.crt, which root may read",
        production="/etc/aisha/tls",
    ),
    Variable(
        "POSTGRES_PASSWORD",
        "of our own Postgres, when its volume is new; with a managed one any word",
        production="CHANGE_ME",
    ),
    Variable(
        "POSTGRES_IMAGE",
        "our own Postgres; for a managed one an image of the same release, since backups are dumped with it",
        "postgres:16-bookworm",
    ),
    Variable("REDIS_PASSWORD", "of our own Redis", production="CHANGE_ME"),
    Variable("BACKUP_DIR", "where backups go", production="/var/backups/aisha"),
)
# What production sets, beside its defaults.
PRODUCTION: Mapping[str, str] = {
    "ENVIRONMENT": "production",
    "TELEGRAM_TOKEN": "CHANGE_ME",
    "FAL_API_KEY": "CHANGE_ME",
    "FAL_WEBHOOK_URL": "https://CHANGE_ME/api/v1/avatar/status_update",
    "FAL_WEBHOOK_SECRET": "CHANGE_ME",
    "ADMIN_TOKEN": "CHANGE_ME",
    "DATABASE_URL": "postgresql+asyncpg://aisha:CHANGE_ME@postgres:5432/aisha",
    "REDIS_URL": "redis://:CHANGE_ME@redis:6379/0",
    "MINIO_ENDPOINT": "minio:9000",
    "MINIO_ACCESS_KEY": "CHANGE_ME",
    "MINIO_SECRET_KEY": "CHANGE_ME",
    "MINIO_SECURE": "false",
    "LOG_DIR": "/var/log/aisha",
    "LOG_FORMAT": "json",
}
REFUSED_IN_PRODUCTION = frozenset({"AVATAR_TEST_MODE"})

_EDIT = "Made from the settings' fields by `make settings`: edit those."
_DEVELOPMENT_HEAD = f"""\
# Copy to .env and fill in what you have. With nothing here `make run` plays against the sandbox.
# An empty value means the default, which stands in brackets; a CHANGE_ME counts as missing.
# {_EDIT}
"""
_PRODUCTION_HEAD = f"""\
# What production needs: copy it to prod.env, closed to others (chmod 600), and replace each CHANGE_ME.
# With a placeholder left nothing starts. The rest is commented out and shows its default.
# Values are written out: compose, systemd and the deploy scripts read them, each a little differently. So
# secrets are best of hexadecimal digits (openssl rand -hex 32), and a password is repeated in its address.
# {_EDIT}
"""  # noqa: S608 - no SQL
_REFERENCE_HEAD = f"""\
# Configuration

Every setting is an environment variable; `.env` in the working folder is read too, and the environment wins.
An empty value means the default. A process names all that is missing or malformed at once, and exits with
code 2; a value with `CHANGE_ME` in it counts as missing.

Production requires `DATABASE_URL`, `TELEGRAM_TOKEN`, `FAL_API_KEY`, `FAL_WEBHOOK_URL`, `FAL_WEBHOOK_SECRET`
and `ADMIN_TOKEN`, and nothing else. {_EDIT}
"""


def sections() -> Iterator[tuple[type[Section], Sequence[Variable]]]:
    hints = get_type_hints(Settings)
    for each in fields(Settings):
        section = hints[each.name]
        names = section.variables()
        yield section, [_variable(names[name], field) for name, field in section.model_fields.items()]


def _variable(name: str, field: FieldInfo) -> Variable:
    return Variable(name, field.description or "", _shown(field.default), PRODUCTION.get(name))


def _shown(value: Any) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if value is None or value == ():
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return (
        f"{value:g}" if isinstance(value, float) else str(value.value if isinstance(value, Enum) else value)
    )


def reference() -> str:
    parts = [_REFERENCE_HEAD]
    for section, variables in sections():
        parts.append(f"## {_title(section)}\n\n{section.__doc__}\n\n{_table(variables)}")
    text = "Read by the compose file and the deploy scripts only."
    parts.append(f"## Deployment\n\n{text}\n\n{_table(DEPLOYMENT)}")
    return "\n".join(parts)


def _title(section: type[Section]) -> str:
    return section.__name__.removesuffix("Settings")


def _table(variables: Sequence[Variable]) -> str:
    rows = [f"| `{each.name}` | {_code(each.default)} | {each.description} |" for each in variables]
    return "\n".join(["| variable | default | meaning |", "|---|---|---|", *rows, ""])


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def development_example() -> str:
    return "\n".join([_DEVELOPMENT_HEAD, *(_group(section, variables) for section, variables in sections())])


def _group(section: type[Section], variables: Sequence[Variable]) -> str:
    lines = [_heading(_title(section))]
    for each in variables:
        default = f"[{each.default}] " if each.default else ""
        lines += [*_comment(f"{default}{each.description}"), f"{each.name}="]
    return "\n".join([*lines, ""])


def production_example() -> str:
    parts = [_PRODUCTION_HEAD, _production_group("Deployment", DEPLOYMENT)]
    for section, variables in sections():
        allowed = [each for each in variables if each.name not in REFUSED_IN_PRODUCTION]
        parts.append(_production_group(_title(section), allowed))
    return "\n".join(parts)


def _production_group(title: str, variables: Sequence[Variable]) -> str:
    lines = [_heading(title)]
    for each in variables:
        lines += _comment(each.description)
        if each.production is None:
            lines.append(f"#{each.name}={each.default}")
        else:
            lines.append(f"{each.name}={each.production}")
    return "\n".join([*lines, ""])


def _heading(title: str) -> str:
    return f"# --- {title} ".ljust(_WIDTH - 5, "-")


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in wrap(text.replace("`", ""), _WIDTH - 2)]


FILES = {
    "docs/configuration.md": reference,
    ".env.example": development_example,
    "prod.env.example": production_example,
}


def main() -> None:
    for name, made in FILES.items():
        (ROOT / name).write_text(made(), encoding="utf-8")


if __name__ == "__main__":
    main()
