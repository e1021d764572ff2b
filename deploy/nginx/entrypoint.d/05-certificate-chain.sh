#!/bin/sh
# Joins TLS_DIR/certificate.crt and ca_bundle.crt into the chain that nginx serves. When they are renewed it is run
# again, before `nginx -s reload`.
set -eu

run=/tmp/nginx
certificate=$TLS_DIR/certificate.crt bundle=$TLS_DIR/ca_bundle.crt key=$TLS_DIR/private.key

refuse() {
    echo "nginx can't serve TLS: $1" >&2
    exit 1
}

for file in "$certificate" "$bundle" "$key"; do
    [ -f "$file" ] || refuse "$file is missing. TLS_DIR must hold certificate.crt, ca_bundle.crt and private.key"
    [ -r "$file" ] || refuse "$file can't be read by user $(id -u). Change its owner or mode"
done
for file in "$certificate" "$bundle"; do
    openssl x509 -in "$file" -noout 2>/dev/null || refuse "$file holds no certificate in PEM"
done
of_key=$(openssl pkey -in "$key" -passin pass: -pubout 2>/dev/null) ||
    refuse "$key is no key in PEM, or has a password. It must have none"
[ "$(openssl x509 -in "$certificate" -noout -pubkey)" = "$of_key" ] ||
    refuse "$key isn't the key of $certificate. Both must come from the same order"
openssl verify -no_check_time -partial_chain -trusted "$bundle" "$certificate" >/dev/null 2>&1 ||
    refuse "$bundle doesn't hold the issuer of $certificate. Take the bundle that came with it"

mkdir -p "$run/conf.d"
# Files written on Windows end their lines in CR, and some lack the last line's end.
for file in "$certificate" "$bundle"; do
    tr -d '\r' <"$file"
    echo
done >"$run/chain.new"
mv "$run/chain.new" "$run/chain.crt"
