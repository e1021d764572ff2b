"""requirements_webhook.txt alone is enough for the webhook service, and brings nothing of the bot."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.ports import free_port

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a new environment that holds requirements_webhook.txt and nothing else."""
    folder = tmp_path_factory.mktemp("webhook") / "venv"
    interpreter = folder / "bin" / "python"
    _uv("venv", "--python", sys.executable, str(folder))
    _uv("pip", "install", "--python", str(interpreter), "-r", str(ROOT / "requirements_webhook.txt"))
    return interpreter


def _uv(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "uv", "--quiet", *arguments], check=True)


@pytest.fixture
def service(python: Path, database_url: str, tmp_path: Path) -> Iterator[str]:
    """`python -m api_server` in that environment; its address."""
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": database_url,
        "TELEGRAM_TOKEN": "1:token",
        "FAL_API_KEY": "key",
        "API_PORT": str(port),
    }
    process = subprocess.Popen([python, "-m", "api_server"], env=environment, cwd=tmp_path)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        assert process.wait(timeout=PATIENCE) == 0


@pytest.mark.parametrize("package", ["aiogram", "aiohttp", "PIL", "minio"])
def test_nothing_of_the_bot_comes_along(python: Path, package: str) -> None:
    program = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({package!r}) is None)"
    asked = [str(python), "-c", program]
    assert subprocess.run(asked, check=False).returncode == 1, f"{package} is installed"


async def test_the_service_boots_and_is_healthy(service: str) -> None:
    async with httpx.AsyncClient() as http, asyncio.timeout(PATIENCE):
        while True:
            try:
                answer = await http.get(f"{service}/health")
                break
            except httpx.TransportError:
                await asyncio.sleep(0.1)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
