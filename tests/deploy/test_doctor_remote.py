"""FAL, Telegram and the time: refused, unreachable, wrong, and each said so."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from app.doctor.checks.configuration import account_check, settings_checks, trainers_check
from app.doctor.checks.external_services import clock_check, fal_checks, telegram_check
from app.doctor.checks.storage import database_checks
from app.doctor.result import Finding, Verdict
from tests.deploy.doctor_harness import answering, finding, place_with

LOCKED = {"detail": "User is locked. Reason: Exhausted balance"}
Handler = Callable[[httpx.Request], httpx.Response]


async def at_fal(monkeypatch: pytest.MonkeyPatch, handler: Handler, check: str, **variables: str) -> Finding:
    async with place_with(monkeypatch, **variables) as place, answering(handler) as http:
        place.http = http
        return await finding(place, fal_checks(place), check)


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
    assert (found.verdict, found.what, bool(found.remedy)) == (Verdict.FAILURE, what, True)


async def test_a_key_that_is_a_placeholder_is_not_shown_to_fal(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_request: httpx.Request) -> httpx.Response:
        raise AssertionError

    found = await at_fal(monkeypatch, refuse, "fal-key", FAL_API_KEY="CHANGE_ME")
    assert (found.verdict, found.what) == (Verdict.SKIPPED, "It needs FAL_API_KEY: see settings")


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
    assert (found.verdict, found.what) == (Verdict.FAILURE, what)


async def test_signing_keys_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    async with place_with(monkeypatch, FAL_JWKS_URL="http://127.0.0.1:1/jwks.json") as place:
        found = await finding(place, fal_checks(place), "fal-signing-keys")
    assert found.what == "FAL's keys can't be fetched (ConnectError): callbacks get 503"


async def test_networks_that_keep_fal_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def reply(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"webhook_ip_ranges": ["198.51.100.0/24", "2001:db8::/64"]})

    found = await at_fal(monkeypatch, reply, "fal-networks", ALLOWED_IPS="198.51.100.0/24")
    assert found.verdict is Verdict.FAILURE
    assert found.what == "ALLOWED_IPS keeps FAL out: 2001:db8::/64 may not call"


@pytest.mark.parametrize("answer", [httpx.Response(200, text="<html>"), httpx.Response(502, json={})])
async def test_something_else_in_telegrams_place(
    monkeypatch: pytest.MonkeyPatch, answer: httpx.Response
) -> None:
    async with place_with(monkeypatch) as place, answering(lambda _request: answer) as http:
        place.http = http
        found = await finding(place, [telegram_check(place)], "telegram-token")
    assert (found.verdict, "isn't reached" in found.what) == (Verdict.FAILURE, True)


@pytest.mark.parametrize(
    ("behind", "verdict"),
    [(0, Verdict.OK), (30, Verdict.WARNING), (600, Verdict.FAILURE), (-600, Verdict.FAILURE)],
)
async def test_a_clock_that_is_off(monkeypatch: pytest.MonkeyPatch, behind: int, verdict: Verdict) -> None:
    """A cache that is a minute old tells the time of a minute ago, and says so."""

    def tell(request: httpx.Request) -> httpx.Response:
        age = 60 if "api.telegram.org" in request.url.host else 0
        there = datetime.now(UTC) - timedelta(seconds=behind + age)
        return httpx.Response(404, headers={"Date": format_datetime(there, usegmt=True), "Age": str(age)})

    async with place_with(monkeypatch) as place, answering(tell) as http:
        place.http = http
        found = await finding(place, [clock_check(place)], "clock")
    assert found.verdict is verdict, found
    assert ("FAL" in found.what, "Telegram" in found.what) == (True, True)


async def test_the_databases_clock(monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    """Postgres' clock_timestamp() in the schema of the test's own tells another time."""
    ahead = (
        "CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz "
        "LANGUAGE sql AS $$ SELECT now() + interval '5 min' $$"
    )
    async with place_with(monkeypatch, DATABASE_URL=database_url) as place:
        async with place.database.engine.begin() as connection:
            await connection.exec_driver_sql(ahead)
            path = "ALTER DATABASE {} SET search_path = public, pg_catalog"
            await connection.exec_driver_sql(path.format(place.database.engine.url.database))
        await place.database.engine.dispose()
        found = await finding(place, database_checks(place), "database-clock")
    assert found.verdict is Verdict.FAILURE
    assert "-300 s against the database" in found.what


@pytest.mark.parametrize(
    ("variables", "check", "verdict", "what"),
    [
        ({"FAL_API_KEY": "CHANGE_ME"}, "settings", Verdict.FAILURE, "FAL_API_KEY is still a placeholder"),
        ({"FAL_API_KEY": ""}, "settings", Verdict.FAILURE, "FAL_API_KEY is missing"),
        ({"API_PORT": "many"}, "settings", Verdict.FAILURE, "API_PORT input should be a valid integer"),
        ({"AVATAR_TEST_MODE": "on", "ADMIN_CHAT_ID": "1"}, "test-mode", Verdict.WARNING, "drills"),
        ({"AVATAR_TEST_MODE": "on", "ENVIRONMENT": "production"}, "test-mode", Verdict.FAILURE, "drills"),
        ({"ENVIRONMENT": "production"}, "fal-account", Verdict.WARNING, "FAL_WEBHOOK_USER_ID is empty"),
        ({"FAL_WEBHOOK_USER_ID": "ours"}, "fal-account", Verdict.OK, "refused"),
        ({}, "training-settings", Verdict.OK, "style: fal-ai/flux-lora-fast-training, steps 1000 (balanced)"),
        ({"FAL_PORTRAIT_STEPS": "7"}, "training-settings", Verdict.OK, "steps 7 (balanced, the only choice)"),
        ({"FAL_STYLE_TRAINER": "flux-pro-trainer"}, "training-settings", Verdict.FAILURE, "no longer"),
        (
            {"FAL_STYLE_TRAINER": "flux-pro-trainer", "FAL_ALLOW_DEPRECATED": "on"},
            "training-settings",
            Verdict.WARNING,
            "no longer",
        ),
    ],
)
async def test_what_the_settings_say(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], check: str, verdict: Verdict, what: str
) -> None:
    async with place_with(monkeypatch, **variables) as place:
        checks = [*settings_checks(place), trainers_check(place.settings.fal), account_check(place.settings)]
        found = await finding(place, checks, check)
    assert (found.verdict, what in found.what) == (verdict, True), found
    assert bool(found.remedy) == (verdict in (Verdict.WARNING, Verdict.FAILURE))
