"""Programs that checks need and a machine may lack: what can't be checked is named in the output."""

import shutil

import pytest


def needs(program: str, package: str) -> pytest.MarkDecorator:
    """Skip where the program isn't there, by name."""
    return pytest.mark.skipif(
        shutil.which(program) is None, reason=f"{program} isn't installed: apt-get install {package}"
    )
