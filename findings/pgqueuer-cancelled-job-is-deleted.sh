#!/usr/bin/env bash
# pgqueuer 1.6.0: a job whose worker is cancelled under it is deleted, whatever its on_failure says.
#
# Guess:  a worker that ends (Ctrl-C under asyncio.run, a supervisor's cancel) leaves its job in the queue; with
#         on_failure="hold" at the latest it is kept for somebody to look at.
# Seen:   CancelledError in the handler is logged as `canceled`, and logging a job takes it out of the queue:
#         the work is gone, and nothing runs it again. Only a worker that dies without a word leaves its jobs.
# Output: picked: [('picked', 1)]
#         left: []
#         log: ['queued', 'picked', 'canceled']
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pgqueuer==1.6.0

cat >"$folder/cancel.py" <<'PY'
import asyncio
from datetime import timedelta

from pgqueuer import PgQueuer


async def main() -> None:
    queue = PgQueuer.in_memory()
    started = asyncio.Event()

    @queue.entrypoint("paid", on_failure="hold")
    async def paid(_job: object) -> None:
        started.set()
        await asyncio.sleep(60)

    queries = queue.qm.queries
    await queries.enqueue("paid", b"work")
    worker = asyncio.create_task(queue.qm.run(dequeue_timeout=timedelta(seconds=0.2)))
    await started.wait()
    print("picked:", [(each.status, each.count) for each in await queries.queue_size()])
    others = asyncio.all_tasks() - {asyncio.current_task()}  # as asyncio.run does when it ends
    for task in others:
        task.cancel()
    await asyncio.wait({worker}, timeout=10)
    print("left:", [(each.status, each.count) for each in await queries.queue_size()])
    print("log:", [each.status for each in await queries.queue_log()])


asyncio.run(main())
PY
seen=$(timeout 60 "$folder/venv/bin/python" "$folder/cancel.py" 2>/dev/null)
echo "$seen"
diff <(echo "$seen") - <<'EXPECTED'
picked: [('picked', 1)]
left: []
log: ['queued', 'picked', 'canceled']
EXPECTED
