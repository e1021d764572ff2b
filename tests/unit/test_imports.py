"""What each process must live without."""

import subprocess
import sys

WITHOUT = """
import sys
module, *names = sys.argv[1:]
for name in names:
    sys.modules[name] = None
__import__(module)
"""
DECODING = ("PIL", "pillow_heif", "numpy")


def run(module: str, *missing: str) -> None:
    command = [sys.executable, "-c", WITHOUT, module, *missing]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_webhook_service_needs_neither_the_bot_nor_photos() -> None:
    run("api_server.main", "aiogram", "aiohttp", "minio", *DECODING)


def test_the_bot_decodes_nothing_itself() -> None:
    """Its memory would grow with it, and what reads strangers' files would read the bot's secrets."""
    run("app.main", *DECODING)


def test_what_decodes_reaches_neither_the_storage_nor_the_network() -> None:
    run("app.photos.decoding", "asyncpg", "aiogram", "httpx", "minio", "fal_client")
