"""Where photos and archives lie while something is done to them: with the data, not in the system's /tmp."""

import shutil
import tempfile
import time
from pathlib import Path

_LEFT_BEHIND = 3600  # seconds; no download, check or upload takes as long


class ScratchFolder:
    def __init__(self, path: Path) -> None:
        self._path = path

    def folder(self) -> tempfile.TemporaryDirectory[str]:
        """A new folder, the owner's only, that goes with the `with` around it."""
        self._path.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryDirectory(dir=self._path, ignore_cleanup_errors=True)

    def tidy(self) -> None:
        """Remove what killed processes left; another process on the same data keeps its own."""
        for left in self._path.glob("*"):
            if time.time() - left.stat().st_mtime > _LEFT_BEHIND:
                shutil.rmtree(left, ignore_errors=True)
