#!/usr/bin/env bash
# restore.sh BACKUP [--replace] [--dry-run]: the database and the photos as they were when BACKUP was taken.
#
# BACKUP is a folder that backup.sh made. Whatever writes is stopped here; stop it on other hosts yourself. The
# database changes in one transaction: when anything in it fails, it is as it was. A database that holds tables
# is refused without --replace. On a new host run webhook-complete.sh first, then this with --replace.
#
# What happened after the backup is gone, and told of here so that you can tell people: taps and photos that
# Telegram was told are kept don't come again; those it still holds do. A message may reach a person twice,
# and a training that was just being submitted may be submitted again. FAL is asked about every training that
# was open; callbacks of trainings that the backup doesn't know are kept as `unmatched`. Files of later photos
# stay in the storage, with no row.
#
# --replace  the database's tables go, and those of the backup take their place
# ENV_FILE   the settings [prod.env]; with WITHOUT_BOT=1 this host has no bot: another one has
# --dry-run  says each command, changes nothing

CALLER=$PWD
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$(dirname "${BASH_SOURCE[0]}")/lib_images.sh"
source "$(dirname "${BASH_SOURCE[0]}")/lib_data.sh"

TABLES="SELECT count(*) FROM pg_tables WHERE schemaname IN ('public', 'jobs')"
OTHERS="SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename <> '' AND pid <> pg_backend_pid()"
REPLACE=false
BACKUP=''

check_backup() {
    local revision
    (cd "$BACKUP" && sha256sum --check --quiet --strict checksums) || return 1
    revision=$(awk '$1 == "revision" { print $2 }' "$BACKUP/manifest")
    if ! compgen -G "app/database/migrations/versions/${revision}_*.py"; then
        printf 'Its schema %s is newer than this release: deploy %s first\n' "$revision" \
            "$(awk '$1 == "release" { print $2 }' "$BACKUP/manifest")"
        return 1
    fi
}

# is_zero QUERY: the count is 0.
is_zero() {
    local count
    count=$(ask_database "$1") || return 1
    $DRY || [[ $count == 0 ]]
}

may_replace() {
    $REPLACE || is_zero "$TABLES"
}

stop_writers() {
    compose stop "${SERVICES[@]}" && patiently is_zero "$OTHERS"
}

# Without the last line nothing is kept: it is only said when all of the dump was read.
script() {
    printf 'BEGIN; DROP SCHEMA IF EXISTS public, jobs CASCADE; CREATE SCHEMA public;\n'
    from "$BACKUP/database.dump" in_postgres pg_restore --no-owner --no-privileges --file=- && printf 'COMMIT;\n'
}

restore_database() {
    script | in_postgres psql -Xq -v ON_ERROR_STOP=1 &&
        same_rows
}

same_rows() {
    $DRY || diff <(grep '^rows ' "$BACKUP/manifest" | sort) <(count_rows "$BACKUP" | sort)
}

load_photos() {
    run tar --create --directory "$BACKUP" objects | objects load
}

# Every photo in the database but for those that were lost already.
verify_photos() {
    ask_database "SELECT format('%s  objects/%s', encode(sha256, 'hex'), storage_key) FROM avatar_photos" |
        sort | run comm -23 - "$BACKUP/lacking" | objects verify
}

start_writers() {
    local service
    for service in "${SERVICES[@]}"; do replace "$service" || return 1; done
}

begin 8 "$@"
for argument in "${ARGUMENTS[@]}"; do
    if [[ $argument == --replace ]]; then REPLACE=true; else BACKUP=$(cd "$CALLER" && realpath "$argument"); fi
done
[[ -r $BACKUP/checksums ]] || die "There is no whole backup at '$BACKUP': it is restore.sh BACKUP; see --help."
needed DATABASE_URL DOMAIN
find_docker
find_services
find_database
use_running_tag
AGAIN="fix that, then run restore.sh again; $(printf 'aisha-%s ' "${SERVICES[@]}")are stopped until then"
step 'check the backup' 'nothing was touched; take another backup' check_backup
step 'check the database' "nothing was touched; it holds tables or doesn't answer: add --replace, or fix DATABASE_URL" may_replace
step 'stop what writes' "stop what is connected to the database still, on other hosts as well; $AGAIN" stop_writers
step 'database' "it is as it was; $AGAIN" restore_database
step 'migrate' "$AGAIN" migrate
step 'photos' "see that the storage answers; $AGAIN" load_photos
step 'verify' "the log names the photos; $AGAIN" verify_photos
step 'start' "'docker logs' of that container says why" start_writers
