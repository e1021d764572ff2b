"""Smoke: for one person and for a while, a single step, recorded, and no model for the avatar."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from app.core.settings import Preset, Settings
from app.database.engine import Database
from app.database.models import (
    Avatar,
    AvatarState,
    AvatarType,
    Notification,
    RequestState,
    Training,
    TrainingKind,
    TrialMode,
)
from app.fal.trainers import Model
from app.requests.outcome import RequestOutcome, apply_outcomes
from app.trainings import deletion, trial_mode
from app.trainings import service as trainings
from app.trainings.plan import plan
from app.trainings.purpose import TRAINING
from scripts import smoke as smoke_script
from tests.factories import MODEL_URL, make_avatar, make_photos, make_user
from tests.integration import commands
from tests.integration.webhook_service import ENVIRONMENT, rows, training_now
from tests.unit.settings import put

HOUR = timedelta(hours=1)


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    put(monkeypatch, ENVIRONMENT)
    return Settings.load()


async def an_avatar(
    database: Database, kind: AvatarType = AvatarType.PORTRAIT, state: AvatarState = AvatarState.DRAFT
) -> Avatar:
    async with database.transaction() as session:
        avatar = await make_avatar(session, await make_user(session), kind, state)
        await make_photos(session, avatar)
    return avatar


async def turn_on(database: Database, user_id: int, lasting: timedelta = HOUR) -> bool:
    async with database.transaction() as session:
        return await trial_mode.enable(session, user_id, datetime.now(UTC) + lasting)


async def on_for(database: Database) -> Sequence[int]:
    async with database.transaction() as session:
        return [each.user_id for each in await trial_mode.enabled(session)]


async def asked_for(database: Database, settings: Settings, avatar: Avatar) -> Training:
    """The training that the plan has promised."""
    async with database.transaction() as session:
        wanted = await plan(session, settings, avatar.user_id, avatar.id, Preset.QUALITY)
        training = await trainings.request(session, settings, avatar.user_id, avatar.id, Preset.QUALITY)
    assert training.arguments["steps"] == wanted.length.steps
    assert training.kind is wanted.length.kind
    return training


@pytest.mark.parametrize("kind", AvatarType)
async def test_one_persons_trainings_have_one_step_and_nobody_elses(
    database: Database, settings: Settings, kind: AvatarType
) -> None:
    tester, stranger = await an_avatar(database, kind), await an_avatar(database, kind)
    assert await turn_on(database, tester.user_id)
    tried, real = [await asked_for(database, settings, avatar) for avatar in (tester, stranger)]
    assert (tried.kind, tried.arguments["steps"], tried.preset) == (TrainingKind.TRIAL, 1, Preset.QUALITY)
    assert real.kind is TrainingKind.REAL
    assert real.arguments["steps"] >= 2000


async def test_it_is_over_by_itself(database: Database, settings: Settings) -> None:
    avatar = await an_avatar(database)
    await turn_on(database, avatar.user_id)
    assert await on_for(database) == [avatar.user_id]
    async with database.transaction() as session:
        await session.execute(update(TrialMode).values(until=datetime.now(UTC)))
    assert await on_for(database) == []
    assert (await asked_for(database, settings, avatar)).kind is TrainingKind.REAL


async def test_a_training_that_was_asked_for_stays_what_it_is(database: Database, settings: Settings) -> None:
    avatar = await an_avatar(database)
    await turn_on(database, avatar.user_id)
    training = await asked_for(database, settings, avatar)
    async with database.transaction() as session:
        assert await trial_mode.disable(session) == [avatar.user_id]
    assert (await training_now(database, training)).kind is TrainingKind.TRIAL


async def test_turned_on_again_it_lasts_from_then(database: Database) -> None:
    first, second = await an_avatar(database), await an_avatar(database)
    for user_id, lasting in ((first.user_id, HOUR), (second.user_id, 2 * HOUR), (first.user_id, 3 * HOUR)):
        assert await turn_on(database, user_id, lasting)
    assert await on_for(database) == [second.user_id, first.user_id]


async def test_it_is_for_nobody_whom_the_bot_does_not_know(database: Database) -> None:
    assert not await turn_on(database, 10**15)
    assert await on_for(database) == []


@pytest.mark.parametrize("before", [AvatarState.DRAFT, AvatarState.COMPLETED])
async def test_its_model_is_kept_with_the_training_and_goes_to_no_avatar(
    database: Database, settings: Settings, before: AvatarState
) -> None:
    avatar = await an_avatar(database, state=before)
    await turn_on(database, avatar.user_id)
    training = await asked_for(database, settings, avatar)
    async with database.transaction() as session:
        await apply_outcomes(
            session,
            TRAINING,
            [RequestOutcome(training.id, Model(url="https://v3.fal.media/files/one-step.safetensors"))],
        )
    over, (left,) = await training_now(database, training), await rows(database, Avatar)
    assert (over.state, over.model_url is not None) == (RequestState.COMPLETED, True)
    assert (left.state, left.model_url) == (before, MODEL_URL if before is AvatarState.COMPLETED else None)
    (told,) = await rows(database, Notification)
    assert told.fact["smoke"] is True


async def test_who_leaves_leaves_no_smoke_behind(database: Database) -> None:
    avatar = await an_avatar(database)
    await turn_on(database, avatar.user_id)
    async with database.transaction() as session:
        await deletion.remove_person(session, avatar.user_id)
    assert await rows(database, TrialMode) == []


async def test_an_operator_turns_it_on_looks_and_ends_it(
    database: Database,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    put(monkeypatch, {**ENVIRONMENT, "DATABASE_URL": database_url})
    settings, person = Settings.load(), (await an_avatar(database)).user_id

    async def typed(*words: str) -> tuple[int, str, str]:
        code = await smoke_script._run(settings, smoke_script._parser().parse_args(words))
        return code, *capsys.readouterr()

    code, _, complaint = await typed("on", "--user", "777777777777")
    assert (code, "/start" in complaint) == (1, True)
    code, printed, _ = await typed("on", "--user", str(person), "--minutes", "5")
    assert (code, f"On for {person} until" in printed) == (0, True)
    (kept,) = await rows(database, TrialMode)
    assert timedelta(minutes=4) < kept.until - datetime.now(UTC) <= timedelta(minutes=5)
    assert await typed("off") == (0, f"Smoke is over for {person}\n", "")
    assert (await typed("status"))[1].startswith("Off")


async def test_restoring_ends_it_and_says_what_trainings_have_now(
    database: Database, database_url: str
) -> None:
    person = (await an_avatar(database)).user_id
    await turn_on(database, person)
    code, printed, _ = await commands.typed(database_url, "scripts.restore_training_config")
    assert (code, printed.splitlines()[:2]) == (
        0,
        [
            f"Smoke is over for {person}",
            "A portrait: fal-ai/flux-lora-portrait-trainer, steps 1000 (balanced)",
        ],
    )
    assert await on_for(database) == []
