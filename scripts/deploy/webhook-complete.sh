#!/usr/bin/env bash
# webhook-complete.sh [--dry-run]: from a clone and a filled-in prod.env to a running system.
#
# Builds the images, pushes them to $REGISTRY and sees that it lists them, makes the network and the logs'
# folders, starts the data services that COMPOSE_PROFILES names, migrates, starts the containers one after the
# other and asks through nginx.
# It may be repeated at any time: what is as it should be stays. Updates are for update-webhook-images.sh,
# which returns to the previous images when something fails.
#
# ENV_FILE   the settings [prod.env]; with WITHOUT_BOT=1 this host has no bot: another one has
# IMAGE_TAG  the images' tag [the git revision; uncommitted changes are refused]
# --dry-run  says each command, changes nothing

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$(dirname "${BASH_SOURCE[0]}")/lib_images.sh"

NETWORK=aisha_webhook_cluster
AGAIN='fix that, then run webhook-complete.sh again: what is done already stays done'

# What containers find on the host; the images' user, whom their logs belong to, is 10001.
make_network_and_folders() {
    local logs
    logs=$(setting LOG_DIR)
    logs=${logs:-/var/log/aisha}
    run install -d -m 0755 "$logs" "$logs/nginx" &&
        run install -d -m 0755 -o 10001 -g 10001 "$logs"/{webhook-api-1,webhook-api-2,bot} || return 1
    docker network inspect "$NETWORK" >/dev/null 2>&1 || run docker network create "$NETWORK"
}

start_data_services() {
    local ours=() service
    IFS=',' read -ra ours <<<"$COMPOSE_PROFILES"
    for service in "${ours[@]}"; do
        compose up -d --no-deps "$service" && patiently healthy "aisha-$service" || return 1
    done
}

begin 9 "$@"
((${#ARGUMENTS[@]} == 0)) || die "It takes no arguments; see --help."
needed DOMAIN REGISTRY TLS_DIR DATABASE_URL
find_docker
find_services
STEPS=$((STEPS + ${#SERVICES[@]}))
choose_tag
deliver_images "$AGAIN"
step 'network and folders' "start it as root, or make LOG_DIR's folders yourself; $AGAIN" make_network_and_folders
step 'data services' "'docker logs' of that container says why; $AGAIN" start_data_services
step 'migrate' "see that DATABASE_URL leads to the database; $AGAIN" migrate
for service in "${SERVICES[@]}"; do
    step "$service" "'docker logs aisha-$service' says why; $AGAIN" replace "$service"
done
step 'nginx-webhook' "'docker logs $NGINX' says why; $AGAIN" update_nginx replace
remember_tag
step 'verify' "see that DOMAIN is the certificate's; 'docker logs $NGINX' says more; $AGAIN" verify
