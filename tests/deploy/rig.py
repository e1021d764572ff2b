"""A clone of its own for the deploy scripts, with stubs instead of the programs they call."""

import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
MIGRATIONS = "app/database/migrations/versions"
SCRIPTS = ROOT / "scripts" / "deploy"
STUBBED = ("docker", "docker-compose", "curl", "git", "sleep", "install")
PASSWORD = "pass word/1"
SETTINGS = {
    "DOMAIN": "aisha.example",
    "REGISTRY": "registry.example:5000/team",
    "DATABASE_URL": "postgresql+asyncpg://aisha:pass%20word%2F1@db.example:5433/avatars?ssl=require",
    "COMPOSE_PROFILES": "postgres,redis",
}
FILES = (
    "docker-compose.webhook.prod.yml",
    "Dockerfile.webhook",
    "Dockerfile.bot",
    "deploy/nginx/Dockerfile",
    "api_server/main.py",
    "deploy/requirements/bot.txt",
    "pyproject.toml",
    "tls/certificate.crt",
    "tls/private.key",
    "tls/ca_bundle.crt",
)


class Rig:
    """`root` is the clone; each call of a stub becomes a line of `calls`."""

    def __init__(self, folder: Path, stubbed: Sequence[str] = STUBBED) -> None:
        self.folder = folder
        self.root = folder / "clone"
        self.programs = folder / "programs"
        self.programs.mkdir(parents=True)
        self.stub(*stubbed)
        shutil.copytree(SCRIPTS, self.root / "scripts" / "deploy")
        self._try_less_often()
        shutil.copytree(ROOT / MIGRATIONS, self.root / MIGRATIONS)
        shutil.copytree(ROOT / "deploy" / "systemd", self.root / "deploy" / "systemd")
        for name in FILES:
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).touch()
        for name in ("calls", "fails", "given"):
            (folder / name).touch()
        self.settings(SETTINGS | {"TLS_DIR": str(self.root / "tls"), "BACKUP_DIR": str(folder / "backups")})

    def _try_less_often(self) -> None:
        """Nobody has to wait: what doesn't answer at once never will."""
        lib = self.root / "scripts" / "deploy" / "lib.sh"
        often = lib.read_text()
        assert "\nTRIES=60 " in often
        lib.write_text(often.replace("\nTRIES=60 ", "\nTRIES=5 "))

    def stub(self, *names: str, program: str = "program") -> None:
        for name in names:
            (self.programs / name).symlink_to(Path(__file__).parent / "stubs" / program)

    def without(self, name: str) -> None:
        (self.programs / name).unlink()

    def settings(self, values: dict[str, str]) -> None:
        self.env_file.write_text("".join(f"{name}={value}\n" for name, value in values.items()))

    @property
    def env_file(self) -> Path:
        return self.root / "prod.env"

    @property
    def state(self) -> Path:
        return self.root / "var" / "deploy"

    def deployed(self, *tags: str) -> None:
        """These ran, the last one runs."""
        self.state.mkdir(parents=True, exist_ok=True)
        (self.state / "releases").write_text("".join(f"2026-11-21T12:00:00Z {tag}\n" for tag in tags))

    def runs(self) -> str:
        return (self.state / "releases").read_text().split()[-1]

    def backup(self) -> Path:
        """A whole one, of nothing."""
        backup = self.folder / "backup"
        backup.mkdir()
        contents = {
            "manifest": "release older\nrevision 0008\nrows public.users 0\n",
            "lacking": "",
            "database.dump": "",
        }
        for name, content in contents.items():
            (backup / name).write_text(content)
        digests = {name: hashlib.sha256(content.encode()).hexdigest() for name, content in contents.items()}
        (backup / "checksums").write_text("".join(f"{digest}  {name}\n" for name, digest in digests.items()))
        return backup

    def fail(self, pattern: str, number: int = 0) -> None:
        """The so-manieth call with these words fails; 0: each of them."""
        with (self.folder / "fails").open("a") as file:
            file.write(f"{number} {pattern}\n")

    def end_at(self, pattern: str) -> None:
        """The script gets SIGTERM while such a call is under way."""
        (self.folder / "ends").write_text(f"{pattern}\n")

    def lose(self, terminal: int, pattern: str, script: str, *shown: str, output: int) -> int:
        """Its exit status when `terminal`, where it was shown, is closed while such a call is under way."""
        (self.folder / "waits").write_text(f"{pattern}\n")
        command = [*shown, str(self.root / "scripts" / "deploy" / script)]
        process = subprocess.Popen(command, env=self.inherited, stdin=output, stdout=output, stderr=output)
        os.close(output)
        deadline = time.monotonic() + 60
        while not (self.folder / "waiting").exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.close(terminal)
        (self.folder / "go").touch()
        return process.wait(60)

    @property
    def inherited(self) -> dict[str, str]:
        return {
            "PATH": f"{self.programs}:{os.defpath}",
            "HOME": str(self.folder),
            "RIG": str(self.folder),
        }

    def run(self, script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.root / "scripts" / "deploy" / script), *arguments],
            cwd=self.folder,
            env=self.inherited | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )

    def calls(self, *words: str) -> list[str]:
        """All calls, or those with one of these words; without what compose is told each time."""
        shared = f" --env-file prod.env -f {FILES[0]}"
        lines = (self.folder / "calls").read_text().replace(shared, "").splitlines()
        return [line for line in lines if not words or any(word in line for word in words)]
