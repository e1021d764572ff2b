"""How long FAL may be silent about a request before it is polled, how often then, and for how long."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from app.core.settings import Settings
from app.database.models import FalRequest, RequestState

# A cancellation is repeated after this long, and then at twice the distance each time.
CANCEL_CHECKED_AFTER = timedelta(seconds=15)
# What FAL doesn't know by then it never had, or has forgotten.
CANCEL_SURE_AFTER = timedelta(minutes=15)
# A request that is to be cancelled is given up then, whatever FAL says: its person waits for it.
CANCEL_TAKES_AT_MOST = timedelta(hours=24)

_LONGEST_INTERVAL = timedelta(seconds=600)
_MOST_DOUBLINGS = 10


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """How long requests of one purpose may take.

    `submit_tried_for`: FAL, or our storage, away for longer ends the request. `submit_lost_after`: one that
    isn't submitted by then has lost its job. `runs_at_most` counts from when it was first seen running,
    `takes_at_most` from when it was submitted; a request that takes longer is overdue, polled every
    `overdue_interval` and given up after `overdue_for_at_most`.

    `unconfirmed_for_at_most`: if the reply to its submit was lost, the longest request would be over, called
    back and listed so long after it was asked for; what FAL's list doesn't name then never began. If FAL
    can't be polled, it is waited for like any request. Its person is notified `unconfirmed_told_after`.

    `running_checked_after`: FAL is polled this long after a request was first seen running, if not sooner.
    """

    submit_tried_for: timedelta
    submit_lost_after: timedelta
    runs_at_most: timedelta
    takes_at_most: timedelta
    overdue_interval: timedelta
    overdue_for_at_most: timedelta
    unconfirmed_for_at_most: timedelta
    unconfirmed_told_after: timedelta
    running_checked_after: timedelta

    def known_by(self, request: FalRequest) -> datetime:
        """When it will be known whether an unconfirmed request runs, if FAL can be asked."""
        return request.requested_at + self.unconfirmed_for_at_most

    def hours_until_known(self, request: FalRequest, now: datetime) -> int:
        """At the most, rounded up."""
        latest = self.known_by(request)
        if now >= latest:
            latest = request.requested_at + self.takes_at_most
        return max(1, ceil((latest - now) / timedelta(hours=1)))

    def overdue_since(self, request: FalRequest) -> datetime:
        """The moment from which a request takes longer than requests do."""
        taken = (request.submitted_at or request.requested_at) + self.takes_at_most
        return min(taken, request.started_at + self.runs_at_most) if request.started_at else taken


@dataclass(frozen=True, slots=True)
class PollSchedule:
    """FAL is first polled `after` so long without a callback.

    With callbacks the polls double their distance up to ten minutes; without, they keep it.
    """

    limits: TimeLimits
    after: timedelta
    interval: timedelta
    doubling: bool

    @classmethod
    def of(
        cls,
        settings: Settings,
        limits: TimeLimits,
        *,
        with_callbacks: tuple[int, int],
        without: tuple[int, int],
    ) -> "PollSchedule":
        """The seconds before the first poll and between polls, unless the settings say otherwise."""
        called_back = bool(settings.fal.webhook_url)
        after, interval = with_callbacks if called_back else without
        return cls(
            limits,
            after=timedelta(seconds=settings.reconcile.after or after),
            interval=timedelta(seconds=settings.reconcile.interval or interval),
            doubling=called_back,
        )

    def next_poll(self, request: FalRequest, now: datetime) -> datetime | None:
        """When FAL is polled after the poll of now, which is counted already; None when it is given up."""
        if request.state is RequestState.CANCELLING:
            return now + _doubled(CANCEL_CHECKED_AFTER, request.checks, _LONGEST_INTERVAL)
        if request.request_id is None:
            return self._next_search(request, now)
        late_since = self.limits.overdue_since(request)
        if now >= late_since:
            given_up = now - late_since >= self.limits.overdue_for_at_most
            return None if given_up else now + self.limits.overdue_interval
        return now + self._distance(request)

    def _next_search(self, request: FalRequest, now: datetime) -> datetime | None:
        """FAL's list is read at the usual distance, surely when the answer counts, and then every hour."""
        known_by = self.limits.known_by(request)
        if now < known_by:
            return min(now + self._distance(request), known_by)
        given_up = now - request.requested_at >= self.limits.takes_at_most
        return None if given_up else now + self.limits.overdue_interval

    def _distance(self, request: FalRequest) -> timedelta:
        if not self.doubling:
            return self.interval
        return _doubled(self.interval, request.checks, max(_LONGEST_INTERVAL, self.interval))


def _doubled(first: timedelta, checks: int, longest: timedelta) -> timedelta:
    return min(first * (1 << min(checks - 1, _MOST_DOUBLINGS)), longest)
