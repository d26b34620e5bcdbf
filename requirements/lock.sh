#!/bin/sh
# Lock the requirements anew, with hashes and without index addresses. Needs uv.
set -eu
cd "$(dirname "$0")"
for name in serving train dev bench; do
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header ${UPGRADE:+--upgrade} "$name.in" -o "$name.lock"
done
