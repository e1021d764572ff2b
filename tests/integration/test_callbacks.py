"""What a callback gets: every sentence of the contract, with somebody trying to get past it."""

import json
from collections.abc import AsyncIterator

import pytest

from app.database.engine import Database
from app.database.models import (
    AvatarState,
    Notification,
    Outcome,
    RequestState,
    Source,
)
from app.inbox.store import HANDLE
from tests.factories import MODEL_URL
from tests.integration.fal_signer import Signer
from tests.integration.webhook_service import (
    OLD,
    PATH,
    SECRETS,
    UNREADABLE,
    Service,
    a_request_id,
    a_training,
    address,
    avatar_now,
    body_of,
    failure_body,
    jobs,
    only_event,
    rows,
    running_service,
    training_now,
)
from tests.trainings import POLL

OLDER_PATH = "/api/avatar/status_update"


@pytest.fixture
async def service(monkeypatch: pytest.MonkeyPatch, database: Database) -> AsyncIterator[Service]:
    async with running_service(monkeypatch, database) as service:
        yield service


@pytest.fixture
async def unpinned(monkeypatch: pytest.MonkeyPatch, database: Database) -> AsyncIterator[Service]:
    async with running_service(monkeypatch, database, {"FAL_WEBHOOK_USER_ID": ""}) as service:
        yield service


@pytest.mark.parametrize("path", [PATH, OLDER_PATH])
async def test_a_fresh_callback_is_one_row_and_one_job(service: Service, path: str) -> None:
    training = await a_training(service.database)
    body = body_of(training.request_id)
    answer = await service.deliver(body, training=training, path=path)
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "request_id": training.request_id, "new": True}
    event = await only_event(service)
    assert (event.body, event.trusted, event.source) == (body, True, Source.FAL)
    assert (event.request_key, event.training_type) == (training.id, "portrait")
    assert [job["event_ids"] for job in await jobs(service.database, HANDLE)] == [[event.id]]


async def test_duplicates_are_answered_200_and_make_no_second_job(service: Service) -> None:
    training = await a_training(service.database)
    body = body_of(training.request_id)
    answers = [await service.deliver(body, training=training) for _ in range(3)]
    assert [(answer.status_code, answer.json()["new"]) for answer in answers] == [
        (200, True),
        (200, False),
        (200, False),
    ]
    assert len(await service.events()) == len(await jobs(service.database, HANDLE)) == 1


async def test_a_duplicate_after_the_end_is_200_and_tells_nobody_again(service: Service) -> None:
    training = await a_training(service.database)
    for _ in range(2):
        assert (await service.deliver(body_of(training.request_id), training=training)).status_code == 200
        await service.handle_all()
    assert len(await rows(service.database, Notification)) == 1


async def test_the_training_is_known_by_its_request_id_without_a_token(service: Service) -> None:
    training = await a_training(service.database)
    assert (await service.deliver(body_of(training.request_id))).status_code == 200
    assert (await only_event(service)).request_key == training.id


@pytest.mark.parametrize("named_in", ["query", "body", "nowhere"])
async def test_the_training_type_is_read_from_query_or_body(service: Service, named_in: str) -> None:
    training = await a_training(service.database)
    body = body_of(training.request_id, **({"training_type": "style"} if named_in == "body" else {}))
    path = PATH + ("?training_type=style" if named_in == "query" else "")
    assert (await service.deliver(body, path=path)).status_code == 200
    assert (await only_event(service)).training_type == ("portrait" if named_in == "nowhere" else "style")


@pytest.mark.parametrize("age", [OLD, -OLD - 2, 10 * 365 * 86400])
async def test_a_stale_callback_of_an_open_training_is_kept_untrusted_and_fal_is_asked(
    service: Service, age: int
) -> None:
    training = await a_training(service.database)
    answer = await service.deliver(body_of(training.request_id), training=training, age=age)
    assert answer.status_code == 200
    assert not (await only_event(service)).trusted
    await service.handle_all()
    assert (await only_event(service)).outcome is Outcome.ASKED
    (asked,) = await jobs(service.database, POLL)
    assert (asked["training_id"], asked["request_id"]) == (str(training.id), training.request_id)
    assert (await training_now(service.database, training)).state is RequestState.SUBMITTED


@pytest.mark.parametrize("age", [299, -299])
async def test_a_timestamp_within_300_seconds_is_fresh(service: Service, age: int) -> None:
    training = await a_training(service.database)
    assert (await service.deliver(body_of(training.request_id), age=age)).status_code == 200
    assert (await only_event(service)).trusted


@pytest.mark.parametrize("state", [RequestState.COMPLETED, RequestState.FAILED, RequestState.CANCELLED])
async def test_a_stale_callback_of_a_finished_training_is_401(service: Service, state: RequestState) -> None:
    training = await a_training(service.database, state)
    answer = await service.deliver(body_of(training.request_id), training=training, age=OLD)
    assert answer.status_code == 401
    assert await service.events() == []


async def test_a_stale_callback_about_nothing_of_ours_is_401(service: Service) -> None:
    assert (await service.deliver(body_of(a_request_id()), age=OLD)).status_code == 401
    assert await service.events() == []


@pytest.mark.parametrize("age", [0, OLD])
async def test_what_cannot_be_read_is_kept_for_a_valid_token_and_fal_is_asked(
    service: Service, age: int
) -> None:
    for body in UNREADABLE:
        training = await a_training(service.database)
        answer = await service.deliver(body, training=training, request_id=training.request_id, age=age)
        assert answer.status_code == 200, body[:20]
        event = (await service.events())[-1]
        assert (event.body, event.trusted) == (body, False)
    await service.handle_all()
    assert {event.outcome for event in await service.events()} == {Outcome.ASKED}
    assert len(await jobs(service.database, POLL)) == len(UNREADABLE)


async def test_what_cannot_be_read_is_asked_about_before_the_request_id_is_known(service: Service) -> None:
    training = await a_training(service.database, RequestState.SUBMIT_UNKNOWN)
    request_id = a_request_id()
    assert (await service.deliver(b"?", training=training, request_id=request_id)).status_code == 200
    await service.handle_all()
    assert [job["request_id"] for job in await jobs(service.database, POLL)] == [request_id]


async def test_what_cannot_be_read_is_401_once_the_training_is_final(service: Service) -> None:
    training = await a_training(service.database, RequestState.COMPLETED)
    answer = await service.deliver(b"?", training=training, request_id=training.request_id)
    assert answer.status_code == 401
    assert await service.events() == []


async def test_what_cannot_be_read_is_401_without_a_token(service: Service) -> None:
    training = await a_training(service.database)
    assert (await service.deliver(b"not json", request_id=training.request_id)).status_code == 401


async def test_for_our_pinned_account_what_matches_nothing_is_kept(service: Service) -> None:
    assert (await service.deliver(body_of(a_request_id()))).status_code == 200
    await service.handle_all()
    event = await only_event(service)
    assert (event.request_key, event.outcome) == (None, Outcome.UNMATCHED)


async def test_without_a_pinned_account_what_matches_nothing_is_401(unpinned: Service) -> None:
    assert (await unpinned.deliver(body_of(a_request_id()))).status_code == 401
    assert await unpinned.events() == []


async def test_without_a_pinned_account_any_account_speaks_for_our_request(unpinned: Service) -> None:
    training = await a_training(unpinned.database)
    assert (await unpinned.deliver(body_of(training.request_id), account="whoever")).status_code == 200


async def test_another_account_is_401_even_for_our_training(service: Service) -> None:
    training = await a_training(service.database)
    answer = await service.deliver(body_of(training.request_id), training=training, account="somebody-else")
    assert answer.status_code == 401
    assert await service.events() == []


async def test_the_signed_request_id_must_be_the_bodys(service: Service) -> None:
    training = await a_training(service.database)
    answer = await service.deliver(body_of(training.request_id), training=training, request_id=a_request_id())
    assert answer.status_code == 401
    assert await service.events() == []


async def test_a_request_without_the_four_headers_is_401(service: Service) -> None:
    training = await a_training(service.database)
    body = body_of(training.request_id)
    signed = service.signer.headers(str(training.request_id), body)
    for missing in ("Request-Id", "User-Id", "Timestamp", "Signature", ""):
        headers = {name: value for name, value in signed.items() if not name.endswith(missing)}
        answer = await service.client.post(address(training), content=body, headers=headers)
        assert answer.status_code == 401, missing
    assert await service.events() == []


async def test_a_signature_that_does_not_fit_is_401(service: Service) -> None:
    training = await a_training(service.database)
    body = body_of(training.request_id)
    good = service.signer.headers(str(training.request_id), body)
    signature, timestamp = good["X-Fal-Webhook-Signature"], int(good["X-Fal-Webhook-Timestamp"])
    spoilt = [
        Signer().headers(str(training.request_id), body),
        service.signer.headers(str(training.request_id), body + b" "),
        good | {"X-Fal-Webhook-Timestamp": str(timestamp + 1)},
        good | {"X-Fal-Webhook-Timestamp": f"{timestamp}.0"},
        good | {"X-Fal-Webhook-Signature": signature[:-2]},
        good | {"X-Fal-Webhook-Signature": "z" * 128},
        good | {"X-Fal-Webhook-Request-Id": "a b"},
    ]
    for headers in spoilt:
        answer = await service.client.post(address(training), content=body, headers=headers)
        assert answer.status_code == 401
    assert await service.events() == []


async def test_any_of_fals_keys_may_have_signed(service: Service) -> None:
    service.keys.signers.insert(0, Signer())
    training = await a_training(service.database)
    assert (await service.deliver(body_of(training.request_id))).status_code == 200


async def test_a_new_key_is_fetched_and_a_flood_of_bad_signatures_is_not_passed_on(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = await a_training(service.database)
    body = body_of(training.request_id)
    assert (await service.deliver(body)).status_code == 200
    service.keys.signers = [Signer()]
    forged = Signer().headers(str(training.request_id), body)
    for _ in range(5):
        assert (await service.client.post(PATH, content=body, headers=forged)).status_code == 401
    assert service.keys.fetches == 1
    monkeypatch.setattr("app.fal.jwks.REFRESH_INTERVAL_SECONDS", 0)
    service.signer = service.keys.signers[0]
    assert (await service.deliver(body)).status_code == 200


async def test_a_leaked_token_is_useless_once_the_request_id_is_known(unpinned: Service) -> None:
    training = await a_training(unpinned.database)
    for body in (body_of(a_request_id()), failure_body(a_request_id())):
        assert (await unpinned.deliver(body, training=training)).status_code == 401
    assert await unpinned.events() == []


async def test_a_leaked_token_with_another_request_is_unmatched_for_our_own_account(service: Service) -> None:
    training = await a_training(service.database)
    assert (await service.deliver(body_of(a_request_id()), training=training)).status_code == 200
    await service.handle_all()
    assert (await only_event(service)).outcome is Outcome.UNMATCHED
    assert (await training_now(service.database, training)).state is RequestState.SUBMITTED


async def test_a_token_of_a_final_training_has_no_effect(unpinned: Service) -> None:
    training = await a_training(unpinned.database, RequestState.CANCELLED, request_id=None)
    assert (await unpinned.deliver(body_of(a_request_id()), training=training)).status_code == 401
    assert await unpinned.events() == []


async def test_a_token_does_not_outweigh_the_request_id_of_another_training(service: Service) -> None:
    """A captured callback of one training, sent to the address of another that awaits its first word."""
    known = await a_training(service.database)
    awaiting = await a_training(service.database, RequestState.SUBMIT_UNKNOWN)
    body = body_of(known.request_id)
    assert (await service.deliver(body, training=awaiting)).status_code == 200
    await service.handle_all()
    assert (await training_now(service.database, known)).state is RequestState.COMPLETED
    assert (await training_now(service.database, awaiting)).state is RequestState.SUBMIT_UNKNOWN


@pytest.mark.parametrize(
    "query",
    [
        "training={id}",
        "training={id}&token=",
        "training={id}&token=%ff%00",
        "training={id}&token=AAAA",
        "training=7",
    ],
)
async def test_a_training_named_without_its_token_is_not_matched(unpinned: Service, query: str) -> None:
    training = await a_training(unpinned.database, RequestState.SUBMIT_UNKNOWN)
    path = f"{PATH}?{query.format(id=training.id)}"
    assert (await unpinned.deliver(body_of(a_request_id()), path=path)).status_code == 401


async def test_a_comment_alone_is_a_hint_since_any_customer_of_fal_can_write_one(unpinned: Service) -> None:
    training = await a_training(unpinned.database, RequestState.SUBMIT_UNKNOWN)
    payload = {"diffusers_lora_file": {"url": MODEL_URL}, "finetune_comment": f"aisha-training-{training.id}"}
    for word in ("OK", "ERROR"):
        body = body_of(a_request_id(), word, payload=payload)
        assert (await unpinned.deliver(body)).status_code == 200
    await unpinned.handle_all()
    assert {event.outcome for event in await unpinned.events()} == {Outcome.ASKED}
    assert (await training_now(unpinned.database, training)).state is RequestState.SUBMIT_UNKNOWN


async def test_the_token_of_one_training_does_not_open_another(unpinned: Service) -> None:
    one = await a_training(unpinned.database, RequestState.SUBMIT_UNKNOWN)
    other = await a_training(unpinned.database, RequestState.SUBMIT_UNKNOWN)
    path = address(one).replace(str(one.id), str(other.id))
    assert (await unpinned.deliver(body_of(a_request_id()), path=path)).status_code == 401


@pytest.mark.parametrize(("secret", "status"), [(SECRETS[0], 200), (SECRETS[1], 200), ("never-ours", 401)])
async def test_a_token_of_each_configured_secret_counts(unpinned: Service, secret: str, status: int) -> None:
    training = await a_training(unpinned.database, RequestState.SUBMITTING)
    answer = await unpinned.deliver(body_of(a_request_id()), training=training, secret=secret)
    assert answer.status_code == status


async def test_a_fresh_copy_after_a_stale_one_has_its_effect(service: Service) -> None:
    training = await a_training(service.database)
    body = body_of(training.request_id)
    await service.deliver(body, training=training, age=OLD)
    await service.handle_all()
    answer = await service.deliver(body, training=training)
    assert answer.json()["new"]
    await service.handle_all()
    event = await only_event(service)
    assert (event.trusted, event.outcome) == (True, Outcome.COMPLETED)
    assert await avatar_now(service.database, training) is AvatarState.COMPLETED


async def test_a_stale_copy_after_the_fresh_one_changes_nothing(service: Service) -> None:
    training = await a_training(service.database)
    body = body_of(training.request_id)
    await service.deliver(body, training=training)
    answer = await service.deliver(body, training=training, age=OLD)
    assert (answer.status_code, answer.json()["new"]) == (200, False)
    assert (await only_event(service)).trusted
    assert len(await jobs(service.database, HANDLE)) == 1


async def test_numbers_and_words_that_no_column_holds_do_not_hurt(service: Service) -> None:
    training = await a_training(service.database)
    body = body_of(
        training.request_id, seed=2**70, training_type="a\u0000b" * 100, gateway_request_id="\ud800"
    )
    assert (await service.deliver(body, training=training)).status_code == 200
    assert json.loads((await only_event(service)).body)["seed"] == 2**70
