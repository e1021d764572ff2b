"""Whether the service on this machine is healthy: exits with 0, or with 1 and the reason.

`python -m api_server.healthcheck` is run every few seconds, so it imports nothing that takes long.
"""

import os
import sys
from http.client import HTTPConnection, HTTPException

_TIMEOUT_SECONDS = 4.0


def main() -> None:
    connection = HTTPConnection(
        "127.0.0.1", int(os.environ.get("API_PORT") or 8000), timeout=_TIMEOUT_SECONDS
    )
    try:
        connection.request("GET", "/health")
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        sys.exit(f"/health doesn't answer: {type(error).__name__}")
    if status != 200:
        sys.exit(f"/health answers {status}")


if __name__ == "__main__":
    main()
