"""What is known of photos, read from JSON: `dataclasses.asdict` writes it."""

from pydantic import TypeAdapter

from app.photos.features import Box, Edit, PhotoFacts, PhotoTraits

BOX = TypeAdapter(Box)
EDIT = TypeAdapter(Edit)
FACTS = TypeAdapter(PhotoFacts)
TRAITS = TypeAdapter(PhotoTraits)
