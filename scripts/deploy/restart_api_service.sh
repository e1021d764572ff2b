#!/usr/bin/env bash
# restart_api_service.sh [1|2] [--dry-run]: has the webhook service begin anew, with the settings of today.
#
# Both instances one after the other, the second once the first answers through nginx; or the one that is named.
# The images stay those that run.
#
# ENV_FILE   the settings [prod.env]
# --dry-run  says each command, changes nothing

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$(dirname "${BASH_SOURCE[0]}")/lib_images.sh"

instances=(1 2)
for instance in 1 2; do
    if [[ " $* " == *" $instance "* ]]; then instances=("$instance"); fi
done
begin ${#instances[@]} "$@"
[[ ${ARGUMENTS[*]} =~ ^[12]?$ ]] || die "There are the instances 1 and 2; see --help."
needed DOMAIN REGISTRY
find_docker
use_running_tag
for instance in "${instances[@]}"; do
    step "webhook-api-$instance" "'docker logs aisha-webhook-api-$instance' says why; the other instance serves alone" \
        replace "webhook-api-$instance" --force-recreate
done
