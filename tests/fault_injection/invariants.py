"""What holds after every fault, by SQL and by the emulator's log."""

from collections.abc import Collection

from sqlalchemy import text

from tests.fault_injection.rig import Rig

LEASE = 120.0  # seconds in which everything that was begun comes to its end, dead workers' jobs included

_PENDING = """
SELECT concat_ws(', ',
    (SELECT nullif(count(*), 0) || ' callbacks not handled' FROM inbox_events WHERE handled_at IS NULL),
    (SELECT nullif(count(*), 0) || ' jobs' FROM jobs.pgqueuer),
    (SELECT nullif(count(*), 0) || ' messages' FROM notifications
     WHERE state NOT IN ('SENT', 'HELD') OR state = 'HELD' AND due_at IS NOT NULL))
"""
# Minutes and hours that a message is held for, because Telegram gave no answer, pass at once.
_SETTLED = f"""
WITH hastened AS (
    UPDATE notifications SET due_at = now() WHERE state = 'HELD' AND due_at > now() RETURNING id
)
SELECT NOT EXISTS (SELECT FROM hastened) AND ({_PENDING}) = ''
"""  # noqa: S608 - made of constants
_KEPT = "SELECT request_id, encode(body_sha256, 'hex') FROM inbox_events"
_TRANSITIONS = """
SELECT trainings.request_id, trainings.state, avatars.state, coalesce(ends, 0), coalesce(afterwards, 0)
FROM trainings JOIN avatars ON avatars.id = avatar_id LEFT JOIN (
    SELECT training_id, count(*) FILTER (WHERE became IN ('COMPLETED', 'FAILED', 'CANCELLED')) AS ends,
        count(*) FILTER (WHERE was IN ('COMPLETED', 'FAILED', 'CANCELLED')) AS afterwards
    FROM audit.transitions GROUP BY training_id
) AS seen ON seen.training_id = trainings.id
"""
_TOLD = """
SELECT avatars.name, notifications.state, held_reason
FROM trainings JOIN avatars ON avatars.id = avatar_id
LEFT JOIN notifications ON notifications.training_id = trainings.id
WHERE trainings.state IN ('COMPLETED', 'FAILED')
"""
_ENDS = {"COMPLETED": "COMPLETED", "FAILED": "DRAFT"}


async def check(rig: Rig, *, duplicates_at_most: int = 0, held: bool = False) -> int:
    """Assert A to E; the number of duplicate messages.

    Every training is taken to have come to an end. Messages may be held with a reason only where the case is
    about that.
    """
    await nothing_stays_pending(rig)
    await _every_acknowledged_callback_has_its_row(rig)
    await _one_transition_each(rig)
    told = await rig.messages()
    await _everybody_is_told(rig, told, held)
    duplicates = sum(told.values()) - len(told)
    assert duplicates <= duplicates_at_most, f"(E) {duplicates} messages twice, {duplicates_at_most} allowed"
    assert rig.deaths == [], f"died unasked: {rig.deaths}"
    return duplicates


async def nothing_stays_pending(rig: Rig) -> None:
    """(D)"""
    try:
        await rig.until(_SETTLED, LEASE)
    except TimeoutError:
        raise AssertionError(f"(D) pending beyond the lease: {await rig.scalar(_PENDING)}") from None


async def _every_acknowledged_callback_has_its_row(rig: Rig) -> None:
    """(A); that it is one row, the constraint on request id and hash holds."""
    async with rig.database.transaction() as session:
        kept = {(row[0], row[1]) for row in await session.execute(text(_KEPT))}
    assert rig.acknowledged <= kept, f"(A) acknowledged and lost: {len(rig.acknowledged - kept)}"


async def _one_transition_each(rig: Rig) -> None:
    """(B), as Postgres itself saw it."""
    async with rig.database.transaction() as session:
        for request_id, state, avatar, ends, afterwards in await session.execute(text(_TRANSITIONS)):
            assert ends == 1, f"(B) {request_id} came to an end {ends} times"
            assert afterwards == 0, f"(B) {request_id} changed after its end"
            assert avatar == _ENDS.get(state), f"(B) {request_id} is {state}, its avatar {avatar}"


async def _everybody_is_told(rig: Rig, told: Collection[str], held: bool) -> None:
    """(C)"""
    async with rig.database.transaction() as session:
        for name, state, reason in await session.execute(text(_TOLD)):
            if state == "HELD":
                assert held, f"(C) {name} is held: {reason}"
                assert reason, f"(C) {name} is held for no reason"
            else:
                assert state == "SENT", f"(C) {name} has no message: {state}"
                assert name in told, f"(C) {name} is noted as told, and Telegram never heard of it"
