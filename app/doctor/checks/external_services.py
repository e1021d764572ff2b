"""The services that both processes lean on: FAL, Telegram, Redis; and whose clock is right."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.util import find_spec

import httpx

from app.core.setting_types import Network
from app.doctor.context import DoctorContext
from app.doctor.result import Check, CheckResult, failure, ok, skipped, warning
from app.fal.account import KeyRefused, callback_networks, check_key
from app.fal.answers import FalUnavailable, json_of
from app.fal.jwks import parse_keys
from app.notifications.sender import NotSent, TelegramSender, TokenRefused

SKEW_WARNING_SECONDS = 10
SKEW_FAILURE_SECONDS = 60

_CLOCK = "Set this machine's clock by NTP (timedatectl set-ntp true): FAL's words are taken within 300 s only"


def fal_checks(context: DoctorContext) -> list[Check]:
    settings, http = context.settings.fal, context.http

    async def key() -> CheckResult:
        if not settings.api_key.get_secret_value():
            return skipped("FAL_API_KEY is empty: test mode trains nothing")
        try:
            await check_key(http, settings.api_key)
        except KeyRefused as refusal:
            if refusal.locked:
                return failure("FAL has locked the account", "See its balance at https://fal.ai/dashboard")
            return failure("FAL refuses the key")
        except FalUnavailable:
            return failure("FAL doesn't answer", "See this machine's way out (DNS, firewall, HTTPS_PROXY)")
        return ok("FAL accepts the key")

    async def keys() -> CheckResult:
        try:
            answer = (await http.get(settings.jwks_url)).raise_for_status()
            return ok(f"{len(parse_keys(json_of(answer)))} to verify callbacks with")
        except httpx.HTTPError as error:
            return failure(f"FAL's keys can't be fetched ({_named(error)}): callbacks get 503")
        except ValueError:
            return failure("What FAL_JWKS_URL gives is no set of keys: callbacks get 503")

    async def networks() -> CheckResult:
        allowed = context.settings.edges.allowed_ips
        if not allowed:
            return skipped("ALLOWED_IPS is empty: any address may call")
        try:
            outside = [each for each in await callback_networks(http) if not _covered(each, allowed)]
        except FalUnavailable:
            return warning("FAL doesn't say where its callbacks come from", "Run the doctor again later")
        if outside:
            return failure(f"ALLOWED_IPS keeps FAL out: {', '.join(map(str, outside))} may not call")
        return ok("ALLOWED_IPS lets all of FAL's networks in")

    new_key = "Create a key at https://fal.ai/dashboard/keys and set FAL_API_KEY"
    jwks = "See FAL_JWKS_URL and this machine's way out; keys kept in the database serve for a day"
    all_networks = "Add the networks to ALLOWED_IPS, or empty it: the signature is what counts"
    return [
        Check("fal-key", key, new_key, needs=("FAL_API_KEY",)),
        Check("fal-signing-keys", keys, jwks, needs=("FAL_JWKS_URL",)),
        Check("fal-networks", networks, all_networks, needs=("ALLOWED_IPS",)),
    ]


def telegram_check(context: DoctorContext) -> Check:
    telegram = TelegramSender(context.http, context.settings.telegram)

    async def look() -> CheckResult:
        try:
            return ok(f"@{await telegram.bot_name()}")
        except TokenRefused:
            return failure("Telegram refuses the bot's token")
        except NotSent:
            unreached = "See TELEGRAM_API_URL and this machine's way out"
            return failure("Telegram isn't reached, or it isn't Telegram that answers", unreached)

    remedy = "Ask @BotFather for the token (/token), set TELEGRAM_TOKEN and restart"
    return Check("telegram-token", look, remedy, needs=("TELEGRAM_TOKEN",))


def clock_check(context: DoctorContext) -> Check:
    async def look() -> CheckResult:
        addresses = {"FAL": context.settings.fal.jwks_url, "Telegram": context.settings.telegram.api_url}
        skews = await asyncio.gather(*[_skew(context.http, url) for url in addresses.values()])
        told = {name: skew for name, skew in zip(addresses, skews, strict=True) if skew is not None}
        return judged(told) if told else skipped("Neither FAL nor Telegram tells the time")

    return Check("clock", look, _CLOCK)


def judged(skews: Mapping[str, float]) -> CheckResult:
    """`skews` are seconds that this machine's clock is ahead of another's, by the other's name."""
    what = ", ".join(f"{seconds:+.0f} s against {name}" for name, seconds in skews.items())
    worst = max(abs(seconds) for seconds in skews.values())
    if worst > SKEW_FAILURE_SECONDS:
        return failure(f"This machine's clock is off: {what}", _CLOCK)
    if worst > SKEW_WARNING_SECONDS:
        return warning(f"This machine's clock drifts: {what}", _CLOCK)
    return ok(what)


def redis_check(context: DoctorContext) -> Check:
    async def look() -> CheckResult:
        url = context.settings.general.redis_url
        if url is None:
            return skipped("REDIS_URL is empty: one bot process, its state in the database")
        if find_spec("redis") is None:
            return skipped("redis isn't installed here: run the doctor where the bot is")
        from redis.asyncio import Redis  # the webhook's image has none
        from redis.exceptions import RedisError

        try:
            async with Redis.from_url(url.get_secret_value(), socket_connect_timeout=5) as redis:
                await redis.ping()
        except (RedisError, OSError, ValueError) as error:
            return failure(f"Redis doesn't let us in ({type(error).__name__})")
        return ok("Redis answers")

    return Check("redis", look, "Start Redis, and see REDIS_URL and its password", needs=("REDIS_URL",))


async def _skew(http: httpx.AsyncClient, url: str) -> float | None:
    """Seconds that our clock is ahead; a cache adds how old its answer is. None where nobody tells."""
    before = datetime.now(UTC)
    try:
        headers = (await http.get(url)).headers
        theirs = parsedate_to_datetime(headers["Date"]).timestamp() + int(headers.get("Age", 0))
    except (httpx.HTTPError, httpx.InvalidURL, KeyError, ValueError):
        return None
    return (before.timestamp() + datetime.now(UTC).timestamp()) / 2 - theirs


def _covered(network: Network, allowed: tuple[Network, ...]) -> bool:
    return any(
        network.version == each.version and network.subnet_of(each)  # type: ignore[arg-type]  # same version
        for each in allowed
    )


def _named(error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.HTTPStatusError):
        return str(error.response.status_code)
    return type(error).__name__
