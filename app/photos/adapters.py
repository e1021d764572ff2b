"""What is known of photos, read from JSON: `dataclasses.asdict` writes it."""

from pydantic import TypeAdapter

from app.photos.features import Box, Edit, PhotoFacts, PhotoFeatures

BOX = TypeAdapter(Box)
EDIT = TypeAdapter(Edit)
FACTS = TypeAdapter(PhotoFacts)
FEATURES = TypeAdapter(PhotoFeatures)
