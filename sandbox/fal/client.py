"""A typed client of the control API."""

from types import TracebackType
from typing import Self

import httpx
from pydantic import BaseModel, TypeAdapter

from sandbox.fal.models import (
    Answer,
    Behaviour,
    CallbackAttempt,
    Course,
    Forgetting,
    Health,
    RequestRecord,
    Resend,
    TrainingSpeed,
    Upload,
    UploadFault,
)

TIMEOUT = 30
RECORDS = TypeAdapter(list[RequestRecord])
BEHAVIOURS = TypeAdapter(list[Behaviour])
UPLOADS = TypeAdapter(list[Upload])
NAMES = TypeAdapter(list[str])


class FalControl:
    """Every method raises httpx.HTTPError when the emulator is away or objects."""

    def __init__(self, base_url: str) -> None:
        self._http = httpx.AsyncClient(base_url=base_url, trust_env=False, timeout=TIMEOUT)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def health(self) -> Health:
        return Health.model_validate_json(await self._get("/health"))

    async def requests(self) -> list[RequestRecord]:
        return RECORDS.validate_json(await self._get("/requests"))

    async def request(self, request_id: str) -> RequestRecord:
        """Raises KeyError when FAL never saw it."""
        return {record.request_id: record for record in await self.requests()}[request_id]

    async def uploads(self) -> list[Upload]:
        return UPLOADS.validate_json(await self._get("/uploads"))

    async def spoil_uploads(self, fault: UploadFault) -> None:
        await self._post("/upload-faults", fault)

    async def refused_hosts(self) -> list[str]:
        return NAMES.validate_json(await self._get("/refused-hosts"))

    async def behave(self, behaviour: Behaviour) -> None:
        await self._post("/behaviour", behaviour)

    async def planned(self) -> list[Behaviour]:
        return BEHAVIOURS.validate_json(await self._get("/behaviour"))

    async def behave_as_usual(self) -> None:
        (await self._http.delete("/behaviour")).raise_for_status()

    async def answer(self, answer: Answer) -> None:
        await self._post("/answers", answer)

    async def answer_as_usual(self) -> None:
        (await self._http.delete("/answers")).raise_for_status()

    async def forget(self, forgetting: Forgetting | None = None) -> None:
        await self._post("/forget", forgetting or Forgetting())

    async def error_types(self) -> list[str]:
        return NAMES.validate_json(await self._get("/error-types"))

    async def speed(self) -> TrainingSpeed:
        return TrainingSpeed.model_validate_json(await self._get("/pace"))

    async def set_speed(self, seconds: float) -> None:
        body = TrainingSpeed(training_seconds=seconds).model_dump(mode="json")
        (await self._http.put("/pace", json=body)).raise_for_status()

    async def steer(self, request_id: str, course: Course) -> None:
        await self._post(f"/requests/{request_id}/course", course)

    async def resend(self, request_id: str, resend: Resend | None = None) -> CallbackAttempt:
        answer = await self._post(f"/requests/{request_id}/callback", resend or Resend())
        return CallbackAttempt.model_validate_json(answer)

    async def _get(self, path: str) -> bytes:
        response = await self._http.get(path)
        return response.raise_for_status().content

    async def _post(self, path: str, body: BaseModel) -> bytes:
        response = await self._http.post(path, json=body.model_dump(mode="json"))
        return response.raise_for_status().content
