"""The journey's evidence accepts what ought to be there, and names whatever is not."""

from collections.abc import Callable

import pytest

from sandbox.environment import LOOPBACK
from sandbox.evidence import Evidence, Row
from sandbox.fal.models import ArchiveEntry, Behaviour, CallbackAttempt, RequestRecord, Result, State, now
from sandbox.journey import PHOTOS, Kind

MODEL = "https://v3.fal.media/files/model.safetensors"
Spoil = Callable[[Evidence], object]


def good() -> Evidence:
    request = RequestRecord(
        request_id="one",
        endpoint="fal-ai/flux-lora-portrait-trainer",
        arguments={},
        webhook_url=f"http://{LOOPBACK}/",
        behaviour=Behaviour(),
        state=State.COMPLETED,
        archive=[ArchiveEntry(name=f"{number}.jpg", size=1) for number in range(PHOTOS)],
        result=Result(status_code=200, body={"diffusers_lora_file": {"url": MODEL}}),
        callbacks=[CallbackAttempt(sent_at=now(), body_sha256="", status_code=200)],
    )
    rows: dict[str, list[Row]] = {
        "avatars": [{"type": "portrait", "state": "COMPLETED", "model_url": MODEL}],
        "avatar_photos": [{"position": number} for number in range(PHOTOS)],
        "trainings": [{"kind": "real", "state": "COMPLETED", "request_id": "one"}],
        "inbox_events": [{"trusted": True, "outcome": "completed"}],
        "notifications": [{"state": "SENT"}],
    }
    return Evidence(rows, [request], [])


def test_a_journey_that_happened_is_believed() -> None:
    assert good().failures(Kind.PORTRAIT) == []


def test_the_other_journey_is_not_this_one() -> None:
    claims = {check.claim for check in good().failures(Kind.STYLE)}
    assert claims == {"FAL's endpoint", "argument is_style", "avatars (type, state)"}


@pytest.mark.parametrize(
    ("claim", "spoil"),
    [
        ("submits at FAL", lambda it: it.requests.append(it.requests[0])),
        ("submits at FAL", lambda it: it.requests.clear()),
        ("hosts that the product tried to reach", lambda it: it.refused_hosts.append("example.com")),
        ("images in the archive", lambda it: it.requests[0].archive.pop()),
        ("images with EXIF", lambda it: setattr(it.requests[0].archive[3], "has_exif", True)),
        ("FAL's state", lambda it: setattr(it.requests[0], "state", State.IN_PROGRESS)),
        ("answers to FAL's callback", lambda it: it.requests[0].callbacks.clear()),
        ("answers to FAL's callback", lambda it: setattr(it.requests[0].callbacks[0], "status_code", 503)),
        ("avatars (type, state)", lambda it: it.rows["avatars"][0].update(state="TRAINING")),
        ("the avatar's model", lambda it: it.rows["avatars"][0].update(model_url="https://elsewhere/")),
        ("photos stored", lambda it: it.rows["avatar_photos"].pop()),
        ("trainings", lambda it: it.rows["trainings"][0].update(kind="drill")),
        ("trainings", lambda it: it.rows["trainings"][0].update(request_id="another")),
        ("callbacks (trusted, outcome)", lambda it: it.rows["inbox_events"].clear()),
        ("callbacks (trusted, outcome)", lambda it: it.rows["inbox_events"][0].update(trusted=False)),
        ("notifications", lambda it: it.rows["notifications"].append({"state": "SENT"})),
        ("notifications", lambda it: it.rows["notifications"][0].update(state="SENDING")),
    ],
)
def test_what_is_amiss_is_named(claim: str, spoil: Spoil) -> None:
    evidence = good()
    spoil(evidence)
    assert any(check.claim.startswith(claim) for check in evidence.failures(Kind.PORTRAIT))
