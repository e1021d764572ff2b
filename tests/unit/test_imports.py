"""What the webhook service must live without."""

import subprocess
import sys

WITHOUT = """
import sys
for name in ("aiogram", "aiohttp", "PIL", "pillow_heif", "cv2", "numpy", "minio"):
    sys.modules[name] = None
import api_server.main
"""


def test_the_webhook_service_needs_neither_the_bot_nor_photos() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
