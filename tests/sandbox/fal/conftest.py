"""One FAL emulator for a module, and an unmodified client that is led to it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import fal_client
import httpx
import pytest

from sandbox.fal.client import FalControl
from sandbox.fal.proxy import child_environment
from tests.sandbox.fal.harness import (
    KEY,
    Emulator,
    Receiver,
    archive,
    end,
    running_emulator,
    running_receiver,
)

ONE_DAY = fal_client.StorageSettings(expires_in="1d")


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running_emulator(tmp_path_factory.mktemp("fal")) as emulator:
        yield emulator
        assert end(emulator) == (0, "")


@pytest.fixture(autouse=True)
def environment(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in child_environment(emulator.proxy_port, emulator.ca_bundle).items():
        monkeypatch.delenv(name.lower(), raising=False)
        monkeypatch.setenv(name, value)


@pytest.fixture
async def fal() -> AsyncIterator[fal_client.AsyncClient]:
    client = fal_client.AsyncClient(key=KEY)
    yield client
    await (await client._client).aclose()


@pytest.fixture
async def control(emulator: Emulator) -> AsyncIterator[FalControl]:
    async with FalControl(emulator.control_url) as control:
        yield control


@pytest.fixture
async def web() -> AsyncIterator[httpx.AsyncClient]:
    """Any other HTTP client of the same process."""
    async with httpx.AsyncClient() as client:
        yield client


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with running_receiver() as receiver:
        yield receiver


@pytest.fixture
async def photos(fal: fal_client.AsyncClient, tmp_path: Path) -> str:
    """The address of an uploaded archive that every trainer takes."""
    return await fal.upload_file(archive(tmp_path / "photos.zip", images=10), lifecycle=ONE_DAY)
