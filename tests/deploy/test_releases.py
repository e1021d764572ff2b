"""Installing, updating, rolling back, restarting: the calls in their order, and what comes of a failure."""

import base64
import json
import os
import re
from pathlib import Path

import pytest

from tests.deploy.rig import Rig

UP = "docker compose up -d --no-deps --no-build"
WORDS = (
    " up ",
    "run --rm",
    "build",
    "push",
    "tags/list",
    "network create",
    "nginx -s",
    "8001",
    "8002",
    "--resolve",
)
THROUGH = "through nginx"


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


@pytest.fixture
def running(rig: Rig) -> Rig:
    rig.deployed("older", "running")
    return rig


def told(rig: Rig) -> list[str]:
    """The calls that matter, in few words; the same thing several times in a row is said once."""
    found: list[str] = []
    for call in rig.calls(*WORDS):
        word = _word(call)
        if not found or found[-1] != word:
            found.append(word)
    return found


def _word(call: str) -> str:
    last = call.split()[-1]
    if "--resolve" in call:
        return THROUGH
    if call.startswith("curl"):
        return last.removeprefix("http://127.0.0.1:").removeprefix("https://registry.example:5000/v2/")
    if "nginx -s" in call:
        return "reload"
    if call.startswith("docker build"):
        return "build " + call.split()[3]
    return f"{call.split()[1 if 'compose' not in call else 2]} {last}"


INSTANCES = [
    *("up webhook-api-1", "8001/health", "reload", THROUGH),
    *("up webhook-api-2", "8002/health", "reload", THROUGH),
    "up bot",
]
IMAGES = [
    *("build Dockerfile.webhook", "build Dockerfile.bot", "build deploy/nginx/Dockerfile"),
    "push registry.example:5000/team/webhook-api:new",
    "push registry.example:5000/team/aisha/bot:new",
    "push registry.example:5000/team/nginx-webhook:new",
    *(f"team/{name}/tags/list" for name in ("webhook-api", "aisha/bot", "nginx-webhook")),
]


def test_from_a_clone_to_a_running_system(rig: Rig) -> None:
    rig.fail("network inspect")
    done = rig.run("webhook-complete.sh")
    assert done.returncode == 0, done.stderr
    assert told(rig) == [
        *IMAGES,
        "network aisha_webhook_cluster",
        *("up postgres", "up redis"),
        "run migrate",
        *INSTANCES,
        *("up nginx-webhook", "reload", THROUGH),
    ]
    assert rig.runs() == "new"
    assert re.search(r"^\[12/12\] verify \.\.\. \d+ s$", done.stdout, re.MULTILINE)


def test_a_repeated_install_leaves_the_network_and_says_the_same(rig: Rig) -> None:
    assert rig.run("webhook-complete.sh").returncode == 0
    assert rig.run("webhook-complete.sh").returncode == 0
    assert rig.calls("network create") == []
    assert (rig.state / "releases").read_text().count("\n") == 1


@pytest.mark.parametrize(
    ("pattern", "step"),
    [
        ("config -q", "check"),
        ("docker info", "check"),
        ("--file Dockerfile.bot", "build new"),
        ("push registry.example:5000/team/aisha/bot", "push"),
        ("tags/list", "confirm in the catalog"),
        ("install -d", "network and folders"),
        ("network", "network and folders"),
        ("up -d --no-deps redis", "data services"),
        ("run --rm --no-deps -T migrate", "migrate"),
        ("127.0.0.1:8001", "webhook-api-1"),
        ("up -d --no-deps --no-build bot", "bot"),
        ("nginx -t", "webhook-api-1"),
        ("8443", "verify"),
    ],
)
def test_an_install_that_fails_names_the_step_and_what_to_do(rig: Rig, pattern: str, step: str) -> None:
    rig.fail("manifest inspect")
    rig.fail(pattern)
    done = rig.run("webhook-complete.sh")
    assert done.returncode == 1
    assert f", {step}. All of it is in {rig.state}" in done.stderr
    assert "stub: failed" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("Next: ")
    assert "webhook-complete.sh again" in done.stderr.splitlines()[-1]
    assert re.search(rf"^\[\d+/12\] {step} \.\.\. failed after \d+ s$", done.stdout, re.MULTILINE)


def test_what_isnt_there_is_named(rig: Rig) -> None:
    (rig.root / "tls" / "ca_bundle.crt").unlink()
    done = rig.run("webhook-complete.sh")
    assert "tls/ca_bundle.crt" in done.stderr
    assert rig.calls("build", "push", " up ") == []


def test_a_registry_that_doesnt_list_the_image_stops_it(rig: Rig) -> None:
    rig.fail("manifest inspect")
    done = rig.run("webhook-complete.sh", LISTED="other")
    assert "does not list new" in done.stderr
    assert "neither its list of tags nor 'docker manifest inspect'" in done.stderr
    assert rig.calls(" up ") == []


@pytest.mark.parametrize(
    ("insecure", "scheme", "option"),
    [("", "https", ""), ("docker.example registry.example:5000", "http", "--insecure ")],
)
def test_a_registry_with_another_login_is_asked_by_docker(
    rig: Rig, insecure: str, scheme: str, option: str
) -> None:
    rig.fail("tags/list")
    done = rig.run("webhook-complete.sh", INSECURE=insecure)
    assert done.returncode == 0, done.stderr
    assert f" {scheme}://registry.example:5000/v2/team/webhook-api/tags/list" in rig.calls("tags/list")[0]
    asked = rig.calls("manifest")
    assert asked[0] == f"docker manifest inspect {option}registry.example:5000/team/webhook-api:new"
    assert len(asked) == 3


def test_the_registrys_credentials_are_on_no_command_line(rig: Rig) -> None:
    secret = base64.b64encode(b"robot:registry-password").decode()
    config = {"auths": {"other.example": {"auth": "b3RoZXI="}, "registry.example:5000": {"auth": secret}}}
    (rig.folder / ".docker").mkdir()
    (rig.folder / ".docker" / "config.json").write_text(json.dumps(config, indent="\t"))
    assert rig.run("webhook-complete.sh").returncode == 0
    assert f'header = "Authorization: Basic {secret}"' in (rig.folder / "given").read_text()
    assert "b3RoZXI=" not in (rig.folder / "given").read_text()
    logs = "".join(log.read_text() for log in rig.state.glob("*.log"))
    assert secret not in "".join(rig.calls()) + logs


def test_what_isnt_committed_is_refused_unless_it_has_a_name(rig: Rig) -> None:
    done = rig.run("webhook-complete.sh", CHANGES=" M app/main.py")
    assert done.returncode == 1
    assert "IMAGE_TAG=" in done.stderr
    assert rig.calls("docker build") == []
    assert rig.run("webhook-complete.sh", CHANGES=" M app/main.py", IMAGE_TAG="mine").returncode == 0
    assert rig.runs() == "mine"


def test_an_update_replaces_one_after_the_other(running: Rig) -> None:
    done = running.run("update-webhook-images.sh")
    assert done.returncode == 0, done.stderr
    ends = ["up nginx-webhook", "reload", THROUGH]
    assert told(running) == [*IMAGES, "run migrate", *INSTANCES, *ends]
    assert (running.state / "releases").read_text().split()[1::2] == ["older", "running", "new"]


def test_both_upstreams_are_seen_through_nginx_before_the_next_ones_turn(running: Rig) -> None:
    running.run("update-webhook-images.sh")
    calls = running.calls()
    second = calls.index(f"{UP} webhook-api-2")
    answers = [call for call in calls[calls.index(f"{UP} webhook-api-1") : second] if "--resolve" in call]
    assert len(answers) == 6
    assert all("aisha.example:443:127.0.0.1 https://aisha.example/health" in call for call in answers)


RELEASING = ("webhook-complete.sh", "update-webhook-images.sh", "rollback.sh")


@pytest.mark.parametrize("script", RELEASING)
def test_an_nginx_with_nothing_new_keeps_its_ports_open(running: Rig, script: str) -> None:
    assert running.run("webhook-complete.sh", NGINX_LAYERS="the same", IMAGE_TAG="earlier").returncode == 0
    assert running.calls(f"{UP} nginx-webhook")
    (running.folder / "calls").write_text("")
    assert running.run(script, NGINX_LAYERS="the same").returncode == 0
    assert running.calls(f"{UP} nginx-webhook") == []
    assert told(running)[-2:] == ["reload", THROUGH]


@pytest.mark.parametrize(
    "news", [{"NGINX_SECTION": "another"}, {"NGINX_LAYERS": ""}, {"NGINX_STATE": "false"}]
)
def test_an_nginx_that_has_anything_new_is_replaced(running: Rig, news: dict[str, str]) -> None:
    same = {"NGINX_LAYERS": "the same"}
    assert running.run("webhook-complete.sh", IMAGE_TAG="earlier", **same).returncode == 0
    (running.folder / "calls").write_text("")
    assert running.run("update-webhook-images.sh", **(same | news)).returncode == 0
    assert running.calls(f"{UP} nginx-webhook")
    asked = running.calls("RootFS.Layers")
    assert not asked or all(word in asked[0] for word in (".Config.Env", ".Config.Healthcheck"))


@pytest.mark.parametrize(
    ("pattern", "number", "step", "returned"),
    [
        ("docker build", 2, "build new", []),
        ("docker push", 3, "push", []),
        ("tags/list", 1, "confirm in the catalog", []),
        ("-T migrate", 1, "migrate", []),
        ("--no-build webhook-api-1", 1, "webhook-api-1", ["webhook-api-1"]),
        ("nginx -t", 2, "webhook-api-2", ["webhook-api-1", "webhook-api-2"]),
        ("--no-build bot", 1, "bot", ["webhook-api-1", "webhook-api-2", "bot"]),
        ("--no-build nginx", 1, "nginx-webhook", ["webhook-api-1", "webhook-api-2", "bot", "nginx-webhook"]),
        ("8443", 1, "verify", ["webhook-api-1", "webhook-api-2", "bot", "nginx-webhook"]),
    ],
)
def test_an_update_that_fails_returns_to_what_ran(
    running: Rig, pattern: str, number: int, step: str, returned: list[str]
) -> None:
    running.fail("manifest inspect")
    running.fail(pattern, number)
    done = running.run("update-webhook-images.sh")
    assert done.returncode == 1
    assert f", {step}. All of it" in done.stderr
    said = [line for line in done.stderr.splitlines() if line.startswith("Returned to running: ")]
    assert [line.removeprefix("Returned to running: ") for line in said] == returned
    assert ("What runs was not touched" in done.stderr) == (not returned)
    ups = [call.split()[-1] for call in running.calls(UP)]
    assert ups[len(ups) - len(returned) :] == returned
    assert running.runs() == "running"


def test_what_returns_is_of_the_tag_that_ran(running: Rig) -> None:
    running.fail("127.0.0.1:8002")
    running.run("update-webhook-images.sh")
    tags = (running.folder / "tags").read_text().split()
    assert tags == [
        "webhook-api-1=new",
        "webhook-api-2=new",
        "webhook-api-1=running",
        "webhook-api-2=running",
    ]


def test_what_cant_be_returned_is_said(running: Rig) -> None:
    running.fail("--no-build webhook-api-2")
    done = running.run("update-webhook-images.sh")
    assert "Returned to running: webhook-api-1" in done.stderr
    assert "NOT returned to running: webhook-api-2" in done.stderr
    assert "rollback.sh running" in done.stderr


def test_an_update_that_is_ended_returns_too(running: Rig) -> None:
    running.end_at("--no-build webhook-api-2")
    done = running.run("update-webhook-images.sh")
    assert done.returncode == 1
    assert "Returned to running: webhook-api-1" in done.stderr


@pytest.mark.parametrize("terminal", [True, False], ids=["terminal", "pipe"])
def test_an_update_that_nobody_watches_any_more_returns_too(running: Rig, terminal: bool) -> None:
    ours, its = os.openpty() if terminal else os.pipe()
    shown = ("setsid", "--ctty") if terminal else ()
    assert running.lose(ours, "--no-build webhook-api-2", "update-webhook-images.sh", *shown, output=its) == 1
    tags = (running.folder / "tags").read_text().split()
    assert tags[2:] == ["webhook-api-1=running", "webhook-api-2=running"]
    (log,) = running.state.glob("*.log")
    assert "Returned to running: webhook-api-2" in log.read_text()


def test_an_instance_has_time_to_begin(running: Rig) -> None:
    for number in (1, 2, 3):
        running.fail("127.0.0.1:8001", number)
    assert running.run("update-webhook-images.sh").returncode == 0
    assert running.calls("sleep") == ["sleep 1"] * 3


def test_an_update_to_what_runs_does_nothing(running: Rig) -> None:
    done = running.run("update-webhook-images.sh", REVISION="running")
    assert done.returncode == 0
    assert "running runs already" in done.stdout
    assert running.calls(" up ", "build", "push") == []


def test_nothing_to_update_is_said(rig: Rig) -> None:
    done = rig.run("update-webhook-images.sh")
    assert done.returncode == 1
    assert "webhook-complete.sh first" in done.stderr


def test_a_rollback_takes_the_previous_images_and_no_migration(running: Rig) -> None:
    done = running.run("rollback.sh")
    assert done.returncode == 0, done.stderr
    assert "From running to older. The database is not downgraded" in done.stdout
    assert told(running) == [*INSTANCES, "up nginx-webhook", "reload", THROUGH]
    assert running.calls("migrate") == []
    assert running.runs() == "older"
    assert running.run("rollback.sh").returncode == 0
    assert running.runs() == "running"


def test_a_rollback_to_a_named_tag_brings_its_images(running: Rig) -> None:
    running.fail("docker image inspect")
    assert running.run("rollback.sh", "oldest").returncode == 0
    names = ("webhook-api", "aisha/bot", "nginx-webhook")
    pulled = [f"docker pull registry.example:5000/team/{name}:oldest" for name in names]
    assert running.calls("docker pull") == pulled
    assert running.runs() == "oldest"


@pytest.mark.parametrize(
    ("pattern", "step"),
    [("docker", "images of older"), ("8002", "webhook-api-2"), ("--no-build bot", "bot"), ("8443", "verify")],
)
def test_a_rollback_that_fails_names_the_step(running: Rig, pattern: str, step: str) -> None:
    if pattern == "docker":
        running.fail("docker image inspect")
        running.fail("docker pull")
    else:
        running.fail(pattern)
    done = running.run("rollback.sh")
    assert done.returncode == 1
    assert f", {step}. All of it" in done.stderr
    assert "Next: " in done.stderr


@pytest.mark.parametrize(
    ("script", "steps"), [("webhook-complete.sh", 11), ("update-webhook-images.sh", 9), ("rollback.sh", 5)]
)
def test_another_host_has_no_bot(running: Rig, script: str, steps: int) -> None:
    done = running.run(script, WITHOUT_BOT="1")
    assert done.returncode == 0, done.stderr
    assert f"[{steps}/{steps}] verify" in done.stdout
    begun = [call.split()[-1] for call in running.calls(UP)]
    assert begun == ["webhook-api-1", "webhook-api-2", "nginx-webhook"]


def test_a_restore_begins_no_bot_on_another_host(running: Rig) -> None:
    done = running.run("restore.sh", str(running.backup()), "--replace", "--dry-run", WITHOUT_BOT="1")
    assert done.returncode == 0, done.stderr
    assert "--no-build webhook-api-2" in done.stdout
    assert "--no-build bot" not in done.stdout


def test_there_may_be_nothing_to_roll_back_to(rig: Rig) -> None:
    rig.deployed("only")
    done = rig.run("rollback.sh")
    assert done.returncode == 1
    assert "name a tag" in done.stderr
