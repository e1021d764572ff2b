"""The processes' logs as they grow: JSON lines, and whatever else a process writes."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_LATEST = 64 * 1024  # bytes of each log that a newcomer sees


class Tail:
    """All logs of a folder; each call of `new_lines` goes on where the last one ended."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._places: dict[Path, int] = {}

    def new_lines(self) -> list[Mapping[str, Any]]:
        """In the order of their time, as far as they tell it, with `process`, `event` and `offset`."""
        lines = [line for log in sorted(self._folder.glob("*.log")) for line in self._of(log)]
        return sorted(lines, key=lambda line: str(line.get("timestamp", "")))

    def _of(self, log: Path) -> Iterator[Mapping[str, Any]]:
        size = log.stat().st_size
        start = self._places.get(log, max(0, size - _LATEST))
        cut_off = log not in self._places and start > 0
        with log.open("rb") as file:
            file.seek(start)
            content = file.read(size - start)
        whole, newline, _ = content.rpartition(b"\n")
        self._places[log] = start + len(whole + newline)
        for number, line in enumerate(whole.split(b"\n")):
            if line and (number or not cut_off):
                yield {**_parsed(log.stem, line.decode(errors="replace")), "offset": start}
            start += len(line) + 1


def _parsed(process: str, line: str) -> Mapping[str, Any]:
    try:
        fields = json.loads(line)
    except ValueError:
        fields = None
    return {"process": process, **(fields if isinstance(fields, dict) else {"event": line})}
