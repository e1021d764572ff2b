"""Send a signed, simulated callback for a drill: `python -m scripts.simulate_webhook TRAINING`.

It goes to FAL_WEBHOOK_URL, the way FAL's own would: through DNS, TLS and nginx. A real training is never
finished by it; FAL is asked about it instead.
"""

import argparse
from datetime import UTC, datetime
from uuid import UUID

import httpx

from app.core.bootstrap import process_context
from app.core.errors import CannotStart
from app.core.settings import Settings
from app.fal import simulation

STATUSES = ("completed", "failed", "in_progress")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.simulate_webhook", description=__doc__)
    parser.add_argument("training", type=UUID, help="the drill's id")
    parser.add_argument("--status", choices=STATUSES, default="completed")
    arguments = parser.parse_args()
    with process_context("simulate_webhook") as settings:
        answer = send(settings, arguments.training, arguments.status)
        print(f"{answer.status_code} {answer.text}")
        raise SystemExit(0 if answer.is_success else 1)


def send(settings: Settings, training_id: UUID, status: str) -> httpx.Response:
    """The service's answer.

    Raises:
        CannotStart: there is no address to call, or nobody answers there.
    """
    if not settings.fal.webhook_url:
        raise CannotStart("FAL_WEBHOOK_URL is empty: there is no address to call back. Set it in .env")
    callback = simulation.callback(settings.fal, training_id, status, datetime.now(UTC))
    try:
        with httpx.Client(timeout=15) as http:
            return http.send(callback)
    except httpx.TransportError as error:
        raise CannotStart(f"Nobody answers at FAL_WEBHOOK_URL: {type(error).__name__}") from None


if __name__ == "__main__":
    main()
