"""`prod.env.example`: what it says, and how an operator fills it in."""

import re
from collections.abc import Mapping
from io import StringIO
from pathlib import Path

from dotenv import dotenv_values

from app.core.config import PLACEHOLDER

ROOT = Path(__file__).parents[2]
EXAMPLE = (ROOT / "prod.env.example").read_text(encoding="utf-8")
FILLED = {
    "REGISTRY": "registry.aisha.example",
    "IMAGE_TAG": "2026.11.1",
    "DOMAIN": "aisha.example",
    "TELEGRAM_TOKEN": "123456:telegram-token-value",
    "FAL_API_KEY": "fal-key-id:fal-key-value",
    "FAL_WEBHOOK_SECRET": "webhook-secret-value",
    "ADMIN_TOKEN": "admin-token-value",
    "POSTGRES_PASSWORD": "postgres-password-value",
    "REDIS_PASSWORD": "redis-password-value",
    "MINIO_ACCESS_KEY": "minio-access-value",
    "MINIO_SECRET_KEY": "minio-secret-value",
}


def variables(text: str = EXAMPLE) -> dict[str, str]:
    """What a text in the form of the example sets, `${NAME}` replaced."""
    return {name: value or "" for name, value in dotenv_values(stream=StringIO(text)).items()}


def filled(values: Mapping[str, str] = FILLED) -> str:
    """The example with these values in the places of its placeholders."""
    return re.sub(rf"^(\w+)={PLACEHOLDER}$", lambda line: f"{line[1]}={values[line[1]]}", EXAMPLE, flags=re.M)


def spelled_out(text: str) -> str:
    """With the defaults that are commented out set."""
    return re.sub(r"^#(?=[A-Z_]+=)", "", text, flags=re.M)
