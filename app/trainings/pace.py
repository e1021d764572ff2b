"""How long FAL may be silent about a training before it is asked, and how often it is asked then."""

from dataclasses import dataclass
from datetime import timedelta

from app.core.config import Settings

_WITH_CALLBACKS = (300, 60)
_WITHOUT_CALLBACKS = (15, 15)
_LONGEST = timedelta(seconds=600)


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

    def next_question(self, checks: int) -> timedelta:
        """The wait after the `checks`-th question, counted from 1."""
        if not self.doubling:
            return self.interval
        doubled = self.interval * (1 << min(checks - 1, 10))
        return min(doubled, max(_LONGEST, self.interval))
