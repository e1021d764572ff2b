# shellcheck shell=bash
# What every deploy script has: options, settings, steps, and nobody else at work. Sourced, never run.
#
# A step is a chain of commands joined by &&: the first that fails ends it, whoever calls it. What changes
# anything goes through `run`, which says it instead under --dry-run.

set -euo pipefail
umask 077

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
STATE=$ROOT/var/deploy
COMPOSE_FILE=docker-compose.webhook.prod.yml
COMPOSE=()
TRIES=60 # a second apart
DRY=false
STEP=0
STEPS=0
NAME=start
NEXT='start again'
SINCE=0
ARGUMENTS=()
FUNCNEST=50 # settings that name each other end in an error

die() {
    printf '%s\n' "$*" >&2
    exit 1
}

# begin STEPS "$@": reads the options of every script; what else was given is left in ARGUMENTS.
begin() {
    STEPS=$1
    shift
    while (($#)); do
        case $1 in
            --help) sed -n '2,/^$/s/^# \{0,1\}//p' "$0" && exit 0 ;;
            --dry-run) DRY=true ;;
            *) ARGUMENTS+=("$1") ;;
        esac
        shift
    done
    exec 3>&1 4>&2
    cd "$ROOT"
    export ENV_FILE=${ENV_FILE:-prod.env}
    $DRY || be_alone
}

# One deploy, backup or restore at a time; the lock goes with the process.
be_alone() {
    mkdir -p "$STATE"
    exec 9>>"$STATE/lock"
    flock --nonblock 9 || die "Another one is at work: $(tail -n 1 "$STATE/lock"). Wait for its end, then start again."
    printf '%s, process %d\n' "${0##*/}" $$ >"$STATE/lock"
    find "$STATE" -name '*.log' -mtime +30 -delete
    LOG=$STATE/$(date -u +%Y%m%dT%H%M%SZ)-${0##*/}.log
    : >"$LOG"
    trap failed INT TERM HUP PIPE
}

# step NAME NEXT COMMAND...: one line with its number and its time. NEXT is what to do when it fails.
step() {
    NAME=$1 NEXT=$2 SINCE=$SECONDS
    shift 2
    STEP=$((STEP + 1))
    printf '[%d/%d] %s ... ' "$STEP" "$STEPS" "$NAME" || failed
    if $DRY; then
        printf '\n' && "$@" </dev/null
        return
    fi
    printf -- '--- %s\n' "$NAME" >>"$LOG"
    "$@" >>"$LOG" 2>&1 </dev/null || failed
    printf '%d s\n' $((SECONDS - SINCE)) || failed
}

# The step failed, or was interrupted: `undo`, which a script may define, has its turn, and the script is over.
# Whoever watched may be gone with the connection: then what is said goes into the log.
failed() {
    trap '' INT TERM HUP PIPE
    set +e
    exec 1>&3 2>&4
    printf 'failed after %d s\n' $((SECONDS - SINCE)) || exec 1>>"$LOG"
    tail -n 15 "$LOG" >&2 || exec 2>>"$LOG"
    printf 'Failed: step %d of %d, %s. All of it is in %s\n' "$STEP" "$STEPS" "$NAME" "$LOG" >&2
    if declare -F undo >/dev/null; then undo; fi
    printf 'Next: %s\n' "$NEXT" >&2
    exit 1
}

run() {
    if $DRY; then
        { printf '      ' && printf '%q ' "$@" && printf '\n'; } >&3
        if [[ -p /dev/stdin ]]; then cat >/dev/null; fi
        return
    fi
    printf '+ %s\n' "$*" >&2
    "$@"
}

# into FILE COMMAND...: what the command prints becomes the file.
into() {
    local file=$1
    shift
    if $DRY; then "$@" && printf '        > %s\n' "$file" >&3; else "$@" >"$file"; fi
}

# from FILE COMMAND...: the command reads the file.
from() {
    local file=$1
    shift
    if $DRY; then "$@" && printf '        < %s\n' "$file" >&3; else "$@" <"$file"; fi
}

# patiently COMMAND...: until it succeeds, TRIES times at most. `return` alone, called from a trap, would give the
# status of what the signal came upon.
patiently() {
    local try
    for ((try = 1; try <= TRIES; try++)); do
        if "$@"; then return 0; fi
        sleep 1
    done
    return 1
}

# setting NAME: the environment's word, else ENV_FILE's; the file is read, never executed.
setting() {
    local line value=''
    if value=$(printenv "$1") && [[ -n $value ]]; then
        printf '%s' "$value"
        return
    fi
    while IFS= read -r line || [[ -n $line ]]; do
        if [[ $line =~ ^(export[[:space:]]+)?$1=(.*)$ ]]; then value=${BASH_REMATCH[2]%$'\r'}; fi
    done <"$ENV_FILE"
    if [[ $value =~ ^\'([^\']*)\' ]]; then
        printf '%s' "${BASH_REMATCH[1]}"
    elif [[ $value =~ ^\"([^\"]*)\" ]]; then
        expanded "${BASH_REMATCH[1]}"
    else
        value=${value%%[[:space:]]#*}
        expanded "${value%"${value##*[![:space:]]}"}"
    fi
}

# expanded VALUE: with other settings in the place of ${NAME}, as compose reads the file; nothing else is meant.
# shellcheck disable=SC2016  # the letters themselves are looked for
expanded() {
    local rest=$1 name
    while [[ $rest == *'${'*'}'* ]]; do
        name=${rest#*'${'}
        name=${name%%\}*}
        [[ $name =~ ^[A-Za-z_][A-Za-z0-9_]*$ ]] || break
        printf '%s%s' "${rest%%'${'*}" "$(setting "$name")"
        rest=${rest#*'${'"$name"\}}
    done
    printf '%s' "$rest"
}

# needed NAME...: settings without which there is no going on; none of all may be a placeholder still.
needed() {
    local name missing=() placeholders
    [[ -r $ENV_FILE ]] || die "There is no $ENV_FILE: copy prod.env.example and fill it in, or name another in ENV_FILE."
    placeholders=$(sed -n -E 's/^(export +)?([A-Za-z_][A-Za-z0-9_]*)=.*CHANGE_ME.*/\2/p' "$ENV_FILE" | paste -s -d ' ')
    [[ -z $placeholders ]] || die "Placeholders are left in $ENV_FILE: $placeholders. Give them values, then start again."
    for name; do [[ -n $(setting "$name") ]] || missing+=("$name"); done
    ((${#missing[@]} == 0)) || die "Missing in $ENV_FILE: ${missing[*]}. Give them values, then start again."
}

# `docker compose`, else `docker-compose`, with what the compose file asks of its environment.
find_docker() {
    if docker compose version >/dev/null 2>&1; then
        COMPOSE=(docker compose)
    elif command -v docker-compose >/dev/null; then
        COMPOSE=(docker-compose)
        old_compose_suits
    else
        die "There is neither 'docker compose' nor 'docker-compose': install Docker with its compose plugin."
    fi
    REGISTRY=$(setting REGISTRY)
    COMPOSE_PROFILES=$(setting COMPOSE_PROFILES)
    export REGISTRY COMPOSE_PROFILES
}

# docker-compose 1.29 replaces containers by what Engine 26 doesn't tell any more: it ends amid that, every time.
old_compose_suits() {
    local engine
    [[ $(docker-compose version --short) == 1.* ]] || return 0
    engine=$(docker version --format '{{.Server.Version}}' 2>/dev/null) || true
    if [[ $engine =~ ^([0-9]+)\. ]] && ((BASH_REMATCH[1] >= 26)); then
        die "docker-compose can't replace containers of Docker $engine: install docker-compose-plugin."
    fi
}

compose() {
    run "${COMPOSE[@]}" --env-file "$ENV_FILE" -f "$COMPOSE_FILE" "$@"
}

# Tags as they came to run, the newest last; a tag that was returned to comes again.
current_tag() {
    if [[ -r $STATE/releases ]]; then tail -n 1 "$STATE/releases" | cut -d ' ' -f 2; fi
}

previous_tag() {
    if [[ -r $STATE/releases ]]; then
        awk -v now="$(current_tag)" '$2 != now { tag = $2 } END { print tag }' "$STATE/releases"
    fi
}

remember_tag() {
    if $DRY || [[ $IMAGE_TAG == "$(current_tag)" ]]; then return; fi
    printf '%s %s\n' "$(date -u +%FT%TZ)" "$IMAGE_TAG" >>"$STATE/releases"
}

# The tag of what runs: for scripts that bring no images of their own.
use_running_tag() {
    IMAGE_TAG=$(current_tag)
    IMAGE_TAG=${IMAGE_TAG:-$(setting IMAGE_TAG)}
    [[ -n $IMAGE_TAG ]] || die "Nothing is deployed yet: run scripts/deploy/webhook-complete.sh first."
    export IMAGE_TAG
}
