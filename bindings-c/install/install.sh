#!/usr/bin/env bash
# Puts the header, the libraries, quorlock.pc and the CMake package in place.
#
#     install.sh SHARED_LIBRARY [STATIC_LIBRARY]
#
# PREFIX (/usr/local) is where it will be used from; LIBDIR (PREFIX/lib) and INCLUDEDIR (PREFIX/include)
# where distributions want them elsewhere; DESTDIR is put before all of them, for packages.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
header=$here/../include/quorlock.h
shared=$1
static=${2:-}
prefix=${PREFIX:-/usr/local}
libdir=${LIBDIR:-$prefix/lib}
includedir=${INCLUDEDIR:-$prefix/include}
root=${DESTDIR:-}
version=$(sed -n 's/^#define QUORLOCK_VERSION "\(.*\)"$/\1/p' "$header")

for place in "$prefix" "$libdir" "$includedir"; do
    if [[ $place != /* || $place =~ [[:space:]] ]]; then
        echo "install.sh: $place must be a whole path without spaces" >&2
        exit 2
    fi
done

fill() { # template place
    sed -e "s|@PREFIX@|$prefix|" -e "s|@LIBDIR@|$libdir|" -e "s|@INCLUDEDIR@|$includedir|" \
        -e "s|@VERSION@|$version|g" -e "s|@MINOR@|${version%.*}|g" "$here/$1" >"$2"
    chmod 644 "$2"
}

install -d "$root$includedir" "$root$libdir/pkgconfig" "$root$libdir/cmake/quorlock"
install -m 644 "$header" "$root$includedir/quorlock.h"
install -m 755 "$shared" "$root$libdir/libquorlock.so.$version"
strip --strip-unneeded "$root$libdir/libquorlock.so.$version"
ln -sf "libquorlock.so.$version" "$root$libdir/libquorlock.so.0"
ln -sf libquorlock.so.0 "$root$libdir/libquorlock.so"
if [[ -n $static ]]; then
    install -m 644 "$static" "$root$libdir/libquorlock.a"
    strip --strip-debug "$root$libdir/libquorlock.a"
fi
fill quorlock.pc.in "$root$libdir/pkgconfig/quorlock.pc"
fill quorlock-config.cmake.in "$root$libdir/cmake/quorlock/quorlock-config.cmake"
fill quorlock-config-version.cmake.in "$root$libdir/cmake/quorlock/quorlock-config-version.cmake"
echo "quorlock $version is in $root$prefix"
