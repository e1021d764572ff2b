"""The benchmarks still run. What they measure is no test's business."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.torture


def test_the_benchmark_from_callback_to_message_runs(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "bench", "telling", "--quick"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert "From callback to sendMessage" in run.stdout
