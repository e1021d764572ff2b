#!/usr/bin/env bash
# fal-client 1.0.3: a `client_timeout` of subscribe is also the server's, and cancels the training that it waits for.
#
# Guess:  client_timeout is how long this process waits, as in every HTTP client: after it FalClientTimeoutError brings
#         the request id, and the training, which is paid for, runs on and is fetched later by that id.
# Seen:   the same number goes along as X-Fal-Request-Timeout, so that a queue which is busy for longer drops the
#         request by itself; and when the time is up the client puts `/cancel`, and says nothing of how that went.
# Output: POST /fal-ai/flux-lora-fast-training, X-Fal-Request-Timeout 2.0
#         GET /fal-ai/flux-lora-fast-training/requests/r1/status
#         PUT /fal-ai/flux-lora-fast-training/requests/r1/cancel
#         FalClientTimeoutError of r1
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check fal-client==1.0.3 httpx==0.28.1

cat >"$folder/wait.py" <<'PY'
import asyncio

import fal_client
import httpx
from fal_client import client as implementation

QUEUE = "https://queue.fal.run/fal-ai/flux-lora-fast-training/requests/r1"
seen: list[str] = []


def answer(request: httpx.Request) -> httpx.Response:
    line = f"{request.method} {request.url.path}"
    if timeout := request.headers.get("X-Fal-Request-Timeout"):
        line += f", X-Fal-Request-Timeout {timeout}"
    if line not in seen:
        seen.append(line)
    if request.method == "POST":
        urls = {"response_url": QUEUE, "status_url": f"{QUEUE}/status", "cancel_url": f"{QUEUE}/cancel"}
        return httpx.Response(200, json={"request_id": "r1", **urls})
    if request.method == "PUT":
        return httpx.Response(202, json={"status": "CANCELLATION_REQUESTED"})
    return httpx.Response(202, json={"status": "IN_PROGRESS", "logs": None})


class Client(httpx.AsyncClient):
    def __init__(self, **options: object) -> None:
        super().__init__(**{**options, "transport": httpx.MockTransport(answer)})


implementation.httpx.AsyncClient = Client


async def main() -> None:
    client = fal_client.AsyncClient(key="k:s")
    try:
        await client.subscribe("fal-ai/flux-lora-fast-training", {"steps": 1000}, client_timeout=2, interval=0.2)
    except fal_client.FalClientTimeoutError as late:
        seen.append(f"{type(late).__name__} of {late.request_id}")


asyncio.run(main())
print("\n".join(seen))
PY
seen=$(timeout 60 "$folder/venv/bin/python" "$folder/wait.py")
echo "$seen"
diff <(echo "$seen") - <<'EXPECTED'
POST /fal-ai/flux-lora-fast-training, X-Fal-Request-Timeout 2.0
GET /fal-ai/flux-lora-fast-training/requests/r1/status
PUT /fal-ai/flux-lora-fast-training/requests/r1/cancel
FalClientTimeoutError of r1
EXPECTED
