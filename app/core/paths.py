"""The webhook service's routes, as the outside knows them."""

STATUS_UPDATE = "/api/v1/avatar/status_update"
OLDER_STATUS_UPDATE = "/api/avatar/status_update"
CALLBACKS = (STATUS_UPDATE, OLDER_STATUS_UPDATE)
TEST_WEBHOOK = "/api/v1/avatar/test_webhook"
WEBHOOK_STATUS = "/api/v1/webhook/status"
METRICS = "/metrics"
HEALTH = "/health"
LIVE = "/live"
