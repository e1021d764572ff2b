"""FAL, Telegram and the time: refused, unreachable, wrong, and each said so."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from app.doctor.checks.configuration import account_check, settings_checks, trainers_check
from app.doctor.checks.external_services import clock_check, fal_checks, telegram_check
from app.doctor.checks.storage import database_checks
from app.doctor.result import ReportedResult, Status
from tests.deploy.doctor_harness import answering, context_with, finding

LOCKED = {"detail": "User is locked. Reason: Exhausted balance"}
Handler = Callable[[httpx.Request], httpx.Response]


async def at_fal(
    monkeypatch: pytest.MonkeyPatch, handler: Handler, check: str, **variables: str
) -> ReportedResult:
    async with context_with(monkeypatch, **variables) as context, answering(handler) as http:
        context.http = http
        return await finding(context, fal_checks(context), check)


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (httpx.Response(401, json={"detail": "No"}), "FAL refuses the key"),
        (httpx.Response(403, json=LOCKED), "FAL has locked the account"),
        (httpx.Response(502), "FAL doesn't answer"),
    ],
)
async def test_a_key_that_does_not_work(
    monkeypatch: pytest.MonkeyPatch, answer: httpx.Response, what: str
) -> None:
    found = await at_fal(monkeypatch, lambda _request: answer, "fal-key")
    assert (found.status, found.what, bool(found.remedy)) == (Status.FAILURE, what, True)


async def test_a_key_that_is_a_placeholder_is_not_shown_to_fal(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_request: httpx.Request) -> httpx.Response:
        raise AssertionError

    found = await at_fal(monkeypatch, refuse, "fal-key", FAL_API_KEY="CHANGE_ME")
    assert (found.status, found.what) == (Status.SKIPPED, "It needs FAL_API_KEY: see settings")


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (httpx.Response(500), "FAL's keys can't be fetched (500): callbacks get 503"),
        (
            httpx.Response(200, json={"keys": []}),
            "What FAL_JWKS_URL gives is no set of keys: callbacks get 503",
        ),
    ],
)
async def test_signing_keys_that_can_not_be_had(
    monkeypatch: pytest.MonkeyPatch, answer: httpx.Response, what: str
) -> None:
    def reply(request: httpx.Request) -> httpx.Response:
        answer.request = request
        return answer

    found = await at_fal(monkeypatch, reply, "fal-signing-keys")
    assert (found.status, found.what) == (Status.FAILURE, what)


async def test_signing_keys_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    async with context_with(monkeypatch, FAL_JWKS_URL="http://127.0.0.1:1/jwks.json") as context:
        found = await finding(context, fal_checks(context), "fal-signing-keys")
    assert found.what == "FAL's keys can't be fetched (ConnectError): callbacks get 503"


async def test_networks_that_keep_fal_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def reply(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"webhook_ip_ranges": ["198.51.100.0/24", "2001:db8::/64"]})

    found = await at_fal(monkeypatch, reply, "fal-networks", ALLOWED_IPS="198.51.100.0/24")
    assert found.status is Status.FAILURE
    assert found.what == "ALLOWED_IPS keeps FAL out: 2001:db8::/64 may not call"


@pytest.mark.parametrize("answer", [httpx.Response(200, text="<html>"), httpx.Response(502, json={})])
async def test_something_else_in_telegrams_place(
    monkeypatch: pytest.MonkeyPatch, answer: httpx.Response
) -> None:
    async with context_with(monkeypatch) as context, answering(lambda _request: answer) as http:
        context.http = http
        found = await finding(context, [telegram_check(context)], "telegram-token")
    assert (found.status, "isn't reached" in found.what) == (Status.FAILURE, True)


@pytest.mark.parametrize(
    ("behind", "verdict"),
    [(0, Status.OK), (30, Status.WARNING), (600, Status.FAILURE), (-600, Status.FAILURE)],
)
async def test_a_clock_that_is_off(monkeypatch: pytest.MonkeyPatch, behind: int, verdict: Status) -> None:
    """A cache that is a minute old tells the time of a minute ago, and says so."""

    def tell(request: httpx.Request) -> httpx.Response:
        age = 60 if "api.telegram.org" in request.url.host else 0
        there = datetime.now(UTC) - timedelta(seconds=behind + age)
        return httpx.Response(404, headers={"Date": format_datetime(there, usegmt=True), "Age": str(age)})

    async with context_with(monkeypatch) as context, answering(tell) as http:
        context.http = http
        found = await finding(context, [clock_check(context)], "clock")
    assert found.status is verdict, found
    assert ("FAL" in found.what, "Telegram" in found.what) == (True, True)


async def test_the_databases_clock(monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    """Postgres' clock_timestamp() in the schema of the test's own tells another time."""
    ahead = (
        "CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz "
        "LANGUAGE sql AS $$ SELECT now() + interval '5 min' $$"
    )
    async with context_with(monkeypatch, DATABASE_URL=database_url) as context:
        async with context.database.engine.begin() as connection:
            await connection.exec_driver_sql(ahead)
            path = "ALTER DATABASE {} SET search_path = public, pg_catalog"
            await connection.exec_driver_sql(path.format(context.database.engine.url.database))
        await context.database.engine.dispose()
        found = await finding(context, database_checks(context), "database-clock")
    assert found.status is Status.FAILURE
    assert "-300 s against the database" in found.what


@pytest.mark.parametrize(
    ("variables", "check", "verdict", "what"),
    [
        ({"FAL_API_KEY": "CHANGE_ME"}, "settings", Status.FAILURE, "FAL_API_KEY is still a placeholder"),
        ({"FAL_API_KEY": ""}, "settings", Status.FAILURE, "FAL_API_KEY is missing"),
        ({"API_PORT": "many"}, "settings", Status.FAILURE, "API_PORT input should be a valid integer"),
        ({"AVATAR_TEST_MODE": "on", "ADMIN_CHAT_ID": "1"}, "test-mode", Status.WARNING, "drills"),
        ({"AVATAR_TEST_MODE": "on", "ENVIRONMENT": "production"}, "test-mode", Status.FAILURE, "drills"),
        ({"ENVIRONMENT": "production"}, "fal-account", Status.WARNING, "FAL_WEBHOOK_USER_ID is empty"),
        ({"FAL_WEBHOOK_USER_ID": "ours"}, "fal-account", Status.OK, "refused"),
        ({}, "training-settings", Status.OK, "style: fal-ai/flux-lora-fast-training, steps 1000 (balanced)"),
        ({"FAL_PORTRAIT_STEPS": "7"}, "training-settings", Status.OK, "steps 7 (balanced, the only choice)"),
        ({"FAL_STYLE_TRAINER": "flux-pro-trainer"}, "training-settings", Status.FAILURE, "no longer"),
        (
            {"FAL_STYLE_TRAINER": "flux-pro-trainer", "FAL_ALLOW_DEPRECATED": "on"},
            "training-settings",
            Status.WARNING,
            "no longer",
        ),
    ],
)
async def test_what_the_settings_say(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], check: str, verdict: Status, what: str
) -> None:
    async with context_with(monkeypatch, **variables) as context:
        checks = [
            *settings_checks(context),
            trainers_check(context.settings.fal),
            account_check(context.settings),
        ]
        found = await finding(context, checks, check)
    assert (found.status, what in found.what) == (verdict, True), found
    assert bool(found.remedy) == (verdict in (Status.WARNING, Status.FAILURE))
