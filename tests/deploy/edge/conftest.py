"""nginx in front of two instances that only listen: for what nginx does by itself."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from tests.deploy.edge.edge import Edge, running_edge
from tests.deploy.edge.upstream import Manner, Upstream, upstream


@dataclass(frozen=True)
class Street:
    edge: Edge
    one: Upstream
    other: Upstream


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def street_of_module() -> AsyncIterator[Street]:
    async with upstream() as one, upstream() as other, running_edge((one.port, other.port)) as edge:
        yield Street(edge, one, other)


@pytest.fixture
def street(street_of_module: Street) -> Street:
    """Both answer well, and have heard nothing."""
    for each in (street_of_module.one, street_of_module.other):
        each.manner = Manner.WELL
        each.heard.clear()
    return street_of_module
