"""What an operator sees: a table, JSON, an exit code; never a secret, and no doctor that hangs or refuses."""

import asyncio
import importlib
import json
import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from app.core.settings import LogSettings
from app.doctor import command, report
from app.doctor.result import Check, CheckResult, ReportedResult, Status, failure, ok, run_checks, warning
from app.doctor.selection import all_checks, end_to_end_checks
from tests.deploy.doctor_harness import context_with
from tests.unit.settings import put

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "TROUBLESHOOTING.md"
NOBODY = "127.0.0.1:1"
SECRETS = {
    "TELEGRAM_TOKEN": "4242:telegram-word",
    "FAL_API_KEY": "fal-id:fal-word",
    "FAL_WEBHOOK_SECRET": "webhook-word",
    "ADMIN_TOKEN": "admin-word",
    "DATABASE_URL": f"postgresql+asyncpg://aisha:database-word@{NOBODY}/aisha",
    "REDIS_URL": f"redis://:redis-word@{NOBODY}/0",
    "MINIO_ACCESS_KEY": "access-word",
    "MINIO_SECRET_KEY": "storage-word",
}
DOWN = {
    "ENVIRONMENT": "production",
    "FAL_WEBHOOK_URL": f"https://{NOBODY}/api/v1/avatar/status_update",
    "FAL_JWKS_URL": f"http://{NOBODY}/jwks.json",
    "TELEGRAM_API_URL": f"http://{NOBODY}",
    "MINIO_ENDPOINT": NOBODY,
    "HTTPS_PROXY": f"http://{NOBODY}",
}
WITHOUT = """
import sys
for name in ("aiogram", "aiohttp", "PIL", "pillow_heif", "numpy", "minio", "redis"):
    sys.modules[name] = None
import runpy
sys.argv = ["doctor", "--end-to-end", "--json"]
runpy.run_module("scripts.doctor", run_name="__main__")
"""


def run(folder: Path, program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_in_the_webhooks_image_with_half_the_world_down(tmp_path: Path) -> None:
    """Each part that is away is named, those that need what isn't installed are skipped by name."""
    done = run(tmp_path, WITHOUT, **SECRETS, **DOWN, ADMIN_CHAT_ID="1")
    assert (done.returncode, done.stderr) == (report.EXIT_FAILED, "")
    told = json.loads(done.stdout)
    found = {each["check"]: each for each in told["findings"]}
    failed = {name for name, each in found.items() if each["verdict"] == "failure"}
    assert told["exit_code"] == report.EXIT_FAILED
    assert failed == {"fal-key", "fal-signing-keys", "webhook-port", "database", "telegram-token"}
    for name in ("bucket", "redis"):
        assert (found[name]["verdict"], "isn't installed here" in found[name]["what"]) == ("skipped", True)
    assert [
        word for word in re.findall(r"[a-z]+-word", " ".join(SECRETS.values())) if word in done.stdout
    ] == []
    assert not list(tmp_path.iterdir())


async def test_settings_that_can_not_be_read_are_one_finding_of_many(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nor is a secret shown that somebody put where none belongs."""
    path = f"https://{NOBODY}/{SECRETS['FAL_WEBHOOK_SECRET']}"
    bad = {
        "FAL_WEBHOOK_URL": path,
        "API_PORT": "many",
        "FAL_API_KEY": "CHANGE_ME",
        "LOG_DIR": str(tmp_path / "logs"),
    }
    put(monkeypatch, {**SECRETS, **DOWN, **bad})
    logs: list[LogSettings] = []
    monkeypatch.setattr(command, "configure", lambda settings, *_: logs.append(settings))
    told, code = await command.report_of(all_checks, as_json=False)
    assert code == report.EXIT_SETTINGS
    assert "✗ settings " in told
    assert "API_PORT input should be a valid integer" in told
    assert "FAL_API_KEY is still a placeholder" in told
    assert "! webhook-address       Its path is /[hidden], " in told
    assert "✗ webhook-port " in told
    assert "- fal-key               It needs FAL_API_KEY: see settings" in told
    assert ("-word" in told, logs[0].dir) == (False, None)


@pytest.mark.parametrize(
    ("script", "parts"),
    [
        ("doctor", {"settings", "database", "webhook-answer", "bucket"}),
        ("check_webhook_config", {"settings", "fal-account", "webhook-installation"}),
        ("check_training_settings", {"test-mode", "training-settings", "smoke"}),
        ("check_local_webhook", {"instances"}),
        ("check_training_requests", {"trainings-open", "training-callbacks"}),
        ("check_webhook_url", {"webhook-name", "webhook-port", "webhook-certificate"}),
    ],
)
async def test_the_older_commands_are_parts_of_it(
    monkeypatch: pytest.MonkeyPatch, script: str, parts: set[str]
) -> None:
    asked: list[tuple[command.Choose, bool]] = []
    monkeypatch.setattr(command, "run", lambda choose, *, as_json: asked.append((choose, as_json)))
    monkeypatch.setattr(sys, "argv", [script, "--json"])
    importlib.import_module(f"scripts.{script}").main()
    [(choose, as_json)] = asked
    async with context_with(monkeypatch) as context:
        chosen = {check.name for check in choose(context)}
        assert chosen <= {check.name for check in all_checks(context)}
    assert (as_json, parts <= chosen) == (True, True)


async def test_a_check_that_hangs_or_breaks_holds_no_other_up() -> None:
    async def hang() -> CheckResult:
        await asyncio.Event().wait()
        raise AssertionError

    async def broken() -> CheckResult:
        raise RuntimeError("with a secret in it")

    async def fine() -> CheckResult:
        return ok("Fine")

    checks = [
        Check("hangs", hang, "Wait less", timeout_seconds=0.05),
        Check("breaks", broken, "Fix it"),
        Check("fine", fine, ""),
        Check("behind", fine, "", after="hangs"),
    ]
    found = await run_checks(checks)
    assert found == [
        ReportedResult("hangs", Status.FAILURE, "No answer within 0.05 s", "Wait less"),
        ReportedResult("breaks", Status.FAILURE, "The check itself broke: RuntimeError", "Fix it"),
        ReportedResult("fine", Status.OK, "Fine", ""),
        ReportedResult("behind", Status.SKIPPED, "Comes after hangs", ""),
    ]


async def _findings(*found: CheckResult) -> list[ReportedResult]:
    async def look(each: CheckResult) -> CheckResult:
        return each

    checks = [Check(f"check-{number}", partial(look, each), "Help") for number, each in enumerate(found)]
    return await run_checks(checks)


async def test_the_table_is_aligned_and_remedies_stand_below() -> None:
    found = await _findings(ok("Fine"), warning("Odd\nline"), failure("Bad", "Do this"))
    assert report.table(found).splitlines() == [
        "✓ check-0  Fine",
        "! check-1  Odd",
        "           line",
        "           → Help",
        "✗ check-2  Bad",
        "           → Do this",
        "",
        "3 checks: 1 ok, 1 warning, 1 failure",
    ]


@pytest.mark.parametrize(
    ("found", "read", "code"),
    [((ok(""), warning("")), True, 0), ((ok(""), failure("")), True, 1), ((failure(""),), False, 2)],
)
async def test_exit_codes(found: tuple[CheckResult, ...], read: bool, code: int) -> None:
    assert report.exit_code(await _findings(*found), settings_read=read) == code


async def test_every_check_has_its_place_in_the_document(monkeypatch: pytest.MonkeyPatch) -> None:
    symptom_check_finding_remedy = r"^\|[^|]*\| `([a-z-]+)` \|[^|]+\|[^|]+\|$"
    document = DOCUMENT.read_text(encoding="utf-8")
    described = re.findall(symptom_check_finding_remedy, document, re.MULTILINE)
    async with context_with(monkeypatch) as context:
        names = [check.name for check in end_to_end_checks(context)]
        assert {check.name for check in all_checks(context)} < set(names)
    assert len(names) == len(set(names))
    assert sorted(set(described)) == sorted(names)
