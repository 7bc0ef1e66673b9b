#!/usr/bin/env bash
# Install what tests need besides Python: Chromium and PostgreSQL from apt, axe-core and an xAPI validator from npm.
set -euo pipefail
packages=$1
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

for wanted in e2e/node_modules/axe-core peers/xapi/node_modules/@learninglocker/xapi-validation; do
    [ -d "$here/$wanted" ] && continue
    command -v npm >/dev/null || { echo "Install Node.js with npm first: tests use axe-core and an xAPI validator" >&2; exit 1; }
    npm ci --prefix "$here/${wanted%%/node_modules/*}" --silent --no-audit --no-fund
done
