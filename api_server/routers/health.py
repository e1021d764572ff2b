"""Whether the process runs, and whether it can do its work."""

from collections.abc import Mapping

from dishka import AsyncContainer
from dishka.integrations.fastapi import FromDishka, inject
from fastapi import APIRouter, Response
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette import status

from app.core import log_sinks, paths
from app.core.settings import Settings
from app.database.engine import Database
from app.jobs.worker import Worker

SILENT_AT_MOST = 60  # seconds; a restart of Postgres takes less

router = APIRouter()


@router.get(paths.LIVE)
async def live() -> dict[str, str]:
    return {"status": "ok"}


@router.get(paths.HEALTH)
@inject
async def health(
    response: Response,
    database: FromDishka[Database],
    settings: FromDishka[Settings],
    container: FromDishka[AsyncContainer],
) -> Mapping[str, str]:
    try:
        async with database.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
    except (SQLAlchemyError, OSError):
        response.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
        return {"status": "error", "failed": "database"}
    if settings.api.worker and (await container.get(Worker)).silent_seconds() > SILENT_AT_MOST:
        response.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
        return {"status": "error", "failed": "worker"}
    return log_sinks.health()
