"""The FAL emulator under an unmodified fal-client: a queue, a CDN and callbacks that look like FAL's."""

import asyncio
import json
from pathlib import Path
from typing import Any

import fal_client
import fal_client.client
import httpx
import pytest
from cryptography.exceptions import InvalidSignature

from app.fal.logs import Steps, read
from sandbox.fal.client import FalControl
from sandbox.fal.models import Behaviour, Resend, State
from sandbox.fal.proxy import child_environment
from tests.sandbox.fal.harness import (
    KEY,
    Receiver,
    archive,
    end,
    finished,
    running_emulator,
    submits_to,
    until,
    verify,
)

PORTRAIT = "fal-ai/flux-lora-portrait-trainer"
PRO = "fal-ai/flux-pro-trainer"
ONE_DAY = fal_client.StorageSettings(expires_in="1d")


async def test_training_ends_with_a_served_model_and_a_signed_callback(
    fal: fal_client.AsyncClient, control: FalControl, receiver: Receiver, web: httpx.AsyncClient, photos: str
) -> None:
    handle = await fal.submit(PORTRAIT, {"images_data_url": photos}, webhook_url=receiver.url)
    record = await finished(control, handle.request_id)

    [delivery] = receiver.deliveries
    await verify(delivery, web)
    assert delivery.headers["x-fal-webhook-user-id"] == (await control.health()).user_id
    result = await fal.result(PORTRAIT, handle.request_id)
    assert json.loads(delivery.body) == {
        "request_id": handle.request_id,
        "gateway_request_id": record.gateway_request_id,
        "status": "OK",
        "error": None,
        "payload": result,
    }
    for file in result.values():
        served = await web.get(file["url"])
        assert len(served.content) == file["file_size"]
        assert served.headers["content-type"].startswith(file["content_type"])
    assert [attempt.acknowledged for attempt in record.callbacks] == [True]


async def test_pro_trainer_gives_a_finetune(
    fal: fal_client.AsyncClient, control: FalControl, photos: str
) -> None:
    arguments = {"data_url": photos, "finetune_comment": "training 7"}
    handle = await fal.submit(PRO, arguments)
    result = await handle.get()
    assert list(result) == ["finetune_id"]
    assert (await control.request(handle.request_id)).arguments == arguments


async def test_status_goes_from_the_queue_through_progress_to_completion(
    fal: fal_client.AsyncClient, control: FalControl, photos: str
) -> None:
    await control.behave(Behaviour(training_seconds=1))
    handle = await fal.submit(PORTRAIT, {"images_data_url": photos})
    states = [state async for state in handle.iter_events(with_logs=True)]

    assert list(dict.fromkeys(type(state).__name__ for state in states)) == [
        "Queued",
        "InProgress",
        "Completed",
    ]
    assert isinstance(states[0], fal_client.Queued)
    assert states[0].position >= 0
    last = await fal.status(PORTRAIT, handle.request_id, with_logs=True)
    assert isinstance(last, fal_client.Completed)
    assert last.logs
    assert last.logs[-1]["message"] == "Training: 100%|██████████| 2500/2500 [00:01<00:00]"
    told = [read(line["message"]) for line in last.logs]
    assert [one.done for one in told if isinstance(one, Steps)] == [625, 1250, 1875, 2500]
    assert last.metrics["inference_time"] > 0


async def test_archive_and_its_lifetime_are_observed(
    fal: fal_client.AsyncClient, control: FalControl, receiver: Receiver, tmp_path: Path
) -> None:
    path = archive(tmp_path / "photos.zip", images=10, exif_in_first=True)
    url = await fal.upload_file(path, lifecycle=ONE_DAY)
    handle = await fal.submit(PORTRAIT, {"images_data_url": url}, webhook_url=receiver.url)
    record = await finished(control, handle.request_id)

    entries = {entry.name: entry for entry in record.archive}
    assert len(entries) == 11
    assert (entries["0.jpg"].width, entries["0.jpg"].height) == (64, 48)
    assert [name for name, entry in entries.items() if entry.has_exif] == ["0.jpg"]
    assert entries["0.txt"].width is None
    [upload] = [upload for upload in await control.uploads() if upload.url == url]
    assert upload.lifecycle == {"expiration_duration_seconds": 86400}
    assert (upload.file_name, upload.size) == ("photos.zip", path.stat().st_size)


async def test_large_file_arrives_in_parts(
    fal: fal_client.AsyncClient,
    control: FalControl,
    web: httpx.AsyncClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fal_client.client, "MULTIPART_THRESHOLD", 1)
    monkeypatch.setattr(fal_client.client, "MULTIPART_CHUNK_SIZE", 100)
    path = archive(tmp_path / "photos.zip", images=2)
    url = await fal.upload_file(path, lifecycle=ONE_DAY)

    [upload] = [upload for upload in await control.uploads() if upload.url == url]
    assert upload.multipart
    assert upload.lifecycle == {"expiration_duration_seconds": 86400}
    assert (await web.get(url)).content == path.read_bytes()


@pytest.mark.parametrize(
    ("images", "error_type", "context"),
    [
        (9, "archive_file_count_below_minimum", {"min_count": 10, "provided_count": 9}),
        (None, "invalid_archive", None),
    ],
)
async def test_bad_archive_is_an_error_in_callback_and_result(
    fal: fal_client.AsyncClient,
    control: FalControl,
    receiver: Receiver,
    tmp_path: Path,
    images: int | None,
    error_type: str,
    context: dict[str, int] | None,
) -> None:
    path = tmp_path / "photos.zip"
    path.write_text("no zip") if images is None else archive(path, images=images)
    url = await fal.upload_file(path)
    handle = await fal.submit(PORTRAIT, {"images_data_url": url}, webhook_url=receiver.url)
    await finished(control, handle.request_id)

    [delivery] = receiver.deliveries
    body = json.loads(delivery.body)
    assert (body["status"], body["error"]) == ("ERROR", "Invalid status code: 422")
    [detail] = body["payload"]["detail"]
    assert (detail["loc"], detail["type"]) == (["body", "images_data_url"], error_type)
    assert detail.get("ctx") == context
    with pytest.raises(fal_client.FalClientHTTPError) as raised:
        await fal.result(PORTRAIT, handle.request_id)
    assert raised.value.status_code == 422
    assert raised.value.response.json() == body["payload"]


async def test_missing_argument_is_named(fal: fal_client.AsyncClient) -> None:
    handle = await fal.submit(PRO, {"data_url": "https://v3.fal.media/files/sandbox/none.zip"})
    with pytest.raises(fal_client.FalClientHTTPError) as raised:
        await handle.get()
    [detail] = raised.value.response.json()["detail"]
    assert (detail["loc"], detail["type"]) == (["body", "finetune_comment"], "missing")


async def test_request_error_is_completed_badly(
    fal: fal_client.AsyncClient, control: FalControl, photos: str
) -> None:
    await control.behave(Behaviour(outcome="error", error_type="runner_disconnected"))
    handle = await fal.submit(PORTRAIT, {"images_data_url": photos})
    with pytest.raises(fal_client.FalClientHTTPError) as raised:
        await handle.get()
    assert (raised.value.status_code, raised.value.error_type) == (503, "runner_disconnected")
    status = await handle.status()
    assert isinstance(status, fal_client.Completed)
    assert status.error_type == "runner_disconnected"


async def test_dropped_reply_makes_the_client_train_twice(
    fal: fal_client.AsyncClient,
    control: FalControl,
    receiver: Receiver,
    photos: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fal_client.client, "MAX_ATTEMPTS", 10)  # as it comes, whoever has lowered it
    await control.behave(Behaviour(reply="drop"))
    handle = await fal.submit(PORTRAIT, {"images_data_url": photos}, webhook_url=receiver.url)

    dropped, answered = await submits_to(control, receiver)
    assert (dropped.reply_status, answered.reply_status) == (None, 200)
    assert answered.request_id == handle.request_id
    assert (await finished(control, dropped.request_id)).callbacks[0].acknowledged


async def test_callback_can_overtake_the_reply(
    fal: fal_client.AsyncClient, control: FalControl, receiver: Receiver, photos: str
) -> None:
    await control.behave(Behaviour(callback="before_reply"))
    handle = await fal.submit(PORTRAIT, {"images_data_url": photos}, webhook_url=receiver.url)
    assert [json.loads(each.body)["request_id"] for each in receiver.deliveries] == [handle.request_id]


async def test_refused_submit_trains_nothing(
    fal: fal_client.AsyncClient, control: FalControl, receiver: Receiver, photos: str
) -> None:
    locked = {"detail": "User is locked. Reason: Exhausted balance."}
    await control.behave(Behaviour(reply="status", status_code=403, body=locked))
    with pytest.raises(fal_client.FalClientHTTPError, match="Exhausted balance"):
        await fal.submit(PORTRAIT, {"images_data_url": photos}, webhook_url=receiver.url)
    [record] = await submits_to(control, receiver)
    assert (record.state, record.reply_status) == (State.REFUSED, 403)


async def test_payload_that_the_callback_cannot_carry_is_in_the_queue(
    fal: fal_client.AsyncClient, control: FalControl, receiver: Receiver, photos: str
) -> None:
    await control.behave(Behaviour(outcome="null_payload"))
    handle = await fal.submit(PORTRAIT, {"images_data_url": photos}, webhook_url=receiver.url)
    await finished(control, handle.request_id)
    body = json.loads(receiver.deliveries[0].body)
    assert (body["status"], body["payload"]) == ("OK", None)
    assert body["payload_error"]
    assert "diffusers_lora_file" in await fal.result(PORTRAIT, handle.request_id)


async def test_lost_training_is_unknown_to_the_queue(
    fal: fal_client.AsyncClient, control: FalControl, photos: str
) -> None:
    await control.behave(Behaviour(outcome="lost"))
    handle = await fal.submit(PORTRAIT, {"images_data_url": photos})

    async def is_lost() -> bool:
        return (await control.request(handle.request_id)).state is State.LOST

    await until(is_lost)
    with pytest.raises(fal_client.FalClientHTTPError) as raised:
        await handle.status()
    assert raised.value.status_code == 404


async def test_callback_is_retried_until_acknowledged(
    fal: fal_client.AsyncClient, control: FalControl, receiver: Receiver, web: httpx.AsyncClient, photos: str
) -> None:
    receiver.statuses = [500, 404]
    handle = await fal.submit(PORTRAIT, {"images_data_url": photos}, webhook_url=receiver.url)
    record = await finished(control, handle.request_id, callbacks=3)
    assert [attempt.status_code for attempt in record.callbacks] == [500, 404, 200]
    assert len({delivery.body for delivery in receiver.deliveries}) == 1
    for delivery in receiver.deliveries:
        await verify(delivery, web)


async def test_redirected_callback_is_gone_for_good(
    fal: fal_client.AsyncClient, control: FalControl, receiver: Receiver, photos: str
) -> None:
    receiver.statuses = [307]
    redirected = await fal.submit(PORTRAIT, {"images_data_url": photos}, webhook_url=receiver.url)
    await finished(control, redirected.request_id)
    receiver.statuses = [500]
    retried = await fal.submit(PORTRAIT, {"images_data_url": photos}, webhook_url=receiver.url)
    await finished(control, retried.request_id, callbacks=2)

    record = await control.request(redirected.request_id)
    assert [attempt.status_code for attempt in record.callbacks] == [307]
    assert len(receiver.deliveries) == 3


async def test_same_callback_can_come_many_times(
    fal: fal_client.AsyncClient, control: FalControl, receiver: Receiver, photos: str
) -> None:
    await control.behave(Behaviour(callback_times=3))
    handle = await fal.submit(PORTRAIT, {"images_data_url": photos}, webhook_url=receiver.url)
    record = await finished(control, handle.request_id, callbacks=3)
    assert len({attempt.body_sha256 for attempt in record.callbacks}) == 1


async def test_lost_callback_can_be_sent_by_hand_honestly_or_not(
    fal: fal_client.AsyncClient, control: FalControl, receiver: Receiver, web: httpx.AsyncClient, photos: str
) -> None:
    await control.behave(Behaviour(callback="lost"))
    handle = await fal.submit(PORTRAIT, {"images_data_url": photos}, webhook_url=receiver.url)
    await finished(control, handle.request_id, callbacks=0)
    assert (await control.resend(handle.request_id)).acknowledged
    await control.resend(handle.request_id, Resend(age_seconds=1000, user_id="somebody-else"))
    await control.resend(handle.request_id, Resend(forged=True))

    honest, foreign, forged = receiver.deliveries
    await verify(honest, web)
    await verify(foreign, web)
    assert foreign.headers["x-fal-webhook-user-id"] == "somebody-else"
    ages = [int(each.headers["x-fal-webhook-timestamp"]) for each in (honest, foreign)]
    assert ages[0] - ages[1] >= 900
    with pytest.raises(InvalidSignature):
        await verify(forged, web)


async def test_cancel_takes_a_queued_request_out_and_a_finished_one_not(
    fal: fal_client.AsyncClient, control: FalControl, web: httpx.AsyncClient, photos: str
) -> None:
    await control.behave(Behaviour(training_seconds=600))
    handle = await fal.submit(PORTRAIT, {"images_data_url": photos})
    await handle.cancel()
    with pytest.raises(fal_client.FalClientHTTPError) as raised:
        await handle.get()
    assert raised.value.error_type == "client_cancelled"

    headers = {"Authorization": f"Key {KEY}"}
    again = await web.put(handle.cancel_url, headers=headers)
    assert (again.status_code, again.json()) == (400, {"status": "ALREADY_COMPLETED"})
    unknown = await web.put(f"https://queue.fal.run/{PORTRAIT}/requests/none/cancel", headers=headers)
    assert (unknown.status_code, unknown.json()) == (404, {"status": "NOT_FOUND"})


async def test_finished_requests_are_listed_with_their_payloads(
    fal: fal_client.AsyncClient, web: httpx.AsyncClient, photos: str
) -> None:
    handle = await fal.submit(PORTRAIT, {"images_data_url": photos})
    result = await handle.get()
    listing = await web.get(
        "https://api.fal.ai/v1/models/requests/by-endpoint",
        params={"endpoint_id": PORTRAIT, "expand": "payloads"},
        headers={"Authorization": f"Key {KEY}"},
    )
    items: list[dict[str, Any]] = listing.json()["items"]
    [item] = [item for item in items if item["json_input"] == {"images_data_url": photos}]
    assert (item["request_id"], item["json_output"]) == (handle.request_id, result)


async def test_wrong_key_is_refused(web: httpx.AsyncClient) -> None:
    url = f"https://queue.fal.run/{PORTRAIT}"
    for headers in ({}, {"Authorization": "Key other"}, {"Authorization": f"Bearer {KEY}"}):
        answer = await web.post(url, json={}, headers=headers)
        assert answer.status_code == 401
        assert answer.json()["detail"]


async def test_other_hosts_are_out_of_reach(control: FalControl, web: httpx.AsyncClient) -> None:
    with pytest.raises(httpx.ProxyError, match="403"):
        await web.get("https://example.org/")
    assert "example.org:443" in await control.refused_hosts()


async def test_ends_quietly_on_sigterm_with_a_training_under_way(tmp_path: Path) -> None:
    with running_emulator(tmp_path) as emulator, pytest.MonkeyPatch.context() as patch:
        for name, value in child_environment(emulator.proxy_port, emulator.ca_bundle).items():
            patch.setenv(name, value)
        client = fal_client.AsyncClient(key=KEY)
        async with FalControl(emulator.control_url) as control:
            await control.behave(Behaviour(training_seconds=600))
        await client.submit(PORTRAIT, {"images_data_url": "https://v3.fal.media/files/sandbox/none.zip"})
        assert await asyncio.to_thread(end, emulator) == (0, "")
        await (await client._client).aclose()
