"""Asking for a training, and how it goes."""

from app.bot.screens.parts import button, menu_row, type_of
from app.bot.views import AvatarView
from app.core.buttons import Screen, ShowAvatar, StartTraining
from app.core.i18n import Words


def confirm_training(words: Words, view: AvatarView) -> Screen:
    return Screen(
        words("confirm-training", name=view.name, type=type_of(words, view), count=view.photos.have),
        (
            (button(words, "button-confirm", StartTraining(view.id)),),
            (button(words, "button-back", ShowAvatar(view.id)),),
        ),
    )


def in_training(words: Words, view: AvatarView) -> Screen:
    training = view.training
    if training is None:
        raise ValueError("an avatar in training has a training")
    text = words(
        "avatar-training",
        name=view.name,
        type=type_of(words, view),
        state=training.state.value,
        minutes=training.minutes,
    )
    if training.drill:
        text = f"{text}\n\n{words('avatar-drill', training=str(training.id))}"
    refresh = button(words, "button-refresh", ShowAvatar(view.id))
    return Screen(text, ((refresh,), menu_row(words)))
