"""What people send besides texts, photos and files: enough of each object for a bot to see what it is.

Source: https://core.telegram.org/bots/api#message
"""

from collections.abc import Mapping
from typing import Any

_FILE = {"file_id": "AgADOther", "file_unique_id": "AQADOther", "file_size": 1000}
_CLIP = {**_FILE, "width": 640, "height": 480, "duration": 3}

OTHERS: Mapping[str, Mapping[str, Any]] = {
    "video": {"video": _CLIP},
    # An animation comes as a document as well, for bots that are older than animations.
    "animation": {"animation": _CLIP, "document": {**_FILE, "mime_type": "video/mp4"}},
    "video_note": {"video_note": {**_FILE, "length": 240, "duration": 3}},
    "sticker": {
        "sticker": {
            **_FILE,
            "type": "regular",
            "width": 512,
            "height": 512,
            "is_animated": False,
            "is_video": False,
        }
    },
    "voice": {"voice": {**_FILE, "duration": 3}},
    "audio": {"audio": {**_FILE, "duration": 3}},
    "location": {"location": {"latitude": 43.24, "longitude": 76.9}},
    "contact": {"contact": {"phone_number": "+77010000000", "first_name": "Bota"}},
    "dice": {"dice": {"emoji": "🎲", "value": 4}},
}
