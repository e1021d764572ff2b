#!/usr/bin/env bash
# backup.sh [--keep N] [--dry-run]: the database and the photos, while the system runs, in a folder of BACKUP_DIR.
#
# The database is dumped first, then every photo that the dump names is copied. One that its person deleted in
# between can't be copied any more: then the database is dumped again, and what is copied already serves the
# new dump. So each photo's row in a backup has its file, checked by its SHA-256. Photos that the storage
# itself has lost are named in the file `lacking`; the backup is finished, no older one goes, and the script
# exits with 1. A backup gets its name when it is complete.
#
# A backup holds what people sent: only its owner may read it. The bot's steps in Redis are not in it.
#
# --keep N   how many backups stay, this one among them; older ones go [7]
# ENV_FILE   the settings [prod.env]; BACKUP_DIR is one of them
# --dry-run  says each command, changes nothing

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$(dirname "${BASH_SOURCE[0]}")/lib_data.sh"

PASSES=6
KEEP=7

make_draft() {
    run rm -rf "$BACKUP_DIR"/.draft-* && run mkdir -p "$DRAFT/objects" && ask_database 'SELECT 1'
}

# What is missing for the second time was not deleted: the storage has lost it.
collect() {
    local pass before
    for ((pass = 1; pass <= PASSES; pass++)); do
        before=$(cat "$DRAFT/lacking" 2>/dev/null || true)
        dump && copy_photos && into "$DRAFT/lacking" missing || return 1
        if $DRY || [[ $before == "$(cat "$DRAFT/lacking")" ]]; then return; fi
    done
}

dump() {
    into "$DRAFT/database.dump" in_postgres pg_dump --format=custom --no-owner --no-privileges &&
        run truncate --size 0 "$DRAFT/photos" &&
        from "$DRAFT/database.dump" in_postgres pg_restore --data-only --file=- |
        into "$DRAFT/contents" run awk -v photos="$DRAFT/photos" -f scripts/deploy/contents.awk
}

copy_photos() {
    into "$DRAFT/wanted" missing || return 1
    if $DRY || [[ -s $DRAFT/wanted ]]; then
        from "$DRAFT/wanted" objects save | run tar --extract --no-same-owner --directory "$DRAFT"
    fi
}

# The lines of `photos` about files that aren't there.
missing() {
    local line
    if $DRY; then return; fi
    while IFS= read -r line; do
        if [[ ! -f $DRAFT/${line#*  } ]]; then printf '%s\n' "$line"; fi
    done <"$DRAFT/photos" | sort
}

# Beside the photos of the last dump, photos of an earlier one are there.
drop_unnamed() {
    comm -13 <(cut -d ' ' -f 3 photos | sort) <(find objects -type f | sort) | xargs -r rm
}

describe() {
    printf 'created %s\nrelease %s\n' "$(date -u +%FT%TZ)" "$IMAGE_TAG"
    printf 'size database.dump %s\nsize objects %s\n' "$(stat --format %s database.dump)" \
        "$(du --bytes --summarize objects | cut -f 1)"
    sort contents
}

write_manifest() (
    if $DRY; then return; fi
    cd "$DRAFT" && drop_unnamed && describe >manifest &&
        sort photos | comm -23 - lacking >checksums &&
        sha256sum database.dump manifest lacking >>checksums &&
        rm contents photos wanted &&
        sha256sum --check --quiet checksums
)

keep_it() {
    run sync --file-system "$BACKUP_DIR" && run mv "$DRAFT" "$TARGET" && drop_old
}

drop_old() {
    local old
    if [[ -s $TARGET/lacking ]]; then return; fi
    for old in $(find "$BACKUP_DIR" -mindepth 1 -maxdepth 1 -name '2*Z' | sort | head -n -"$KEEP"); do
        run rm -rf "$old" || return 1
    done
}

begin 4 "$@"
if ((${#ARGUMENTS[@]})); then
    [[ ${ARGUMENTS[*]} =~ ^--keep\ ([1-9][0-9]*)$ ]] || die "It is backup.sh [--keep N]; see --help."
    KEEP=${BASH_REMATCH[1]}
fi
needed DATABASE_URL BACKUP_DIR
find_docker
find_database
use_running_tag
BACKUP_DIR=$(realpath --canonicalize-missing "$(setting BACKUP_DIR)")
TARGET=$BACKUP_DIR/$(date -u +%Y%m%dT%H%M%SZ)
DRAFT=$BACKUP_DIR/.draft-${TARGET##*/}
AGAIN='fix that, then run backup.sh again: nothing that runs was touched'
step 'check' "see that DATABASE_URL leads to the database; $AGAIN" make_draft
step 'database and photos' "$AGAIN" collect
step 'checksums' "$AGAIN" write_manifest
step 'finish' "$AGAIN" keep_it
printf 'The backup is %s\n' "$TARGET"
if [[ -s $TARGET/lacking ]]; then
    die "It lacks $(wc -l <"$TARGET/lacking") photos that the database names and the storage doesn't have: see its file 'lacking'. No older backup was removed."
fi
