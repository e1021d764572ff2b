"""The control API: plain JSON on loopback, for tests, for the supervisor and for a page in a browser.

GET  /health                    200 once everything listens; the FAL account that callbacks are signed for
GET  /requests                  every accepted or refused submit, oldest first: list[RequestRecord]
GET  /uploads                   every finished upload, oldest first: list[Upload]
POST /upload-faults             UploadFault for the next bodies sent to the CDN; 204
GET  /refused-hosts             "host:port" of every connection that would have left the machine
GET  /behaviour                 what the next submits are in for, first to last: list[Behaviour]
POST /behaviour                 Behaviour for the next submits; 204
DELETE /behaviour               the next submits and uploads are treated as usual; 204
POST /answers                   Answer for requests to come, whatever they ask; 204
DELETE /answers                 FAL speaks for itself again; 204
POST /forget                    Forgetting; 204
GET  /error-types               the `error_type`s that FAL documents: list[str]
GET  /pace, PUT /pace           TrainingSpeed of the trainings to come
POST /requests/{id}/course      Course of an open request; its record. 404 unknown, 409 when it is over
POST /requests/{id}/callback    Resend: the callback once more; the attempt as CallbackAttempt.
                                404 for an unknown request, 409 without a webhook, or a result to tell of
"""

from fastapi import FastAPI, HTTPException

from sandbox.fal.answers import Answers
from sandbox.fal.callbacks import Courier
from sandbox.fal.failures import MODEL_ERRORS, REQUEST_STATUS
from sandbox.fal.models import (
    Answer,
    Behaviour,
    CallbackAttempt,
    Course,
    Forgetting,
    Health,
    RequestRecord,
    Resend,
    State,
    TrainingSpeed,
    Upload,
    UploadFault,
)
from sandbox.fal.proxy import Proxy
from sandbox.fal.storage import Storage
from sandbox.fal.training import Trainings


def control_app(
    trainings: Trainings, courier: Courier, storage: Storage, proxy: Proxy, answers: Answers, user_id: str
) -> FastAPI:
    app = FastAPI(title="FAL emulator", docs_url=None, redoc_url=None)

    @app.get("/health")
    async def health() -> Health:
        return Health(user_id=user_id)

    @app.get("/requests")
    async def requests() -> list[RequestRecord]:
        return list(trainings.records.values())

    @app.get("/uploads")
    async def uploads() -> list[Upload]:
        return storage.uploads

    @app.post("/upload-faults", status_code=204)
    async def spoil_uploads(fault: UploadFault) -> None:
        storage.faults.extend([fault] * fault.times)

    @app.get("/refused-hosts")
    async def refused_hosts() -> list[str]:
        return proxy.refused

    @app.post("/behaviour", status_code=204)
    async def behaviour(behaviour: Behaviour) -> None:
        trainings.behave(behaviour)

    @app.get("/behaviour")
    async def behaviours() -> list[Behaviour]:
        return trainings.planned

    @app.delete("/behaviour", status_code=204)
    async def behave_as_usual() -> None:
        trainings.forget_plans()
        storage.faults.clear()

    @app.post("/answers", status_code=204)
    async def answer(answer: Answer) -> None:
        answers.plan(answer)

    @app.delete("/answers", status_code=204)
    async def answer_as_usual() -> None:
        answers.forget()

    @app.post("/forget", status_code=204)
    async def forget(forgetting: Forgetting) -> None:
        trainings.expire(forgetting.what)

    @app.get("/error-types")
    async def error_types() -> list[str]:
        return [*MODEL_ERRORS, *REQUEST_STATUS]

    @app.get("/pace")
    async def speed() -> TrainingSpeed:
        return TrainingSpeed(training_seconds=trainings.seconds)

    @app.put("/pace")
    async def set_speed(speed: TrainingSpeed) -> TrainingSpeed:
        trainings.seconds = speed.training_seconds
        return speed

    @app.post("/requests/{request_id}/course")
    async def steer(request_id: str, course: Course) -> RequestRecord:
        record = _known(trainings, request_id)
        if record.state not in (State.IN_QUEUE, State.IN_PROGRESS):
            raise HTTPException(409, "The request is over")
        trainings.steer(record, course)
        return record

    @app.post("/requests/{request_id}/callback")
    async def resend(request_id: str, resend: Resend) -> CallbackAttempt:
        record = _known(trainings, request_id)
        untold = record.result is None and not resend.forged
        if untold or record.webhook_url is None:
            raise HTTPException(409, "There is no callback to send")
        return await courier.send(record, resend)

    return app


def _known(trainings: Trainings, request_id: str) -> RequestRecord:
    record = trainings.records.get(request_id)
    if record is None:
        raise HTTPException(404, "No such request")
    return record
