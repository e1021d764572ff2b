# shellcheck shell=bash
# The database and the photos, for backup and restore. Sourced after lib.sh.

export LC_ALL=C # one order for sort, comm and awk

# What libpq takes from the environment, out of DATABASE_URL: the password is on no command line.
find_database() {
    local url
    url=$(setting DATABASE_URL)
    [[ $url =~ ^postgres(ql|ql\+[a-z0-9]+)?://([^:@/]+):([^@/]*)@([^:/?@]+)(:([0-9]+))?/([^?]+)(\?(.*))?$ ]] ||
        die "DATABASE_URL is not postgresql://user:password@host[:port]/name."
    PGUSER=$(decoded "${BASH_REMATCH[2]}")
    PGPASSWORD=$(decoded "${BASH_REMATCH[3]}")
    PGHOST=${BASH_REMATCH[4]}
    PGPORT=${BASH_REMATCH[6]:-5432}
    PGDATABASE=$(decoded "${BASH_REMATCH[7]}")
    PGSSLMODE=prefer
    if [[ ${BASH_REMATCH[9]:-} =~ (^|&)ssl(mode)?=([a-z-]+) ]]; then PGSSLMODE=${BASH_REMATCH[3]/true/require}; fi
    export PGUSER PGPASSWORD PGHOST PGPORT PGDATABASE PGSSLMODE
}

decoded() {
    printf '%b' "${1//%/\\x}"
}

# A program of Postgres, in a container of its own, wherever the server is.
in_postgres() {
    compose run --rm --no-deps -T -e PGUSER -e PGPASSWORD -e PGHOST -e PGPORT -e PGDATABASE -e PGSSLMODE postgres "$@"
}

ask_database() {
    in_postgres psql -XqAt -F ' ' -v ON_ERROR_STOP=1 -c "$1"
}

# `python -m scripts.objects`, with the settings and the storage of the bot.
objects() {
    compose run --rm --no-deps -T bot python -m scripts.objects "$@"
}

# How many rows each table has that the manifest names, as it writes them.
count_rows() {
    local table query=''
    while read -r table; do
        query+="${query:+ UNION ALL }SELECT 'rows', '$table', count(*) FROM $table"
    done < <(awk '$1 == "rows" { print $2 }' "$1/manifest")
    ask_database "$query"
}
