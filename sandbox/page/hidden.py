"""What a browser needn't know: the token in our callback's address, the bot's, FAL's key, passwords."""

import re

_SECRETS = re.compile(
    r"(?P<before>[?&]token=|postgresql\S*?://[^\s:@/]*:)(?:[^\s&\"'@\\]+)"
    r"|(?<!\d)\d{5,12}:[\w-]{20,}"
    r"|\b[0-9a-f]{32}:[0-9a-f]{32}\b"
)
HIDDEN = "[hidden]"


def hidden(text: str) -> str:
    """The text without them; JSON stays JSON."""
    return _SECRETS.sub(lambda match: f"{match['before'] or ''}{HIDDEN}", text)
