#!/usr/bin/env bash
# fal-client 1.0.3: an upload that shall never expire asks for nothing, and one that shall expire at once for a minute.
#
# Guess:  StorageSettings(expires_in="never") sends `{"expiration_duration_seconds": null}`, the platform API's word
#         for "kept for ever"; "immediate" asks for the file to go as soon as it was used.
# Seen:   "never" sends no lifecycle header at all, so that the account's default decides: where that default is a
#         day, the file that was never to expire is gone after a day. "immediate" is 60 seconds, counted from the
#         upload: an archive that is trained on from a queue may be gone before anybody reads it.
# Output: never: no header
#         immediate: {"expiration_duration_seconds": 60}
#         1d: {"expiration_duration_seconds": 86400}
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check fal-client==1.0.3 httpx==0.28.1

cat >"$folder/upload.py" <<'PY'
import asyncio

import fal_client
import httpx
from fal_client import client as implementation


def answer(request: httpx.Request) -> httpx.Response:
    if request.url.path.endswith("/auth/token"):
        token = {"token": "t", "token_type": "Bearer", "base_url": "https://v3.fal.media"}
        return httpx.Response(200, json=token | {"expires_at": "2100-01-01T00:00:00+00:00"})
    print(request.headers.get("X-Fal-Object-Lifecycle", "no header"))
    return httpx.Response(200, json={"access_url": "https://v3.fal.media/files/a/b.bin"})


class Client(httpx.AsyncClient):
    def __init__(self, **options: object) -> None:
        super().__init__(**{**options, "transport": httpx.MockTransport(answer)})


implementation.httpx.AsyncClient = Client


async def main() -> None:
    for when in ("never", "immediate", "1d"):
        print(f"{when}: ", end="")
        client = fal_client.AsyncClient(key="k:s")
        await client.upload(b"data", "application/zip", lifecycle=fal_client.StorageSettings(expires_in=when))


asyncio.run(main())
PY
seen=$(timeout 60 "$folder/venv/bin/python" "$folder/upload.py" 2>/dev/null)
echo "$seen"
diff <(echo "$seen") - <<'EXPECTED'
never: no header
immediate: {"expiration_duration_seconds": 60}
1d: {"expiration_duration_seconds": 86400}
EXPECTED
