#!/usr/bin/env bash
# install-systemd.sh [--prefix DIR] [--dry-run]: the bot and the webhook service without Docker, on Debian 12.
#
# Copies the code to DIR/releases/TAG with an environment of its own, from the locked requirements, migrates, and
# lets DIR/current lead there; then has both services begin anew. The user `aisha` and the units are made if need
# be. When the new release doesn't answer, or doesn't stay up for half a minute, DIR/current leads to the previous
# one again, and that is started; the database stays as it is, since every migration leaves the previous release
# working. The last two releases stay. It may be repeated: that is the update. The settings are copied once; from
# then on DIR/prod.env counts.
#
# The units migrate nothing by themselves: of two that start at once both would.
#
# --prefix DIR  [/opt/aisha-backend]
# ENV_FILE      the settings for the first time [prod.env]
# UNIT_DIR      where the units go [/etc/systemd/system]
# --dry-run     says each command, changes nothing

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$(dirname "${BASH_SOURCE[0]}")/lib_images.sh"

PREFIX=/opt/aisha-backend
UNIT_DIR=${UNIT_DIR:-/etc/systemd/system}
UNITS=(aisha-api aisha-bot)
CODE=(app api_server scripts deploy pyproject.toml)

check_host() {
    run python3.11 -c 'import ensurepip' && run systemctl --version
}

make_user() {
    getent passwd aisha >/dev/null 2>&1 ||
        run useradd --system --user-group --no-create-home --home-dir "$PREFIX" --shell /usr/sbin/nologin aisha
}

# Readable by everybody but for the settings; writable by root alone. What is whole already stays.
copy_release() {
    if [[ ! -e $PREFIX/prod.env ]]; then
        run install -d -m 0755 "$PREFIX" "$PREFIX/releases" &&
            run install -m 0640 "$ENV_FILE" "$PREFIX/prod.env" && run chgrp aisha "$PREFIX/prod.env" || return 1
    fi
    if [[ -e $RELEASE/.whole ]]; then return; fi
    run rm -rf "$RELEASE" && run install -d -m 0755 "$RELEASE" && run cp -R "${CODE[@]}" "$RELEASE" &&
        run chmod -R u=rwX,go=rX "$RELEASE"
}

make_environment() {
    local python=$RELEASE/.venv/bin/python
    if [[ -e $RELEASE/.whole ]]; then return; fi
    (umask 022 && run python3.11 -m venv "$RELEASE/.venv" &&
        run "$python" -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
            --requirement deploy/requirements/bot.txt &&
        run "$python" -m compileall -q "$RELEASE/app" "$RELEASE/api_server" "$RELEASE/scripts" &&
        run touch "$RELEASE/.whole")
}

# As a unit has it: systemd reads the settings, and nothing of them is on a command line.
migrate_release() {
    run systemd-run --quiet --pipe --wait --collect --uid aisha --property "EnvironmentFile=$PREFIX/prod.env" \
        --working-directory "$RELEASE" "$RELEASE/.venv/bin/python" -m alembic upgrade head
}

install_units() {
    local unit
    for unit in "${UNITS[@]}"; do
        into "$UNIT_DIR/$unit.service" run sed "s|/opt/aisha-backend|$PREFIX|g" "deploy/systemd/$unit.service" &&
            run chmod 0644 "$UNIT_DIR/$unit.service" || return 1
    done
    run systemctl daemon-reload && run systemctl enable "${UNITS[@]}"
}

# switch_to RELEASE: the services of that release begin, and answer.
switch_to() {
    SWITCHED=true
    run ln -sfn "$1" "$PREFIX/current.new" && run mv -T "$PREFIX/current.new" "$PREFIX/current" &&
        run systemctl restart "${UNITS[@]}" && patiently fetch --insecure "$HEALTH" &&
        run systemctl reset-failed "${UNITS[@]}" && stay_up
}

# For half a minute: what can't run is begun again and again, and a bot is refused the polling lock after 15 s only.
stay_up() {
    local look
    for ((look = 1; look <= TRIES / 2; look++)); do
        steady || return 1
        if $DRY; then return 0; fi
        sleep 1
    done
}

steady() {
    local states
    states=$(run systemctl show --property ActiveState,NRestarts "${UNITS[@]}") || return 1
    $DRY || (($(grep -cx -e ActiveState=active -e NRestarts=0 <<<"$states") == 2 * ${#UNITS[@]})) ||
        { printf 'Not active, or begun again:\n%s\n' "$states" && return 1; }
}

undo() {
    if ! $SWITCHED || [[ -z $PREVIOUS || $PREVIOUS == "$RELEASE" ]]; then return; fi
    if switch_to "$PREVIOUS" >>"$LOG" 2>&1 </dev/null; then
        printf 'Returned to %s\n' "$PREVIOUS" >&2
    else
        printf 'NOT returned to %s: journalctl -u aisha-api -u aisha-bot says why\n' "$PREVIOUS" >&2
    fi
}

# Where the service listens; its certificate is for another name than this one.
health_address() {
    local host port scheme=http
    host=$(setting API_HOST)
    port=$(setting API_PORT)
    if [[ -n $(setting SSL_CERTFILE) ]]; then scheme=https; fi
    printf '%s://%s:%s/health' "$scheme" "${host:-127.0.0.1}" "${port:-8000}"
}

drop_old_releases() {
    local release
    for release in "$PREFIX"/releases/*; do
        if [[ $release != "$RELEASE" && $release != "$PREVIOUS" ]]; then run rm -rf "$release" || return 1; fi
    done
}

begin 8 "$@"
if ((${#ARGUMENTS[@]})); then
    [[ ${ARGUMENTS[*]} =~ ^--prefix\ (/[A-Za-z0-9/._-]+)$ ]] || die "It is install-systemd.sh [--prefix DIR]; see --help."
    PREFIX=${BASH_REMATCH[1]}
fi
$DRY || [[ $(id -u) == 0 ]] || die "Only root may install services: start it with sudo."
if [[ -r $PREFIX/prod.env ]]; then ENV_FILE=$PREFIX/prod.env; fi
needed DATABASE_URL
choose_tag
SWITCHED=false
RELEASE=$PREFIX/releases/$IMAGE_TAG
PREVIOUS=$(readlink "$PREFIX/current" || true)
HEALTH=$(health_address)
AGAIN='fix that, then run install-systemd.sh again'
step 'check' "apt-get install python3.11-venv; this is for a host with systemd" check_host
step 'user' "$AGAIN" make_user
step "code of $IMAGE_TAG" "$AGAIN" copy_release
step 'environment' "$AGAIN" make_environment
step 'migrate' "see that DATABASE_URL leads to the database; $AGAIN" migrate_release
step 'units' "$AGAIN" install_units
step 'start' "journalctl -u aisha-api -u aisha-bot says why; $AGAIN" switch_to "$RELEASE"
step 'older releases' "$AGAIN" drop_old_releases
