"""Putting jobs into the queue and looking at it, on the caller's connection and in its transaction.

PgQueuer's statements go through SQLAlchemy, which opens the transaction before its first one. On the bare
asyncpg connection underneath, that BEGIN may not have been sent yet, and the job would outlive a rollback.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from app.jobs.job import JobKind
from app.jobs.pgqueuer_adapter import ENQUEUE, REQUEUE

Payload = Mapping[str, str | int | Sequence[int] | None]

PAYLOAD_VERSION = 1
_ENQUEUE_FOR_ROWS = """
job AS (
    INSERT INTO jobs.pgqueuer (priority, entrypoint, payload, status)
    SELECT {priority}, '{kind}',
        convert_to(jsonb_build_object('{name}', jsonb_agg(id ORDER BY id), 'v', {v})::text, 'UTF8'), 'queued'
    FROM {rows} HAVING count(*) > 0
    RETURNING id
), job_log AS (
    INSERT INTO jobs.pgqueuer_log (job_id, status, entrypoint, priority)
    SELECT id, 'queued', '{kind}', {priority} FROM job
)
"""
_DEPTH = """
SELECT entrypoint AS kind,
       count(*) FILTER (WHERE status = 'queued') AS waiting,
       count(*) FILTER (WHERE status = 'picked') AS running,
       count(*) FILTER (WHERE status = 'failed') AS held,
       coalesce(
           now() - min(execute_after) FILTER (WHERE status = 'queued' AND execute_after <= now()), '0'
       ) AS lag
FROM jobs.pgqueuer GROUP BY entrypoint
"""
_QUEUED = """
SELECT dedupe_key FROM jobs.pgqueuer
WHERE dedupe_key = ANY($1::text[]) AND status IN ('queued', 'picked') AND dedupe_key IS NOT NULL
"""
_DEAD_LETTERS = """
SELECT id, entrypoint AS kind, payload, updated AS since,
       (SELECT traceback ->> 'exception_type' FROM jobs.pgqueuer_log
        WHERE job_id = job.id AND status = 'failed' ORDER BY created DESC LIMIT 1) AS reason
FROM jobs.pgqueuer AS job WHERE status = 'failed' ORDER BY id LIMIT $1
"""
_DELETE_DEAD_LETTERS = """
DELETE FROM jobs.pgqueuer
WHERE status = 'failed' AND convert_from(payload, 'UTF8')::jsonb ->> $1 = ANY($2::text[])
"""
_RESET_ATTEMPTS = """
UPDATE jobs.pgqueuer SET headers = NULL, dedupe_key = NULL WHERE id = ANY($1::bigint[]) AND status = 'failed'
"""


@dataclass(frozen=True, slots=True)
class Depth:
    """The jobs of one kind; `lag` is how long the oldest that could start has been waiting."""

    waiting: int
    running: int
    held: int
    lag: timedelta


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """`reason` is the class name of the last exception, or `WorkerLost` if the job ended its workers."""

    id: int
    kind: str
    payload: Mapping[str, Any]
    since: datetime
    reason: str | None


async def enqueue(
    connection: AsyncConnection,
    kind: str,
    payloads: Sequence[Payload],
    *,
    run_after: timedelta = timedelta(0),
    dedupe_key: str | None = None,
) -> None:
    """Add a job for each payload in one statement; they exist, and workers hear of them, with the commit.

    A payload holds ids, which the handler reads the state by; its version is added as `v`. The kind has the
    priority.

    `dedupe_key` (for a single payload) skips the job quietly while one of this kind and key is waiting *or
    running*. A running one may have read the state already, and a job that enqueues its own key gets
    nothing: use it only where a schedule that scans due rows comes by later.
    """
    if not payloads:
        return
    if dedupe_key is not None and len(payloads) > 1:
        raise ValueError("a dedupe_key belongs to one job")
    count = len(payloads)
    bodies = [
        json.dumps({**payload, "v": PAYLOAD_VERSION}, ensure_ascii=False).encode() for payload in payloads
    ]
    key = dedupe_key and _key(kind, dedupe_key)
    priority = kind.priority if isinstance(kind, JobKind) else 0
    columns = (
        [priority] * count,
        [str(kind)] * count,
        bodies,
        [run_after] * count,
        [key] * count,
        [None] * count,
    )
    await connection.exec_driver_sql(ENQUEUE, columns)


def _key(kind: str, dedupe_key: str) -> str:
    return f"{kind}:{dedupe_key}"


def enqueue_for_rows(kind: JobKind, name: str, rows: str) -> str:
    """CTEs that add one job for the rows that another CTE, `rows`, made; none where it made none.

    Its payload holds their ids as `name`. One statement that makes rows and job needs no transaction around
    it: a third of the work of `enqueue` after an INSERT, where that counts.
    """
    return _ENQUEUE_FOR_ROWS.format(
        kind=kind, name=name, rows=rows, v=PAYLOAD_VERSION, priority=kind.priority
    )


async def depth(connection: AsyncConnection) -> dict[str, Depth]:
    """What is in the queue now, by kind; a kind with no jobs is absent."""
    rows = await connection.exec_driver_sql(_DEPTH)
    return {row.kind: Depth(row.waiting, row.running, row.held, row.lag) for row in rows}


async def queued(connection: AsyncConnection, kind: str, dedupe_keys: Sequence[str]) -> set[str]:
    """Those of the keys under which a job of this kind waits, or is running."""
    keys = {_key(kind, key): key for key in dedupe_keys}
    found = await connection.exec_driver_sql(_QUEUED, (list(keys),))
    return {keys[row.dedupe_key] for row in found}


async def dead_letters(connection: AsyncConnection, limit: int = 100) -> list[DeadLetter]:
    """Jobs that wait for an operator, oldest first."""
    rows = await connection.exec_driver_sql(_DEAD_LETTERS, (limit,))
    return [DeadLetter(row.id, row.kind, json.loads(row.payload), row.since, row.reason) for row in rows]


async def release(connection: AsyncConnection, job_ids: Sequence[int]) -> None:
    """Let held jobs run again with all their starts; ids that are not held are passed over.

    Workers find them when they next look (`dequeue_timeout`). Their dedupe keys are dropped, since another
    job may bear them by now.
    """
    await connection.exec_driver_sql(_RESET_ATTEMPTS, (list(job_ids),))
    await connection.exec_driver_sql(REQUEUE, (list(job_ids),))


async def delete_dead_letters(connection: AsyncConnection, name: str, values: Sequence[str]) -> None:
    """Delete the held jobs whose payload has one of these values: what they were about is gone."""
    await connection.exec_driver_sql(_DELETE_DEAD_LETTERS, (name, list(values)))
