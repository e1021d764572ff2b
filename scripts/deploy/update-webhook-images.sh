#!/usr/bin/env bash
# update-webhook-images.sh [--dry-run]: brings a running system to today's code, without losing a callback.
#
# Builds, pushes, migrates, then replaces one container after the other: each must answer at its own port and
# then, nginx reloaded, several times in a row through nginx, before the next one's turn. nginx's own
# container is only replaced if its image or its settings are new. When a step fails, what was replaced
# returns to the images that ran before. The database never returns: every migration leaves the previous
# release working.
#
# ENV_FILE   the settings [prod.env]; with WITHOUT_BOT=1 this host has no bot: another one has
# IMAGE_TAG  the images' tag [the git revision; uncommitted changes are refused]
# --dry-run  says each command, changes nothing

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$(dirname "${BASH_SOURCE[0]}")/lib_images.sh"

REPLACED=()

replace_and_note() {
    REPLACED+=("$1")
    replace "$1"
}

undo() {
    local service
    if ((${#REPLACED[@]} == 0)); then
        printf 'What runs was not touched: it is %s.\n' "$PREVIOUS" >&2
        return
    fi
    IMAGE_TAG=$PREVIOUS
    for service in "${REPLACED[@]}"; do
        if replace "$service" >>"$LOG" 2>&1 </dev/null; then
            printf 'Returned to %s: %s\n' "$PREVIOUS" "$service" >&2
        else
            printf "NOT returned to %s: %s. See 'docker logs aisha-%s', then run rollback.sh %s\n" \
                "$PREVIOUS" "$service" "$service" "$PREVIOUS" >&2
        fi
    done
}

begin 7 "$@"
((${#ARGUMENTS[@]} == 0)) || die "It takes no arguments; see --help."
needed DOMAIN REGISTRY TLS_DIR DATABASE_URL
find_docker
find_services
STEPS=$((STEPS + ${#SERVICES[@]}))
choose_tag
PREVIOUS=$(current_tag)
[[ -n $PREVIOUS ]] || die "Nothing is deployed yet: run scripts/deploy/webhook-complete.sh first."
if [[ $IMAGE_TAG == "$PREVIOUS" ]]; then
    printf '%s runs already: nothing to do. Another IMAGE_TAG has it built anew.\n' "$IMAGE_TAG"
    exit 0
fi
AGAIN='fix that, then run update-webhook-images.sh again'
deliver_images "$AGAIN"
step 'migrate' "$AGAIN" migrate
for service in "${SERVICES[@]}"; do
    step "$service" "$AGAIN" replace_and_note "$service"
done
step 'nginx-webhook' "$AGAIN" update_nginx replace_and_note
step 'verify' "$AGAIN" verify
remember_tag
