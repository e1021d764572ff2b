"""Callback data is the user's: what is ours comes back as it was, the rest is nothing."""

from dataclasses import fields
from itertools import product
from typing import get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.buttons import ACTIONS, MAX_BYTES, Action, ShowAvatar, unpack

IDS = (1, 9, 10, 2**31, 2**63 - 1)


def every(action: type[Action]) -> list[Action]:
    """The action with each of its words, and with ids small and large."""
    hints = get_type_hints(action)
    choices = [get_args(hints[field.name]) or IDS for field in fields(action)]
    return [action(*values) for values in product(*choices)]


BUTTONS = [button for action in ACTIONS.values() for button in every(action)]


def test_there_is_a_code_for_each_action() -> None:
    assert len(ACTIONS) == len({action.__name__ for action in ACTIONS.values()})
    assert all(":" not in code for code in ACTIONS)


@pytest.mark.parametrize("action", BUTTONS, ids=Action.pack)
def test_an_action_comes_back_as_it_went(action: Action) -> None:
    assert unpack(action.pack()) == action


@pytest.mark.parametrize("action", BUTTONS, ids=Action.pack)
def test_it_fits_telegrams_callback_data(action: Action) -> None:
    assert 1 <= len(action.pack().encode()) <= MAX_BYTES == 64


@pytest.mark.parametrize(
    "data",
    [
        "",
        ":",
        "show",
        "show:",
        "show:1:",
        "show:1:2",
        "show:0",
        "show:-1",
        "show:+1",
        "show: 1",
        "show:1\n",
        "show:007",
        "show:1_0",
        "show:1.0",
        "show:1e3",
        "show:٣",
        "show:²",
        f"show:{2**63}",
        "show:" + "9" * 5000,
        "SHOW:1",
        "menu:",
        "menu\0",
        "type:",
        "type:dragon",
        "type:Portrait",
        "gender:portrait",
        "gender:male:portrait",
        "gender:portrait:male:1",
        "remove:1",
        "preset:1:cheap",
        "preset:1",
        "agree:1:fast:1",
        "agree:1:0:fast",
        "\ud800",
    ],
)
def test_anything_else_is_nothing(data: str) -> None:
    assert unpack(data) is None


def test_the_largest_id_is_taken() -> None:
    assert unpack(f"show:{2**63 - 1}") == ShowAvatar(2**63 - 1)


@given(st.text())
def test_no_text_breaks_it(data: str) -> None:
    action = unpack(data)
    assert action is None or action.pack() == data


@given(
    st.lists(
        st.one_of(
            st.sampled_from([*ACTIONS, "portrait", "style", "male", "female"]),
            st.integers().map(str),
            st.text(),
        ),
        max_size=4,
    ).map(":".join)
)
def test_nothing_that_resembles_a_button_breaks_it(data: str) -> None:
    action = unpack(data)
    assert action is None or action.pack() == data
