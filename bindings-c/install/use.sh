#!/usr/bin/env bash
# Uses an installed copy as a user would, from a clean folder: with the compiler alone, with pkg-config and
# with CMake. `use.sh PREFIX`
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
prefix=$(cd "$1" && pwd)
cc=${CC:-cc}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$here/use.c" "$here/CMakeLists.txt" "$work"
cd "$work"
unset LD_LIBRARY_PATH

expect() { # what it is, program…
    local said
    said=$("${@:2}")
    [[ $said == *'held with token yes'* ]] || { echo "$1: said $said" >&2 && exit 1; }
    echo "$1: $said"
}

"$cc" -Wall -Wextra -Werror use.c -o plain -I"$prefix/include" -L"$prefix/lib" -lquorlock -Wl,-rpath,"$prefix/lib"
expect 'compiler' ./plain

if command -v pkg-config >/dev/null; then
    export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
    # shellcheck disable=SC2046
    "$cc" use.c -o with-pkg-config $(pkg-config --cflags --libs quorlock)
    expect 'pkg-config' env LD_LIBRARY_PATH="$prefix/lib" ./with-pkg-config
    if [[ -e $prefix/lib/libquorlock.a ]]; then
        # shellcheck disable=SC2046
        "$cc" use.c -o static $(pkg-config --cflags quorlock) "$prefix/lib/libquorlock.a" \
            $(pkg-config --libs-only-l --static quorlock | sed 's/-lquorlock//')
        expect 'static library' ./static
    fi
else
    echo 'pkg-config is not installed here: not tried'
fi

if command -v cmake >/dev/null; then
    cmake -S . -B build -DCMAKE_PREFIX_PATH="$prefix" >cmake.log 2>&1 || { cat cmake.log >&2 && exit 1; }
    cmake --build build >>cmake.log 2>&1 || { cat cmake.log >&2 && exit 1; }
    expect 'CMake' build/use
    if [[ -e build/use-static ]]; then
        expect 'CMake, static library' build/use-static
    fi
else
    echo 'CMake is not installed here: not tried'
fi
