"""What can be done to a photo with a tap. The file stays as it was sent; what becomes of it is made anew."""

from app.photos.features import Box, Edit, PhotoFeatures, PhotoLimits

_WHOLE = Box(0, 0, 1, 1)
_MIN_SIDE = PhotoLimits().min_side
# Head and shoulders, in faces: above the face and below it, and on each side.
_ABOVE, _BELOW, _ASIDE = 1.0, 2.5, 1.5


def turned(features: PhotoFeatures, edit: Edit) -> Edit:
    """So that the faces are upright."""
    return Edit(edit.crop, features.turn)


def without_borders(features: PhotoFeatures, edit: Edit) -> Edit | None:
    """The photo out of a screenshot; None if there are no borders left, or too little would be."""
    if features.frame is None or edit.crop is not None:
        return None
    return _if_large_enough(features, Edit(features.frame, edit.turn))


def cropped_to_face(features: PhotoFeatures, edit: Edit, number: int) -> Edit | None:
    """Head and shoulders of one of several, counted from 1, without the other faces.

    None if there is no such face, or too little would be left.
    """
    if not features.faces or not 1 <= number <= len(features.faces):
        return None
    whole = Edit(features.frame if edit.crop == features.frame else None, features.turn)
    face, *others = (whole.box(features.faces[at].box) for at in _first(number - 1, len(features.faces)))
    part = _part(face)
    for other in others:
        part = _beside(part, face, other)
    crop = part.turned(-whole.turn % 360).out_of(whole.crop or _WHOLE)
    return _if_large_enough(features, Edit(crop, edit.turn))


def _first(chosen: int, count: int) -> list[int]:
    return [chosen, *(at for at in range(count) if at != chosen)]


def _part(face: Box) -> Box:
    return _between(
        max(0.0, face.left - _ASIDE * face.width),
        max(0.0, face.top - _ABOVE * face.height),
        min(1.0, face.left + (1 + _ASIDE) * face.width),
        min(1.0, face.top + (1 + _BELOW) * face.height),
    )


def _beside(part: Box, face: Box, other: Box) -> Box:
    """What is left of a part when another face is cut off, on the side where least is lost."""
    left, top, right, bottom = part.left, part.top, part.left + part.width, part.top + part.height
    if other.left >= right or other.top >= bottom or _right(other) <= left or _bottom(other) <= top:
        return part
    cuts = (
        _between(max(left, _right(other)), top, right, bottom),
        _between(left, top, min(right, other.left), bottom),
        _between(left, max(top, _bottom(other)), right, bottom),
        _between(left, top, right, min(bottom, other.top)),
    )
    return max(cuts, key=lambda cut: (_holds_middle(cut, face), cut.width * cut.height))


def _holds_middle(part: Box, face: Box) -> bool:
    x, y = face.left + face.width / 2, face.top + face.height / 2
    return part.left < x < _right(part) and part.top < y < _bottom(part)


def _between(left: float, top: float, right: float, bottom: float) -> Box:
    return Box(left, top, max(0.0, right - left), max(0.0, bottom - top))


def _right(box: Box) -> float:
    return box.left + box.width


def _bottom(box: Box) -> float:
    return box.top + box.height


def _if_large_enough(features: PhotoFeatures, edit: Edit) -> Edit | None:
    return edit if min(edit.size(features.width, features.height)) >= _MIN_SIDE else None
