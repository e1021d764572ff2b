"""Bodies that nobody foresaw, signed as FAL signs: kept, handled, asked about; never an error of ours."""

import asyncio
import random
import re
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from itertools import chain
from uuid import UUID

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase
from sqlalchemy import update

from app.database.models import Avatar, AvatarType, InboxEvent, Outcome, Training
from app.fal.failures import failure_of
from app.fal.trainers import STYLE_PRO, TRAINERS, commented_training, model_of
from app.fal.webhook import Callback, MalformedCallback, Status, parse
from tests.factories import MODEL_URL
from tests.fault_injection.callback_bodies import about, bodies
from tests.fault_injection.malformed_bodies import HEAVY, MALFORMED, Makers
from tests.fault_injection.service_under_test import ServiceCluster, ServiceUnderTest
from tests.fault_injection.wire import measured
from tests.integration.webhook_service import address, rows

over_a_socket = pytest.mark.asyncio(loop_scope="module")
pytestmark = pytest.mark.timeout(900)

LINES = 8
NASTY_WHEN_BRIEF = 60


def each_of(number: int, rng: random.Random, seen: Callable[[bytes], None]) -> None:
    """Call `seen` with so many bodies; what makes it fail is told as short as can be."""
    options = hypothesis.settings(
        max_examples=number,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    hypothesis.seed(rng.getrandbits(32))(options(hypothesis.given(bodies())(seen)))()


def read(body: bytes) -> Callback | None:
    try:
        return parse(body)
    except MalformedCallback:
        return None


def test_whatever_comes_is_a_callback_or_malformed(full: bool, rng: random.Random) -> None:
    found: Counter[str] = Counter()

    def look(body: bytes) -> None:
        callback = read(body)
        found[callback.status if callback else "malformed"] += 1
        if callback:
            fits(callback)
            found["with a model"] += any(model_of(callback.payload, each) for each in TRAINERS.values())
            found["with a known reason"] += failure_of(callback.payload).reason != "unknown"

    each_of(20_000 if full else 1_000, rng, look)
    print(dict(found))
    assert set(found) >= {*Status, "malformed", "with a model", "with a known reason"}


def fits(callback: Callback) -> None:
    """What is read out of it can be stored, logged and sent."""
    failure = failure_of(callback.payload)
    models = [model for each in TRAINERS.values() if (model := model_of(callback.payload, each))]
    values = [value for model in models for value in (model.url, model.finetune_id) if value]
    for text in (callback.request_id, callback.status_raw, callback.training_type, failure.detail, *values):
        assert text.isprintable()
        text.encode()
    assert max(len(callback.status_raw), len(callback.training_type)) <= 64
    assert 0 < len(failure.detail) <= 200
    assert isinstance(commented_training(callback.payload), UUID | None)
    for model in models:
        assert (model.url is None) is not (model.finetune_id is None)
        assert re.fullmatch(r"[\w.-]{1,128}", model.finetune_id or "none")
        assert re.match(r"https://([a-z0-9-]+\.)?fal\.media/", model.url or MODEL_URL, re.IGNORECASE)


@pytest.mark.parametrize("nest", [b"[%b]", b'{"a": %b}'], ids=["lists", "objects"])
def test_no_depth_is_read_and_then_too_deep_for_the_rest(nest: bytes) -> None:
    """Around the depth that Python gives up at, in the fields that are looked into."""
    deepest = 0
    for depth in chain(range(1, 850, 50), range(850, 1_010, 2), (10_000, 100_000)):
        start, end = nest.split(b"%b")
        deep = start * depth + b"1" + end * depth
        payload = b'{"finetune_comment": %b, "detail": %b}' % (deep, deep)
        if callback := read(b'{"request_id": "r", "status": "ERROR", "payload": %b}' % payload):
            fits(callback)
            deepest = depth
    assert 100 < deepest < 10_000


async def deliver(cluster: ServiceCluster, service: ServiceUnderTest, makers: Makers) -> None:
    """Each as FAL's word about a training of its own: answered, handled, and asked about if need be."""
    sent = await about_trainings(cluster, makers)
    answers: dict[str, int | None] = {}
    waiting = list(sent)

    async def work() -> None:
        async with service.line() as line:
            while waiting:
                said = waiting.pop()
                training, body = sent[said]
                fields = list(cluster.signer.headers(str(training.request_id), body).items())
                answers[said] = (await line.ask(measured(address(training), fields, body))).status

    await asyncio.gather(*[work() for _ in range(LINES)])
    print(len(sent), "bodies:", dict(Counter(answers.values())))
    for said, (training, body) in sent.items():
        callback = read(body)
        expected = 401 if callback and callback.request_id != training.request_id else 200
        assert answers[said] == expected, said
    await service.idle()
    await judge(cluster, service, {said: pair for said, pair in sent.items() if answers[said] == 200})


async def about_trainings(cluster: ServiceCluster, makers: Makers) -> dict[str, tuple[Training, bytes]]:
    """Every third is one that ends with a finetune."""
    trainings = await cluster.trainings(len(makers))
    styles = {training.avatar_id: training.id for training in trainings[::3]}
    async with cluster.database.transaction() as session:
        await session.execute(update(Avatar).where(Avatar.id.in_(styles)).values(type=AvatarType.STYLE))
        style_pro = (
            update(Training).where(Training.id.in_(styles.values())).values(endpoint=STYLE_PRO.endpoint)
        )
        await session.execute(style_pro)
    return {
        said: (training, make(str(training.request_id)))
        for training, (said, make) in zip(trainings, makers.items(), strict=True)
    }


async def judge(
    cluster: ServiceCluster, service: ServiceUnderTest, kept: Mapping[str, tuple[Training, bytes]]
) -> None:
    events = {event.request_id: event for event in await rows(cluster.database, InboxEvent)}
    outcomes: Counter[Outcome | None] = Counter()
    for said, (training, body) in kept.items():
        event = events[str(training.request_id)]
        outcomes[event.outcome] += 1
        assert (event.body, event.handled_at is not None) == (body, True), said
        assert event.trusted or event.outcome is Outcome.ASKED, said
        if not event.trusted or event.outcome is Outcome.ASKED:
            assert training.request_id in cluster.fal.asked, said
        if "deep" not in said:  # how deep the service can read depends on where it begins to
            assert event.trusted is (read(body) is not None), said
    print({outcome and outcome.value: count for outcome, count in outcomes.items()})
    assert await service.held() == []
    assert service.errors() == []


@over_a_socket
async def test_nasty_bodies_are_kept_and_handled(
    cluster: ServiceCluster, service: ServiceUnderTest, full: bool, rng: random.Random
) -> None:
    chosen = list(MALFORMED) if full else rng.sample(list(MALFORMED), NASTY_WHEN_BRIEF)
    await deliver(cluster, service, {said: MALFORMED[said] for said in chosen})


@over_a_socket
async def test_drawn_bodies_are_kept_and_handled_in_flat_memory(
    cluster: ServiceCluster, service: ServiceUnderTest, full: bool, rng: random.Random
) -> None:
    drawn: list[bytes] = []
    each_of(500 if full else 50, rng, lambda body: drawn.append(body))
    await deliver(cluster, service, HEAVY)
    with service.flat_memory(f"{len(drawn)} drawn bodies"):
        makers = {f"{number}: {body!r}": partial(about, body) for number, body in enumerate(drawn)}
        await deliver(cluster, service, makers)
        if full:
            await deliver(cluster, service, HEAVY)
