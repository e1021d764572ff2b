"""FAL's trainers as data: what each is called, what it takes, and where its model stands in the answer."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from app.core.errors import AishaError
from app.core.settings import FalSettings, Preset


class TrainerDeprecated(AishaError):
    """FAL no longer supports it; `FAL_ALLOW_DEPRECATED` overrides."""

    reason = "trainer-deprecated"


@dataclass(frozen=True, slots=True)
class Trainer:
    """`archive` and `steps` name the trainer's own fields; `fixed` are the arguments that don't vary."""

    endpoint: str
    avatar_type: str
    archive: str
    trigger: str
    steps: str
    presets: Mapping[Preset, int]
    fixed: Mapping[str, Any]
    comment: str | None = None
    deprecated: bool = False


def _presets(fast: int, balanced: int, quality: int) -> Mapping[Preset, int]:
    return MappingProxyType({Preset.FAST: fast, Preset.BALANCED: balanced, Preset.QUALITY: quality})


PORTRAIT = Trainer(
    endpoint="fal-ai/flux-lora-portrait-trainer",
    avatar_type="portrait",
    archive="images_data_url",
    trigger="trigger_phrase",
    steps="steps",
    presets=_presets(500, 1000, 2500),
    fixed=MappingProxyType({"subject_crop": True, "multiresolution_training": True, "create_masks": False}),
)
STYLE = Trainer(
    endpoint="fal-ai/flux-lora-fast-training",
    avatar_type="style",
    archive="images_data_url",
    trigger="trigger_word",
    steps="steps",
    presets=_presets(500, 1000, 2000),
    fixed=MappingProxyType({"is_style": True}),
)
STYLE_PRO = Trainer(
    endpoint="fal-ai/flux-pro-trainer",
    avatar_type="style",
    archive="data_url",
    trigger="trigger_word",
    steps="iterations",
    presets=_presets(250, 500, 1000),
    fixed=MappingProxyType(
        {"mode": "style", "priority": "quality", "captioning": True, "finetune_type": "lora"}
    ),
    comment="finetune_comment",
    deprecated=True,
)
TRAINERS = MappingProxyType({trainer.endpoint: trainer for trainer in (PORTRAIT, STYLE, STYLE_PRO)})


def choose(avatar_type: str, settings: FalSettings) -> Trainer:
    """The trainer for an avatar of this type.

    Raises:
        TrainerDeprecated: the chosen one is no longer supported by FAL and that isn't allowed for.
    """
    if avatar_type == "portrait":
        return PORTRAIT
    trainer = STYLE_PRO if settings.style_trainer == "flux-pro-trainer" else STYLE
    if trainer.deprecated and not settings.allow_deprecated:
        raise TrainerDeprecated(trainer=trainer.endpoint)
    return trainer


def presets(trainer: Trainer, settings: FalSettings) -> Mapping[Preset, int]:
    """The steps of each preset that makes a difference; a number of its own leaves just the default one."""
    override = {
        PORTRAIT.endpoint: settings.portrait_steps,
        STYLE.endpoint: settings.style_steps,
        STYLE_PRO.endpoint: settings.pro_iterations,
    }[trainer.endpoint]
    return {settings.training_preset: override} if override else trainer.presets


def steps_of(trainer: Trainer, settings: FalSettings, preset: Preset | None) -> tuple[Preset, int]:
    """The preset if it is one of `presets`, else the default one; and its steps."""
    offered = presets(trainer, settings)
    chosen = preset if preset is not None and preset in offered else settings.training_preset
    return chosen, offered[chosen]


def arguments(trainer: Trainer, steps: int, training_id: UUID) -> dict[str, Any]:
    """What the trainer gets, except the archive, whose address isn't known yet."""
    values: dict[str, Any] = {
        trainer.trigger: f"aisha{training_id.hex[:8]}",
        trainer.steps: steps,
        **trainer.fixed,
    }
    if trainer.comment is not None:
        values[trainer.comment] = f"{_COMMENT}{training_id}"
    return values


_COMMENT = "aisha-training-"
_COMMENTED = re.compile(
    _COMMENT + r"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})", re.IGNORECASE
)


def commented_training(payload: Mapping[str, Any]) -> UUID | None:
    """The training that `finetune_comment` names, in whatever casing it comes back."""
    found = _COMMENTED.search(str(payload.get("finetune_comment", "")))
    return UUID(found[1]) if found else None


@dataclass(frozen=True, slots=True)
class Model:
    """What a training gave: a weights file on FAL's storage, or the id of a finetune kept at FAL."""

    url: str | None = None
    finetune_id: str | None = None


_FAL_HOST = re.compile(r"([a-z0-9-]+\.)*fal\.(media|ai|run)")
_PUBLIC_HOST = re.compile(r"(?!.*\.(localhost|localdomain|local|internal)$)([a-z0-9-]{1,63}\.)+[a-z]{2,63}")
_FINETUNE_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


def model_of(payload: Mapping[str, Any], trainer: Trainer, *, confirmed: bool = False) -> Model | None:
    """The model in a trainer's answer, None when there is none that may be believed.

    The first present of `diffusers_lora_file`, `lora_file`, `finetune_id` counts, and only a trainer that
    makes finetunes gives an id of one. A file is https on one of FAL's hosts. Where FAL itself was asked over
    TLS, with our key, its answer is `confirmed`: then the file may lie at any public name, since where FAL
    stores what was paid for is FAL's to choose.
    """
    for field in ("diffusers_lora_file", "lora_file"):
        value = payload.get(field)
        if value:
            url = value.get("url") if isinstance(value, dict) else None
            host = _PUBLIC_HOST if confirmed else _FAL_HOST
            return Model(url=url) if isinstance(url, str) and _lies_on(host, url) else None
    finetune_id = payload.get("finetune_id")
    if trainer.comment is None or not isinstance(finetune_id, str) or not _FINETUNE_ID.fullmatch(finetune_id):
        return None
    return Model(finetune_id=finetune_id)


def _lies_on(hosts: re.Pattern[str], url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    ours = hosts.fullmatch(host) is not None and parts.username is None
    return ours and url.startswith("https://") and url.isprintable()
