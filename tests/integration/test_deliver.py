"""Telling a person over the Telegram emulator: once, in their language, and through everything that fails."""

import asyncio
import traceback
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import func, update
from structlog.testing import capture_logs

from app.core.buttons import Screen
from app.core.i18n import Dictionary
from app.core.settings import TelegramSettings
from app.database.engine import Database
from app.database.models import Notification, NotificationState, RefusedToken, RequestState, Training, User
from app.jobs.job import Job, Retry
from app.jobs.priority_gate import PriorityGate
from app.notifications import service
from app.notifications.circuit_breaker import PROBE, TOKEN_REFUSED, ProbeToken
from app.notifications.deliver import DeliverNotification
from app.notifications.rate_limit import Rates
from app.notifications.sender import TelegramSender
from app.notifications.service import DELIVER
from app.notifications.unanswered import NO_ANSWER, OutageDetector, UnansweredRetry, retry_for, waits_for
from sandbox.fal.proxy import Proxy
from sandbox.telegram.user import TelegramUser
from tests.factories import make_avatar, make_notification, make_training, make_user
from tests.integration.sending import pass_time
from tests.integration.webhook_service import rows, send_postgres_away, take_jobs
from tests.sandbox.telegram.harness import TOKEN, USER_IDS, Emulator, plan, running_emulator

Kind = NotificationState


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with running_emulator() as running:
        yield running


@dataclass
class Scenario:
    """A person whose chat is open, and the sender's way to it."""

    database: Database
    person: TelegramUser
    api: httpx.AsyncClient
    url: str
    token: str = TOKEN

    async def announce(self, name: str = "Aisha", language: str = "ru", **fact: object) -> Notification:
        async with self.database.transaction() as session:
            known = await session.get(User, self.person.id)
            user = known or await make_user(session, self.person.id, language)
            avatar = await make_avatar(session, user, name=name)
            training = await make_training(session, avatar, RequestState.COMPLETED)
            note = await make_notification(session, training)
            note.fact = {
                "kind": "training_completed",
                "avatar_id": avatar.id,
                "avatar_name": name,
                **fact,
            }
        return note

    @property
    def sender(self) -> TelegramSender:
        return TelegramSender(self.api, TelegramSettings(token=SecretStr(self.token), api_url=self.url))

    async def deliver(self, note: Notification) -> None:
        job = Job(1, DELIVER, {"notification_id": note.id, "v": 1}, attempts=1)
        await DeliverNotification(self.database, self.sender, Dictionary(), Rates(25, 1), PriorityGate())(job)

    async def deliver_later(self, note: Notification, after: timedelta) -> None:
        await pass_time(self.database, after)
        await self.deliver(note)

    async def probe(self) -> None:
        """What the job that a halt began with does."""
        (job,) = await take_jobs(self.database, PROBE)
        await ProbeToken(self.database, self.sender)(job)

    async def now(self) -> Notification:
        (note,) = await rows(self.database, Notification)
        return note

    async def read(self) -> list[str]:
        """What the bot has said to the person."""
        return [message.text or "" for message in (await self.person.chat()).messages[1:]]


@pytest.fixture
async def scenario(database: Database, emulator: Emulator) -> AsyncIterator[Scenario]:
    async with (
        TelegramUser(emulator.url, next(USER_IDS)) as person,
        httpx.AsyncClient(base_url=emulator.url, trust_env=False) as api,
    ):
        await api.delete("/control/faults")
        await person.send("/start")
        yield Scenario(database, person, api, emulator.url)


async def retried(scenario: Scenario, note: Notification) -> timedelta:
    """The wait that a failed attempt asks for; nothing on the way to it holds the token."""
    with capture_logs() as logs, pytest.raises(Retry) as retry:
        await scenario.deliver(note)
    assert scenario.token not in str(logs) + "".join(traceback.format_exception(retry.value))
    return retry.value.after


async def test_a_person_is_told_once_however_often_the_job_runs(scenario: Scenario) -> None:
    note = await scenario.announce()
    for _ in range(3):
        await scenario.deliver(note)
    sent = await scenario.now()
    assert (sent.state, sent.attempts) == (Kind.SENT, 1)
    assert sent.message_id is not None
    assert len(await scenario.read()) == 1


@pytest.mark.parametrize(("language", "word"), [("ru", "готов"), ("kk", "дайын"), ("en", "is ready")])
async def test_the_words_are_in_the_persons_language_and_the_name_is_no_markup(
    scenario: Scenario, language: str, word: str
) -> None:
    note = await scenario.announce(name="<b>&_*[", language=language)
    await scenario.deliver(note)
    (text,) = await scenario.read()
    assert word in text
    assert "<b>&_*[" in text


async def test_a_failure_is_told_with_its_reason_and_a_way_on(scenario: Scenario) -> None:
    await scenario.deliver(await scenario.announce(kind="training_failed", failure="no-face"))
    (message,) = (await scenario.person.chat()).messages[1:]
    assert "лица" in str(message.text)
    assert message.buttons


async def test_429_is_obeyed_to_the_second_and_nothing_is_lost(scenario: Scenario) -> None:
    note = await scenario.announce()
    await plan(
        scenario.api, method="sendMessage", kind="rate_limit", retry_after=34, chat_id=scenario.person.id
    )
    assert await retried(scenario, note) == timedelta(seconds=34)
    await pass_time(scenario.database, timedelta(seconds=30))
    assert await retried(scenario, note) > timedelta(seconds=3)
    assert ((await scenario.now()).state, await scenario.read()) == (Kind.PENDING, [])
    await scenario.deliver_later(note, timedelta(seconds=4))
    assert len(await scenario.read()) == 1


@pytest.mark.parametrize(
    ("kind", "description", "reason"),
    [
        ("forbidden", None, "Forbidden: bot was blocked by the user"),
        ("forbidden", "user is deactivated", "Forbidden: user is deactivated"),
        ("bad_request", "chat not found", "Bad Request: chat not found"),
    ],
)
async def test_a_refusal_is_held_with_its_reason_after_one_attempt(
    scenario: Scenario, kind: str, description: str | None, reason: str
) -> None:
    note = await scenario.announce()
    fault = {"method": "sendMessage", "kind": kind, "chat_id": scenario.person.id, "description": description}
    await plan(scenario.api, **fault)
    for _ in range(2):
        await scenario.deliver(note)
    held = await scenario.now()
    assert (held.state, held.held_reason, held.attempts) == (Kind.HELD, reason, 1)
    assert await scenario.read() == []


async def test_a_person_who_never_wrote_is_held(scenario: Scenario) -> None:
    scenario.person.id = next(USER_IDS)
    await scenario.deliver(await scenario.announce())
    assert (await scenario.now()).state is Kind.HELD


async def test_a_person_who_blocked_the_bot_is_flagged_and_told_when_they_are_back(
    scenario: Scenario,
) -> None:
    note = await scenario.announce()
    await plan(scenario.api, method="sendMessage", kind="forbidden", chat_id=scenario.person.id)
    await scenario.deliver(note)
    (blocked,) = await rows(scenario.database, User)
    assert blocked.unreachable_at is not None
    async with scenario.database.transaction() as session:
        await service.reachable_again(session, scenario.person.id)
    (back,) = await rows(scenario.database, User)
    assert back.unreachable_at is None
    await scenario.deliver_later(await scenario.now(), timedelta(seconds=1))
    assert ((await scenario.now()).state, len(await scenario.read())) == (Kind.SENT, 1)


@pytest.mark.parametrize("over", [True, False])
@pytest.mark.parametrize("fact", [{"kind": "training_overdue"}, {"kind": "training_unconfirmed", "hours": 4}])
async def test_that_it_takes_long_is_not_told_when_it_is_over(
    scenario: Scenario, fact: dict[str, object], over: bool
) -> None:
    note = await scenario.announce("Aisha", "ru", **fact)
    if over:
        async with scenario.database.transaction() as session:
            training = await session.get_one(Training, note.request_key)
            await make_notification(session, training, "training_failed", Kind.SENT)
    await scenario.deliver(note)
    assert len(await scenario.read()) == (0 if over else 1)
    left = [each.kind for each in await rows(scenario.database, Notification)]
    assert left == ["training_failed" if over else "training_completed"]


async def test_an_end_is_sent_though_there_is_a_later_message(scenario: Scenario) -> None:
    note = await scenario.announce()
    async with scenario.database.transaction() as session:
        training = await session.get_one(Training, note.request_key)
        await make_notification(session, training, "training_overdue", Kind.SENT)
    await scenario.deliver(note)
    assert len(await scenario.read()) == 1


async def test_a_message_that_telegram_cannot_read_is_not_the_persons_fault(scenario: Scenario) -> None:
    note = await scenario.announce()
    fault = {"method": "sendMessage", "kind": "bad_request", "description": "can't parse entities"}
    await plan(scenario.api, chat_id=scenario.person.id, **fault)
    await scenario.deliver(note)
    (person,) = await rows(scenario.database, User)
    assert ((await scenario.now()).state, person.unreachable_at) == (Kind.HELD, None)


async def test_a_wrong_token_halts_the_sender_alerts_once_and_keeps_the_queue(scenario: Scenario) -> None:
    scenario.token = "4242:the-wrong-one"
    note = await scenario.announce()
    with capture_logs() as logs:
        await scenario.deliver(note)
        await scenario.deliver(await scenario.announce())
    alerts = [log["event"] for log in logs if log["log_level"] == "error"]
    assert (alerts, scenario.token in str(logs)) == (["notification.token_refused"], False)
    held = await rows(scenario.database, Notification)
    assert [(each.held_reason, each.attempts) for each in held] == [(TOKEN_REFUSED, 1), (TOKEN_REFUSED, 0)]
    with pytest.raises(Retry):
        await scenario.probe()
    assert await take_jobs(scenario.database, DELIVER) == []


async def test_a_halted_sender_goes_on_when_a_token_works(scenario: Scenario) -> None:
    scenario.token = "4242:the-wrong-one"
    await scenario.deliver(await scenario.announce())
    scenario.token = TOKEN
    await scenario.probe()
    (job,) = await take_jobs(scenario.database, DELIVER)
    await scenario.deliver_later(await scenario.now(), timedelta(seconds=1))
    assert job.payload["notification_id"] == (await scenario.now()).id
    assert ((await scenario.now()).state, len(await scenario.read())) == (Kind.SENT, 1)
    assert await rows(scenario.database, RefusedToken) == []


async def test_another_token_is_not_halted(scenario: Scenario) -> None:
    scenario.token = "4242:the-wrong-one"
    first = await scenario.announce()
    await scenario.deliver(first)
    scenario.token = TOKEN
    second = await scenario.announce()
    await scenario.deliver_later(second, timedelta(seconds=1))
    assert [note.state for note in await rows(scenario.database, Notification)] == [Kind.HELD, Kind.SENT]


async def test_a_bad_gateway_is_retried(scenario: Scenario) -> None:
    note = await scenario.announce()
    await plan(scenario.api, method="sendMessage", kind="bad_gateway", chat_id=scenario.person.id)
    assert await retried(scenario, note) > timedelta(0)
    assert (await scenario.now()).state is Kind.SENDING
    await scenario.deliver_later(note, timedelta(seconds=1))
    assert ((await scenario.now()).state, len(await scenario.read())) == (Kind.SENT, 1)


async def test_a_reply_lost_after_the_message_is_retried_and_noted_as_begun(scenario: Scenario) -> None:
    note = await scenario.announce()
    await plan(scenario.api, method="sendMessage", kind="reset_after_processing", chat_id=scenario.person.id)
    await retried(scenario, note)
    begun = await scenario.now()
    assert (begun.state, begun.attempts, begun.ambiguous) == (Kind.SENDING, 1, 0)
    await scenario.deliver_later(note, timedelta(seconds=1))
    assert len(await scenario.read()) == 2  # at least once: nobody can tell that the first arrived
    assert (await scenario.now()).ambiguous == 1


async def test_a_restart_of_postgres_after_the_message_does_not_double_it(
    scenario: Scenario, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def then_postgres_goes(self: TelegramSender, chat_id: int, screen: Screen) -> int:
        message_id = await send(self, chat_id, screen)
        await asyncio.to_thread(send_postgres_away, postgres, scenario.database)
        return message_id

    send = TelegramSender.send
    note = await scenario.announce()
    monkeypatch.setattr(TelegramSender, "send", then_postgres_goes)
    await scenario.deliver(note)
    assert ((await scenario.now()).state, len(await scenario.read())) == (Kind.SENT, 1)


# Answers that are lost.


async def carry_on(scenario: Scenario, note: Notification) -> None:
    """Run the job as the worker would, however long it asks to wait, until it is over."""
    while True:
        try:
            await scenario.deliver(note)
        except Retry as retry:
            await pass_time(scenario.database, retry.after)
        else:
            return


async def wait_for_retry(scenario: Scenario, note: Notification) -> None:
    """The time that the message is held for goes by, and then the schedule and the job do their work."""
    async with scenario.database.transaction() as session:
        await session.execute(update(Notification).values(due_at=func.now()))
    await pass_time(scenario.database, timedelta(hours=1))
    await UnansweredRetry(scenario.database).retry_due()
    await take_jobs(scenario.database, DELIVER)
    await carry_on(scenario, note)


async def lose_answers(scenario: Scenario, times: int = 100) -> None:
    await plan(
        scenario.api,
        method="sendMessage",
        kind="reset_after_processing",
        times=times,
        chat_id=scenario.person.id,
    )


def held_for(note: Notification) -> timedelta:
    assert note.due_at is not None
    return note.due_at - datetime.now(UTC)


async def test_a_chat_whose_answers_are_all_lost_gets_one_copy_more_and_then_a_pause(
    scenario: Scenario,
) -> None:
    note = await scenario.announce()
    await lose_answers(scenario)
    await carry_on(scenario, note)
    held = await scenario.now()
    assert len(await scenario.read()) == 2
    assert (held.state, held.held_reason, held.ambiguous) == (Kind.HELD, NO_ANSWER, 2)
    assert timedelta(minutes=9) < held_for(held) <= timedelta(minutes=10)
    assert await take_jobs(scenario.database, DELIVER) == []


async def test_pauses_grow_to_more_than_a_day_and_then_it_waits_for_somebody(scenario: Scenario) -> None:
    note = await scenario.announce()
    await lose_answers(scenario)
    await carry_on(scenario, note)
    waited = [held_for(await scenario.now())]
    while True:
        await wait_for_retry(scenario, note)
        if (await scenario.now()).due_at is None:
            break
        waited.append(held_for(await scenario.now()))
    assert waited == sorted(waited)
    assert timedelta(days=1) < sum(waited, timedelta()) < timedelta(days=2)
    assert len(await scenario.read()) == (await scenario.now()).ambiguous == len(waited) + 2
    await UnansweredRetry(scenario.database).retry_due()
    assert await take_jobs(scenario.database, DELIVER) == []


async def test_an_answer_that_comes_in_the_end_ends_it(scenario: Scenario) -> None:
    note = await scenario.announce()
    await lose_answers(scenario, times=3)
    await carry_on(scenario, note)
    await wait_for_retry(scenario, note)
    await wait_for_retry(scenario, note)
    assert ((await scenario.now()).state, len(await scenario.read())) == (Kind.SENT, 4)


async def test_a_process_that_dies_at_every_attempt_makes_one_copy_more(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dies(self: TelegramSender, chat_id: int, screen: Screen) -> int:
        await send(self, chat_id, screen)
        raise RuntimeError("the process dies here")

    send = TelegramSender.send
    note = await scenario.announce()
    monkeypatch.setattr(TelegramSender, "send", dies)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="dies"):
            await scenario.deliver_later(note, timedelta(seconds=1))
    await scenario.deliver_later(note, timedelta(seconds=1))
    assert ((await scenario.now()).state, len(await scenario.read())) == (Kind.HELD, 2)


@pytest.mark.parametrize("given_up", [False, True])
async def test_what_was_held_in_an_outage_goes_soon_after_a_message_gets_through(
    scenario: Scenario, given_up: bool
) -> None:
    note = await scenario.announce()
    await lose_answers(scenario)
    await carry_on(scenario, note)
    if given_up:
        async with scenario.database.transaction() as session:
            await session.execute(update(Notification).values(due_at=None))
    await scenario.api.delete("/control/faults")
    await carry_on(scenario, await scenario.announce("Another"))
    held, sent = await rows(scenario.database, Notification)
    assert (held.state, sent.state) == (Kind.HELD, Kind.SENT)
    assert held_for(held) <= timedelta(minutes=1)


async def test_a_chat_without_answers_is_no_outage_while_others_get_theirs(scenario: Scenario) -> None:
    detector = OutageDetector()
    assert detector.message_sent(), "a new process can't know"
    for attempts, outage in [(2, False), (3, True), (0, False)]:
        for _ in range(attempts):
            detector.no_answer()
        assert detector.message_sent() is outage


async def test_who_writes_is_told_at_once_what_was_held(scenario: Scenario) -> None:
    note = await scenario.announce()
    await lose_answers(scenario, times=2)
    await carry_on(scenario, note)
    async with scenario.database.transaction() as session:
        assert await waits_for(session, scenario.person.id)
        await retry_for(session, scenario.person.id)
        assert not await waits_for(session, scenario.person.id)
    assert len(await take_jobs(scenario.database, DELIVER)) == 1
    await scenario.deliver_later(await scenario.now(), timedelta(seconds=1))
    assert ((await scenario.now()).state, len(await scenario.read())) == (Kind.SENT, 3)


async def test_a_proxy_that_refuses_to_connect_has_sent_nothing(scenario: Scenario) -> None:
    note = await scenario.announce()
    proxy = await Proxy(target_port=1).start(0)
    async with (
        proxy,
        httpx.AsyncClient(proxy=f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}") as api,
    ):
        scenario.api, scenario.url = api, "https://api.telegram.invalid"
        for _ in range(3):
            await retried(scenario, note)
            await pass_time(scenario.database, timedelta(minutes=1))
            assert ((await scenario.now()).state, (await scenario.now()).ambiguous) == (Kind.PENDING, 0)


async def test_nobody_at_the_other_end_is_pending_and_the_token_stays_out_of_it(scenario: Scenario) -> None:
    note = await scenario.announce()
    scenario.url = "http://127.0.0.1:1"
    assert await retried(scenario, note) > timedelta(0)
    assert (await scenario.now()).state is Kind.PENDING
