"""Programs of Debian's that some checks need; without one its checks are skipped by name."""

import shutil

import pytest


def needs(program: str, package: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(
        shutil.which(program) is None, reason=f"{program} isn't installed: apt-get install {package}"
    )
