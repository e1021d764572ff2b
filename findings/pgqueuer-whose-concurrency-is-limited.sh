#!/usr/bin/env bash
# pgqueuer 1.6.0: an entrypoint's concurrency_limit holds over all workers together, the "global" limit for each alone.
#
# Guess:  `@entrypoint(..., concurrency_limit=1)` is how many jobs of that kind this worker runs at a time, and what
#         dequeue calls `global_concurrency_limit` is the bound of the whole installation.
# Seen:   the other way round. With concurrency_limit 1 a second worker gets nothing while the first has a job, and
#         goes on getting nothing after the first was killed, until that job's heartbeat runs out: a crash takes the
#         slot along. With global_concurrency_limit 1 each of the workers gets one.
# Output: entrypoint's limit of 1: first worker 1, second worker 0, second worker after a heartbeat 1
#         global limit of 1: first worker 1, second worker 1
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pgqueuer==1.6.0

cat >"$folder/limits.py" <<'PY'
import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

from pgqueuer import PgQueuer
from pgqueuer.ports.repository import EntrypointExecutionParameter

HEARTBEAT = timedelta(seconds=2)


async def two_workers(of_the_kind: int, in_all: int | None) -> list[int]:
    """How many jobs the first gets, the second beside it, and the second once the first has been silent."""
    queries = PgQueuer.in_memory().qm.queries
    await queries.enqueue(["photo"] * 3, [b""] * 3, [0] * 3)
    kinds = {"photo": EntrypointExecutionParameter(of_the_kind)}

    async def take(worker: UUID) -> int:
        return len(await queries.dequeue(1, kinds, worker, in_all, HEARTBEAT))

    first, second = uuid4(), uuid4()
    taken = [await take(first), await take(second)]
    await asyncio.sleep(HEARTBEAT.total_seconds() + 0.5)
    return [*taken, await take(second)]


async def main() -> None:
    one, two, later = await two_workers(1, None)
    print(f"entrypoint's limit of 1: first worker {one}, second worker {two}, second worker after a heartbeat {later}")
    one, two, _ = await two_workers(0, 1)
    print(f"global limit of 1: first worker {one}, second worker {two}")


asyncio.run(main())
PY
seen=$(timeout 60 "$folder/venv/bin/python" "$folder/limits.py" 2>/dev/null)
echo "$seen"
diff <(echo "$seen") - <<'EXPECTED'
entrypoint's limit of 1: first worker 1, second worker 0, second worker after a heartbeat 1
global limit of 1: first worker 1, second worker 1
EXPECTED
