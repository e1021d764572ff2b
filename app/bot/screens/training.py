"""Asking for a training, how it goes, and stopping it."""

from datetime import timedelta
from typing import Literal

from app.bot.screens.parts import Rows, bar, button, menu_row, type_of
from app.bot.views import AvatarView, TrainingView
from app.core.buttons import (
    AskToCancel,
    Button,
    CancelTraining,
    ChoosePreset,
    GiveConsent,
    Screen,
    ShowAvatar,
)
from app.core.i18n import Words
from app.database.models import AvatarType, RequestState, TrainingKind
from app.fal.logs import Preparing, Steps
from app.photos.set_quality import SetAdvice
from app.trainings import consent
from app.trainings.length import TrainingLength
from app.trainings.plan import Plan, UsualTime

_UNSURE = frozenset({RequestState.SUBMIT_UNKNOWN, RequestState.CANCELLING})


def confirm_training(words: Words, view: AvatarView, plan: Plan) -> Screen:
    """What will happen, for how long, what becomes of the photos, and what the person agrees to.

    Short enough for its buttons to be seen on a phone without scrolling.
    """
    wanted = plan.length
    paragraphs = (
        f"{_about(words, view, wanted)}\n{_usual_time(words, plan.usual)}",
        *(() if wanted.kind is TrainingKind.TRIAL else _faceless(words, view)),
        words("confirm-photos"),
        words("consent"),
    )
    extent: Literal["real", "trial"] = "trial" if wanted.kind is TrainingKind.TRIAL else "real"
    agree = GiveConsent(view.id, consent.VERSION, words.language.value, wanted.preset.value, extent)
    rows: Rows = (
        *((_presets(words, view, wanted),) if len(wanted.presets) > 1 else ()),
        (button(words, "button-confirm", agree),),
        (button(words, "button-back", ShowAvatar(view.id)),),
    )
    return Screen("\n\n".join(paragraphs), rows)


def confirm_cancel(words: Words, view: AvatarView) -> Screen:
    return Screen(
        words("confirm-cancel", name=view.name),
        (
            (button(words, "button-cancel-confirm", CancelTraining(view.id)),),
            (button(words, "button-cancel-not", ShowAvatar(view.id)),),
        ),
    )


def in_training(words: Words, view: AvatarView) -> Screen:
    training = view.training
    if training is None:
        raise ValueError("an avatar in training has a training")
    cancelling = training.state is RequestState.CANCELLING
    hours, minutes = divmod(training.minutes, 60)
    promise = words("training-promise-cancelling") if cancelling else words("training-promise")
    paragraphs = [
        words("avatar-training", name=view.name, type=type_of(words, view), state=training.state.value),
        *_fals_word(words, training),
        *([] if training.known_in is None else [words("training-known-in", hours=training.known_in)]),
        f"{words('training-since', hours=hours, minutes=minutes)} {promise}",
        *_usually(words, training),
    ]
    if training.kind is TrainingKind.TRIAL:
        paragraphs.append(words("avatar-smoke"))
    if training.kind is TrainingKind.DRILL:
        paragraphs.append(words("avatar-drill", training=str(training.id)))
    refresh = button(words, "button-refresh", ShowAvatar(view.id))
    cancel = button(words, "button-cancel-training", AskToCancel(view.id))
    rows: Rows = ((refresh,), *(() if cancelling else ((cancel,),)), menu_row(words))
    return Screen("\n\n".join(paragraphs), rows)


def _fals_word(words: Words, training: TrainingView) -> list[str]:
    if training.position is not None:
        return [words("training-position", position=training.position)]
    match training.doing:
        case Steps():
            return [_progress(words, training.doing)]
        case Preparing():
            return [words("training-preparing")]
        case None:
            return []


def _progress(words: Words, steps: Steps) -> str:
    percent = 100 * steps.done // steps.total
    drawn = bar(steps.done, steps.total)
    if steps.left is None:
        return words("training-progress", bar=drawn, percent=percent)
    return words("training-progress-left", bar=drawn, percent=percent, left=_duration(words, steps.left))


def _about(words: Words, view: AvatarView, wanted: TrainingLength) -> str:
    about: dict[str, str | int] = {
        "name": view.name,
        "type": type_of(words, view),
        "count": view.photos.have,
        "steps": wanted.steps,
    }
    if wanted.kind is TrainingKind.TRIAL:
        return words("confirm-smoke", **about)
    return words("confirm-training", **about)


def _faceless(words: Words, view: AvatarView) -> list[str]:
    """A portrait is of a face: who has sent hardly any is warned before it costs them a training."""
    if view.type is not AvatarType.PORTRAIT:
        return []
    missing = [one.count for one in view.remarks if one.advice is SetAdvice.FACES_MISSING]
    return [words("confirm-faceless", count=count, have=view.photos.have) for count in missing]


def _usually(words: Words, training: TrainingView) -> list[str]:
    """What there is to go by as long as the trainer says nothing of the time that is left.

    Nothing where it isn't known whether it runs, or it is to stop.
    """
    timed = isinstance(training.doing, Steps) and training.doing.left is not None
    if training.usual is None or timed or training.state in _UNSURE:
        return []
    return [_usual_time(words, training.usual)]


def _usual_time(words: Words, usual: UsualTime | None) -> str:
    if usual is None:
        return words("usual-time-unknown")
    return words("usual-time", median=_duration(words, usual.median), most=_duration(words, usual.most))


def _duration(words: Words, time: timedelta) -> str:
    hours, minutes = divmod(max(1, round(time.total_seconds() / 60)), 60)
    return words.label("duration", hours=hours, minutes=minutes)


def _presets(words: Words, view: AvatarView, wanted: TrainingLength) -> tuple[Button, ...]:
    """The chosen one is marked."""
    return tuple(
        Button(
            ("✓ " if preset is wanted.preset else "") + words.label("preset-label", preset=preset.value),
            ChoosePreset(view.id, preset.value),
        )
        for preset in wanted.presets
    )
