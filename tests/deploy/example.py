"""`prod.env.example`: what it says, and how an operator fills it in."""

import re
from io import StringIO
from pathlib import Path

from dotenv import dotenv_values

from app.core.settings import PLACEHOLDER

ROOT = Path(__file__).parents[2]
EXAMPLE = (ROOT / "prod.env.example").read_text(encoding="utf-8")
# What replaces CHANGE_ME, by variable.
FILLED = {
    "REGISTRY": "registry.aisha.example",
    "DOMAIN": "aisha.example",
    "TELEGRAM_TOKEN": "123456:telegram-token-value",
    "FAL_API_KEY": "fal-key-id:fal-key-value",
    "FAL_WEBHOOK_URL": "aisha.example",
    "FAL_WEBHOOK_SECRET": "webhook-secret-value",
    "ADMIN_TOKEN": "admin-token-value",
    "POSTGRES_PASSWORD": "postgres-password-value",
    "DATABASE_URL": "postgres-password-value",
    "REDIS_PASSWORD": "redis-password-value",
    "REDIS_URL": "redis-password-value",
    "MINIO_ACCESS_KEY": "minio-access-value",
    "MINIO_SECRET_KEY": "minio-secret-value",
}


def variables(text: str = EXAMPLE) -> dict[str, str]:
    """What a text in the form of the example sets."""
    values = dotenv_values(stream=StringIO(text), interpolate=False)
    return {name: value or "" for name, value in values.items()}


def filled() -> str:
    """The example with `FILLED` in it, and with the release that a deploy script would choose."""
    lines = (fill(line) for line in EXAMPLE.splitlines())
    return "\n".join([*lines, "IMAGE_TAG=2026.11.1", ""])


def fill(line: str) -> str:
    name, equals, value = line.partition("=")
    return f"{name}{equals}{value.replace(PLACEHOLDER, FILLED[name])}" if PLACEHOLDER in value else line


def spelled_out(text: str) -> str:
    """With the defaults that are commented out set."""
    return re.sub(r"^#(?=[A-Z_]+=)", "", text, flags=re.MULTILINE)
