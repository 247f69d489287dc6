#!/usr/bin/env bash
# The house rules that no compiler checks. Prints each finding as file:line: reason and fails if
# there is any. Reads tracked files and new ones that are not ignored; changes nothing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

lines_max=400
bytes_max=$((1024 * 1024))
found=0

finding() { # location reason
    printf '%s: %s\n' "$1" "$2"
    found=$((found + 1))
}

# files PATHSPEC…: what git knows or would add, without what was deleted from the working tree.
files() {
    local file
    git ls-files -z --cached --others --exclude-standard -- "$@" |
        while IFS= read -r -d '' file; do
            if [[ -f $file ]]; then printf '%s\0' "$file"; fi
        done | sort -zu
}

# lines REGEX REASON PATHSPEC…: one finding for each line that matches.
lines() {
    local regex=$1 reason=$2 file number
    shift 2
    while IFS= read -r -d '' file; do
        while IFS=: read -r number _; do
            finding "$file:$number" "$reason"
        done < <(grep -nIE -e "$regex" -- "$file" || true)
    done < <(files "$@")
}

# Lines of a file above its test module. A `#[cfg(test)]` on anything else does not end the count.
lines_before_tests() {
    awk '
        /^#!\[cfg\(test\)\]/ { print 0; done = 1; exit }
        /^#\[cfg\((test|all\(test,.*)\)\]/ { marker = NR; next }
        marker && /^#\[/ { next }
        marker && /^(pub(\([a-z]+\))? )?mod [a-z_]+ *\{/ { print marker - 1; done = 1; exit }
        { marker = 0 }
        END { if (!done) print NR }
    ' "$1"
}

while IFS= read -r -d '' file; do
    case $file in
    */tests.rs | */tests/*) continue ;;
    esac
    count=$(lines_before_tests "$file")
    if ((count > lines_max)); then
        finding "$file:$((lines_max + 1))" "$count lines without tests, at most $lines_max"
    fi
done < <(files 'core/src/*' 'bindings-*/src/*')

while IFS= read -r -d '' file; do
    bytes=$(wc -c <"$file")
    if ((bytes > bytes_max)); then
        finding "$file:1" "$((bytes)) bytes, at most $bytes_max"
    fi
done < <(files)

lines '(^|[^[:alnum:]_])(TODO|FIXME|XXX)([^[:alnum:]_]|$)|(^|[^[:alnum:]_])(todo|unimplemented)!' \
    'unfinished work belongs in the tracker' \
    '*.rs' '*.py' '*.pyi' '*.ts' '*.mts' '*.cts' '*.c' '*.h'

if ! grep -qE '^#!\[forbid\(unsafe_code\)\]' core/src/lib.rs; then
    finding 'core/src/lib.rs:1' '#![forbid(unsafe_code)] is missing'
fi

lines '^[[:space:]]*#!\[(allow\(|cfg_attr\(.*[^[:alnum:]_]allow\()' \
    'a whole crate is excused from a lint: allow it where it is needed' \
    'lib.rs' '*/lib.rs'

lines '"resolved"[[:space:]]*:[[:space:]]*"[a-z+]+:' \
    'a lock file records a download address: set omit-lockfile-registry-resolved in .npmrc' \
    '*package-lock.json' '*npm-shrinkwrap.json'

if ((found > 0)); then
    printf '%d finding(s) against the house rules\n' "$found" >&2
    exit 1
fi
echo 'house rules: no finding'
