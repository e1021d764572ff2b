"""nginx in front of two instances that only listen: for what nginx does by itself."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from tests.deploy.edge.edge import Edge, running_edge
from tests.deploy.edge.upstream import Manner, Upstream, upstream


@dataclass(frozen=True)
class ServiceCluster:
    edge: Edge
    one: Upstream
    other: Upstream


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster_of_module() -> AsyncIterator[ServiceCluster]:
    async with upstream() as one, upstream() as other, running_edge((one.port, other.port)) as edge:
        yield ServiceCluster(edge, one, other)


@pytest.fixture
def cluster(cluster_of_module: ServiceCluster) -> ServiceCluster:
    """Both answer well, and have heard nothing."""
    for each in (cluster_of_module.one, cluster_of_module.other):
        each.manner = Manner.WELL
        each.heard.clear()
    return cluster_of_module
