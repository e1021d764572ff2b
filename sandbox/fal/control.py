"""The control API: plain JSON on loopback, for tests, for the supervisor and for a page in a browser.

GET  /health                    200 once everything listens; the FAL account that callbacks are signed for
GET  /requests                  every accepted or refused submit, oldest first: list[RequestRecord]
GET  /uploads                   every finished upload, oldest first: list[Upload]
GET  /refused-hosts             "host:port" of every connection that would have left the machine
POST /behaviour                 Behaviour for the next submits; 204
POST /requests/{id}/callback    Resend: the callback once more; the attempt as CallbackAttempt.
                                404 for an unknown request, 409 without a result or a webhook
"""

from fastapi import FastAPI, HTTPException

from sandbox.fal.callbacks import Courier
from sandbox.fal.models import Behaviour, CallbackAttempt, Health, RequestRecord, Resend, Upload
from sandbox.fal.proxy import Proxy
from sandbox.fal.storage import Storage
from sandbox.fal.training import Trainings


def control_app(
    trainings: Trainings, courier: Courier, storage: Storage, proxy: Proxy, user_id: str
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

    @app.get("/refused-hosts")
    async def refused_hosts() -> list[str]:
        return proxy.refused

    @app.post("/behaviour", status_code=204)
    async def behaviour(behaviour: Behaviour) -> None:
        trainings.behave(behaviour)

    @app.post("/requests/{request_id}/callback")
    async def resend(request_id: str, resend: Resend) -> CallbackAttempt:
        record = trainings.records.get(request_id)
        if record is None:
            raise HTTPException(404, "No such request")
        if record.result is None or record.webhook_url is None:
            raise HTTPException(409, "There is no callback to send")
        return await courier.send(record, resend)

    return app
