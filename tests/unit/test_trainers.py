"""Trainers as data: what FAL is asked for, and which answer counts as a model."""

from typing import Any
from uuid import UUID

import pytest

from app.core.settings import FalSettings, Preset
from app.fal.trainers import (
    PORTRAIT,
    STYLE,
    STYLE_PRO,
    TRAINERS,
    Model,
    Trainer,
    TrainerDeprecated,
    arguments,
    choose,
    commented_training,
    model_of,
    presets,
    steps_of,
)

TRAINING = UUID("0f9d3c1a-5c55-4f0e-9d2e-6a7b8c9d0e1f")
URL = "https://v3.fal.media/files/lion/model.safetensors"


def settings(**values: Any) -> FalSettings:
    """FAL's section as it would be with these values and nothing else in the environment."""
    return FalSettings.model_construct(**values)


@pytest.mark.parametrize(
    ("avatar_type", "values", "trainer"),
    [
        ("portrait", {}, PORTRAIT),
        ("portrait", {"style_trainer": "flux-pro-trainer"}, PORTRAIT),
        ("style", {}, STYLE),
        ("style", {"allow_deprecated": True}, STYLE),
        ("style", {"style_trainer": "flux-pro-trainer", "allow_deprecated": True}, STYLE_PRO),
    ],
)
def test_the_type_and_the_settings_choose(avatar_type: str, values: dict[str, Any], trainer: Trainer) -> None:
    assert choose(avatar_type, settings(**values)) is trainer


def test_a_deprecated_trainer_has_to_be_allowed() -> None:
    with pytest.raises(TrainerDeprecated) as refused:
        choose("style", settings(style_trainer="flux-pro-trainer"))
    assert refused.value.details == {"trainer": "fal-ai/flux-pro-trainer"}


@pytest.mark.parametrize(
    ("trainer", "expected"),
    [
        (
            PORTRAIT,
            {
                "trigger_phrase": "aisha0f9d3c1a",
                "steps": 1000,
                "subject_crop": True,
                "multiresolution_training": True,
                "create_masks": False,
            },
        ),
        (STYLE, {"trigger_word": "aisha0f9d3c1a", "steps": 1000, "is_style": True}),
        (
            STYLE_PRO,
            {
                "trigger_word": "aisha0f9d3c1a",
                "iterations": 500,
                "mode": "style",
                "priority": "quality",
                "captioning": True,
                "finetune_type": "lora",
                "finetune_comment": f"aisha-training-{TRAINING}",
            },
        ),
    ],
)
def test_each_gets_the_arguments_it_documents(trainer: Trainer, expected: dict[str, Any]) -> None:
    assert arguments(trainer, expected[trainer.steps], TRAINING) == expected


@pytest.mark.parametrize(
    ("trainer", "archive"),
    [(PORTRAIT, "images_data_url"), (STYLE, "images_data_url"), (STYLE_PRO, "data_url")],
)
def test_the_archive_has_a_name_of_each_trainers_own(trainer: Trainer, archive: str) -> None:
    assert trainer.archive == archive
    assert archive not in arguments(trainer, 1, TRAINING)


@pytest.mark.parametrize(
    ("preset", "steps"),
    [
        (Preset.FAST, (500, 500, 250)),
        (Preset.BALANCED, (1000, 1000, 500)),
        (Preset.QUALITY, (2500, 2000, 1000)),
    ],
)
def test_presets_are_those_of_the_contract(preset: Preset, steps: tuple[int, int, int]) -> None:
    chosen = settings(training_preset=preset)
    trainers = (PORTRAIT, STYLE, STYLE_PRO)
    assert [steps_of(trainer, chosen, None) for trainer in trainers] == [(preset, each) for each in steps]
    assert [steps_of(trainer, settings(), preset)[1] for trainer in trainers] == list(steps)
    assert all(list(presets(trainer, chosen)) == list(Preset) for trainer in trainers)


@pytest.mark.parametrize("trainer", TRAINERS.values(), ids=TRAINERS.keys())
def test_a_number_of_its_own_overrides_the_preset(trainer: Trainer) -> None:
    numbers = {"portrait_steps": PORTRAIT, "style_steps": STYLE, "pro_iterations": STYLE_PRO}
    for name, changed in numbers.items():
        given = settings(**{name: 77})
        alone = changed is trainer
        expected = (Preset.BALANCED, 77) if alone else (Preset.FAST, trainer.presets[Preset.FAST])
        assert steps_of(trainer, given, Preset.FAST) == expected
        assert (len(presets(trainer, given)) == 1) is alone


def test_trainings_have_triggers_of_their_own() -> None:
    other = UUID(int=TRAINING.int ^ (1 << 127))
    asked = [arguments(STYLE, 1000, training)["trigger_word"] for training in (TRAINING, other)]
    assert len(set(asked)) == 2


@pytest.mark.parametrize(
    ("comment", "found"),
    [
        (arguments(STYLE_PRO, 500, TRAINING)["finetune_comment"], TRAINING),
        (f"AISHA-TRAINING-{TRAINING}".upper(), TRAINING),
        (f"finetune of aisha-training-{TRAINING}, v2", TRAINING),
        (str(TRAINING), None),
        (f"aisha-training-{TRAINING.hex}", None),
        ("aisha-training-", None),
        (None, None),
        (17, None),
        ({"aisha-training-": str(TRAINING)}, None),
    ],
)
def test_the_comment_names_the_training(comment: object, found: UUID | None) -> None:
    assert commented_training({"finetune_comment": comment}) == found


def test_without_a_comment_no_training_is_named() -> None:
    assert commented_training({}) is None


def file(url: object = URL) -> dict[str, object]:
    return {"url": url, "content_type": "application/octet-stream", "file_size": 2**40}


@pytest.mark.parametrize("trainer", TRAINERS.values(), ids=TRAINERS.keys())
@pytest.mark.parametrize("field", ["diffusers_lora_file", "lora_file"])
def test_a_file_is_a_model(trainer: Trainer, field: str) -> None:
    assert model_of({field: file(), "config_file": file()}, trainer) == Model(url=URL)


def test_the_first_present_counts() -> None:
    other = "https://fal.media/files/other.safetensors"
    both = {"finetune_id": "f-1", "lora_file": file(other), "diffusers_lora_file": file()}
    assert model_of(both, STYLE_PRO) == Model(url=URL)
    assert model_of({**both, "diffusers_lora_file": None}, STYLE_PRO) == Model(url=other)
    assert model_of({"finetune_id": "f-1"}, STYLE_PRO) == Model(finetune_id="f-1")


@pytest.mark.parametrize("trainer", [PORTRAIT, STYLE])
def test_only_a_trainer_of_finetunes_gives_one(trainer: Trainer) -> None:
    assert model_of({"finetune_id": "f-1"}, trainer) is None


@pytest.mark.parametrize(
    "finetune_id", [None, "", 1, [], "a b", "a\0", "a" * 129, "<b>", "a/b", "идентификатор"]
)
def test_an_id_that_is_none_gives_no_model(finetune_id: object) -> None:
    assert model_of({"finetune_id": finetune_id}, STYLE_PRO) is None


@pytest.mark.parametrize("payload", [{}, {"config_file": file()}, {"images": [file()]}, {"url": URL}])
def test_an_answer_without_a_model_gives_none(payload: dict[str, Any]) -> None:
    assert model_of(payload, PORTRAIT) is None


@pytest.mark.parametrize(
    "value", ["text", URL, [file()], 1, True, {"uri": URL}, {"url": None}, {"url": [URL]}]
)
def test_a_file_of_another_shape_gives_no_model(value: object) -> None:
    assert model_of({"diffusers_lora_file": value}, PORTRAIT) is None


def test_a_file_that_may_not_be_believed_is_not_made_up_for() -> None:
    answer = {"diffusers_lora_file": file("http://v3.fal.media/a"), "finetune_id": "f-1"}
    assert model_of(answer, STYLE_PRO) is None


@pytest.mark.parametrize(
    "url",
    [
        "https://fal.media/a",
        "https://v3b.fal.media/a?b=c",
        "https://rest.fal.ai:443/a",
        "https://V3.FAL.MEDIA/a",
    ],
)
def test_files_lie_on_fals_hosts(url: str) -> None:
    assert model_of({"lora_file": file(url)}, PORTRAIT) == Model(url=url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "model.safetensors",
        "//v3.fal.media/a",
        "https:///a",
        "https:v3.fal.media/a",
        "http://v3.fal.media/a",
        "HTTPS://v3.fal.media/a",
        "ftp://v3.fal.media/a",
        "file:///etc/passwd",
        "data:application/octet-stream;base64,AA==",
        "javascript://v3.fal.media/a",
        "https://fal.media.evil.example/a",
        "https://evil.example/fal.media",
        "https://evil.example#.fal.media",
        "https://evil.example?.fal.media",
        "https://evilfal.media/a",
        "https://fal.media@evil.example/a",
        "https://user@v3.fal.media/a",
        "https://evil.example\\@v3.fal.media/a",
        "https://evil.example\\.fal.media/a",
        "https://evil.example%2f.fal.media/a",
        "https://fal.media./a",
        "https://.fal.media/a",
        "https://фал.fal.media/a",
        "https://[::1]/a",
        "https://[fal.media/a",
        "https://127.0.0.1/a",
        " https://v3.fal.media/a",
        "https://v3.fal.media/a\n",
        "https://v3.fal.media/\0",
        "https://v3.fal.media/\ud800",
    ],
)
def test_any_other_address_gives_no_model(url: str) -> None:
    assert model_of({"diffusers_lora_file": file(url)}, PORTRAIT) is None


@pytest.mark.parametrize(
    "url",
    [
        "https://storage.googleapis.com/bucket/a",
        "https://v3.fal.media/a",
        "https://V3B.FAL.MEDIA:443/a?b=c#d",
        "https://fal-bucket.s3.eu-central-1.amazonaws.com/a%20b",
    ],
)
def test_where_fal_itself_was_asked_a_file_lies_at_any_public_name(url: str) -> None:
    assert model_of({"lora_file": file(url)}, PORTRAIT, confirmed=True) == Model(url=url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "//example.com/a",
        "https:///a",
        "http://v3.fal.media/a",
        "HTTPS://v3.fal.media/a",
        "file:///etc/passwd",
        "https://user@example.com/a",
        "https://user:word@example.com/a",
        "https://:@example.com/a",
        "https://example.com\\@v3.fal.media/a",
        "https://example.com./a",
        "https://.example.com/a",
        "https://exam_ple.com/a",
        "https://пример.рф/a",
        "https://example.com:99999/a",
        "https://example.com:x/a",
        "https://127.0.0.1/a",
        "https://127.1/a",
        "https://2130706433/a",
        "https://0x7f000001/a",
        "https://0x7f.0.0.1/a",
        "https://[::1]/a",
        "https://[::ffff:127.0.0.1]/a",
        "https://localhost/a",
        "https://a.localhost/a",
        "https://db/a",
        "https://printer.local/a",
        "https://metadata.google.internal/a",
        "https://example.com/a\n",
        "https://example.com/\0",
        "https://exam\nple.com/a",
    ],
)
def test_no_name_of_ours_or_nobodys_is_a_public_one(url: str) -> None:
    assert model_of({"lora_file": file(url)}, PORTRAIT, confirmed=True) is None
