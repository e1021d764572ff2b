#!/usr/bin/env bash
# The checks on Debian 13, with its Python 3.13, in a root of their own: var/debian13 (1.5 GB). Needs root,
# Debian's debootstrap and the network. What the root lacks (nginx, Redis, ...) is skipped, and said so.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD/var/debian13
environment=(HOME=/root LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin)

if [[ ! -x $root/usr/bin/make ]]; then
    mkdir -p "$root"
    debootstrap --variant=minbase --include=python3,python3-venv,make,ca-certificates,git trixie "$root"
fi
cp /etc/resolv.conf "$root/etc/resolv.conf"
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
rm -rf "$root/product"
git clone --quiet . "$root/product"
trap 'umount "$root/proc" "$root/dev"' EXIT
mount --bind /proc "$root/proc"
mount --bind /dev "$root/dev"
chroot "$root" env --ignore-environment "${environment[@]}" \
    bash -c "cd /product && ${1:-make test}"
