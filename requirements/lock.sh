#!/bin/sh
# Lock the requirements anew, uv itself among them, with hashes and without index addresses. Needs uv; UV names it.
set -eu
cd "$(dirname "$0")"
for name in installer serving train dev bench; do
    "${UV:-uv}" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header ${UPGRADE:+--upgrade} "$name.in" -o "$name.lock"
done
