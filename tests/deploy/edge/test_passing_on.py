"""What nginx passes on, to whom, and with which words; who answers when one doesn't."""

import asyncio
import re
from collections import Counter
from functools import partial
from typing import Any

import pytest

from tests.deploy.edge.conftest import ServiceCluster
from tests.deploy.edge.edge import running_edge
from tests.deploy.edge.upstream import Manner, upstream
from tests.integration.jobs_harness import until
from tests.integration.webhook_service import PATH
from tests.ports import free_port
from tests.programs import needs

pytestmark = [needs("nginx", "nginx-light"), pytest.mark.asyncio(loop_scope="module")]

CALLBACK: dict[str, Any] = {"content": b'{"request_id": "r"}', "headers": {"X-Fal-Webhook-Request-Id": "r"}}


async def test_a_callback_reaches_an_instance_as_it_was_sent(cluster: ServiceCluster) -> None:
    target = f"{PATH}?training=t%2F1&token=a-token"
    answer = await cluster.edge.ask(target, "POST", **CALLBACK)
    assert answer.status_code == 200
    [heard] = cluster.one.heard + cluster.other.heard
    assert (heard.line, heard.body) == (f"POST {target} HTTP/1.1", CALLBACK["content"])
    assert (heard.headers["host"], heard.headers["x-fal-webhook-request-id"]) == ("aisha.example", "r")


async def test_both_instances_are_used_over_connections_that_stay(cluster: ServiceCluster) -> None:
    before = cluster.one.connections + cluster.other.connections
    for _ in range(40):
        assert (await cluster.edge.ask(PATH, "POST", **CALLBACK)).status_code == 200
    assert min(len(cluster.one.heard), len(cluster.other.heard)) >= 10
    assert cluster.one.connections + cluster.other.connections - before < 20


async def test_nobody_says_himself_where_he_comes_from(cluster: ServiceCluster) -> None:
    claimed = {"X-Forwarded-For": "203.0.113.9"}
    await cluster.edge.ask("/health", peer="127.0.7.7", headers=claimed)
    [heard] = cluster.one.heard + cluster.other.heard
    assert heard.headers["x-forwarded-for"] == "127.0.7.7"


@pytest.mark.parametrize(("given", "kept"), [("doctor-42", True), ("a b", False), ("x" * 65, False)])
async def test_one_id_is_passed_on_answered_and_logged(
    cluster: ServiceCluster, given: str, kept: bool
) -> None:
    for path in ("/health", "/nowhere"):
        answer = await cluster.edge.ask(path, headers={"X-Request-ID": given})
        [answered] = answer.headers.get_list("x-request-id")
        assert (answered == given) == kept
        assert re.fullmatch("[A-Za-z0-9._-]{1,64}", answered)
        await until(partial(last_is, cluster, answered))
    [heard] = cluster.one.heard + cluster.other.heard
    assert (heard.headers["x-request-id"] == given) == kept


def last_is(cluster: ServiceCluster, correlation_id: str) -> bool:
    """nginx writes a line once the answer is sent."""
    return [line["correlation_id"] for line in cluster.edge.logged()][-1:] == [correlation_id]


@pytest.mark.parametrize("manner", [Manner.FULL, Manner.HANGS_UP])
async def test_who_fails_is_asked_nothing_twice_and_the_other_one_answers(
    cluster: ServiceCluster, manner: Manner
) -> None:
    cluster.one.manner = manner
    answers = await asyncio.gather(*[cluster.edge.ask(PATH, "POST", **CALLBACK) for _ in range(20)])
    assert Counter(answer.status_code for answer in answers) == {200: 20}
    assert len(cluster.other.heard) == 20
    assert 0 < len(cluster.one.heard) <= 20


async def test_when_both_fail_fal_is_told_to_come_again(cluster: ServiceCluster) -> None:
    cluster.one.manner = cluster.other.manner = Manner.HANGS_UP
    answer = await cluster.edge.ask(f"{PATH}?token=a-token", "POST", **CALLBACK)
    assert answer.json() == {"status": "error", "reason": "service-unavailable"}
    assert (answer.status_code, answer.headers["retry-after"]) == (502, "5")
    cluster.one.manner = cluster.other.manner = Manner.FULL
    answer = await cluster.edge.ask(PATH, "POST", **CALLBACK)
    assert (answer.status_code, answer.text) == (503, "{}")
    cluster.one.manner = Manner.WELL  # at once: nobody was set aside
    assert (await cluster.edge.ask(PATH, "POST", **CALLBACK)).status_code == 200


async def test_the_log_tells_of_each_request_and_of_no_token(cluster: ServiceCluster) -> None:
    """Lines of other requests may come late, and in any order."""
    cluster.one.manner = cluster.other.manner = Manner.HANGS_UP
    asked = [PATH, "/api/avatar/status_update", "/metrics"]
    headers = {"Authorization": "Bearer secret-word", "User-Agent": "looked for in the log"}
    for path in asked:
        await cluster.edge.ask(f"{path}?token=secret-word", "POST", headers=headers)

    def told_of() -> dict[str, dict[str, Any]]:
        lines = cluster.edge.logged()
        return {each["uri"]: each for each in lines if each["agent"] == headers["User-Agent"]}

    await until(lambda: told_of().keys() == set(asked))
    line = told_of()[PATH]
    told = {"method": "POST", "status": 502, "host": "aisha.example", "tls": "TLSv1.3"}
    assert line | told == line
    assert line["upstream_status"].startswith("502, 502")
    assert {"time", "correlation_id", "client", "port", "seconds", "upstream", "agent"} < line.keys()
    for log in cluster.edge.folder.glob("*.log"):
        assert "secret-word" not in log.read_text()


async def test_who_is_silent_or_away_is_replaced_by_the_other_one() -> None:
    """Thirteen seconds are one here."""
    async with upstream() as frozen, upstream() as well:
        frozen.manner = Manner.SILENT
        async with running_edge((frozen.port, well.port), {"read_timeout 13s": "read_timeout 1s"}) as edge:
            answers = [await edge.ask(PATH, "POST", **CALLBACK) for _ in range(2)]
        async with running_edge((free_port(), well.port)) as edge:
            answers += [await edge.ask(PATH, "POST", **CALLBACK) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200] * 6
    assert frozen.heard
