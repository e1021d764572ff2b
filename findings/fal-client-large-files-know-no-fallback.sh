#!/usr/bin/env bash
# fal-client 1.0.3: a `fallback_repository` isn't tried for files over 100 MiB.
#
# Guess:  upload(..., fallback_repository=["fal"]) goes to FAL's other storage when the CDN fails, whatever the size;
#         without the argument that is the default.
# Seen:   so it is up to 100 MiB. Above that the upload is a multipart one, its failure is raised at once, and the list
#         that was passed is read and then forgotten, without a word: the larger archive has one road less.
# Output: 100 MiB: v3.fal.media/files/upload, rest.fal.ai/storage/upload/initiate, storage.example/put; uploaded
#         101 MiB: v3.fal.media/files/upload/multipart; FalClientHTTPError 500
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

asked: list[str] = []


def answer(request: httpx.Request) -> httpx.Response:
    if request.url.path.endswith("/auth/token"):
        token = {"token": "t", "token_type": "Bearer", "base_url": "https://v3.fal.media"}
        return httpx.Response(200, json=token | {"expires_at": "2100-01-01T00:00:00+00:00"})
    asked.append(request.url.host + request.url.path)
    if request.url.host == "v3.fal.media":
        return httpx.Response(500, json={"detail": "the CDN is out of order"})
    return httpx.Response(200, json={"upload_url": "https://storage.example/put", "file_url": "https://storage.example/a"})


class Client(httpx.AsyncClient):
    def __init__(self, **options: object) -> None:
        super().__init__(**{**options, "transport": httpx.MockTransport(answer)})


implementation.httpx.AsyncClient = Client


async def main() -> None:
    for size in (100, 101):
        asked.clear()
        client = fal_client.AsyncClient(key="k:s")
        try:
            await client.upload(bytes(size << 20), "application/zip", "photos.zip", fallback_repository=["fal"])
            outcome = "uploaded"
        except fal_client.FalClientHTTPError as error:
            outcome = f"{type(error).__name__} {error.status_code}"
        print(f"{size} MiB: {', '.join(asked)}; {outcome}")


asyncio.run(main())
PY
seen=$(timeout 60 "$folder/venv/bin/python" "$folder/upload.py" 2>/dev/null)
echo "$seen"
diff <(echo "$seen") - <<'EXPECTED'
100 MiB: v3.fal.media/files/upload, rest.fal.ai/storage/upload/initiate, storage.example/put; uploaded
101 MiB: v3.fal.media/files/upload/multipart; FalClientHTTPError 500
EXPECTED
