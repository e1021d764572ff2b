"""`python -m app.photos.decoding`: a process that decodes photos for another one, until it is killed.

It says that it is ready, then it reads a task a line and answers a line, both JSON. What it decodes comes
from anybody, so it has none of our secrets, and answers nothing that the other would have to unpickle.
"""

import ctypes
import json
import os
import signal
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from app.core.logging import where
from app.core.memory import give_back_large_blocks
from app.core.settings import PhotoSettings
from app.photos import checks, conversion
from app.photos.adapters import BOX, EDIT
from app.photos.copies import misfit
from app.photos.refusals import PhotoRefused

READY = "ready"
_NICENESS = 15  # whoever waits for an answer goes before the photos
_PR_SET_PDEATHSIG = 1  # prctl(2)
_SPARED_LAST = "1000"  # proc(5)


def check(path: str, portrait: bool, settings: Mapping[str, Any]) -> dict[str, Any]:
    facts = checks.check(Path(path), PhotoSettings.model_construct(**settings), portrait=portrait)
    return asdict(facts) | {
        "sha256": b64encode(facts.sha256).decode(),
        "thumbnail": b64encode(facts.thumbnail).decode(),
    }


def compare(one: str, others: Sequence[str]) -> list[float]:
    """Thumbnails, in base64."""
    return [misfit(b64decode(one), b64decode(other)) for other in others]


def look(path: str, target: str, edit: Mapping[str, Any], faces: Sequence[Mapping[str, Any]]) -> None:
    boxes = [BOX.validate_python(face) for face in faces]
    Path(target).write_bytes(conversion.jpeg_to_look_at(Path(path), EDIT.validate_python(edit), boxes))


def pack(path: str, target: str, name: str, edit: Mapping[str, Any]) -> None:
    conversion.append(Path(target), name, Path(path), EDIT.validate_python(edit))


TASKS: Mapping[str, Callable[..., Any]] = {task.__name__: task for task in (check, compare, look, pack)}


def answer(task: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return {"result": TASKS[task](**arguments)}
    except PhotoRefused as refusal:
        return {"refused": refusal.reason, "details": refusal.details}
    except OSError as error:  # such as a full disk
        return {"failed": type(error).__name__, "errno": error.errno}
    except Exception as error:  # noqa: BLE001 - the boundary of the process
        return {"failed": type(error).__name__, "where": where(error)}


def main() -> None:
    """Whoever started it ends it: a signal to the whole group leaves it to that."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    with suppress(OSError):  # where memory is short, this is what can be spared
        Path("/proc/self/oom_score_adj").write_text(_SPARED_LAST)
    give_back_large_blocks()
    os.nice(_NICENESS)
    with _answers() as answers:
        print(READY, file=answers, flush=True)
        for line in sys.stdin:
            print(json.dumps(answer(**json.loads(line))), file=answers, flush=True)


def _answers() -> TextIO:
    """What was standard output; that becomes standard error, should a library have something to say."""
    kept = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(kept, "w")


if __name__ == "__main__":
    main()
