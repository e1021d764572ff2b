"""A trainer's log: what is kept of it, and what a person can make of it."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.fal.logs import LONGEST_LINE, Preparing, Steps, last_line, read


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("45%|████▌     | 450/1000 [03:12<03:55,  2.34it/s]", Steps(450, 1000, timedelta(seconds=235))),
        ("  0%|          | 0/2500 [00:00<?, ?it/s]", Steps(0, 2500)),
        ("100%|██████████| 1000/1000 [07:01<00:00,  2.37it/s, loss=0.0213]", Steps(1000, 1000, timedelta())),
        ("  3%|▎         | 30/1000 [01:55<1:02:03,  3.84s/it]", Steps(30, 1000, timedelta(seconds=3723))),
        (
            "Steps:  12%|█▏        | 120/1000 [00:50<06:10, 2.38it/s, lr=9e-5]",
            Steps(120, 1000, timedelta(seconds=370)),
        ),
        ("Training: 45%|####5     | 450/1000", Steps(450, 1000)),
        ("step 450/1000 loss 0.02", Steps(450, 1000)),
        ("[INFO] Step: 450 / 1000, loss: 0.02", Steps(450, 1000)),
        ("iteration 7 of 500", Steps(7, 500)),
        ("Downloading model.safetensors", Preparing()),
        ("Fetching 5 files:  40%|████      | 2/5 [00:01<00:01]", Preparing()),
        ("model.safetensors:  45%|████▌     | 4.50G/9.99G [00:12<00:15, 350MB/s]", None),
        ("Loading pipeline components...: 100%|██████████| 7/7 [00:02<00:00]", Preparing()),
        ("Caching latents: 40%|████      | 4/10 [00:01<00:02]", None),
        ("step 1001/1000", None),
        ("epoch 3/0", None),
        ("step 12/0", None),
        ("Training: 25%", None),
        ("Uploading the weights", None),
        ("loss 0.02 at 2026/11/21", None),
        ("", None),
    ],
)
def test_a_line_is_understood_or_nothing_is_said(line: str, said: Steps | Preparing | None) -> None:
    assert read(line) == said


@pytest.mark.parametrize(
    ("messages", "line"),
    [
        (None, ""),
        ([], ""),
        (["one", "two"], "two"),
        (["one", "  ", "\n", None, 7], "one"),
        (["first\nsecond\n"], "second"),
        ([" 10%|█  | 1/10 [..]\r 20%|██ | 2/10 [..]\r"], "20%|██ | 2/10 [..]"),
        (["\x1b[32mINFO\x1b[0m  step\t1/10\x00"], "INFO step 1/10"),
        (["GET https://v3.fal.media/files/a/photos.zip?token=x done"], "GET … done"),
        (["s3://bucket/key www.fal.ai file:///tmp/x"], "… … …"),
        (["x" * 500], "x" * LONGEST_LINE),
        (["https://v3.fal.media/a"], "…"),
    ],
)
def test_the_last_line_is_kept_clean(messages: list[object] | None, line: str) -> None:
    logs = None if messages is None else [{"message": message, "level": "INFO"} for message in messages]
    assert last_line(logs) == line


@given(st.text())
def test_no_line_breaks_it(message: str) -> None:
    line = last_line([{"message": message}])
    assert line.isprintable()
    assert len(line) <= LONGEST_LINE
    assert "://" not in line
    read(message)
    read(line)
