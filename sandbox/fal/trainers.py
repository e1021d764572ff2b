"""The trainers that the emulator offers: the arguments they take and the archive they want.

Undocumented minimums are 1; unknown arguments are ignored, as FAL does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

Steps = Annotated[int, Field(ge=1, le=10_000)]


class LoraPortrait(BaseModel):
    images_data_url: str
    trigger_phrase: str | None = None
    learning_rate: float = 0.00009
    steps: Steps = 2500
    multiresolution_training: bool = True
    subject_crop: bool = True
    create_masks: bool = False


class LoraFast(BaseModel):
    images_data_url: str
    trigger_word: str | None = None
    create_masks: bool = True
    is_style: bool = False
    steps: Steps = 1000


class Turbo(BaseModel):
    images_data_url: str
    trigger_phrase: str = "ohwx"
    steps: Steps = 1000
    learning_rate: float = 0.00115
    training_style: Literal["subject", "style"] = "subject"
    face_crop: bool = True


class Flux2(BaseModel):
    image_data_url: str
    default_caption: str | None = None
    learning_rate: float = 0.00005
    steps: Annotated[int, Field(ge=100, le=10_000)] = 1000


class Pro(BaseModel):
    data_url: str
    finetune_comment: str
    mode: Literal["character", "product", "style", "general"] = "character"
    iterations: int = 300
    priority: Literal["speed", "quality", "high_res_only"] = "quality"
    captioning: bool = True
    trigger_word: str = "TOK"
    lora_rank: Literal[16, 32] = 32
    finetune_type: Literal["full", "lora"] = "full"


@dataclass(frozen=True)
class Trainer:
    arguments: type[BaseModel]
    archive_field: str = "images_data_url"
    steps_field: str = "steps"
    minimum_images: int = 1
    gives_finetune: bool = False

    def archive_url(self, arguments: Mapping[str, Any]) -> str:
        """The archive's address among valid arguments. Raises pydantic's ValidationError for the others."""
        url: str = getattr(self.arguments.model_validate(arguments), self.archive_field)
        return url

    def steps(self, arguments: Mapping[str, Any]) -> int:
        """How many steps are asked for. Raises as `archive_url` does."""
        steps: int = getattr(self.arguments.model_validate(arguments), self.steps_field)
        return steps


TRAINERS = {
    "fal-ai/flux-lora-portrait-trainer": Trainer(LoraPortrait, minimum_images=10),
    "fal-ai/flux-lora-fast-training": Trainer(LoraFast, minimum_images=4),
    "fal-ai/turbo-flux-trainer": Trainer(Turbo),
    "fal-ai/flux-2-trainer": Trainer(Flux2, archive_field="image_data_url"),
    "fal-ai/flux-pro-trainer": Trainer(
        Pro, archive_field="data_url", steps_field="iterations", gives_finetune=True
    ),
}
