#!/usr/bin/env bash
# dishka 1.10.1: asked for twice at the same time, one request's container makes its session twice.
#
# Guess:  within a REQUEST scope each dependency is made once, whoever asks: `gather` of two services that share a
#         session gives them the same one, and one transaction.
# Seen:   true of the APP scope alone, whose container comes with a lock by itself. A child from `container()` has none
#         unless it is told, so what is awaited while it is made is made again by the next who asks: two sessions, and
#         two transactions in one request. `container(lock_factory=asyncio.Lock)` gives one.
# Output: APP scope: 1
#         REQUEST scope, one after the other: 1
#         REQUEST scope, together: 2
#         REQUEST scope, together, lock_factory=asyncio.Lock: 1
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check dishka==1.10.1

cat >"$folder/sessions.py" <<'PY'
import asyncio
from collections.abc import AsyncIterator

from dishka import AsyncContainer, Provider, Scope, make_async_container, provide


class Pool:
    pass


class Session:
    pass


class Connections(Provider):
    @provide(scope=Scope.APP)
    async def pool(self) -> Pool:
        await asyncio.sleep(0.05)
        return Pool()

    @provide(scope=Scope.REQUEST)
    async def session(self) -> AsyncIterator[Session]:
        await asyncio.sleep(0.05)  # a connection from the pool
        yield Session()


async def together(container: AsyncContainer, kind: type) -> int:
    return len(set(await asyncio.gather(container.get(kind), container.get(kind))))


async def main() -> None:
    container = make_async_container(Connections())
    print("APP scope:", await together(container, Pool))
    async with container() as request:
        print("REQUEST scope, one after the other:", len({await request.get(Session), await request.get(Session)}))
    async with container() as request:
        print("REQUEST scope, together:", await together(request, Session))
    async with container(lock_factory=asyncio.Lock) as request:
        print("REQUEST scope, together, lock_factory=asyncio.Lock:", await together(request, Session))


asyncio.run(main())
PY
seen=$(timeout 60 "$folder/venv/bin/python" "$folder/sessions.py")
echo "$seen"
diff <(echo "$seen") - <<'EXPECTED'
APP scope: 1
REQUEST scope, one after the other: 1
REQUEST scope, together: 2
REQUEST scope, together, lock_factory=asyncio.Lock: 1
EXPECTED
