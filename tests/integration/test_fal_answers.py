"""What FAL's answers mean, at the level of HTTP: any status and any shape, from its queue and its history."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import httpx
import pytest

from app.fal import upload
from app.fal.account import callback_networks
from app.fal.answers import FalUnavailable, Finished, NoAnswer, Progress, Running, Waiting, Why
from app.fal.client import Fal, SubmitUnknown
from app.fal.failures import Failure, Reason
from sandbox.fal.client import FalControl
from sandbox.fal.models import Answer, Behaviour, Forgetting, now
from tests.integration.test_fal_client import ENDPOINT, account, arguments, lead_to
from tests.sandbox.fal.harness import KEY, Emulator, archive, finished, running_emulator
from tests.trainings import READ_PORTRAIT

STATUS, RESULT, HISTORY = r"/requests/[^/]+/status", r"/requests/[0-9a-f-]+$", "by-endpoint"
URL = "https://v3.fal.media/files/sample/model.safetensors"
DEEP = "[" * 100_000
ODD: Sequence[Any] = [None, "text", 7, 1.5, True, [], [7], {}, {"detail": None}, {"detail": [[None]]}]
PASSING = (400, 401, 403, 404, 405, 408, 409, 410, 425, 429, 500, 502, 503, 504)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running_emulator(tmp_path_factory.mktemp("fal")) as emulator:
        yield emulator


@pytest.fixture
async def control(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FalControl]:
    lead_to(monkeypatch, emulator.proxy_port, emulator.ca_bundle)
    async with FalControl(emulator.control_url) as control:
        yield control
        await control.answer_as_usual()


@pytest.fixture
async def fal(control: FalControl) -> AsyncIterator[Fal]:
    async with account(KEY) as fal:
        yield fal


@pytest.fixture
async def trained(fal: Fal, control: FalControl, tmp_path: Path) -> str:
    """A training that gave a model; its request id."""
    return await a_trained(fal, control, tmp_path, Behaviour(training_seconds=0))


async def a_trained(fal: Fal, control: FalControl, folder: Path, behaviour: Behaviour) -> str:
    url = await fal.upload(archive(folder / "photos.zip", images=10))
    await control.behave(behaviour)
    request_id = await fal.submit(ENDPOINT, {"images_data_url": url}, None)
    await finished(control, request_id, callbacks=0)
    return request_id


async def asked(fal: Fal, request_id: str | None = None) -> Progress[Any] | Why | None:
    """What FAL tells; why it doesn't, None when it can't be reached."""
    try:
        return await fal.progress(ENDPOINT, request_id or str(uuid4()), READ_PORTRAIT)
    except NoAnswer as unclear:
        return unclear.why
    except FalUnavailable:
        return None


# The queue's status.


@pytest.mark.parametrize("position", ["absent", None, "3", -1, 2**31, 2**70, 1.5, True, [1], {}])
async def test_a_place_in_the_queue_of_another_shape_is_left_out(
    fal: Fal, control: FalControl, position: object
) -> None:
    body = {"status": "IN_QUEUE"} | ({} if position == "absent" else {"queue_position": position})
    await control.answer(Answer(call=STATUS, status_code=202, body=body))
    assert await asked(fal) == Waiting(None)


@pytest.mark.parametrize(
    "logs",
    ["absent", None, "text", 7, True, {}, [], [None], ["x"], [[{}]], [{}], [{"message": None}]],
)
async def test_a_log_of_another_shape_says_nothing(fal: Fal, control: FalControl, logs: object) -> None:
    for odd in ([], [{"message": 7}, {"message": ["x"]}]):
        both = [*logs, *odd] if isinstance(logs, list) else logs
        body = {"status": "IN_PROGRESS"} | ({} if logs == "absent" else {"logs": both})
        await control.answer(Answer(call=STATUS, body=body))
        assert await asked(fal) == Running()
    await control.answer(
        Answer(call=STATUS, body={"status": "IN_PROGRESS", "logs": [{"message": "step 1/9"}, None]})
    )
    assert await asked(fal) == Running("step 1/9")


@pytest.mark.parametrize(
    "body", [*ODD, *({"status": word} for word in (None, 7, "", "ARCHIVED", ["COMPLETED"], {"status": "x"}))]
)
async def test_a_status_of_another_shape_is_no_answer(fal: Fal, control: FalControl, body: Any) -> None:
    await control.answer(Answer(call=STATUS, body=body))
    assert await asked(fal) is Why.UNREADABLE


@pytest.mark.parametrize("raw", ["", "<html>", DEEP, '{"status": "COMPL', "\ufeff{}"])
async def test_a_status_that_is_no_json_is_no_answer(fal: Fal, control: FalControl, raw: str) -> None:
    for code in (200, 202):
        await control.answer(Answer(call=STATUS, status_code=code, raw=raw))
        assert await asked(fal) is Why.UNREADABLE


@pytest.mark.parametrize("code", [*PASSING, 301, 418])
async def test_a_status_with_another_code_ends_nothing(
    fal: Fal, control: FalControl, trained: str, code: int
) -> None:
    """Where FAL speaks about the request at all, its history is asked as well."""
    away = code in (401, 403, 408, 425, 429) or code >= 500
    await control.answer(
        Answer(call=STATUS, status_code=code, body={"detail": "no", "error_type": "bad_request"})
    )
    told = await asked(fal, trained)
    assert told is None if away else isinstance(told, Finished)


# The queue's result.


@pytest.mark.parametrize("code", [200, *PASSING])
async def test_a_passing_answer_in_place_of_a_result_is_asked_again(
    fal: Fal, control: FalControl, trained: str, code: int
) -> None:
    for body in ODD:
        await control.answer(Answer(call=RESULT, status_code=code, body=body))
        await control.answer(Answer(call=HISTORY, status_code=503))
        assert await asked(fal, trained) is None, body
        await control.answer_as_usual()
        assert isinstance(await asked(fal, trained), Finished), body


@pytest.mark.parametrize("code", [200, 400, 404, 405, 409, 410, 500, 503])
async def test_what_the_queue_does_not_tell_the_history_does(
    fal: Fal, control: FalControl, trained: str, code: int
) -> None:
    for raw in ("<html>", DEEP, "null", '{"detail": "no"}'):
        await control.answer(Answer(call=RESULT, status_code=code, raw=raw))
        assert isinstance(await asked(fal, trained), Finished), raw


@pytest.mark.parametrize("body", [*ODD, {"detail": [{"type": "no_such_type"}]}])
async def test_a_422_is_about_the_job(fal: Fal, control: FalControl, trained: str, body: Any) -> None:
    await control.answer(Answer(call=RESULT, status_code=422, body=body))
    told = await asked(fal, trained)
    assert isinstance(told, Failure)
    assert told.reason is Reason.UNKNOWN


@pytest.mark.parametrize("code", [400, 404, 422, 500, 504])
async def test_a_known_type_of_error_is_about_the_job(
    fal: Fal, control: FalControl, trained: str, code: int
) -> None:
    for kind in ("generation_timeout", "runner_disconnected"):
        for body in ({"detail": [{"type": kind}]}, {"error_type": kind}):
            await control.answer(Answer(call=RESULT, status_code=code, body=body))
            assert await asked(fal, trained) == Failure(Reason.SERVICE, f"{kind}, HTTP {code}")


@pytest.mark.parametrize("error", ["Invalid status code: 400", {"odd": True}])
async def test_an_error_in_the_status_ends_it_when_nothing_else_is_known(
    fal: Fal, control: FalControl, error: Any
) -> None:
    await control.answer(Answer(call=STATUS, body={"status": "COMPLETED", "error": error}))
    await control.answer(Answer(call=RESULT, status_code=400, body={"detail": "no"}))
    told = await asked(fal)
    assert isinstance(told, Failure)


@pytest.mark.parametrize(
    "told",
    [{}, {"error": None}, {"error": ""}, {"error": 7}, {"error": True}, {"error": []}, {"error_type": 7}],
)
async def test_an_error_of_another_shape_is_none(fal: Fal, control: FalControl, told: dict[str, Any]) -> None:
    await control.answer(Answer(call=STATUS, body={"status": "COMPLETED", "logs": 7, **told}))
    await control.answer(Answer(call=RESULT, status_code=400, body={"detail": "no"}))
    assert await asked(fal) is Why.UNREADABLE


@pytest.mark.parametrize("url", ["https://storage.googleapis.com/bucket/model", "https://v9.fal.media/a"])
async def test_weights_wherever_fal_itself_says_that_they_are(
    fal: Fal, control: FalControl, trained: str, url: str
) -> None:
    model = {"diffusers_lora_file": {"url": url}}
    await control.answer(Answer(call=RESULT, body=model))
    told = await asked(fal, trained)
    assert isinstance(told, Finished)
    assert told.result.url == url


@pytest.mark.parametrize("url", ["https://127.0.0.1/a", "https://localhost/a", "http://v3.fal.media/a", 7])
async def test_weights_that_lie_nowhere_leave_it_open(fal: Fal, control: FalControl, url: object) -> None:
    await control.answer(Answer(call=STATUS, body={"status": "COMPLETED"}))
    await control.answer(Answer(call=RESULT, body={"diffusers_lora_file": {"url": url}}))
    assert await asked(fal) is Why.NO_MODEL


# The history.


@pytest.mark.parametrize("what", ["result", "request"])
async def test_a_model_that_the_queue_has_forgotten_is_recovered(
    fal: Fal, control: FalControl, trained: str, what: Literal["result", "request"]
) -> None:
    before = await asked(fal, trained)
    await control.forget(Forgetting(what=what))
    assert await asked(fal, trained) == before
    assert isinstance(before, Finished)


@pytest.mark.parametrize(
    ("error_type", "reason"),
    [("face_detection_error", Reason.NO_FACE), ("runner_disconnected", Reason.SERVICE)],
)
async def test_a_failure_that_the_queue_has_forgotten_keeps_its_reason(
    fal: Fal, control: FalControl, tmp_path: Path, error_type: str, reason: Reason
) -> None:
    failing = Behaviour(outcome="error", error_type=error_type, training_seconds=0)
    request_id = await a_trained(fal, control, tmp_path, failing)
    await control.forget()
    told = await asked(fal, request_id)
    assert isinstance(told, Failure)
    assert told.reason is reason


def listed(ours: str, **values: Any) -> dict[str, Any]:
    """A page of the history with odd things, a stranger's request, and ours."""
    item = {"request_id": ours, "ended_at": "2026-11-30T10:00:00Z", "status_code": 200}
    item["json_output"] = {"lora_file": {"url": URL}}
    return {"items": [None, 7, {"request_id": 7}, {"request_id": "another"}, {**item, **values}]}


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"ended_at": None, "status_code": None, "json_output": None}, Running()),
        ({"json_output": None}, Why.NO_MODEL),
        ({"json_output": "text"}, Why.NO_MODEL),
        ({"json_output": {"lora_file": {"url": "https://127.0.0.1/a"}}}, Why.NO_MODEL),
        ({"status_code": None}, Why.UNREADABLE),
        ({"status_code": "200"}, Why.UNREADABLE),
        ({"status_code": 7}, Why.UNREADABLE),
        ({"status_code": 10**30}, Why.UNREADABLE),
        ({"status_code": 422, "json_output": None}, Failure(Reason.UNKNOWN, "HTTP 422")),
        ({"status_code": 500, "json_output": [7]}, Failure(Reason.UNKNOWN, "HTTP 500")),
        ({"request_id": None}, Why.NOT_LISTED),
    ],
)
async def test_what_the_history_says_of_a_forgotten_request(
    fal: Fal, control: FalControl, values: dict[str, Any], told: Progress[Any] | Why
) -> None:
    request_id = str(uuid4())
    await control.answer(Answer(call=HISTORY, body=listed(request_id, **values)))
    assert await asked(fal, request_id) == told


async def test_a_request_that_nobody_at_fal_knows_is_no_verdict(fal: Fal) -> None:
    assert await asked(fal) is Why.NOT_LISTED


@pytest.mark.parametrize("body", [*ODD, {"items": None}, {"items": {}}, {"items": "text"}])
async def test_a_history_of_another_shape_is_no_answer(fal: Fal, control: FalControl, body: Any) -> None:
    for code in (200, 404, 500):
        await control.answer(Answer(call=HISTORY, status_code=code, body=body))
        assert await asked(fal) is None or (code, body) == (200, {"items": []})


@pytest.mark.parametrize("code", [401, 403])
async def test_a_key_that_may_not_see_the_history_is_told_of(
    fal: Fal, control: FalControl, code: int
) -> None:
    refused = Answer(call=HISTORY, status_code=code, body={"error": {"type": "authorization_error"}}, times=2)
    await control.answer(refused)
    assert await asked(fal) is Why.HISTORY_REFUSED
    with pytest.raises(NoAnswer):
        await fal.find(ENDPOINT, URL, now())


# Other answers.


@pytest.mark.parametrize("call", ["storage/auth/token", "upload/multipart$"])
async def test_a_step_of_an_upload_with_an_answer_of_another_shape_stores_nothing(
    fal: Fal, control: FalControl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    monkeypatch.setattr(upload, "_PAUSES", ())
    photos = archive(tmp_path / "photos.zip", images=1)
    urls: Sequence[Any] = [None, 7, "text", "https://["]
    begun = [{"access_url": url, "uploadId": "x"} for url in urls]
    for body in (*ODD, {"token": "x", "token_type": "x", "base_url": "x", "expires_at": 7}, *begun):
        await control.answer(Answer(call=call, body=body))
        with pytest.raises(FalUnavailable):
            await fal.upload(photos)
        await control.answer(Answer(call=call, raw=DEEP))
        with pytest.raises(FalUnavailable):
            await fal.upload(photos)
        await control.answer_as_usual()


@pytest.mark.parametrize("raw", ["", "null", "[]", '"text"', "7", "{}", DEEP, '{"request_id": null}'])
async def test_a_reply_to_a_submit_of_another_shape_leaves_it_open(
    fal: Fal, control: FalControl, raw: str
) -> None:
    await control.answer(Answer(call="^POST https://queue", raw=raw))
    with pytest.raises(SubmitUnknown):
        await fal.submit(ENDPOINT, arguments(), None)


@pytest.mark.parametrize("request_id", [None, 7, "", "a b", "../x", ["x"]])
async def test_an_id_that_is_none_is_no_reply_to_a_submit(
    fal: Fal, control: FalControl, request_id: object
) -> None:
    urls = dict.fromkeys(("response_url", "status_url", "cancel_url"), "https://queue.fal.run/x")
    await control.answer(Answer(call="^POST https://queue", body={"request_id": request_id, **urls}))
    with pytest.raises(SubmitUnknown):
        await fal.submit(ENDPOINT, arguments(), None)


@pytest.mark.parametrize("body", [*ODD, {"webhook_ip_ranges": None}, {"webhook_ip_ranges": [None, {}]}])
async def test_networks_of_another_shape_are_no_answer(control: FalControl, body: Any) -> None:
    await control.answer(Answer(call="/v1/meta", body=body))
    async with httpx.AsyncClient() as http:
        with pytest.raises(FalUnavailable):
            await callback_networks(http)


@pytest.mark.parametrize("body", ODD)
async def test_a_cancellation_means_what_its_code_says(fal: Fal, control: FalControl, body: Any) -> None:
    for code, known in [(202, True), (400, True), (404, False), (409, None), (429, None), (500, None)]:
        await control.answer(Answer(call="/cancel", status_code=code, body=body))
        cancelled = None
        with suppress(FalUnavailable):
            cancelled = await fal.cancel(ENDPOINT, str(uuid4()))
        assert cancelled is known, code
