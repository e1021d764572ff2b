"""The table of an avatar's legal transitions: what moves it, and from where."""

from app.database.models import AvatarState

# An avatar that has a model already may be trained again.
TRAINABLE = frozenset({AvatarState.DRAFT, AvatarState.COMPLETED})
CHANGEABLE = frozenset({AvatarState.DRAFT})
IN_TRAINING = frozenset({AvatarState.TRAINING})
