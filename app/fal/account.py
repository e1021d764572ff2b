"""Questions to FAL that cost nothing: is our key accepted, and where do callbacks come from?"""

from collections.abc import Sequence
from ipaddress import ip_network

import httpx
from pydantic import SecretStr

from app.core.errors import AishaError
from app.core.setting_types import Network
from app.fal.answers import FalUnavailable

# Every training begins with an upload, and that with this call; it makes a short-lived token and no file.
_UPLOAD_TOKEN = "https://rest.fal.ai/storage/auth/token?storage_type=fal-cdn-v3"  # noqa: S105  # an address
_META = "https://api.fal.ai/v1/meta"
_REFUSALS = (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN)


class KeyRefused(AishaError):
    """FAL doesn't accept our key; `locked`: it has locked the account, as for want of balance."""

    reason = "fal-key-refused"

    def __init__(self, *, locked: bool) -> None:
        super().__init__()
        self.locked = locked


async def check_key(http: httpx.AsyncClient, key: SecretStr) -> None:
    """Raises:
    KeyRefused: nothing can be trained with it.
    FalUnavailable: FAL doesn't say, for now.
    """
    headers = {"Authorization": f"Key {key.get_secret_value()}"}
    try:
        response = await http.post(_UPLOAD_TOKEN, json={}, headers=headers)
    except httpx.HTTPError as error:
        raise FalUnavailable from error
    if response.status_code in _REFUSALS:
        raise KeyRefused(locked="locked" in response.text)
    if not response.is_success:
        raise FalUnavailable


async def callback_networks(http: httpx.AsyncClient) -> Sequence[Network]:
    """The networks that FAL's callbacks come from.

    Raises:
        FalUnavailable: FAL doesn't say, for now.
    """
    try:
        response = await http.get(_META)
        return [ip_network(each) for each in response.raise_for_status().json()["webhook_ip_ranges"]]
    except (httpx.HTTPError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise FalUnavailable from error
