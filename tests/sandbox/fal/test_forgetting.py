"""What FAL's queue no longer has, and answers that aren't FAL's."""

from typing import Literal

import fal_client
import httpx
import pytest

from sandbox.fal.client import FalControl
from sandbox.fal.models import Answer, Forgetting
from tests.sandbox.fal.harness import KEY, Receiver, finished, submits_to

FAST = "fal-ai/flux-lora-fast-training"
HISTORY = "https://api.fal.ai/v1/models/requests/by-endpoint"


@pytest.mark.parametrize(("what", "statuses"), [("result", (200, 404)), ("request", (404, 404))])
async def test_the_queue_forgets_what_the_history_keeps(
    fal: fal_client.AsyncClient,
    control: FalControl,
    web: httpx.AsyncClient,
    photos: str,
    what: Literal["result", "request"],
    statuses: tuple[int, int],
) -> None:
    ids = [(await fal.submit(FAST, {"images_data_url": photos})).request_id for _ in range(2)]
    for each in ids:
        await finished(control, each, callbacks=0)
    await control.forget(Forgetting(what=what))
    headers = {"Authorization": f"Key {KEY}"}
    url = f"https://queue.fal.run/{FAST}/requests/{ids[0]}"
    found = [(await web.get(address, headers=headers)).status_code for address in (f"{url}/status", url)]
    assert tuple(found) == statuses
    query = {"endpoint_id": FAST, "request_id": ids[0], "expand": "payloads"}
    [item] = (await web.get(HISTORY, params=query, headers=headers)).json()["items"]
    assert (item["request_id"], item["status_code"]) == (ids[0], 200)
    assert item["json_output"]["diffusers_lora_file"]["url"].startswith("https://")


async def test_a_forgotten_request_is_called_back_no_more(
    fal: fal_client.AsyncClient, control: FalControl, receiver: Receiver, photos: str
) -> None:
    receiver.statuses = [503] * 1_000
    await fal.submit(FAST, {"images_data_url": photos}, webhook_url=receiver.url)
    [record] = await submits_to(control, receiver)
    await finished(control, record.request_id, callbacks=1)
    await control.forget()
    made = len((await control.request(record.request_id)).callbacks)
    other = (await fal.submit(FAST, {"images_data_url": photos}, webhook_url=receiver.url)).request_id
    await finished(control, other, callbacks=3)
    assert len((await control.request(record.request_id)).callbacks) <= made + 1  # one may be on its way


async def test_a_planned_answer_takes_the_place_of_fals_so_often(
    control: FalControl, web: httpx.AsyncClient
) -> None:
    url = "https://api.fal.ai/v1/meta"
    teapot = Answer(call=r"^GET https://api\.fal\.ai/v1/meta", times=2, status_code=418, body=[1])
    await control.answer(teapot)
    await control.answer(Answer(call="meta", raw="<html>"))
    answers = [await web.get(url) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [418, 418, 200, 200]
    assert [answer.text for answer in answers[:3]] == ["[1]", "[1]", "<html>"]
    await control.answer(Answer(call="meta", times=9))
    await control.answer_as_usual()
    assert (await web.get(url)).json().keys() == {"webhook_ip_ranges"}
