"""How often a fault happens: a few times in `make test`, in full with `--full`; when, a printed seed says."""

import random
import secrets
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.conftest import passable_folder
from tests.fault_injection.rig import Rig, running_rig
from tests.fault_injection.service_under_test import ServiceCluster, ServiceUnderTest, running_street


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The rig's processes are watched by one event loop, in which its tests run too."""
    for item in items:
        if "shared_rig" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture
def full(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--full"))


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> random.Random:
    seed = request.config.getoption("--seed") or secrets.randbelow(2**32)
    print(f"{request.node.name}: --seed {seed}")
    return random.Random(seed)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster(postgres: str, template: str) -> AsyncIterator[ServiceCluster]:
    async with running_street(postgres, template) as cluster:
        yield cluster


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(cluster: ServiceCluster) -> AsyncIterator[ServiceUnderTest]:
    async with cluster.service() as service:
        yield service


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_rig() -> AsyncIterator[Rig]:
    with passable_folder() as folder:
        async with running_rig(folder) as rig:
            yield rig


@pytest_asyncio.fixture(loop_scope="session")
async def rig(shared_rig: Rig) -> Rig:
    return await shared_rig.fresh()
