"""A worker that has no session of its own is seen: by /health, and by what the alert asks for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

import httpx
import pytest
from prometheus_client import generate_latest

from app.database.engine import Database
from app.jobs import worker
from app.jobs.worker import Worker
from tests.integration.jobs_harness import until
from tests.integration.webhook_service import Service, running_service

NOBODY = "postgresql+asyncpg://aisha:password@127.0.0.1:1/aisha"
LONG = 61.0


@asynccontextmanager
async def working(
    monkeypatch: pytest.MonkeyPatch, database: Database, url: str
) -> AsyncIterator[tuple[Service, Worker]]:
    """The service on a database, and its worker with an address of its own."""
    async with running_service(monkeypatch, database, {"DATABASE_URL": url, "API_WORKER": "on"}) as service:
        its = await service.container.get(Worker)
        running = asyncio.create_task(its.run())
        yield service, its
        its.stop()
        await running


async def health(service: Service) -> tuple[int, dict[str, str]]:
    answer: httpx.Response = await service.client.get("/health")
    return answer.status_code, answer.json()


def later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    monkeypatch.setattr(worker, "monotonic", lambda: monotonic() + seconds)


def shown() -> float:
    lines = generate_latest().decode().splitlines()
    return float(next(line for line in lines if line.startswith("aisha_worker_silent_seconds ")).split()[1])


async def test_one_that_never_had_a_session(monkeypatch: pytest.MonkeyPatch, database: Database) -> None:
    async with working(monkeypatch, database, NOBODY) as (service, its):
        await until(lambda: asyncio.sleep(0, its.silent_seconds() > 0))
        assert (await health(service))[0] == 200
        later(monkeypatch, LONG)
        assert await health(service) == (503, {"status": "error", "failed": "worker"})
        assert shown() > LONG


async def test_one_whose_session_came_late(
    monkeypatch: pytest.MonkeyPatch, database: Database, database_url: str
) -> None:
    async with working(monkeypatch, database, database_url) as (service, its):
        await until(lambda: asyncio.sleep(0, its.silent_seconds() > 0))
        later(monkeypatch, LONG)  # before it has heard anything

        async def well() -> bool:
            return (await health(service))[0] == 200

        await until(well)
        assert shown() < LONG
        later(monkeypatch, 3 * LONG)
        assert (await health(service))[0] == 503


async def test_an_instance_without_one_is_well(monkeypatch: pytest.MonkeyPatch, database: Database) -> None:
    async with running_service(monkeypatch, database) as service:
        later(monkeypatch, LONG)
        assert (await health(service))[0] == 200
