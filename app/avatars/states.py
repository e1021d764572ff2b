"""The table of an avatar's legal transitions: what moves it, and from where."""

from app.database.models import Avatar, AvatarState

# An avatar that has a model already may be trained again.
TRAINABLE = frozenset({AvatarState.DRAFT, AvatarState.COMPLETED})
IN_TRAINING = frozenset({AvatarState.TRAINING})


def photos_changeable(avatar: Avatar) -> bool:
    """A draft's are; those of an avatar with a model once they are opened, lest they go to it unasked."""
    return avatar.state is AvatarState.DRAFT or (avatar.state in TRAINABLE and avatar.photos_open)
