"""The compose file of production, as docker-compose itself reads it."""

import json
import os
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from api_server.main import STOP_SECONDS
from app.jobs import worker
from app.jobs.options import WorkerOptions
from app.telegram import chat_worker
from tests.deploy import example
from tests.deploy.example import FILLED, ROOT
from tests.programs import needs

COMPOSE = ROOT / "docker-compose.webhook.prod.yml"
REQUIRED = sorted(set(re.findall(r"\$\{(\w+):\?", COMPOSE.read_text(encoding="utf-8"))))
STORES = {"postgres", "redis", "minio"}
LIVE = {"webhook-api-1", "webhook-api-2", "bot", "nginx-webhook"}
PUBLIC = [{"published": port, "target": port} for port in (80, 443, 8443)]
DOCKERFILES = {"webhook-api": "Dockerfile.webhook", "aisha/bot": "Dockerfile.bot"}
DOCKERFILES |= {"nginx-webhook": "deploy/nginx/Dockerfile"}
# Debian's docker-compose is a package of the system's Python, and brings another one that reads YAML.
PYTHON = ["/usr/bin/python3", "-c"]
AS_JSON = "import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)"
END = "--- refused\n"
# `docker-compose config` of many files in one process: to start it takes ten times as long as to read one.
CONFIG_OF_EACH = f"""
import os, sys
from compose.cli.main import main
compose, *names = sys.argv[1:]
for name in names:
    os.environ["ENV_FILE"] = os.path.abspath(name)
    sys.argv = ["docker-compose", "--env-file", name, "-f", compose, "config", "--quiet"]
    try:
        main()
    except SystemExit as end:
        sys.stderr.write({END!r} if end.code else "")
"""

Service = dict[str, Any]

pytestmark = needs("docker-compose", "docker-compose")


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Service]:
    """As `docker-compose config` shows them to an operator who filled in the example."""
    variables = tmp_path_factory.mktemp("compose") / "prod.env"
    variables.write_text(example.filled(), encoding="utf-8")
    composed = subprocess.run(
        ["docker-compose", "--env-file", variables, "-f", COMPOSE, "config"],
        env={"PATH": os.environ["PATH"], "ENV_FILE": str(variables)},
        capture_output=True,
        check=True,
    )
    done = subprocess.run([*PYTHON, AS_JSON], input=composed.stdout, capture_output=True, check=True)
    read: dict[str, Service] = json.loads(done.stdout)["services"]
    return read


def environment(service: Service) -> dict[str, str]:
    return service.get("environment") or {}


def test_without_a_required_variable_nothing_runs_and_it_is_named(tmp_path: Path) -> None:
    for variable in REQUIRED:
        without = re.sub(rf"^{variable}=.*$", f"{variable}=", example.filled(), flags=re.MULTILINE)
        (tmp_path / variable).write_text(without, encoding="utf-8")
    done = subprocess.run(
        [*PYTHON, CONFIG_OF_EACH, COMPOSE, *REQUIRED],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    told = dict(zip(REQUIRED, done.stderr.split(END)[:-1], strict=True))
    assert not [name for name, words in told.items() if f"set {name} in prod.env: " not in words]
    assert not [value for value in FILLED.values() if value in done.stderr]


def test_every_placeholder_of_the_example_is_required() -> None:
    assert FILLED.keys() - {"REDIS_URL"} <= set(REQUIRED)


def test_no_secret_is_written_down() -> None:
    """What the name of a secret gets is always a variable that must be set."""
    names = r"\w*(?:TOKEN|KEY|SECRET|PASSWORD|ROOT_USER|AUTH|DATABASE_URL)\w*"
    given = re.findall(rf"^ +({names}): *(.*)$", COMPOSE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(given) >= 9
    assert not [(name, value) for name, value in given if not re.fullmatch(r'"\$\{\w+:\?[^}]+\}"', value)]


def test_who_does_not_need_a_secret_does_not_have_it(services: dict[str, Service]) -> None:
    own = {
        "nginx-webhook": {"DOMAIN", "REGISTRY"},
        "postgres": {"POSTGRES_PASSWORD"},
        "redis": {"REDIS_PASSWORD"},
        "minio": {"MINIO_ACCESS_KEY", "MINIO_SECRET_KEY"},
    }
    for name, variables in own.items():
        shown = json.dumps(services[name])
        assert {value for value in FILLED.values() if value in shown} == {FILLED[name] for name in variables}


def test_the_containers_are_those_that_scripts_name(services: dict[str, Service]) -> None:
    assert services.keys() == LIVE | STORES | {"migrate"}
    assert {service["container_name"] for service in services.values()} == {
        f"aisha-{name}" for name in services
    }
    assert {name for name, service in services.items() if service.get("profiles") == [name]} == STORES
    images = {name: service["image"] for name, service in services.items() if name not in STORES}
    webhook = "registry.aisha.example/webhook-api:2026.11.1"
    assert images == {
        "migrate": webhook,
        "webhook-api-1": webhook,
        "webhook-api-2": webhook,
        "bot": "registry.aisha.example/aisha/bot:2026.11.1",
        "nginx-webhook": "registry.aisha.example/nginx-webhook:2026.11.1",
    }


def test_only_nginx_is_seen_from_outside(services: dict[str, Service]) -> None:
    published = {name: service.get("ports", []) for name, service in services.items()}
    assert published.pop("nginx-webhook") == PUBLIC
    assert published["webhook-api-1"] == ["127.0.0.1:8001:8001/tcp"]
    assert published["webhook-api-2"] == ["127.0.0.1:8002:8002/tcp"]
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)
    assert not [name for name in STORES if published[name]]


def test_what_is_published_is_what_they_listen_at(services: dict[str, Service]) -> None:
    for number in ("1", "2"):
        told = environment(services[f"webhook-api-{number}"])
        assert (told["API_HOST"], told["API_PORT"]) == ("0.0.0.0", f"800{number}")  # noqa: S104 - a container's
        assert (
            environment(services["nginx-webhook"])[f"WEBHOOK_API_{number}"]
            == f"aisha-webhook-api-{number}:800{number}"
        )
    bot = environment(services["bot"])
    assert services["bot"]["ports"] == [f"127.0.0.1:{bot['BOT_METRICS_PORT']}:{bot['BOT_METRICS_PORT']}/tcp"]


def test_every_container_is_closed_and_limited(services: dict[str, Service]) -> None:
    for service in services.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["cpus"] > 0
        assert service["mem_limit"]
        assert service["pids_limit"] > 0
        assert service["logging"]["driver"] == "json-file"
        assert service["logging"]["options"].keys() == {"max-size", "max-file"}
    assert {name for name, service in services.items() if "cap_add" in service} == {"nginx-webhook"}


def test_every_container_comes_back_but_the_one_that_is_done(services: dict[str, Service]) -> None:
    restarting = {name: service["restart"] for name, service in services.items()}
    assert restarting.pop("migrate") == "no"
    assert set(restarting.values()) == {"unless-stopped"}


def test_nothing_of_ours_starts_before_the_migrations_are_through(services: dict[str, Service]) -> None:
    for name in ("webhook-api-1", "webhook-api-2", "bot"):
        assert services[name]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    assert services["migrate"]["command"] == ["python", "-m", "scripts.migrate"]
    assert "depends_on" not in services["migrate"]  # a profile may be off


def test_whoever_lives_on_has_a_health_check(services: dict[str, Service]) -> None:
    """In the compose file, or in the image that is built here."""
    for name in LIVE | STORES:
        image = re.sub(r"^registry\.aisha\.example/|:.*$", "", services[name]["image"])
        if image in DOCKERFILES:
            assert "\nHEALTHCHECK " in (ROOT / DOCKERFILES[image]).read_text(encoding="utf-8")
        else:
            assert services[name]["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}


def test_there_is_time_to_finish_what_is_in_hand(services: dict[str, Service]) -> None:
    jobs = WorkerOptions().grace.total_seconds() + worker._REQUEUE_TIMEOUT_SECONDS
    grace = {
        name: int(service["stop_grace_period"].removesuffix("s"))
        for name, service in services.items()
        if "stop_grace_period" in service
    }
    for name in ("webhook-api-1", "webhook-api-2"):
        assert grace[name] > STOP_SECONDS + jobs
    assert grace["bot"] > chat_worker._GRACE_SECONDS + jobs


def test_logs_go_to_a_folder_for_each(services: dict[str, Service]) -> None:
    folders = {"webhook-api-1", "webhook-api-2", "bot"}
    for name in folders:
        assert (
            f"/var/log/aisha/{name}:{environment(services[name])['LOG_DIR']}:rw" in services[name]["volumes"]
        )
    assert "/var/log/aisha/nginx:/var/log/nginx:rw" in services["nginx-webhook"]["volumes"]


@needs("redis-server", "redis-server")
def test_our_redis_has_a_password_and_shows_it_to_nobody(
    services: dict[str, Service], tmp_path: Path
) -> None:
    redis, address = services["redis"], f"unixsocket {tmp_path}/redis"
    script = redis["command"][-1].replace("$$", "$").replace("/data", str(tmp_path))
    script = script.replace("<<END\n", f"<<END\nport 0\n{address}\n")
    told = {"PATH": os.environ["PATH"], **environment(redis)}
    health = redis["healthcheck"]["test"][-1].replace("redis-cli", f"redis-cli -s {tmp_path}/redis")
    server = subprocess.Popen([*redis["command"][:-1], script], env=told, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 15
        while subprocess.run(["sh", "-c", health], env=told, check=False).returncode:
            assert time.monotonic() < deadline
        stranger = {"PATH": os.environ["PATH"]}
        assert subprocess.run(["sh", "-c", health], env=stranger, check=False).returncode != 0
        assert FILLED["REDIS_PASSWORD"] not in Path(f"/proc/{server.pid}/cmdline").read_text(encoding="utf-8")
    finally:
        server.terminate()
        server.wait(15)
