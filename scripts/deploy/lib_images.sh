# shellcheck shell=bash
# Images, and the containers that are made of them, one after the other. Sourced after lib.sh.

declare -A DOCKERFILES=(
    [webhook-api]=Dockerfile.webhook
    [aisha/bot]=Dockerfile.bot
    [nginx-webhook]=deploy/nginx/Dockerfile
)
IMAGES=(webhook-api aisha/bot nginx-webhook)
declare -A PORTS=([webhook-api-1]=8001 [webhook-api-2]=8002)
NGINX=aisha-nginx-webhook
ANSWERS=6 # in a row: nginx takes its upstreams in turn

# What runs here, in the order of its replacing, nginx not counted; each is a step. Of all hosts one has the bot.
find_services() {
    SERVICES=(webhook-api-1 webhook-api-2)
    if [[ $(setting WITHOUT_BOT) != 1 ]]; then SERVICES+=(bot); fi
}

# IMAGE_TAG as it was given, else the git revision of a tree that is wholly committed.
choose_tag() {
    IMAGE_TAG=$(setting IMAGE_TAG)
    if [[ -z $IMAGE_TAG ]]; then
        [[ -z $(git status --porcelain) ]] ||
            die "There are changes that no commit has: commit them, or name the images yourself with IMAGE_TAG=..."
        IMAGE_TAG=$(git rev-parse --short=12 HEAD)
    fi
    export IMAGE_TAG
}

image() {
    printf '%s/%s:%s' "$REGISTRY" "$1" "$IMAGE_TAG"
}

check_deploy() {
    local file tls
    tls=$(setting TLS_DIR)
    for file in "$tls"/{certificate.crt,private.key,ca_bundle.crt} "$COMPOSE_FILE" "${DOCKERFILES[@]}"; do
        if [[ ! -r $file ]]; then printf 'There is no %s\n' "$file" && return 1; fi
    done
    compose config -q && run docker info --format '{{.ServerVersion}}'
}

build_images() {
    local name revision
    revision=$(git rev-parse HEAD 2>/dev/null || printf unknown)
    for name in "${IMAGES[@]}"; do
        run docker build --file "${DOCKERFILES[$name]}" --tag "$(image "$name")" \
            --build-arg VERSION="$IMAGE_TAG" --build-arg REVISION="$revision" . || return 1
    done
}

push_images() {
    local name
    for name in "${IMAGES[@]}"; do run docker push "$(image "$name")" || return 1; done
}

# Whether the registry itself has what was pushed: its list of tags says so to Basic credentials, or Docker's own
# login sees the manifest.
confirm_images() {
    local name host=${REGISTRY%%/*} folder='' scheme=https options=()
    if [[ $REGISTRY == */* ]]; then folder=${REGISTRY#*/}/; fi
    if is_plain "$host"; then scheme=http options=(--insecure); fi
    for name in "${IMAGES[@]}"; do
        registry_lists "$scheme://$host/v2/$folder$name/tags/list" ||
            run docker manifest inspect "${options[@]}" "$(image "$name")" || return 1
    done
}

# Docker talks without TLS to this machine and to what its daemon.json names.
is_plain() {
    local list='{{range .RegistryConfig.IndexConfigs}}{{if not .Secure}}{{.Name}} {{end}}{{end}}'
    [[ $1 =~ ^(localhost|127\.) || " $(docker info --format "$list" 2>/dev/null)" == *" $1 "* ]]
}

registry_lists() {
    local tags
    tags=$(registry_credentials | run curl --silent --show-error --fail --max-time 20 --config - "$1") || return 1
    if ! $DRY && [[ $tags != *"\"$IMAGE_TAG\""* ]]; then
        printf 'The registry does not list %s at %s\n' "$IMAGE_TAG" "$1"
        return 1
    fi
}

# What `docker login` keeps, as curl's configuration: it goes by a pipe, so that no process list shows it.
registry_credentials() {
    local file=${DOCKER_CONFIG:-$HOME/.docker}/config.json
    if [[ ! -r $file ]]; then return; fi
    awk -v host="\"${REGISTRY%%/*}\":" '
        index($0, host) { inside = 1 }
        inside && match($0, /"auth": *"[^"]*"/) {
            split(substr($0, RSTART, RLENGTH), part, "\"")
            printf "header = \"Authorization: Basic %s\"\n", part[4]
            exit
        }
        inside && /}/ { exit }' "$file"
}

# deliver_images REMEDY: four steps, after which the registry has the images of IMAGE_TAG.
deliver_images() {
    local login="'docker login ${REGISTRY%%/*}'"
    step 'check' "$1" check_deploy
    step "build $IMAGE_TAG" "$1" build_images
    step 'push' "$login; $1" push_images
    step 'confirm in the catalog' \
        "neither its list of tags nor 'docker manifest inspect' shows them: $login; $1" confirm_images
}

migrate() {
    compose run --rm --no-deps -T migrate
}

fetch() {
    run curl --silent --show-error --fail --noproxy '*' --max-time 5 --output /dev/null "$@"
}

healthy() {
    local word
    word=$(run docker inspect --format '{{if .State.Health}}{{.State.Health.Status}}{{else}}{{.State.Status}}{{end}}' "$1")
    $DRY || [[ $word == healthy || $word == running ]]
}

# ready SERVICE: it answers at its own port, or its container says that it is well.
ready() {
    if [[ -n ${PORTS[$1]:-} ]]; then
        patiently fetch "http://127.0.0.1:${PORTS[$1]}/health"
    else
        patiently healthy "aisha-$1"
    fi
}

through_nginx() {
    local domain answer
    domain=$(setting DOMAIN)
    for ((answer = 1; answer <= ANSWERS; answer++)); do
        fetch --resolve "$domain:443:127.0.0.1" "https://$domain/health" || return 1
    done
}

nginx_runs() {
    [[ $(docker inspect --format '{{.State.Running}}' "$NGINX" 2>/dev/null) == true ]]
}

# nginx looks its upstreams up once: a recreated container has a new address.
reload_nginx() {
    run docker exec "$NGINX" nginx -t && run docker exec "$NGINX" nginx -s reload && patiently through_nginx
}

# replace SERVICE [OPTION...]: its container becomes one of IMAGE_TAG and of today's settings.
replace() {
    local service=$1
    shift
    compose up -d --no-deps --no-build "$@" "$service" && ready "$service" || return 1
    if [[ $service != bot ]] && nginx_runs; then reload_nginx || return 1; fi
    if [[ $service == nginx-webhook ]] && ! $DRY; then nginx_section >"$STATE/nginx"; fi
}

# The whole way that a callback comes: both TLS ports, the plain one, and our service behind them.
verify() {
    local domain port
    domain=$(setting DOMAIN)
    patiently through_nginx || return 1
    for port in 443 8443; do
        fetch --resolve "$domain:$port:127.0.0.1" "https://$domain:$port/api/v1/avatar/test_webhook" || return 1
    done
    fetch --resolve "$domain:80:127.0.0.1" "http://$domain/health"
}

# update_nginx COMMAND: its ports are closed while its container is made anew, so that COMMAND does that only if its
# image or its settings are new.
update_nginx() {
    if nginx_is_the_same; then reload_nginx; else "$1" nginx-webhook; fi
}

nginx_is_the_same() {
    local runs new what='{{json .RootFS.Layers}} {{json .Config.Env}} {{json .Config.Healthcheck}}'
    nginx_runs && runs=$(docker inspect --format '{{.Image}}' "$NGINX" 2>/dev/null) &&
        runs=$(docker image inspect --format "$what" "$runs" 2>/dev/null) &&
        new=$(docker image inspect --format "$what" "$(image nginx-webhook)" 2>/dev/null) &&
        [[ $runs == "$new" ]] && nginx_section 2>/dev/null | cmp --silent - "$STATE/nginx"
}

# Compose's digest of all that it gives nginx; the tag is left out, since each release has another.
nginx_section() {
    DRY=false IMAGE_TAG=any compose config --hash nginx-webhook
}
