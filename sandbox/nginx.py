"""nginx as it is deployed, without its image: deploy/nginx in a folder, on ports of this machine."""

import asyncio
import os
import subprocess
from asyncio.subprocess import Process
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import trustme

from sandbox.environment import LOOPBACK
from sandbox.process import SandboxError

DOMAIN: Final = "aisha.example"
DEPLOYED: Final = Path(__file__).parents[1] / "deploy" / "nginx"
CHAIN_STEP: Final = "05-certificate-chain.sh"
RUN: Final = "/tmp/nginx"  # noqa: S108 - what the image's files call the folder that is made here
PATIENCE: Final = 30.0


@dataclass(frozen=True)
class EdgePorts:
    http: int
    https: int
    https_alt: int


def lay_out(
    folder: Path,
    ports: EdgePorts,
    instances: tuple[int, int],
    authority: trustme.CA,
    changed: Mapping[str, str] | None = None,
) -> None:
    """Everything that the container has when its entrypoint begins; `changed` are words of the configuration.

    The certificate is an intermediate authority's, so its chain has to be served.
    """
    folder.chmod(0o755)  # the workers run as another user
    values = {
        "DOMAIN": DOMAIN,
        "HTTP_PORT": f"{LOOPBACK}:{ports.http}",
        "HTTPS_PORT": f"{LOOPBACK}:{ports.https}",
        "HTTPS_ALT_PORT": f"{LOOPBACK}:{ports.https_alt}",
        "WEBHOOK_API_1": f"{LOOPBACK}:{instances[0]}",
        "WEBHOOK_API_2": f"{LOOPBACK}:{instances[1]}",
        "RESOLVE": "",
        "LOG_DIR": str(folder),
        "TLS_DIR": str(folder / "tls"),
    }
    words = {RUN: str(folder), **(changed or {}), **{f"${{{name}}}": value for name, value in values.items()}}
    (folder / "conf.d").mkdir()
    for template in (DEPLOYED / "templates").glob("*.template"):
        (folder / "conf.d" / template.stem).write_text(_with(words, template))
    for file in (DEPLOYED / "nginx.conf", DEPLOYED / "entrypoint.d" / CHAIN_STEP):
        (folder / file.name).write_text(_with(words, file))
    _issue(folder / "tls", authority)


def _with(words: Mapping[str, str], file: Path) -> str:
    text = file.read_text()
    for word, other in words.items():
        text = text.replace(word, other)
    return text


def _issue(folder: Path, authority: trustme.CA) -> None:
    folder.mkdir()
    issued = authority.create_child_ca().issue_cert(DOMAIN)
    certificate, *above = issued.cert_chain_pems
    certificate.write_to_path(str(folder / "certificate.crt"))
    issued.private_key_pem.write_to_path(str(folder / "private.key"))
    for one in (*above, authority.cert_pem):
        one.write_to_path(str(folder / "ca_bundle.crt"), append=True)


def join_chain(folder: Path) -> tuple[int, str]:
    """The entrypoint's step: its exit code and what it says."""
    step = subprocess.run(
        ["sh", folder / CHAIN_STEP],
        env={"PATH": os.environ["PATH"], "TLS_DIR": str(folder / "tls")},
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    return step.returncode, step.stderr


class Nginx:
    """A master and its workers over a folder that was laid out before."""

    def __init__(self, folder: Path, ports: EdgePorts) -> None:
        self.ports = ports
        self.access_log, self.error_log = folder / "access.log", folder / "error.log"
        self._folder = folder
        self._process: Process | None = None

    @property
    def workers(self) -> set[str]:
        """Their process ids."""
        if self._process is None:
            return set()
        pid = self._process.pid
        return set(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())

    async def start(self) -> None:
        """Return when it listens."""
        code, said = await asyncio.to_thread(join_chain, self._folder)
        if code:
            raise SandboxError(said)
        said_to = self._folder / "nginx.log"
        with said_to.open("wb") as log:
            self._process = await self._run("-g", "daemon off;", stderr=log.fileno())
        async with asyncio.timeout(PATIENCE):
            while not await self._listens():
                if self._process.returncode is not None:
                    raise SandboxError(said_to.read_text())
                await asyncio.sleep(0.02)

    async def told(self, *arguments: str) -> tuple[int, str]:
        """`nginx -t`, `nginx -s reload` and the like, for this one: the exit code and what was said."""
        process = await self._run(*arguments, stderr=asyncio.subprocess.PIPE)
        _, said = await process.communicate()
        return process.returncode or 0, said.decode()

    async def stop(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()

    async def _run(self, *arguments: str, stderr: int) -> Process:
        whose = ["-p", str(self._folder), "-c", str(self._folder / "nginx.conf"), "-e", "stderr"]
        return await asyncio.create_subprocess_exec("nginx", *whose, *arguments, stderr=stderr)

    async def _listens(self) -> bool:
        try:
            _, writer = await asyncio.open_connection(LOOPBACK, self.ports.http)
        except OSError:
            return False
        writer.close()
        return True
