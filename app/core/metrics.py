"""What the processes count, for Prometheus."""

import math

from prometheus_client import Counter, Gauge, Histogram

_SECONDS_TO_HOURS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200)
_BOTH_WAYS = (-300, -60, -10, -2, 2, 10, 60, 300, 900, 3600, 7200)

DELIVERIES = Counter("aisha_webhook_deliveries", "Callbacks by what they were answered", ["answer"])
ACCEPT_SECONDS = Histogram("aisha_webhook_accept_seconds", "Keeping a callback, once it is verified")
REFUSED = Counter("aisha_http_refused", "Requests that no route answered, by reason", ["reason"])
HANDLED = Counter("aisha_webhook_handled", "Callbacks by what was decided about them", ["outcome"])
HANDLING_SECONDS = Histogram(
    "aisha_webhook_handling_seconds",
    "From a callback's first copy to its being handled",
    buckets=_SECONDS_TO_HOURS,
)
TIMESTAMP_SKEW = Histogram(
    "aisha_webhook_timestamp_skew_seconds",
    "How long ago, by our clock, FAL signed what it delivers; below zero: in our future",
    buckets=_BOTH_WAYS,
)
NOTIFICATIONS = Counter("aisha_notifications", "Attempts to tell a person, by how they ended", ["result"])
AMBIGUOUS_ATTEMPTS = Counter(
    "aisha_notifications_ambiguous", "Attempts that nobody confirmed; the message may be there twice"
)
DELIVERY_SECONDS = Histogram(
    "aisha_notification_delivery_seconds",
    "From the moment there was something to tell to Telegram's confirmation",
    buckets=_SECONDS_TO_HOURS,
)
CERTIFICATE_EXPIRY = Gauge(
    "aisha_webhook_certificate_expiry_timestamp_seconds",
    "When the certificate at FAL_WEBHOOK_URL ends, as Unix time; 0: FAL wouldn't trust it; NaN: not seen yet",
)
CERTIFICATE_EXPIRY.set(math.nan)
CERTIFICATE_MISSES = Gauge(
    "aisha_webhook_certificate_misses", "How many looks at it in a row found nobody at FAL_WEBHOOK_URL"
)
RECONCILED = Counter("aisha_reconciler_answers", "Questions about trainings by what FAL answered", ["answer"])
_ANSWERS = ("waiting", "running", "finished", "failed", "not-found", "none")
_UNCLEAR = ("not-listed", "no-model", "unreadable", "history-refused")
for _answer in (*_ANSWERS, *_UNCLEAR):
    RECONCILED.labels(answer=_answer)
WORKER_SILENT = Gauge(
    "aisha_worker_silent_seconds",
    "Since this process's worker last heard itself through Postgres; NaN where none was started",
)
WORKER_SILENT.set(math.nan)

LOG_LINES_LOST = Counter(
    "aisha_log_lines_lost", "Log lines that couldn't be written, by where they should have gone", ["place"]
)
for _place in ("stderr", "file", "rendering"):
    LOG_LINES_LOST.labels(place=_place)

# Set when they are read: app/operations/metrics.py.
JWKS_AGE = Gauge("aisha_jwks_age_seconds", "Since FAL's keys were fetched; NaN while there are none")
DATABASE_UP = Gauge(
    "aisha_database_up", "Whether the database answered this scrape; if not, what it counts is absent or NaN"
)
PENDING = Gauge("aisha_webhook_pending", "Callbacks kept and not yet handled")
OLDEST_PENDING = Gauge(
    "aisha_webhook_oldest_pending_seconds", "Age of the oldest of them; 0 when there is none"
)
JOBS = Gauge("aisha_jobs", "Jobs in the queue; held ones wait for an operator", ["kind", "state"])
JOBS_LAG = Gauge("aisha_jobs_lag_seconds", "How long the oldest job that could start has waited", ["kind"])
UNSENT = Gauge(
    "aisha_notifications_unsent",
    "Messages not sent; HELD wait for an operator, UNREACHABLE for the person, UNANSWERED for their time",
    ["state"],
)
SENDER_HALTED = Gauge("aisha_sender_halted", "Whether Telegram refuses the bot's token, so nothing is sent")
TRAININGS_WAITING = Gauge(
    "aisha_trainings_waiting", "Trainings at FAL whose last word is due; overdue ones aside"
)
OLDEST_TRAINING = Gauge(
    "aisha_trainings_oldest_waiting_seconds",
    "How long the oldest of them has been at FAL; 0 when there is none",
)
SINCE_CALLBACK = Gauge(
    "aisha_webhook_last_callback_seconds", "Since FAL called back; +Inf when no callback is kept"
)
