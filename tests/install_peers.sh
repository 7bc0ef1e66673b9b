#!/usr/bin/env bash
# Install what tests need besides the project: programs from apt, and the peers that tests run as processes of their
# own. A folder below tests/peers is one peer: its package-lock.json is installed by npm, its requirements.txt into
# a virtual environment, both beside the file. Without root, apt or npm it says what to install.
set -euo pipefail
packages=$1
python=$2
here=$(cd "$(dirname "$0")" && pwd)

missing=()
for package in $packages; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
if ((${#missing[@]})); then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
    else
        echo "Install these first, then run make test again: ${missing[*]}" >&2
        exit 1
    fi
fi

# What is installed is remembered by the lock's checksum, so that a changed lock is installed anew.
fresh() { [ "$(cat "$2" 2>/dev/null)" = "$(cksum <"$1")" ]; }

for lock in "$here"/e2e/package-lock.json "$here"/peers/*/package-lock.json; do
    [ -f "$lock" ] || continue
    folder=$(dirname "$lock")
    fresh "$lock" "$folder/node_modules/.installed" && continue
    command -v npm >/dev/null || { echo "Install Node.js with npm first: tests use peers from it" >&2; exit 1; }
    npm ci --prefix "$folder" --silent --no-audit --no-fund
    cksum <"$lock" >"$folder/node_modules/.installed"
done

for lock in "$here"/peers/*/requirements.txt; do
    [ -f "$lock" ] || continue
    folder=$(dirname "$lock")
    fresh "$lock" "$folder/.venv/.installed" && continue
    rm -rf "$folder/.venv"
    "$python" -m venv "$folder/.venv"
    "$folder/.venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes -r "$lock"
    cksum <"$lock" >"$folder/.venv/.installed"
done
