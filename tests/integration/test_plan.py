"""What a training would be: preset, steps, the usual time from our own history. And consent to it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from app.avatars.service import AvatarNotFound
from app.core.settings import Preset, Settings
from app.database.engine import Database
from app.database.models import Avatar, Consent, RequestState, TrainingKind, User
from app.fal.trainers import PORTRAIT, STYLE
from app.trainings import consent
from app.trainings import service as trainings
from app.trainings.length import TrainingLength
from app.trainings.plan import ENOUGH, LAST, Plan, UsualTime, plan, usual_time, usual_time_of
from tests.factories import make_avatar, make_photos, make_training, make_user
from tests.integration.webhook_service import ENVIRONMENT, rows
from tests.unit.settings import put

NOW = datetime.now(UTC)


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    put(monkeypatch, ENVIRONMENT)
    return Settings.load()


async def owner(database: Database) -> tuple[User, Avatar]:
    async with database.transaction() as session:
        user = await make_user(session)
        avatar = await make_avatar(session, user)
        await make_photos(session, avatar)
    return user, avatar


async def history(
    database: Database,
    minutes: Sequence[float],
    *,
    steps: int = 1000,
    trainer: str = PORTRAIT.endpoint,
    state: RequestState = RequestState.COMPLETED,
    kind: TrainingKind = TrainingKind.REAL,
    smoke: bool = False,
    since: timedelta = timedelta(0),
) -> None:
    """Trainings that took so long, the first ended last."""
    _, avatar = await owner(database)
    async with database.transaction() as session:
        for place, taken in enumerate(minutes):
            training = await make_training(session, avatar, state, kind)
            training.finished_at = NOW - since - timedelta(seconds=place)
            training.requested_at = training.finished_at - timedelta(minutes=taken)
            training.arguments, training.endpoint, training.trial = {"steps": steps}, trainer, smoke


async def usual(database: Database, steps: int = 1000) -> UsualTime | None:
    async with database.transaction() as session:
        return await usual_time(session, PORTRAIT, steps)


async def test_ten_trainings_are_enough_and_nine_are_not(database: Database) -> None:
    """What is told really happened: half took at most the median, and nine of ten the other."""
    await history(database, [10, 20, 30, 40, 50, 60, 70, 80, 300])
    assert await usual(database) is None
    await history(database, [90])
    assert await usual(database) == UsualTime(timedelta(minutes=50), timedelta(minutes=90))
    assert ENOUGH == 10


async def test_only_trainings_like_this_one_count(database: Database) -> None:
    await history(database, [10] * ENOUGH)
    others = [90] * 2 * ENOUGH
    await history(database, others, steps=2500)
    await history(database, others, trainer=STYLE.endpoint)
    await history(database, others, state=RequestState.FAILED)
    await history(database, others, state=RequestState.CANCELLED)
    await history(database, others, kind=TrainingKind.DRILL)
    await history(database, others, smoke=True)
    assert await usual(database) == UsualTime(timedelta(minutes=10), timedelta(minutes=10))
    assert await usual(database, 500) is None


async def test_the_last_hundred_count(database: Database) -> None:
    await history(database, [5] * LAST)
    await history(database, [600] * 50, since=timedelta(days=30))
    assert await usual(database) == UsualTime(timedelta(minutes=5), timedelta(minutes=5))


async def test_one_that_is_going_on_is_compared_with_those_like_it_and_a_trial_with_none(
    database: Database,
) -> None:
    await history(database, [10] * ENOUGH)
    _, avatar = await owner(database)
    async with database.transaction() as session:
        training = await make_training(session, avatar, RequestState.RUNNING)
        ten = timedelta(minutes=10)
        assert await usual_time_of(session, training) == UsualTime(ten, ten)
        training.trial = True
        assert await usual_time_of(session, training) is None


async def planned(
    database: Database, settings: Settings, preset: Preset | None, user: User, avatar: Avatar
) -> Plan:
    async with database.transaction() as session:
        return await plan(session, settings, user.id, avatar.id, preset)


async def test_what_is_planned_is_what_is_asked_for(database: Database, settings: Settings) -> None:
    for preset, steps in [(None, 1000), *PORTRAIT.presets.items()]:
        user, avatar = await owner(database)
        wanted = await planned(database, settings, preset, user, avatar)
        async with database.transaction() as session:
            training = await trainings.request(session, settings, user.id, avatar.id, preset)
        assert training.arguments["steps"] == wanted.length.steps == steps
        assert training.preset is wanted.length.preset is (preset or Preset.BALANCED)
        assert list(wanted.length.presets) == list(Preset)


async def test_again_is_as_last_time(database: Database, settings: Settings) -> None:
    user, avatar = await owner(database)
    async with database.transaction() as session:
        last = await make_training(session, await session.get_one(Avatar, avatar.id), RequestState.FAILED)
        last.preset = Preset.QUALITY
    assert (await planned(database, settings, None, user, avatar)).length.preset is Preset.QUALITY
    async with database.transaction() as session:
        again = await trainings.request(session, settings, user.id, avatar.id)
    assert again.arguments["steps"] == 2500


async def test_a_number_of_its_own_leaves_no_choice(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(monkeypatch, {**ENVIRONMENT, "FAL_PORTRAIT_STEPS": "77"})
    wanted = await planned(database, Settings.load(), Preset.QUALITY, *await owner(database))
    assert wanted.length == TrainingLength(Preset.BALANCED, (Preset.BALANCED,), 77)


async def test_the_last_consent_is_kept_with_its_version_and_language(database: Database) -> None:
    user, avatar = await owner(database)
    times = []
    for language in ("kk", "en"):
        async with database.transaction() as session:
            await consent.give(session, user.id, avatar.id, language)
            assert await consent.given(session, user.id, avatar.id)
        (kept,) = await rows(database, Consent)
        assert (kept.user_id, kept.avatar_id, kept.language) == (user.id, avatar.id, language)
        assert kept.version == consent.VERSION
        times.append(kept.given_at)
    assert times[0] < times[1]
    assert abs(times[1] - datetime.now(UTC)) < timedelta(minutes=1)


async def test_consent_is_to_the_photos_that_were_there(database: Database) -> None:
    user, avatar = await owner(database)
    async with database.transaction() as session:
        await consent.give(session, user.id, avatar.id, "ru")
        assert await consent.given(session, user.id, avatar.id)
    async with database.transaction() as session:
        await make_photos(session, avatar, first=11)
        assert not await consent.given(session, user.id, avatar.id)
    async with database.transaction() as session:
        await consent.give(session, user.id, avatar.id, "ru")


async def test_consent_to_an_older_text_is_none(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    user, avatar = await owner(database)
    async with database.transaction() as session:
        await consent.give(session, user.id, avatar.id, "ru")
        monkeypatch.setattr(consent, "VERSION", consent.VERSION + 1)
        assert not await consent.given(session, user.id, avatar.id)


async def test_nobody_agrees_for_somebody_else(database: Database) -> None:
    _, avatar = await owner(database)
    stranger, _ = await owner(database)
    for avatar_id in (avatar.id, 10**15):
        async with database.transaction() as session:
            with pytest.raises(AvatarNotFound):
                await consent.give(session, stranger.id, avatar_id, "ru")
            assert not await consent.given(session, stranger.id, avatar_id)
    assert await rows(database, Consent) == []
