#!/usr/bin/env bash
# fluent.runtime 0.4.0: an argument that is missing, or None, is printed as its own name, as if it were a word.
#
# Guess:  as a missing message ({thanks}) or term ({-brand}) comes out in braces, a missing argument comes out as
#         {$name}, which every test and every reader sees; or the fallback language's text is taken.
# Seen:   the bare word `name`, in the middle of the sentence, with no braces and no dollar sign, and no fallback: a
#         column that is NULL greets everybody "Hello, name!". The error is in a list that FluentLocalization drops.
# Output: given: Hello, Aisha!
#         missing: Hello, name!
#         None: Hello, name!
#         missing message: See {thanks}.
#         missing term: By {-brand}.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check fluent.runtime==0.4.0

mkdir "$folder/kk" "$folder/en"
cat >"$folder/kk/bot.ftl" <<'FTL'
hello = Hello, { $name }!
see = See { thanks }.
by = By { -brand }.
FTL
echo 'hello = Hello.' >"$folder/en/bot.ftl"
cat >"$folder/words.py" <<'PY'
import sys

from fluent.runtime import FluentLocalization, FluentResourceLoader

loader = FluentResourceLoader(f"{sys.argv[1]}/{{locale}}")
words = FluentLocalization(["kk", "en"], ["bot.ftl"], loader, use_isolating=False)
print("given:", words.format_value("hello", {"name": "Aisha"}))
print("missing:", words.format_value("hello"))
print("None:", words.format_value("hello", {"name": None}))
print("missing message:", words.format_value("see"))
print("missing term:", words.format_value("by"))
PY
seen=$(timeout 60 "$folder/venv/bin/python" "$folder/words.py" "$folder")
echo "$seen"
diff <(echo "$seen") - <<'EXPECTED'
given: Hello, Aisha!
missing: Hello, name!
None: Hello, name!
missing message: See {thanks}.
missing term: By {-brand}.
EXPECTED
