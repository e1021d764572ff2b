"""The life of a request: queue, training, result, callback."""

import asyncio
import json
import secrets
import struct
import zipfile
from collections import defaultdict, deque
from contextlib import suppress
from typing import Any, Literal

from pydantic import ValidationError

from sandbox.fal.archive import UnreadableImageError, inspect, is_image
from sandbox.fal.callbacks import Courier
from sandbox.fal.failures import REQUEST_STATUS, TrainingError, invalid_arguments, model_error, request_error
from sandbox.fal.models import Behaviour, Course, LogLine, RequestRecord, Result, State, now
from sandbox.fal.storage import Storage
from sandbox.fal.trainers import TRAINERS, Trainer

QUEUED_SHARE = 0.2
LOG_LINES = 4


class Trainings:
    """Every request that was submitted, by its id, oldest first, and the tasks that train them."""

    def __init__(self, storage: Storage, courier: Courier, group: asyncio.TaskGroup, seconds: float) -> None:
        """group: where the trainings run, so that a fault in one ends the process.

        seconds: from accepting a request to its end, unless its behaviour says otherwise.
        """
        self.records: dict[str, RequestRecord] = {}
        self._storage = storage
        self._courier = courier
        self._group = group
        self.seconds = seconds
        self._behaviours: deque[Behaviour] = deque()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._hurried: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def behave(self, behaviour: Behaviour) -> None:
        """Queue a behaviour for the next submits, after those already asked for."""
        self._behaviours.extend([behaviour] * behaviour.times)

    @property
    def planned(self) -> list[Behaviour]:
        return list(self._behaviours)

    def forget_plans(self) -> None:
        self._behaviours.clear()

    def steer(self, record: RequestRecord, course: Course) -> None:
        changes = course.model_dump(exclude={"at_once"}, exclude_none=True)
        record.behaviour = record.behaviour.model_copy(update=changes)
        if course.at_once:
            self._hurried[record.request_id].set()

    def next_behaviour(self) -> Behaviour:
        return self._behaviours.popleft() if self._behaviours else Behaviour()

    def start(self, record: RequestRecord) -> None:
        self._tasks[record.request_id] = self._group.create_task(self._run(record))

    async def wait(self, record: RequestRecord) -> None:
        """Until the request is over and its callbacks are delivered, given up or cancelled."""
        await asyncio.wait([self._tasks[record.request_id]])

    def queue_position(self, record: RequestRecord) -> int:
        queued = [other.request_id for other in self.records.values() if other.state is State.IN_QUEUE]
        return queued.index(record.request_id)

    def cancel(self, record: RequestRecord) -> None:
        """Take a waiting request out of the queue, without a callback. A running one goes on to its end."""
        if record.state is State.IN_QUEUE:
            self._tasks[record.request_id].cancel()
            _finish(record, request_error("client_cancelled"))

    def expire(self, what: Literal["result", "request"]) -> None:
        """The queue forgets what it has of the requests that are over."""
        for record in self.records.values():
            if record.result is not None:
                record.expired = what

    def close(self) -> None:
        for task in self._tasks.values():
            task.cancel()

    async def _run(self, record: RequestRecord) -> None:
        behaviour = record.behaviour
        seconds = self.seconds if behaviour.training_seconds is None else behaviour.training_seconds
        await self._pass(record, seconds * QUEUED_SHARE)
        record.state, record.started_at = State.IN_PROGRESS, now()
        result = await self._train(record, seconds * (1 - QUEUED_SHARE))
        if record.behaviour.outcome == "lost":
            record.state = State.LOST
            return
        _finish(record, result)
        await self._call_back(record)

    async def _pass(self, record: RequestRecord, seconds: float) -> None:
        """So much time of a training, or less if it is to end at once."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._hurried[record.request_id].wait()

    async def _train(self, record: RequestRecord, seconds: float) -> Result:
        trainer = TRAINERS[record.endpoint]
        try:
            await self._open_archive(record, trainer)
            steps = trainer.steps(record.arguments)
            for line in range(1, LOG_LINES + 1):
                await self._pass(record, seconds / LOG_LINES)
                record.logs.append(LogLine(message=_bar(line, steps, seconds)))
        except ValidationError as error:
            return invalid_arguments(error)
        except TrainingError as error:
            return error.result
        if record.behaviour.outcome == "error":
            return _ordered_error(record, trainer)
        return Result(status_code=200, body=self._model(record, trainer))

    async def _open_archive(self, record: RequestRecord, trainer: Trainer) -> None:
        """Raises TrainingError when the archive is not what the trainer needs."""
        url = trainer.archive_url(record.arguments)
        error_type = "file_download_error"
        try:
            path = self._storage.locate(url)
            error_type = "invalid_archive"
            record.archive = await asyncio.to_thread(inspect, path)
        except (FileNotFoundError, zipfile.BadZipFile):
            raise TrainingError(model_error(error_type, trainer.archive_field, url)) from None
        except UnreadableImageError:
            raise TrainingError(model_error("image_load_error", trainer.archive_field, url)) from None
        images = sum(is_image(entry.name) for entry in record.archive)
        if images < trainer.minimum_images:
            counts = {"min_count": trainer.minimum_images, "provided_count": images}
            below = model_error("archive_file_count_below_minimum", trainer.archive_field, url, **counts)
            raise TrainingError(below)

    def _model(self, record: RequestRecord, trainer: Trainer) -> dict[str, Any]:
        if trainer.gives_finetune:
            return {"finetune_id": secrets.token_hex(16)}
        config = json.dumps(record.arguments).encode()
        return {
            "diffusers_lora_file": self._storage.publish(
                "pytorch_lora_weights.safetensors", "application/octet-stream", _empty_safetensors()
            ),
            "config_file": self._storage.publish("config.json", "application/json", config),
        }

    async def _call_back(self, record: RequestRecord) -> None:
        behaviour = record.behaviour
        if record.webhook_url is None or behaviour.callback == "lost":
            return
        if behaviour.callback == "delayed":
            await asyncio.sleep(behaviour.callback_delay)
        await asyncio.gather(*[self._courier.deliver(record) for _ in range(behaviour.callback_times)])


def _bar(line: int, steps: int, seconds: float) -> str:
    """As tqdm draws it: what is done of all steps, the time that took, and the time that is left."""
    share = line / LOG_LINES
    drawn = "█" * int(10 * share)
    times = f"[{_clock(seconds * share)}<{_clock(seconds * (1 - share))}]"
    return f"Training: {share:4.0%}|{drawn:<10}| {int(steps * share)}/{steps} {times}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"


def _finish(record: RequestRecord, result: Result) -> None:
    record.state, record.ended_at, record.result = State.COMPLETED, now(), result


def _ordered_error(record: RequestRecord, trainer: Trainer) -> Result:
    error_type = record.behaviour.error_type
    if error_type in REQUEST_STATUS:
        return request_error(error_type)
    return model_error(error_type, trainer.archive_field, record.arguments[trainer.archive_field])


def _empty_safetensors() -> bytes:
    """A well-formed file of that format with no tensors in it: the header's length, then the header."""
    header = json.dumps({"__metadata__": {"format": "pt"}}).encode()
    return struct.pack("<Q", len(header)) + header
