"""Each constraint of the models refuses what it was written against, by its own name."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.exc import IntegrityError

from app.database.engine import Database
from app.database.models import Base, Consent, FalKeys, ForgottenRequest, RequestState, Upload
from tests.factories import (
    make_avatar,
    make_inbox_event,
    make_notification,
    make_photos,
    make_training,
    make_user,
)

VIOLATIONS = {
    "ck_avatars_type": "UPDATE avatars SET type = 'cartoon'",
    "ck_avatars_gender": "UPDATE avatars SET gender = 'x'",
    "ck_avatars_state": "UPDATE avatars SET state = 'READY'",
    "ck_avatars_name_not_blank": "UPDATE avatars SET name = '  '",
    "ck_avatars_model_url_https": "UPDATE avatars SET model_url = 'http://v3.fal.media/model'",
    "ck_avatars_completed_has_model": "UPDATE avatars SET state = 'COMPLETED'",
    "ck_avatars_portrait_has_a_gender": "UPDATE avatars SET gender = NULL",
    "ck_avatars_portrait_has_no_finetune": "UPDATE avatars SET finetune_id = 'f'",
    "uq_avatar_photos_avatar_id_position": "UPDATE avatar_photos SET position = 1",
    "uq_avatar_photos_avatar_id_sha256": "UPDATE avatar_photos SET sha256 = decode(repeat('00', 32), 'hex')",
    "ck_avatar_photos_position_counts_from_one": "UPDATE avatar_photos SET position = 0",
    "ck_avatar_photos_sha256_is_32_bytes": "UPDATE avatar_photos SET sha256 = 'short'",
    "ck_users_language_is_spoken": "UPDATE users SET language = 'la'",
    "ck_trainings_kind": "UPDATE trainings SET kind = 'rehearsal'",
    "ck_trainings_state": "UPDATE trainings SET state = 'QUEUED' WHERE state = 'REQUESTED'",
    "ck_trainings_final_has_a_time": "UPDATE trainings SET state = 'CANCELLED' WHERE state = 'REQUESTED'",
    "ck_trainings_failed_has_a_reason": "UPDATE trainings SET failure = NULL WHERE state = 'FAILED'",
    "ck_trainings_completed_has_a_model": (
        "UPDATE trainings SET state = 'COMPLETED', failure = NULL WHERE state = 'FAILED'"
    ),
    "ck_trainings_drill_has_no_model": "UPDATE trainings SET kind = 'drill', model_url = 'https://v3.fal.media'",
    "ck_trainings_model_url_https": "UPDATE trainings SET model_url = 'http://v3.fal.media'",
    "ck_trainings_submitted_has_a_request": (
        "UPDATE trainings SET state = 'SUBMITTED' WHERE state = 'REQUESTED'"
    ),
    "ck_trainings_preset": "UPDATE trainings SET preset = 'cheap'",
    "ck_trainings_cancelling_has_a_time": (
        "UPDATE trainings SET state = 'CANCELLING' WHERE state = 'REQUESTED'"
    ),
    "ck_uploads_state": "UPDATE uploads SET state = 'LOST'",
    "ck_uploads_refused_has_a_reason": "UPDATE uploads SET state = 'REFUSED'",
    "ck_uploads_taken_for_an_avatar": "UPDATE uploads SET avatar_id = NULL",
    "uq_consents_avatar_id_version": "UPDATE consents SET version = 1",
    "uq_trainings_request_id": "UPDATE trainings SET request_id = 'same'",
    "uq_trainings_one_open_per_avatar": (
        "UPDATE trainings SET state = 'RUNNING', finished_at = NULL, failure = NULL"
    ),
    "ck_inbox_events_source": "UPDATE inbox_events SET source = 'rumour'",
    "ck_inbox_events_outcome": "UPDATE inbox_events SET outcome = 'lost', handled_at = now()",
    "ck_inbox_events_handled_has_an_outcome": "UPDATE inbox_events SET handled_at = now()",
    "ck_inbox_events_sha256_is_32_bytes": "UPDATE inbox_events SET body_sha256 = 'short'",
    "uq_inbox_events_request_id_body_sha256": "UPDATE inbox_events SET request_id = 'same'",
    "ck_forgotten_requests_digest_is_32_bytes": "UPDATE forgotten_requests SET digest = 'short'",
    "ck_fal_keys_came_over_tls": "UPDATE fal_keys SET url = 'http://rest.fal.ai/keys'",
    "ck_fal_keys_not_empty": "UPDATE fal_keys SET keys = '{}'",
    "ck_notifications_state": "UPDATE notifications SET state = 'LOST'",
    "ck_notifications_sent_has_a_time": "UPDATE notifications SET state = 'SENT'",
    "ck_notifications_held_has_a_reason": "UPDATE notifications SET state = 'HELD'",
    "uq_notifications_training_id_kind": "UPDATE notifications SET kind = 'same'",
}


async def sample_rows(database: Database) -> None:
    """A portrait with two photos, a failed and an open training, two callbacks, messages and consents."""
    async with database.transaction() as session:
        avatar = await make_avatar(session, await make_user(session))
        await make_photos(session, avatar, 2)
        await make_training(session, avatar, RequestState.FAILED)
        training = await make_training(session, avatar)
        consents = [
            Consent(user_id=avatar.user_id, avatar_id=avatar.id, version=version, language="ru")
            for version in (1, 2)
        ]
        session.add_all(consents)
        session.add(Upload(user_id=avatar.user_id, avatar_id=avatar.id, message_id=1))
        for kind in ("training_started", "training_completed"):
            await make_notification(session, training, kind)
            await make_inbox_event(session)
        session.add(ForgottenRequest(digest=bytes(32)))
        session.add(FalKeys(url="https://rest.fal.ai/keys", keys=[bytes(32)], fetched_at=datetime.now(UTC)))


@pytest.mark.parametrize("name", VIOLATIONS)
async def test_a_violation_is_refused_by_name(database: Database, name: str) -> None:
    await sample_rows(database)
    with pytest.raises(IntegrityError, match=f'"{name}"'):
        async with database.transaction() as session:
            await session.execute(text(VIOLATIONS[name]))


def test_no_constraint_is_left_out() -> None:
    """Every CHECK, unique constraint and unique index of the models is violated once above."""
    rules = {
        str(rule.name)
        for table in Base.metadata.tables.values()
        for rule in (*table.constraints, *table.indexes)
        if isinstance(rule, CheckConstraint | UniqueConstraint) or (isinstance(rule, Index) and rule.unique)
    }
    assert rules == set(VIOLATIONS)
