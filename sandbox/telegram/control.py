"""The tester's side: what the bot has called, and what shall go wrong next."""

from dataclasses import dataclass
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Request

from sandbox.telegram.faults import Calls, Fault, Faults
from sandbox.telegram.state import Telegram


@dataclass(frozen=True)
class Acquaintance:
    id: int
    first_name: str
    language_code: str | None


def _faults(request: Request) -> Faults:
    return cast("Faults", request.app.state.faults)


def _calls(request: Request) -> Calls:
    return cast("Calls", request.app.state.calls)


def _telegram(request: Request) -> Telegram:
    return cast("Telegram", request.app.state.telegram)


TelegramDep = Annotated[Telegram, Depends(_telegram)]
FaultsDep = Annotated[Faults, Depends(_faults)]
CallsDep = Annotated[Calls, Depends(_calls)]

router = APIRouter()


@router.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}


@router.post("/control/updates", status_code=201)
async def push_update(update: dict[str, Any], telegram: TelegramDep) -> None:
    """One of a kind that people here don't send: `{"message": {...}}`, in the Bot API's own words."""
    for kind, payload in update.items():
        telegram.updates.push(kind, payload)


@router.get("/control/people")
async def list_people(telegram: TelegramDep) -> list[Acquaintance]:
    """Everybody who has a phone, in the order they got it."""
    return [
        Acquaintance(chat.person.id, chat.person.first_name, chat.person.language_code)
        for chat in telegram.chats.values()
    ]


@router.get("/control/calls")
async def list_calls(calls: CallsDep, method: str | None = None) -> list[dict[str, Any]]:
    return calls.list(method)


@router.delete("/control/calls", status_code=204)
async def forget_calls(calls: CallsDep) -> None:
    calls.clear()


@router.post("/control/faults", status_code=201)
async def plan_fault(fault: Fault, faults: FaultsDep) -> Fault:
    faults.plan(fault)
    return fault


@router.delete("/control/faults", status_code=204)
async def clear_faults(faults: FaultsDep) -> None:
    faults.clear()
