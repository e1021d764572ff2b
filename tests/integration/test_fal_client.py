"""app/fal/client.py against the FAL emulator: what each fault of HTTP or transport means, one POST each."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import randbytes
from socket import create_server
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr

from app.core.errors import AishaError
from app.fal import client, upload
from app.fal.answers import FalUnavailable, Finished, Waiting
from app.fal.client import Fal, SubmitRefused, SubmitUnknown
from app.fal.failures import Failure, Reason
from sandbox.fal.client import FalControl
from sandbox.fal.models import Behaviour, RequestRecord, UploadFault
from sandbox.fal.proxy import child_environment
from tests.sandbox.fal.harness import KEY, Emulator, archive, finished, running_emulator
from tests.trainings import READ_PORTRAIT

ENDPOINT = "fal-ai/flux-lora-portrait-trainer"
REFUSALS = (400, 401, 402, 403, 404, 405, 409, 410, 413, 415, 422, 425, 451)
PART = 5 * 1024**2


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running_emulator(tmp_path_factory.mktemp("fal")) as emulator:
        yield emulator


@pytest.fixture
async def control(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FalControl]:
    """The emulator's control; this process's FAL client is led to the emulator."""
    lead_to(monkeypatch, emulator.proxy_port, emulator.ca_bundle)
    monkeypatch.setattr(upload, "_PAUSES", (0, 0, 0))
    async with FalControl(emulator.control_url) as control:
        await control.behave_as_usual()
        yield control


@asynccontextmanager
async def account(key: str) -> AsyncIterator[Fal]:
    """FAL's client offers no way to close itself, and the test's warnings are errors."""
    async with httpx.AsyncClient() as http:
        fal = Fal(SecretStr(key), http)
        yield fal
        await (await fal._client._client).aclose()


@pytest.fixture
async def fal(control: FalControl) -> AsyncIterator[Fal]:
    async with account(KEY) as fal:
        yield fal


def lead_to(monkeypatch: pytest.MonkeyPatch, proxy_port: int, ca_bundle: Path) -> None:
    for name, value in child_environment(proxy_port, ca_bundle).items():
        monkeypatch.delenv(name.lower(), raising=False)
        monkeypatch.setenv(name, value)


def arguments() -> dict[str, str]:
    """Arguments that tell this submit from all others."""
    return {"images_data_url": f"https://v3.fal.media/files/{uuid4()}/photos.zip"}


def large(folder: Path) -> Path:
    """An archive that goes out in three parts."""
    path = folder / "large.zip"
    path.write_bytes(randbytes(2 * PART + 1))
    return path


async def posts(control: FalControl, sent: dict[str, str]) -> list[RequestRecord]:
    return [one for one in await control.requests() if sent["images_data_url"] in one.model_dump_json()]


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        *[(status, SubmitRefused) for status in REFUSALS],
        (429, FalUnavailable),
        *[(status, SubmitUnknown) for status in (408, 500, 502, 503, 504)],
    ],
)
async def test_each_status_of_submit_means_one_thing_and_is_posted_once(
    fal: Fal, control: FalControl, status: int, meaning: type[AishaError]
) -> None:
    sent = arguments()
    await control.behave(Behaviour(reply="status", status_code=status, body={"detail": "no"}))
    with pytest.raises(meaning):
        await fal.submit(ENDPOINT, sent, None)
    assert len(await posts(control, sent)) == 1


async def test_an_exhausted_balance_is_our_accounts_matter(fal: Fal, control: FalControl) -> None:
    body = {"detail": "User is locked. Reason: Exhausted balance"}
    await control.behave(Behaviour(reply="status", status_code=403, body=body))
    with pytest.raises(SubmitRefused) as refused:
        await fal.submit(ENDPOINT, arguments(), None)
    assert refused.value.failure == Failure(Reason.OUR_ACCOUNT, "HTTP 403")


@pytest.mark.parametrize("status", REFUSALS)
async def test_a_refused_submit_is_told_as_one(fal: Fal, control: FalControl, status: int) -> None:
    await control.behave(Behaviour(reply="status", status_code=status, body={"detail": "no"}))
    with pytest.raises(SubmitRefused) as refused:
        await fal.submit(ENDPOINT, arguments(), None)
    assert refused.value.failure == Failure(Reason.OUR_ACCOUNT, f"HTTP {status}")


async def test_a_refusal_with_a_known_type_keeps_its_own_reason(fal: Fal, control: FalControl) -> None:
    body = {"detail": [{"loc": ["body"], "msg": "no", "type": "invalid_archive"}]}
    await control.behave(Behaviour(reply="status", status_code=422, body=body))
    with pytest.raises(SubmitRefused) as refused:
        await fal.submit(ENDPOINT, arguments(), None)
    assert refused.value.failure.reason is Reason.ARCHIVE


async def test_a_dropped_reply_leaves_it_open_and_is_posted_once(fal: Fal, control: FalControl) -> None:
    sent = arguments()
    await control.behave(Behaviour(reply="drop"))
    with pytest.raises(SubmitUnknown):
        await fal.submit(ENDPOINT, sent, None)
    assert len(await posts(control, sent)) == 1


async def test_nobody_at_the_other_end_means_that_nothing_was_accepted(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with closing(create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
    lead_to(monkeypatch, port, emulator.ca_bundle)
    async with account(KEY) as fal:
        with pytest.raises(FalUnavailable):
            await fal.submit(ENDPOINT, arguments(), None)
        with pytest.raises(FalUnavailable):
            await fal.progress(ENDPOINT, "any", READ_PORTRAIT)
        with pytest.raises(FalUnavailable):
            await fal.upload(archive(tmp_path / "photos.zip", images=1))


async def test_a_proxy_that_refuses_to_connect_means_that_nothing_was_accepted(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as proxy:
        lead_to(monkeypatch, proxy.sockets[0].getsockname()[1], emulator.ca_bundle)
        async with account(KEY) as fal:
            with pytest.raises(FalUnavailable):
                await fal.submit(ENDPOINT, arguments(), None)


async def test_a_key_that_no_header_can_hold_never_leaves_the_machine(control: FalControl) -> None:
    sent = arguments()
    async with account(f"{KEY}\n") as fal:
        with pytest.raises(FalUnavailable):
            await fal.submit(ENDPOINT, sent, None)
    assert await posts(control, sent) == []


@pytest.mark.usefixtures("control")
async def test_a_wrong_key_is_refused_everywhere(tmp_path: Path) -> None:
    async with account("wrong") as stranger:
        for path in (archive(tmp_path / "photos.zip", images=1), large(tmp_path)):
            with pytest.raises(SubmitRefused) as refused:
                await stranger.upload(path)
            assert refused.value.failure == Failure(Reason.OUR_ACCOUNT, "HTTP 401")
        with pytest.raises(SubmitRefused) as refused:
            await stranger.submit(ENDPOINT, arguments(), None)
        with pytest.raises(FalUnavailable):
            await stranger.progress(ENDPOINT, "any", READ_PORTRAIT)
    assert refused.value.failure.reason is Reason.OUR_ACCOUNT


async def test_a_large_archive_goes_out_in_parts_and_for_a_day_only(
    fal: Fal, control: FalControl, tmp_path: Path
) -> None:
    """As a whole it would be in memory several times over."""
    path = large(tmp_path)
    url = await fal.upload(path)
    [stored] = [stored for stored in await control.uploads() if stored.url == url]
    assert (stored.multipart, stored.size) == (True, path.stat().st_size)
    assert stored.lifecycle == {"expiration_duration_seconds": 86400}


@pytest.mark.parametrize("status", [None, 408, 429, 500, 503])
@pytest.mark.parametrize("size", [1, 2 * PART + 1])
async def test_a_lost_part_is_sent_again_and_the_archive_is_whole(
    fal: Fal, control: FalControl, tmp_path: Path, size: int, status: int | None
) -> None:
    path = tmp_path / "photos.zip"
    path.write_bytes(randbytes(size))
    before = len(await control.uploads())
    await control.spoil_uploads(UploadFault(times=2, status_code=status))
    url = await fal.upload(path)
    assert [stored.url for stored in (await control.uploads())[before:]] == [url]
    async with httpx.AsyncClient() as web:
        assert (await web.get(url)).content == path.read_bytes()


@pytest.mark.parametrize(
    ("status", "meaning"),
    [(None, FalUnavailable), (404, FalUnavailable), (503, FalUnavailable), (403, SubmitRefused)],
)
async def test_a_part_that_never_arrives_ends_in_words(
    fal: Fal, control: FalControl, tmp_path: Path, status: int | None, meaning: type[AishaError]
) -> None:
    await control.spoil_uploads(UploadFault(times=100, status_code=status))
    with pytest.raises(meaning):
        await fal.upload(large(tmp_path))


async def test_an_upload_that_hangs_ends(
    fal: Fal, control: FalControl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """fal-client sets no limit to the time that a part takes."""
    monkeypatch.setattr(client, "_UPLOAD_PATIENCE", 0)
    with pytest.raises(FalUnavailable):
        await fal.upload(archive(tmp_path / "photos.zip", images=1))


async def trained(fal: Fal, control: FalControl, folder: Path, behaviour: Behaviour) -> str:
    """A training that has ended at FAL; its request id."""
    url = await fal.upload(archive(folder / "photos.zip", images=10))
    await control.behave(behaviour)
    request_id = await fal.submit(ENDPOINT, {"images_data_url": url}, None)
    await finished(control, request_id, callbacks=0)
    return request_id


async def test_the_result_is_fetched_before_success_is_declared(
    fal: Fal, control: FalControl, tmp_path: Path
) -> None:
    request_id = await trained(fal, control, tmp_path, Behaviour(training_seconds=0))
    progress = await fal.progress(ENDPOINT, request_id, READ_PORTRAIT)
    assert isinstance(progress, Finished)
    assert (progress.result.url or "").startswith("https://v3.fal.media/")


@pytest.mark.parametrize(
    ("error_type", "reason"),
    [("face_detection_error", Reason.NO_FACE), ("internal_server_error", Reason.SERVICE)],
)
async def test_a_failed_training_is_completed_in_the_queue_and_a_failure_here(
    fal: Fal, control: FalControl, tmp_path: Path, error_type: str, reason: Reason
) -> None:
    behaviour = Behaviour(outcome="error", error_type=error_type, training_seconds=0)
    request_id = await trained(fal, control, tmp_path, behaviour)
    progress = await fal.progress(ENDPOINT, request_id, READ_PORTRAIT)
    assert isinstance(progress, Failure)
    assert progress.reason is reason


@pytest.mark.parametrize(
    ("told", "reason"),
    [({"error": "Runner died", "error_type": "runner_server_error"}, Reason.SERVICE), ({}, None)],
)
async def test_a_result_that_says_nothing_means_what_the_status_says(
    control: FalControl, monkeypatch: pytest.MonkeyPatch, told: dict[str, str], reason: Reason | None
) -> None:
    async def broken(_client: object, method: str, url: object, **_: object) -> httpx.Response:
        asked = httpx.Request(method, str(url))
        if "status" in asked.url.path:
            return httpx.Response(200, json={"status": "COMPLETED", "logs": [], **told}, request=asked)
        return httpx.Response(500, json={"detail": "Internal Server Error"}, request=asked)

    monkeypatch.setattr(httpx.AsyncClient, "request", broken)
    async with account(KEY) as fal:
        if reason is None:
            with pytest.raises(FalUnavailable):
                await fal.progress(ENDPOINT, str(uuid4()), READ_PORTRAIT)
        else:
            failure = await fal.progress(ENDPOINT, str(uuid4()), READ_PORTRAIT)
            assert isinstance(failure, Failure)
            assert failure.reason is reason


async def test_a_request_that_fal_does_not_know_is_no_verdict(fal: Fal) -> None:
    with pytest.raises(FalUnavailable):
        await fal.progress(ENDPOINT, str(uuid4()), READ_PORTRAIT)


async def test_a_request_is_found_by_its_archive(fal: Fal, control: FalControl, tmp_path: Path) -> None:
    before = datetime.now(UTC) - timedelta(minutes=1)
    url = await fal.upload(archive(tmp_path / "photos.zip", images=10))
    request_id = await fal.submit(ENDPOINT, {"images_data_url": url}, None)
    await finished(control, request_id, callbacks=0)
    assert await fal.find(ENDPOINT, url, before) == request_id
    assert await fal.find(ENDPOINT, f"{url}x", before) is None


async def test_a_request_is_found_on_a_later_page(fal: Fal, control: FalControl) -> None:
    before = datetime.now(UTC) - timedelta(minutes=1)
    await control.behave(Behaviour(training_seconds=0, times=103))
    sent = [arguments() for _ in range(103)]
    ids = [await fal.submit(ENDPOINT, each, None) for each in sent]
    for request_id in ids:
        await finished(control, request_id, callbacks=0)
    for place in (0, -1):
        assert await fal.find(ENDPOINT, sent[place]["images_data_url"], before) == ids[place]


async def test_a_waiting_request_is_cancelled_and_a_running_one_goes_on(
    fal: Fal, control: FalControl, tmp_path: Path
) -> None:
    url = await fal.upload(archive(tmp_path / "photos.zip", images=10))
    await control.behave(Behaviour(training_seconds=3600))
    waiting = await fal.submit(ENDPOINT, {"images_data_url": url}, None)
    assert isinstance(await fal.progress(ENDPOINT, waiting, READ_PORTRAIT), Waiting)
    for _ in range(2):  # the second time it is over
        assert await fal.cancel(ENDPOINT, waiting)
        ended = await fal.progress(ENDPOINT, waiting, READ_PORTRAIT)
        assert isinstance(ended, Failure)
        assert ended.cancelled
    over = await trained(fal, control, tmp_path, Behaviour(training_seconds=0))
    assert await fal.cancel(ENDPOINT, over)
    assert isinstance(await fal.progress(ENDPOINT, over, READ_PORTRAIT), Finished)


async def test_a_request_that_fal_does_not_know_is_not_cancelled(fal: Fal) -> None:
    assert not await fal.cancel(ENDPOINT, str(uuid4()))


@pytest.mark.usefixtures("control")
async def test_a_cancellation_that_is_refused_is_no_answer() -> None:
    async with account("wrong") as stranger:
        with pytest.raises(FalUnavailable):
            await stranger.cancel(ENDPOINT, str(uuid4()))


async def test_a_list_that_is_refused_is_no_answer(control: FalControl) -> None:
    async with account("") as stranger:
        with pytest.raises(FalUnavailable):
            await stranger.find(ENDPOINT, "https://v3.fal.media/files/a.zip", datetime.now(UTC))


@pytest.mark.parametrize("answer", [b"<html>Bad gateway</html>", b"{}", b"[]"])
async def test_an_answer_that_makes_no_sense_is_no_answer(
    control: FalControl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    async def nonsense(*_: object, **__: object) -> httpx.Response:
        return httpx.Response(200, content=answer, request=httpx.Request("POST", "https://queue.fal.run"))

    monkeypatch.setattr(httpx.AsyncClient, "request", nonsense)
    async with account(KEY) as fal:
        with pytest.raises(FalUnavailable):
            await fal.upload(archive(tmp_path / "photos.zip", images=1))
        with pytest.raises(FalUnavailable):
            await fal.progress(ENDPOINT, str(uuid4()), READ_PORTRAIT)
        with pytest.raises(SubmitUnknown):
            await fal.submit(ENDPOINT, arguments(), None)
