"""What can be done to a photo with a tap."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.photos import edits
from app.photos.features import Box, Edit, Face, Light, PhotoFeatures

LIGHT = Light(200, 0)
PHOTO = PhotoFeatures(3000, 4000, 5, LIGHT, hash="00" * 8, background="80" * 54)
SHARES = st.floats(0, 1)


def face(left: float, top: float, width: float = 0.1, height: float = 0.1) -> Face:
    return Face(Box(left, top, width, height), yaw=0, sharpness=5, light=LIGHT)


def overlap(one: Box, other: Box) -> bool:
    return (
        one.left < other.left + other.width
        and other.left < one.left + one.width
        and one.top < other.top + other.height
        and other.top < one.top + one.height
    )


def close(box: Box) -> object:
    return pytest.approx((box.left, box.top, box.width, box.height), abs=1e-6)


def sides(box: Box) -> tuple[float, float, float, float]:
    return box.left, box.top, box.width, box.height


@given(SHARES, SHARES, st.sampled_from([0, 90, 180, 270]))
def test_a_box_that_is_turned_and_turned_back_is_where_it_was(left: float, top: float, degrees: int) -> None:
    box = Box(left, top, 0.2, 0.1)
    assert sides(box.turned(degrees).turned(-degrees % 360)) == close(box)


@given(SHARES, SHARES)
def test_a_box_within_a_part_and_out_of_it_is_where_it_was(left: float, top: float) -> None:
    box, part = Box(left, top, 0.2, 0.1), Box(0.1, 0.2, 0.5, 0.7)
    assert sides(box.within(part).out_of(part)) == close(box)


def test_turning_moves_a_corner_to_the_next_one() -> None:
    assert sides(Box(0, 0, 0.2, 0.1).turned(90)) == close(Box(0.9, 0, 0.1, 0.2))


def test_a_photo_that_lies_is_turned_once() -> None:
    lying = replace(PHOTO, turn=90, faces=(face(0.4, 0.4),))
    edit = edits.turned(lying, Edit())
    assert edit == edits.turned(lying, edit) == Edit(turn=90)
    seen = lying.edited(edit)
    assert (seen.width, seen.height, seen.turn) == (4000, 3000, 0)


def test_a_screenshot_is_cut_down_to_its_photo() -> None:
    shot = replace(PHOTO, frame=Box(0, 0.25, 1, 0.5), faces=(face(0.4, 0.5),))
    edit = edits.without_borders(shot, Edit())
    assert edit == Edit(crop=shot.frame)
    seen = shot.edited(edit)
    assert (seen.width, seen.height, seen.frame) == (3000, 2000, None)
    assert seen.faces is not None
    assert sides(seen.faces[0].box) == close(Box(0.4, 0.5, 0.1, 0.2))


def test_too_little_is_not_cut_out() -> None:
    shot = replace(PHOTO, width=1000, height=2000, frame=Box(0, 0.4, 1, 0.2))
    assert edits.without_borders(shot, Edit()) is None
    crowd = replace(PHOTO, width=800, height=600, faces=(face(0.3, 0.3), face(0.5, 0.3)))
    assert edits.cropped_to_face(crowd, Edit(), 1) is None


@pytest.mark.parametrize("number", [0, 3, 99])
def test_a_face_that_is_not_there_cannot_be_chosen(number: int) -> None:
    assert (
        edits.cropped_to_face(replace(PHOTO, faces=(face(0.3, 0.3), face(0.6, 0.3))), Edit(), number) is None
    )


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_chosen_face_stays_and_the_others_go(number: int, turn: int) -> None:
    """Whichever way the photo lies."""
    as_seen = [face(0.2, 0.3, 0.15, 0.12), face(0.45, 0.25, 0.15, 0.12), face(0.7, 0.5, 0.12, 0.1)]
    lying = tuple(replace(each, box=each.box.turned(-turn % 360)) for each in as_seen)
    width, height = (4000, 3000) if turn % 180 else (3000, 4000)
    photo = replace(PHOTO, width=width, height=height, turn=turn, faces=lying)
    edit = edits.cropped_to_face(photo, edits.turned(photo, Edit()), number)
    assert edit is not None
    assert edit.crop is not None
    seen = photo.edited(edit)
    assert seen.faces is not None
    [chosen] = seen.faces
    assert chosen.sharpness == lying[number - 1].sharpness
    assert 0 <= chosen.box.left <= chosen.box.left + chosen.box.width <= 1.001
    others = [each.box for at, each in enumerate(lying) if at != number - 1]
    assert not any(overlap(edit.crop, other) for other in others)
    assert 0.1 < chosen.box.height < 0.6


def test_another_face_can_be_chosen_when_the_photo_is_restored() -> None:
    photo = replace(PHOTO, faces=(face(0.2, 0.3), face(0.6, 0.3)))
    first = edits.cropped_to_face(photo, Edit(), 1)
    assert first is not None
    assert edits.cropped_to_face(photo, first, 2) == edits.cropped_to_face(photo, Edit(), 2)
