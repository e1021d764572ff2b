"""Programs that checks need and a machine may lack.

Without one its tests are skipped, and the run ends with one line that says how to get it. With `CI=true`
nothing may be skipped: then they fail. A plugin of pytest, loaded by conftest.py.
"""

import os
import shutil

import pytest

IN_CI = os.environ.get("CI") == "true"
_MISSING = "isn't installed: apt-get install"


def needs(program: str, package: str) -> pytest.MarkDecorator:
    """A mark for tests that start this program, which a package of Debian's brings."""
    return pytest.mark.needs(program, package)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(program, package): skipped where the program is missing")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("needs"):
        program, package = mark.args
        if shutil.which(program) is None:
            pytest.skip(f"{program} {_MISSING} {package}")


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    if skipped:
        terminalreporter.write_line(_summary([str(report.longrepr) for report in skipped]), yellow=True)


def _summary(reasons: list[str]) -> str:
    packages = sorted(
        {reason.partition(_MISSING)[2].strip(" ')\"") for reason in reasons if _MISSING in reason}
    )
    remedy = f"; for all of them: apt-get install {' '.join(packages)}" if packages else ""
    return f"{len(reasons)} tests were skipped{remedy}"


def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if IN_CI and reporter is not None and reporter.stats.get("skipped") and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
