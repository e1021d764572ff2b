"""The release before the newest migration: found in git's history, and unpacked."""

import io
import subprocess
import tarfile
from pathlib import Path

from app.database import revision

ROOT = Path(__file__).parents[2]


class NoHistory(Exception):
    """This copy of the project doesn't hold its past."""


def previous_release() -> str:
    """The last commit on this line that didn't have the newest migration yet.

    Raises:
        NoHistory: git, or that commit, isn't there.
    """
    migration = revision.VERSIONS.relative_to(ROOT) / f"{revision.known()[-1]}_*.py"
    added = ("log", "--first-parent", "-m", "--diff-filter=A", "--format=%H", "--", str(migration))
    commits = _git(*added).decode().split()
    # One that isn't committed yet comes after all there is.
    return (
        _git("rev-parse", "--verify", f"{commits[-1]}^1^{{commit}}" if commits else "HEAD").decode().strip()
    )


def unpack(commit: str, folder: Path) -> None:
    archive = _git("archive", "--format=tar", commit)
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")


def _git(*arguments: str) -> bytes:
    try:
        return subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise NoHistory from error
