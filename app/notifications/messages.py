"""A fact becomes words and buttons here, in the person's language."""

from app.core.buttons import AskToCancel, Button, NewAvatar, Screen, ShowAvatar, ShowPhotos, StartTraining
from app.core.i18n import Words
from app.fal.failures import NEEDS_OTHER_PHOTOS
from app.notifications.facts import (
    DrillCompleted,
    Fact,
    TrainingCancelled,
    TrainingCompleted,
    TrainingFailed,
    TrainingOverdue,
    TrainingUnconfirmed,
)


def message(fact: Fact, words: Words) -> Screen:
    match fact:
        case TrainingCompleted():
            return _completed(fact, words)
        case DrillCompleted():
            return Screen(words("drill-completed", name=fact.avatar_name))
        case TrainingFailed():
            return _failed(fact, words)
        case TrainingOverdue():
            return Screen(words("training-overdue", name=fact.avatar_name), _waiting(fact, words))
        case TrainingUnconfirmed(hours=hours):
            text = words("training-unconfirmed", name=fact.avatar_name, hours=hours)
            return Screen(text, _waiting(fact, words))
        case TrainingCancelled():
            text = _with_earlier_model(words("training-cancelled", name=fact.avatar_name), fact, words)
            return Screen(text, (_opening(fact, words),))


def _completed(fact: TrainingCompleted, words: Words) -> Screen:
    name = fact.avatar_name
    if fact.trial:
        text = words("smoke-completed", name=name)
    elif fact.too_late:  # nothing to celebrate for somebody who wanted it stopped
        text = words("training-completed-late", name=name)
    else:
        text = words("training-completed", name=name)
    return Screen(
        f"{text}\n\n{words('training-too-late')}" if fact.too_late else text,
        (_opening(fact, words), (Button(words.label("button-new-avatar"), NewAvatar()),)),
    )


def _failed(fact: TrainingFailed, words: Words) -> Screen:
    """The reason, and the one next step that can help: other photos, or the same ones once more."""
    reason = words.label(f"failure-{fact.failure.value}")
    text = _with_earlier_model(words("training-failed", name=fact.avatar_name, reason=reason), fact, words)
    if fact.failure in NEEDS_OTHER_PHOTOS:
        photos = Button(words.label("button-photos"), ShowPhotos(fact.avatar_id))
        return Screen(text, ((photos,), _opening(fact, words)))
    return Screen(text, ((Button(words.label("button-try-again"), StartTraining(fact.avatar_id)),),))


def _with_earlier_model(text: str, fact: TrainingFailed | TrainingCancelled, words: Words) -> str:
    return f"{text}\n\n{words('training-earlier-model')}" if fact.has_model else text


def _waiting(fact: Fact, words: Words) -> tuple[tuple[Button, ...], ...]:
    refresh = Button(words.label("button-refresh"), ShowAvatar(fact.avatar_id))
    cancel = Button(words.label("button-cancel-training"), AskToCancel(fact.avatar_id))
    return (refresh,), (cancel,)


def _opening(fact: Fact, words: Words) -> tuple[Button, ...]:
    return (Button(words.label("button-open-avatar"), ShowAvatar(fact.avatar_id)),)
