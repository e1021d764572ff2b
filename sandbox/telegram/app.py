"""The whole emulator as one application."""

from fastapi import FastAPI

from sandbox.telegram import bot_api, control, user_api
from sandbox.telegram.faults import Calls, Faults
from sandbox.telegram.state import Telegram


def create_app(telegram: Telegram) -> FastAPI:
    app = FastAPI(title="Telegram emulator", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.telegram = telegram
    app.state.faults = Faults()
    app.state.calls = Calls()
    for room in (control, user_api, bot_api):
        app.include_router(room.router)
    return app
