"""How long FAL may be silent about a training before it is asked, how often then, and for how long."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from app.core.settings import Settings
from app.database.models import Training, TrainingState

_WITH_CALLBACKS = (300, 60)
_WITHOUT_CALLBACKS = (15, 15)
_LONGEST = timedelta(seconds=600)

# A training is overdue so long after it was first seen running, or after it was submitted.
RUNS_AT_MOST = timedelta(hours=3)
TAKES_AT_MOST = timedelta(hours=24)
OVERDUE_INTERVAL = timedelta(hours=1)
ASKED_FOR_AT_MOST = timedelta(days=7)

# The reply to its submit was lost. By so long after the request, which the submit job tries for half an hour,
# the longest training would be over, called back and listed; what FAL's list doesn't name then never began.
# Is FAL not to be asked, that is waited for as long as for any training.
UNCONFIRMED_FOR_AT_MOST = timedelta(hours=4)

# FAL is asked this long after a training was first seen running, if not sooner.
RUNNING_CHECKED_AFTER = timedelta(seconds=_WITH_CALLBACKS[0])

# A cancellation is repeated after this long, and then at twice the distance each time.
CANCEL_CHECKED_AFTER = timedelta(seconds=15)
# What FAL doesn't know by then it never had, or has forgotten.
CANCEL_SURE_AFTER = timedelta(minutes=15)
# A training that is to be cancelled is given up then, whatever FAL says: its avatar is needed.
CANCEL_TAKES_AT_MOST = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Pace:
    """With callbacks the questions double their distance up to ten minutes; alone they keep it."""

    after: timedelta
    interval: timedelta
    doubling: bool

    @classmethod
    def of(cls, settings: Settings) -> "Pace":
        called_back = bool(settings.fal.webhook_url)
        after, interval = _WITH_CALLBACKS if called_back else _WITHOUT_CALLBACKS
        return cls(
            after=timedelta(seconds=settings.reconcile.after or after),
            interval=timedelta(seconds=settings.reconcile.interval or interval),
            doubling=called_back,
        )

    def next_question(self, training: Training, now: datetime) -> datetime | None:
        """When FAL is asked after the question of now, which is counted already; None when it is given up."""
        if training.state is TrainingState.CANCELLING:
            return now + min(CANCEL_CHECKED_AFTER * (1 << min(training.checks - 1, 10)), _LONGEST)
        if training.request_id is None:
            return self._next_search(training, now)
        late_since = overdue_since(training)
        if now >= late_since:
            return now + OVERDUE_INTERVAL if now - late_since < ASKED_FOR_AT_MOST else None
        return now + self._distance(training)

    def _next_search(self, training: Training, now: datetime) -> datetime | None:
        """FAL's list is asked at the usual distance, surely when the answer counts, and then every hour."""
        if now < known_by(training):
            return min(now + self._distance(training), known_by(training))
        return now + OVERDUE_INTERVAL if now - training.requested_at < TAKES_AT_MOST else None

    def _distance(self, training: Training) -> timedelta:
        if not self.doubling:
            return self.interval
        doubled = self.interval * (1 << min(training.checks - 1, 10))
        return min(doubled, max(_LONGEST, self.interval))


def known_by(training: Training) -> datetime:
    """When it will be known whether a training runs whose submit nobody confirmed, if FAL can be asked."""
    return training.requested_at + UNCONFIRMED_FOR_AT_MOST


def hours_until_known(training: Training, now: datetime) -> int:
    """At the most, counted up."""
    latest = known_by(training)
    if now >= latest:
        latest = training.requested_at + TAKES_AT_MOST
    return max(1, ceil((latest - now) / timedelta(hours=1)))


def overdue_since(training: Training) -> datetime:
    """The moment from which a training takes longer than trainings do."""
    taken = (training.submitted_at or training.requested_at) + TAKES_AT_MOST
    return min(taken, training.started_at + RUNS_AT_MOST) if training.started_at else taken
