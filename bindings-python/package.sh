#!/usr/bin/env bash
# Builds the wheel and the source distribution, and uses each as a user would: installed into a clean
# environment, from a folder of its own. The wheel on every CPython from 3.10 on that is found here.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
root=$(cd .. && pwd)
dist=$root/target/python-dist
rm -rf "$dist"

maturin build --release --locked --quiet --out "$dist"
maturin sdist --out "$dist"
wheel=$(echo "$dist"/quorlock-*-abi3-*.whl)
sdist=$(echo "$dist"/quorlock-*.tar.gz)

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp tests/smoke.py "$folder"

# use PYTHON PACKAGE PIP-OPTION…: installs into a clean environment and runs there.
use() {
    local python=$1 package=$2
    shift 2
    rm -rf "$folder/env"
    "$python" -m venv "$folder/env"
    "$folder/env/bin/python" -m pip install --quiet --disable-pip-version-check "$@" "$package"
    (cd "$folder" && env -u PYTHONPATH env/bin/python -W error smoke.py)
}

tried=' '
for python in python3 python3.{10..15} "$HOME"/.pyenv/versions/3.1*/bin/python3; do
    version=$("$python" -c 'import sys; print(f"{sys.version_info[0]}.{sys.version_info[1]}")' 2>/dev/null) || continue
    case $tried in *" $version "*) continue ;; esac
    tried="$tried$version "
    said=$(use "$python" "$wheel" --no-index)
    echo "package-python: wheel on $version: $said"
done

# Builds the whole engine: a Rust compiler and crates.io are needed, as for any user of it.
said=$(use python3 "$sdist")
echo "package-python: source distribution: $said"
ls -l "$dist"
