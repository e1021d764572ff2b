"""Refusals this product knows: one root, one subclass a reason, one mapper an edge."""

from typing import ClassVar


class AishaError(Exception):
    """A refusal with a reason.

    `reason` is the id of its words in `locales/` (prefixed `error-`) and what a log line shows;
    `details` are the numbers and names those words need, never a secret and never a payload.
    """

    reason: ClassVar[str] = "unknown"

    def __init__(self, **details: str | int) -> None:
        super().__init__(self.reason)
        self.details = details


class CannotStart(AishaError):
    """A process can't start; `str()` is the whole message for the operator: why, and what to do."""

    reason = "cannot-start"

    def __init__(self, message: str) -> None:
        super().__init__()
        self.args = (message,)
