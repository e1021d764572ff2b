#!/usr/bin/env bash
# restart_api_service.sh [1|2|bot|all] [--dry-run]: has what runs begin anew, with the settings of today.
#
# Both instances of the webhook service one after the other, the second once the first answers through nginx; or
# the one that is named, or the bot alone. With `all` both instances and then the bot: that is for new secrets.
# The images stay those that run.
#
# ENV_FILE   the settings [prod.env]; with WITHOUT_BOT=1 this host has no bot
# --dry-run  says each command, changes nothing

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$(dirname "${BASH_SOURCE[0]}")/lib_images.sh"

begin 0 "$@"
[[ ${ARGUMENTS[*]} =~ ^(1|2|bot|all)?$ ]] || die "There are the instances 1 and 2, bot and all; see --help."
needed DOMAIN REGISTRY
find_docker
use_running_tag
find_services
case ${ARGUMENTS[0]:-} in
    '') SERVICES=(webhook-api-1 webhook-api-2) ;;
    1 | 2) SERVICES=("webhook-api-${ARGUMENTS[0]}") ;;
    bot) SERVICES=(bot) ;;
esac
STEPS=$((STEPS + ${#SERVICES[@]}))
for service in "${SERVICES[@]}"; do
    step "$service" "'docker logs aisha-$service' says why; the others run on" \
        replace "$service" --force-recreate
done
