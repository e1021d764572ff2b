"""What the outside relies on keeps its name: commands, routes, settings, metrics, log lines, tables."""

import re
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

import app.telegram.metrics  # noqa: F401 - the bot's metrics are among them
from app.core import paths
from app.core.logging import MESSAGES
from app.core.settings import FalSettings
from app.database.models import Base
from devtools.settings_docs import sections

ROOT = Path(__file__).parents[2]
TARGETS = "run test torture bench photos"
SCRIPTS = """
    check_local_webhook check_training_requests check_training_settings check_webhook_config
    check_webhook_url doctor inbox jobs migrate objects outbox photos_table pseudonym
    restore_training_config simulate_webhook smoke
"""
DEPLOY_SCRIPTS = """
    backup install-systemd restart_api_service restore rollback update-webhook-images webhook-complete
"""
ROUTES = """
    /api/v1/avatar/status_update /api/avatar/status_update /api/v1/avatar/test_webhook /health /live
    /api/v1/webhook/status /metrics
"""
SETTINGS = """
    ENVIRONMENT DATA_DIR DATABASE_URL REDIS_URL MINIO_ENDPOINT MINIO_ACCESS_KEY MINIO_SECRET_KEY
    MINIO_BUCKET MINIO_SECURE TELEGRAM_TOKEN TELEGRAM_API_URL TELEGRAM_RATE TELEGRAM_CHAT_RATE
    TELEGRAM_WEBHOOK_URL TELEGRAM_WEBHOOK_SECRET BOT_HOST BOT_PORT BOT_METRICS_PORT FAL_API_KEY
    FAL_WEBHOOK_URL FAL_WEBHOOK_SECRET FAL_WEBHOOK_USER_ID FAL_WEBHOOK_VERIFY FAL_JWKS_URL
    FAL_TRAINING_PRESET FAL_PORTRAIT_STEPS FAL_STYLE_STEPS FAL_PRO_ITERATIONS FAL_STYLE_TRAINER
    FAL_ALLOW_DEPRECATED AVATAR_TEST_MODE AVATAR_MIN_PHOTOS AVATAR_MAX_PHOTOS RECONCILE_AFTER
    RECONCILE_INTERVAL API_HOST API_PORT API_WORKER SSL_CERTFILE SSL_KEYFILE ALLOWED_HOSTS CORS_ORIGINS
    ALLOWED_IPS TRUSTED_PROXIES ADMIN_TOKEN ADMIN_CHAT_ID LOG_LEVEL LOG_FORMAT LOG_DIR
"""
METRICS = """
    aisha_bot_chats aisha_bot_loop_lag_seconds aisha_bot_updates aisha_bot_updates_waiting
    aisha_database_up aisha_http_refused aisha_jobs aisha_jobs_lag_seconds aisha_jwks_age_seconds
    aisha_log_lines_lost aisha_notification_delivery_seconds aisha_notifications
    aisha_notifications_ambiguous aisha_notifications_unsent aisha_reconciler_answers aisha_sender_halted
    aisha_trainings_oldest_waiting_seconds aisha_trainings_waiting aisha_webhook_accept_seconds
    aisha_webhook_certificate_expiry_timestamp_seconds aisha_webhook_certificate_misses
    aisha_webhook_deliveries aisha_webhook_handled aisha_webhook_handling_seconds
    aisha_webhook_last_callback_seconds aisha_webhook_oldest_pending_seconds aisha_webhook_pending
    aisha_webhook_timestamp_skew_seconds aisha_worker_silent_seconds
"""
LINES = {
    "webhook.received": "[WEBHOOK] Получен webhook от FAL AI",
    "webhook.status": "[WEBHOOK] Обработка статуса '",
    "webhook.handling": "[WEBHOOK BACKGROUND] Начинаем обработку ",
    "webhook.handled": "[WEBHOOK BACKGROUND] Webhook обработан успешно",
    "webhook.done": "[WEBHOOK BACKGROUND] Обработка завершена для ",
    "webhook.unknown_status": "Неизвестный статус: ",
    "training.completed": "[TRAINING COMPLETED] ",
    "training.starting": "Запуск обучения ",
    "training.submitted": "[FAL] training submitted ",
    "notification.sent": "[NOTIFICATION] Уведомление отправлено пользователю ",
}
TABLES = """
    avatar_photos avatars bot_states bot_update_ids bot_updates consents fal_keys forgotten_requests
    inbox_events known_errors notifications refused_tokens sending_limits smokes status_messages trainings
    uploads users
"""


@pytest.mark.parametrize("target", TARGETS.split())
def test_make_has_its_targets(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize(
    "path",
    [*(f"{name}.py" for name in SCRIPTS.split()), *(f"deploy/{name}.sh" for name in DEPLOY_SCRIPTS.split())],
)
def test_scripts_are_where_they_were(path: str) -> None:
    assert (ROOT / "scripts" / path).is_file()


def test_routes_keep_their_paths() -> None:
    known = {value for name, value in vars(paths).items() if name.isupper() and isinstance(value, str)}
    assert known == set(ROUTES.split())


def test_settings_keep_their_variables() -> None:
    known = {variable.name for _, variables in sections() for variable in variables}
    assert set(SETTINGS.split()) <= known


def test_fals_key_is_read_by_its_older_name_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FAL_API_KEY", raising=False)
    monkeypatch.setenv("FAL_KEY", "by the older name")
    assert FalSettings().api_key.get_secret_value() == "by the older name"


def test_metrics_keep_their_names() -> None:
    known = {family.name for family in REGISTRY.collect()}
    assert set(METRICS.split()) <= known


@pytest.mark.parametrize("event", LINES)
def test_operators_find_the_lines_they_grep_for(event: str) -> None:
    assert MESSAGES[event].startswith(LINES[event])


def test_tables_keep_their_names() -> None:
    assert set(TABLES.split()) <= set(Base.metadata.tables)
