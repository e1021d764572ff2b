"""The instances of this machine, or of the containers' network, asked past nginx."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from app.doctor.checks import instances
from app.doctor.result import ReportedResult, Status
from app.doctor.selection import local_checks
from tests.deploy.doctor_harness import context_with, finding, serving, told
from tests.ports import HOST, closed_ports

ROOT = Path(__file__).parents[2]
HEALTHY = {"GET": told(200, status="ok")}


async def seen(monkeypatch: pytest.MonkeyPatch, own: int) -> ReportedResult:
    async with context_with(monkeypatch, API_HOST=HOST, API_PORT=str(own)) as context:
        return await finding(context, local_checks(context), "instances")


async def test_an_instance_that_is_dead_beside_one_that_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    with closed_ports(2) as (dead, nobody):
        async with serving(None, HEALTHY) as alive:
            monkeypatch.setattr(instances, "PORTS", (alive, dead))
            found = await seen(monkeypatch, nobody)
    assert (found.status, found.what) == (
        Status.WARNING,
        f"http://{HOST}:{alive}: ok; nothing answers at http://{HOST}:{dead}",
    )
    assert found.remedy


async def test_a_service_that_runs_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """At a port of its own, beside another program at one of the pair's, or at one of the pair's."""
    with closed_ports(1) as (dead,):
        async with serving(None, HEALTHY) as own, serving(None, {"GET": told(404)}) as stranger:
            monkeypatch.setattr(instances, "PORTS", (stranger, dead))
            assert (await seen(monkeypatch, own)).status is Status.OK
            monkeypatch.setattr(instances, "PORTS", (own, dead))
            assert (await seen(monkeypatch, own)).status is Status.OK


async def test_an_instance_whose_log_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    degraded = {"GET": told(200, status="ok", degraded="logs")}
    async with serving(None, degraded) as one:
        monkeypatch.setattr(instances, "PORTS", ())
        found = await seen(monkeypatch, one)
    assert (found.status, found.what) == (
        Status.WARNING,
        f"http://{HOST}:{one}: logs can't be written there",
    )
    assert "AishaLogsLost" in found.remedy


async def test_in_the_containers_the_instances_are_asked_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing listens on a container's own loopback; one that is stopped has no name."""

    async def only_the_first(host: str, _port: int) -> Sequence[str]:
        return [HOST] if host == "localhost" else []

    with closed_ports(4) as (stopped, nobody, *unused):
        monkeypatch.setattr(instances, "PORTS", tuple(unused))
        async with (
            serving(None, HEALTHY) as first,
            context_with(monkeypatch, API_PORT=str(nobody)) as context,
        ):
            context.resolve = only_the_first
            monkeypatch.setattr(instances, "COMPOSED", (("localhost", first), (HOST, stopped)))
            one = await finding(context, local_checks(context), "instances")
            monkeypatch.setattr(instances, "COMPOSED", (("localhost", first), (HOST, first)))
            both = await finding(context, local_checks(context), "instances")
    assert (one.status, one.what) == (
        Status.WARNING,
        f"http://localhost:{first}: ok; nothing answers at http://{HOST}:{stopped}",
    )
    assert (both.status, both.what) == (
        Status.OK,
        f"http://localhost:{first}: ok; http://{HOST}:{first}: ok",
    )


def test_the_names_are_those_of_the_compose_file() -> None:
    composed = (ROOT / "docker-compose.webhook.prod.yml").read_text("utf-8")
    for name, port in instances.COMPOSED:
        assert f"{name}:{port}" in composed
