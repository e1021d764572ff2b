#!/usr/bin/env bash
# pgqueuer 1.6.0: an environment variable called CHANNEL, FUNCTION, TRIGGER or DURABILITY changes its settings.
#
# Guess:  settings are read from variables that begin with PGQUEUER_, the declared `env_prefix`, and from no others.
# Seen:   each field has an alias without a prefix, and the prefix isn't put before an alias. A CHANNEL that is
#         meant for another program moves the channel of NOTIFY: a worker that has it doesn't hear of new jobs
#         from one that hasn't, and finds them only when it looks by itself.
# Output: radio queue_of_somebody_else volatile
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pgqueuer==1.6.0

seen=$(CHANNEL=radio QUEUE_TABLE=queue_of_somebody_else DURABILITY=volatile "$folder/venv/bin/python" -c '
from pgqueuer.domain.settings import DBSettings
settings = DBSettings()
assert DBSettings.model_config["env_prefix"] == "PGQUEUER_"
print(settings.channel, settings.queue_table, settings.durability.value)')
echo "$seen"
[ "$seen" = "radio queue_of_somebody_else volatile" ]
