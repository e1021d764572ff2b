"""What FAL answers about trainings that are over, by code and shape: none is lost to a passing answer."""

import asyncio
import random
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any
from uuid import uuid4

import httpx
from sqlalchemy import text

from app.requests import service as requests
from app.trainings.purpose import TRAINING
from sandbox.fal.models import Answer, Behaviour
from sandbox.supervisor import Sandbox
from tests.e2e.scenario import Scenario, running_sandbox, scenario_of
from tests.fault_injection.bystander import Bystander
from tests.sandbox.fal.harness import finished

ENDPOINT = "fal-ai/flux-lora-portrait-trainer"
PASSING = (200, 301, 400, 401, 403, 404, 405, 408, 409, 410, 418, 425, 429, 500, 502, 503, 504)
SHAPES: dict[str, dict[str, Any]] = {
    "nothing": {"raw": ""},
    "a page": {"raw": "<html>Bad gateway</html>"},
    "deep": {"raw": "[" * 100_000},
    "null": {"body": None},
    "text": {"body": "no"},
    "a number": {"body": 7},
    "a list": {"body": [7]},
    "an object": {"body": {}},
    "no type": {"body": {"detail": [{"type": ["x"]}, None], "error_type": 7}},
    "null inside": {"body": {"status": None, "items": None, "diffusers_lora_file": None, "detail": None}},
    "odd inside": {"body": {"status": 7, "items": {"x": 7}, "diffusers_lora_file": {"url": [7]}}},
    "weights nowhere": {"body": {"diffusers_lora_file": {"url": "https://127.0.0.1/model"}}},
}
IN_VAIN = 2  # questions of a job that meet the passing answer; the third is its last for now
FOR_EVER = 100_000
DRAWN = 12
PATIENCE = 300  # seconds

_TRAINING = """
WITH avatar AS (
    INSERT INTO avatars (user_id, type, gender, name, state)
    VALUES (:me, 'portrait', 'female', :name, 'TRAINING') RETURNING id
)
INSERT INTO trainings (id, avatar_id, user_id, kind, state, trainer, arguments, request_id, submitted_at)
SELECT :id, id, :me, 'real', 'SUBMITTED', :endpoint, '{}', :request_id, now() FROM avatar
"""
_OPEN = "SELECT 1 WHERE NOT EXISTS (SELECT FROM trainings WHERE user_id = :me AND finished_at IS NULL)"
_DEAD_LETTERS = "SELECT entrypoint FROM jobs.pgqueuer WHERE status = 'failed'"


@dataclass(frozen=True)
class Row:
    """What FAL answers to one of its questions: `call` is the status, the result or the history."""

    call: str
    code: int
    shape: str

    def __str__(self) -> str:
        return f"{self.call} {self.code} {self.shape}"

    def answers(self, request_id: str) -> list[Answer]:
        """The passing answer, and while there is one no help from elsewhere; of the history: for ever."""
        calls = {
            "status": rf"/requests/{request_id}/status",
            "result": rf"/requests/{request_id}$",
            "history": rf"by-endpoint.*{request_id}",
        }
        passing = Answer(call=calls[self.call], times=IN_VAIN, status_code=self.code, **SHAPES[self.shape])
        if self.call == "history":
            return [passing, Answer(call=calls["status"], times=FOR_EVER, status_code=404)]
        return [passing, Answer(call=calls["history"], times=IN_VAIN, status_code=503)]


TABLE = [Row(*cells) for cells in product(("status", "result", "history"), PASSING, SHAPES)]
FINAL = {
    "a 422 of any shape": [Answer(call="", status_code=422, **shape) for shape in SHAPES.values()],
    "a known type": [
        Answer(call="", status_code=code, body=body)
        for code in (400, 404, 422, 500, 504)
        for body in ({"error_type": "runner_disconnected"}, {"detail": [{"type": "invalid_archive"}]})
    ],
}


async def test_no_training_is_lost_to_a_passing_answer(
    database_url: str, full: bool, rng: random.Random
) -> None:
    rows = TABLE if full else rng.sample(TABLE, DRAWN)
    async with running_sandbox(database_url) as sandbox, scenario_of(sandbox) as scenario:
        bystander = await Bystander.arrive(sandbox)
        await scenario.chat_user.create()
        async with at_fal(sandbox) as submit:
            for row in rows:
                request_id = await submit()
                for answer in row.answers(request_id):
                    await sandbox.fal.answer(answer)
                await begin(scenario, request_id, str(row))
        await bystander.undisturbed()
        await over(scenario)
        assert Counter(await ends(scenario)) == {("COMPLETED", "COMPLETED", None): len(rows)}
        assert await scenario.rows(_DEAD_LETTERS) == []


async def test_what_is_about_the_job_ends_it(database_url: str, full: bool, rng: random.Random) -> None:
    answers = [answer for kind in FINAL.values() for answer in kind]
    async with running_sandbox(database_url) as sandbox, scenario_of(sandbox) as scenario:
        bystander = await Bystander.arrive(sandbox)
        await scenario.chat_user.create()
        async with at_fal(sandbox) as submit:
            for answer in answers if full else rng.sample(answers, 4):
                request_id = await submit()
                call = rf"/requests/{request_id}$"
                await sandbox.fal.answer(answer.model_copy(update={"call": call, "times": FOR_EVER}))
                await begin(scenario, request_id, f"{answer.status_code}")
        await bystander.undisturbed()
        await over(scenario)
        assert {ending[:2] for ending in await ends(scenario)} == {("FAILED", "DRAFT")}
        assert await scenario.rows(_DEAD_LETTERS) == []


@asynccontextmanager
async def at_fal(sandbox: Sandbox) -> AsyncIterator[Callable[[], Awaitable[str]]]:
    """Has FAL train on the archive that it has, and be done with it, without a callback; the request's id."""
    environment = sandbox.environment("api")
    headers = {"Authorization": f"Key {environment['FAL_API_KEY']}"}
    trust = ssl.create_default_context(cafile=environment["SSL_CERT_FILE"])
    [known, *_] = await sandbox.fal.requests()
    async with httpx.AsyncClient(
        proxy=environment["HTTPS_PROXY"], verify=trust, headers=headers, trust_env=False
    ) as http:

        async def submit() -> str:
            await sandbox.fal.behave(Behaviour(training_seconds=0))
            answer = await http.post(f"https://queue.fal.run/{ENDPOINT}", json=known.arguments)
            request_id = str(answer.raise_for_status().json()["request_id"])
            await finished(sandbox.fal, request_id, callbacks=0)
            return request_id

        yield submit


async def begin(scenario: Scenario, request_id: str, name: str) -> None:
    """The person has a training with this request, and FAL is to be asked about it."""
    training_id = uuid4()
    values = {"me": scenario.chat_user.id, "id": training_id, "name": name, "request_id": request_id}
    async with scenario.database.transaction() as session:
        await session.execute(text(_TRAINING), {**values, "endpoint": ENDPOINT})
        await requests.poll_later(session, TRAINING, training_id, request_id)


async def over(scenario: Scenario) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            if await scenario.rows(_OPEN):
                return
            await asyncio.sleep(0.2)


async def ends(scenario: Scenario) -> Sequence[tuple[str, str, str | None]]:
    """How each training ended, its avatar's state, and the reason of a failure."""
    rows = await scenario.rows(
        "SELECT trainings.state, avatars.state AS avatar, failure FROM trainings "
        "JOIN avatars ON avatars.id = avatar_id WHERE trainings.user_id = :me"
    )
    return [(row["state"], row["avatar"], row["failure"]) for row in rows]
