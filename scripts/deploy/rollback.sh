#!/usr/bin/env bash
# rollback.sh [TAG] [--dry-run]: has the images of the previous release run again, or those of TAG.
#
# One container after the other, each asked at its own port and through nginx, as in an update. The database
# stays as it is: migrations are never undone, and the release before the newest migration runs on the newer
# schema. A release that is older than that may not.
#
# ENV_FILE   the settings [prod.env]; with WITHOUT_BOT=1 this host has no bot: another one has
# --dry-run  says each command, changes nothing

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$(dirname "${BASH_SOURCE[0]}")/lib_images.sh"

have_images() {
    local name
    for name in "${IMAGES[@]}"; do
        docker image inspect "$(image "$name")" >/dev/null 2>&1 || run docker pull "$(image "$name")" || return 1
    done
}

begin 3 "$@"
needed DOMAIN REGISTRY
find_docker
find_services
STEPS=$((STEPS + ${#SERVICES[@]}))
IMAGE_TAG=${ARGUMENTS[0]:-$(previous_tag)}
[[ -n $IMAGE_TAG ]] || die "There is no release before this one: name a tag, rollback.sh TAG."
export IMAGE_TAG
printf 'From %s to %s. The database is not downgraded: %s runs on the newer schema.\n' \
    "$(current_tag)" "$IMAGE_TAG" "$IMAGE_TAG"
step "images of $IMAGE_TAG" "see which tags $REGISTRY has, then run rollback.sh TAG" have_images
for service in "${SERVICES[@]}"; do
    step "$service" "'docker logs aisha-$service' says why; then rollback.sh of another TAG" replace "$service"
done
step 'nginx-webhook' "'docker logs $NGINX' says why; then rollback.sh of another TAG" update_nginx replace
remember_tag
step 'verify' "'docker logs $NGINX' says more" verify
