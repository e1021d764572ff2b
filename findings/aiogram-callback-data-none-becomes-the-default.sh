#!/usr/bin/env bash
# aiogram 3.31.0: None put into a button comes back from it as the field's default.
#
# Guess:  CallbackData.unpack gives what pack was given: a `style: int | None = 5` that was packed as None (no style)
#         is None when the button is pressed.
# Seen:   None is packed as nothing, and nothing, in a field that may be None, is unpacked as the field's default: the
#         button that says "no style" selects style 5. An empty text in such a field becomes its default, too.
# Output: style=None -> photo:: -> style=5
#         style=0 -> photo:0: -> style=0
#         words='' -> photo:5: -> words=None
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check aiogram==3.31.0

cat >"$folder/button.py" <<'PY'
from aiogram.filters.callback_data import CallbackData


class Photo(CallbackData, prefix="photo"):
    style: int | None = 5
    words: str | None = None


for name, value in (("style", None), ("style", 0), ("words", "")):
    packed = Photo(**{name: value}).pack()
    print(f"{name}={value!r} -> {packed} -> {name}={getattr(Photo.unpack(packed), name)!r}")
PY
seen=$(timeout 60 "$folder/venv/bin/python" "$folder/button.py")
echo "$seen"
diff <(echo "$seen") - <<'EXPECTED'
style=None -> photo:: -> style=5
style=0 -> photo:0: -> style=0
words='' -> photo:5: -> words=None
EXPECTED
