"""What operators see: `Authorization: Bearer <ADMIN_TOKEN>`; without a token set there is nothing here."""

import hmac
from typing import Annotated, Any

from dishka.integrations.fastapi import FromDishka, inject
from fastapi import APIRouter, Depends, Header, HTTPException, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette import status

from app.core import paths
from app.core.settings import Settings
from app.database.engine import Database
from app.fal.jwks import Jwks
from app.operations import metrics
from app.operations.status_report import report, since_start


@inject
async def operator(settings: FromDishka[Settings], authorization: Annotated[str, Header()] = "") -> None:
    token = settings.admin.token.get_secret_value()
    if not token:
        raise HTTPException(status.HTTP_404_NOT_FOUND)
    if not hmac.compare_digest(authorization.encode(), f"Bearer {token}".encode()):
        raise HTTPException(status.HTTP_401_UNAUTHORIZED, headers={"WWW-Authenticate": "Bearer"})


router = APIRouter(dependencies=[Depends(operator)])


@router.get(paths.METRICS)
@inject
async def prometheus_metrics(database: FromDishka[Database], jwks: FromDishka[Jwks]) -> Response:
    await metrics.refresh(database, jwks)
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


@router.get(paths.WEBHOOK_STATUS)
@inject
async def webhook_status(database: FromDishka[Database], jwks: FromDishka[Jwks]) -> dict[str, Any]:
    async with database.transaction() as session:
        found = await report(session)
    return {**found, "jwks_age_seconds": jwks.age_seconds, "since_start": since_start()}
