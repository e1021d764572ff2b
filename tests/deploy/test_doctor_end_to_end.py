"""The doctor at an installation that runs: a drill goes the whole way, or it is told where the way ends."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.database.engine import Database
from app.database.models import Base, RequestState, Training, TrialMode
from app.doctor.checks.end_to_end import EndToEnd
from app.doctor.checks.storage import database_checks
from app.doctor.result import ReportedResult, Status
from app.doctor.selection import end_to_end_checks
from app.trainings.drill import begin, clear_away
from sandbox.telegram.user import TelegramUser
from scripts.simulate_webhook import STATUSES, send
from tests.conftest import passable_folder
from tests.databases import fresh_database
from tests.deploy.doctor_harness import BASICS, PATH, context_with, findings
from tests.factories import make_user
from tests.integration.jobs_harness import until
from tests.integration.service_process import service_process
from tests.integration.webhook_service import training_now
from tests.ports import HOST
from tests.sandbox.fal.harness import KEY
from tests.sandbox.fal.harness import Emulator as FalEmulator
from tests.sandbox.fal.harness import running_emulator as running_fal
from tests.sandbox.telegram.harness import TOKEN
from tests.sandbox.telegram.harness import Emulator as TelegramEmulator
from tests.sandbox.telegram.harness import running_emulator as running_telegram

OPERATOR, STRANGER = 700_000_001, 700_000_002
TABLES = Base.metadata.tables
REFUSED = {"FAL_API_KEY": "another-key", "TELEGRAM_TOKEN": "1:another-token", "ADMIN_CHAT_ID": ""}
NOWHERE = "http://127.0.0.1:1"


@pytest.fixture(scope="module")
def fal() -> Iterator[FalEmulator]:
    with passable_folder() as folder, running_fal(folder) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def telegram() -> Iterator[TelegramEmulator]:
    with running_telegram() as emulator:
        yield emulator


@pytest.fixture
def empty_copy(postgres: str, template: str) -> Iterator[str]:
    """Another database at head."""
    with fresh_database(postgres, template) as url:
        yield url


@asynccontextmanager
async def service(
    folder: Path, database_url: str, telegram_url: str = NOWHERE, **more: str
) -> AsyncIterator[dict[str, str]]:
    """The webhook service as a process; the variables of an installation that it belongs to."""
    own = {"TELEGRAM_API_URL": telegram_url, "TELEGRAM_TOKEN": TOKEN, "API_WORKER": "on", **more}
    async with service_process(folder, database_url, NOWHERE, **own) as running:
        address = f"http://{HOST}:{running.port}"
        yield {
            "FAL_WEBHOOK_SECRET": BASICS["FAL_WEBHOOK_SECRET"],
            "DATABASE_URL": database_url,
            "FAL_WEBHOOK_URL": f"{address}{PATH}",
            "ADMIN_CHAT_ID": str(OPERATOR),
            "TELEGRAM_TOKEN": TOKEN,
            "TELEGRAM_API_URL": telegram_url,
            "API_PORT": str(running.port),
        }


async def test_an_installation_in_order_from_end_to_end(
    monkeypatch: pytest.MonkeyPatch,
    database: Database,
    database_url: str,
    fal: FalEmulator,
    telegram: TelegramEmulator,
    tmp_path: Path,
) -> None:
    async with TelegramUser(telegram.url, OPERATOR) as operator:
        await operator.send("/start")
    async with service(tmp_path, database_url, telegram.url) as installation:
        found = await diagnose(monkeypatch, fal, installation)
        refused = await diagnose(monkeypatch, fal, {**installation, **REFUSED})
        unmet = where_it_ends(await drill(monkeypatch, {**installation, "ADMIN_CHAT_ID": str(STRANGER)}))
        assert await drills_left(database) == 0
        await every_status_does_what_it_says(monkeypatch, database, installation)
    not_ok = {name for name, each in found.items() if each.status is not Status.OK}
    plain_and_local, needless = {"webhook-address", "webhook-name"}, {"redis", "fal-account", "fal-networks"}
    assert not_ok == plain_and_local | needless, found
    assert found["drill-told"].what.startswith("The operator was told")
    assert (refused["fal-key"].what, refused["telegram-token"].what) == (
        "FAL refuses the key",
        "Telegram refuses the bot's token",
    )
    assert (unmet.check, "The message is held" in unmet.what) == ("drill-told", True)


async def diagnose(
    monkeypatch: pytest.MonkeyPatch, fal: FalEmulator, installation: Mapping[str, str]
) -> dict[str, ReportedResult]:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{fal.proxy_port}")
    monkeypatch.setenv("SSL_CERT_FILE", str(fal.ca_bundle))
    async with context_with(monkeypatch, **{"FAL_API_KEY": KEY, **installation}) as context:
        return await findings(context, end_to_end_checks(context))


async def every_status_does_what_it_says(
    monkeypatch: pytest.MonkeyPatch, database: Database, installation: Mapping[str, str]
) -> None:
    """scripts.simulate_webhook, once with each of its words."""
    ends = RequestState.COMPLETED, RequestState.FAILED, RequestState.RUNNING
    async with context_with(monkeypatch, **installation) as context:
        for status, state in zip(STATUSES, ends, strict=True):
            training = await a_drill(database)
            answer = await asyncio.to_thread(send, context.settings, training.id, status)
            assert answer.status_code == 200, status
            await until(partial(_is, database, training, state))


async def a_drill(database: Database) -> Training:
    async with database.transaction() as session:
        return (await begin(session, OPERATOR)).training


async def _is(database: Database, training: Training, state: RequestState) -> bool:
    return (await training_now(database, training)).state is state


async def drills_left(database: Database) -> int:
    """Rows of theirs, with their owner, whom the bot has never met."""
    return (
        await rows(database, "avatars") + await rows(database, "inbox_events") + await rows(database, "users")
    )


async def rows(database: Database, table: str) -> int:
    async with database.transaction() as session:
        return int(await session.scalar(select(func.count()).select_from(TABLES[table])) or 0)


async def drill(
    monkeypatch: pytest.MonkeyPatch, installation: Mapping[str, str], patience: float = 10
) -> dict[str, ReportedResult]:
    async with context_with(monkeypatch, **installation) as context:
        return await findings(context, [*database_checks(context), *EndToEnd(context, patience).checks()])


def where_it_ends(found: Mapping[str, ReportedResult]) -> ReportedResult:
    """The one step that failed; those after it say so."""
    failed = [each for each in found.values() if each.status is Status.FAILURE]
    assert len(failed) == 1, found
    after = list(found).index(failed[0].check) + 1
    assert {each.status for each in list(found.values())[after:]} <= {Status.SKIPPED}, found
    return failed[0]


async def test_the_way_is_followed_as_far_as_it_goes(
    monkeypatch: pytest.MonkeyPatch, database: Database, database_url: str, empty_copy: str, tmp_path: Path
) -> None:
    async with service(tmp_path, database_url, API_WORKER="off") as installation:
        idle = where_it_ends(await drill(monkeypatch, installation, patience=0.5))
        elsewhere = where_it_ends(await drill(monkeypatch, {**installation, "DATABASE_URL": empty_copy}))
        secret = {"FAL_WEBHOOK_SECRET": "another-secret"}
        unknown = where_it_ends(await drill(monkeypatch, {**installation, **secret}))
    gone = where_it_ends(await drill(monkeypatch, installation))
    assert {(end.check, end.what) for end in (idle, elsewhere, unknown, gone)} == {
        ("drill-handled", "After 0.5 s nobody handles it"),
        ("drill-accepted", "The service knows the secret, not the training: it has another database"),
        ("drill-accepted", "The service doesn't know our FAL_WEBHOOK_SECRET"),
        ("drill-accepted", "Nobody answers at FAL_WEBHOOK_URL (ConnectError)"),
    }
    assert ("API_WORKER" in idle.remedy, "DATABASE_URL" in elsewhere.remedy) == (True, True)
    assert await drills_left(database) == 0


async def test_only_an_owner_who_came_with_the_drill_goes_with_it(database: Database) -> None:
    """Unless something else of theirs came meanwhile, even what would go with the row."""
    async with database.transaction() as session:
        await make_user(session, OPERATOR)
    await drilled(database, OPERATOR)
    assert await rows(database, "users") == 1
    await drilled(database, STRANGER)
    assert await rows(database, "users") == 1
    smoked = TrialMode(user_id=STRANGER, until=datetime.now(UTC))
    await drilled(database, STRANGER, smoked)
    assert (await rows(database, "users"), await rows(database, "smokes")) == (2, 1)


async def drilled(database: Database, owner_id: int, *meanwhile: Base) -> None:
    async with database.transaction() as session:
        drill = await begin(session, owner_id)
    async with database.transaction() as session:
        session.add_all(meanwhile)
    async with database.transaction() as session:
        await clear_away(session, drill)


async def test_a_drill_has_an_owner(monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    end = where_it_ends(await drill(monkeypatch, {"DATABASE_URL": database_url}))
    assert (end.check, end.what) == ("drill-begun", "ADMIN_CHAT_ID is empty: nobody owns the drill")
