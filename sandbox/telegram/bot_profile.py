"""The Bot API's methods about the bot itself: who it is, how it gets updates, what its menu says."""

import re
from typing import Any

from sandbox.telegram.errors import WEBHOOK_ACTIVE, bad_request, conflict
from sandbox.telegram.methods import Method
from sandbox.telegram.state import Person, Telegram
from sandbox.telegram.wire import Params

_MAX_UPDATES = 100
_CONNECTIONS = 40
_COMMAND = re.compile(r"[a-z0-9_]{1,32}")
_SECRET_TOKEN = re.compile(r"[A-Za-z0-9_-]{0,256}")


async def get_me(telegram: Telegram, _: Params) -> Any:
    abilities = {
        "can_join_groups": False,
        "can_read_all_group_messages": False,
        "supports_inline_queries": False,
    }
    return telegram.bot | abilities


async def get_updates(telegram: Telegram, params: Params) -> Any:
    if telegram.webhook.url:
        raise conflict(WEBHOOK_ACTIVE)
    _allow(telegram, params)
    limit = min(params.integer("limit") or _MAX_UPDATES, _MAX_UPDATES)
    return await telegram.updates.poll(params.integer("offset"), limit, params.integer("timeout"))


async def set_webhook(telegram: Telegram, params: Params) -> Any:
    """Telegram takes public https addresses alone; http to this machine is the emulator's leniency."""
    url, secret = params.text("url"), params.text("secret_token")
    if url and not url.startswith(("https://", "http://127.0.0.1:")):
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    if not _SECRET_TOKEN.fullmatch(secret):
        raise bad_request("secret token contains unallowed characters")
    _allow(telegram, params)
    _drop_pending(telegram, params)
    telegram.webhook.set(url, secret, params.integer("max_connections", _CONNECTIONS))
    return True


async def delete_webhook(telegram: Telegram, params: Params) -> Any:
    telegram.webhook.set("")
    return _drop_pending(telegram, params)


async def get_webhook_info(telegram: Telegram, _: Params) -> Any:
    webhook = telegram.webhook
    error = {"last_error_message": webhook.error} if webhook.error else {}
    pending = len(telegram.updates)
    return {"url": webhook.url, "has_custom_certificate": False, "pending_update_count": pending, **error}


def _allow(telegram: Telegram, params: Params) -> None:
    kinds = params.parsed("allowed_updates")
    if kinds is not None:
        telegram.updates.allow(kinds)


def _drop_pending(telegram: Telegram, params: Params) -> bool:
    if params.flag("drop_pending_updates"):
        telegram.updates.drop()
    return True


async def set_my_commands(telegram: Telegram, params: Params) -> Any:
    commands = params.parsed("commands") or []
    if not all(_COMMAND.fullmatch(command["command"]) for command in commands):
        raise bad_request("BOT_COMMAND_INVALID")
    telegram.profile[_place("commands", params)] = commands
    for chat in telegram.chats.values():
        telegram.changed(chat)
    return True


def commands_for(telegram: Telegram, person: Person) -> list[dict[str, str]]:
    """The menu that a person sees: the chat's own or everybody's, the person's language or any.

    Source: https://core.telegram.org/bots/api#determining-list-of-commands
    """
    scopes = {"type": "chat", "chat_id": person.id}, {"type": "all_private_chats"}, {"type": "default"}
    places = (
        _named("commands", scope, language) for scope in scopes for language in (person.language_code, "")
    )
    lists = (telegram.profile[place] for place in places if place in telegram.profile)
    commands: list[dict[str, str]] = next(lists, [])
    return commands


async def get_my_commands(telegram: Telegram, params: Params) -> Any:
    return telegram.profile.get(_place("commands", params), [])


async def delete_my_commands(telegram: Telegram, params: Params) -> Any:
    telegram.profile.pop(_place("commands", params), None)
    return True


async def set_chat_menu_button(telegram: Telegram, params: Params) -> Any:
    telegram.profile["menu_button"] = params.parsed("menu_button")
    return True


def _words(field: str) -> tuple[Method, Method]:
    """The setter and the getter of a text about the bot, kept by language."""

    async def set_words(telegram: Telegram, params: Params) -> Any:
        telegram.profile[_place(field, params)] = params.text(field)
        return True

    async def get_words(telegram: Telegram, params: Params) -> Any:
        return {field: telegram.profile.get(_place(field, params), "")}

    return set_words, get_words


def _place(field: str, params: Params) -> str:
    return _named(field, params.parsed("scope") or {"type": "default"}, params.text("language_code"))


def _named(field: str, scope: dict[str, Any], language_code: str | None) -> str:
    return f"{field}:{sorted(scope.items())}:{language_code or ''}"


_set_name, _get_name = _words("name")
_set_description, _get_description = _words("description")
_set_short_description, _get_short_description = _words("short_description")

PROFILE_METHODS: dict[str, Method] = {
    "getMe": get_me,
    "getUpdates": get_updates,
    "setWebhook": set_webhook,
    "deleteWebhook": delete_webhook,
    "getWebhookInfo": get_webhook_info,
    "setMyCommands": set_my_commands,
    "getMyCommands": get_my_commands,
    "deleteMyCommands": delete_my_commands,
    "setChatMenuButton": set_chat_menu_button,
    "setMyName": _set_name,
    "getMyName": _get_name,
    "setMyDescription": _set_description,
    "getMyDescription": _get_description,
    "setMyShortDescription": _set_short_description,
    "getMyShortDescription": _get_short_description,
}
