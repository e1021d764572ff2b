"""What the processes count, for Prometheus."""

from prometheus_client import Counter, Histogram

DELIVERIES = Counter("aisha_webhook_deliveries", "Callbacks by what they were answered", ["answer"])
ACCEPT_SECONDS = Histogram("aisha_webhook_accept_seconds", "From a callback's first byte to its answer")
HANDLED = Counter("aisha_webhook_handled", "Callbacks by what was decided about them", ["outcome"])
NOTIFICATIONS = Counter("aisha_notifications", "Attempts to tell a person, by how they ended", ["result"])
