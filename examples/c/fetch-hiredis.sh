#!/usr/bin/env bash
# Puts the sources of hiredis, the C client of Redis, into the folder that is named.
#
# They come from PyPI: the source distribution of the Python package `hiredis` carries them unchanged, the index is
# pip's own configuration, and the checksum is pinned.
set -euo pipefail

to=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

.venv/bin/python3 -m pip download --quiet --no-deps --no-binary :all: --require-hashes \
    --requirement "$here/hiredis.txt" --dest "$work"
tar -xzf "$work"/hiredis-*.tar.gz -C "$work"
rm -rf "$to"
mkdir -p "$(dirname "$to")"
mv "$work"/hiredis-*/vendor/hiredis "$to"
