#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The custom maps that l4d2center.com asks of its servers: some dozens of campaigns, tens of gigabytes.
#
# Their index says name, size and MD5 of each VPK. Only what is new or has changed is downloaded, several at once; what
# is not listed any more is removed from left4dead2/addons/. VPKs that came here in another way stay. A run that was
# interrupted is gone on with by the next one, in the middle of a file if need be.
#
# Refresh it daily, and give the overlay room: what it may put out is limited.
set -eEuo pipefail
trap 'echo "l4d2center-maps: line $LINENO of the script failed" >&2' ERR
umask 022

: "${INDEX_URL:=https://l4d2center.com/maps/servers/index.csv}"
: "${PARALLEL:=3}" # downloads at once; be kind to them
# no: one map that cannot be had fails the build, and everything stays as it was. yes: the others are brought up to
# date, and that one stays in the version that is here, if there is one.
: "${SKIP_BROKEN:=no}"
# yes: a second copy of every map stays in the cache, so that a build from nothing need not download them again.
: "${KEEP_COPIES:=no}"

: "${OVERLAY:?is set by left4me}" "${CACHE:?is set by left4me}"
addons=$OVERLAY/left4dead2/addons
list=$OVERLAY/.l4d2center-maps # NAME;SIZE;MD5 of what this script has put into addons/
work=$CACHE/work
export parts=$CACHE/parts # archives that are being downloaded, by the MD5 of their map
export store=$CACHE/maps  # maps that are complete, by MD5; most are in the overlay after the same run

# Writes the list anew, all of it or nothing.
enlist() { # FILE
    cp "$1" "$list.new"
    mv "$list.new" "$list"
}

die() {
    printf 'l4d2center-maps: %s\n' "$*" >&2
    exit 1
}

# FILE is there only when it is complete. Goes on where a run before this one was interrupted.
get() { # URL FILE
    local code
    [ ! -f "$2" ] || return 0
    for _ in 1 2 3; do
        code=0
        curl --silent --show-error --fail --location --proto '=https' --retry 2 --connect-timeout 20 \
            --speed-limit 1000 --speed-time 60 --continue-at - --output "$2.part" "$1" || code=$?
        case $code in
        0)
            [ -s "$2.part" ] || return 1
            mv "$2.part" "$2"
            return
            ;;
        22 | 33 | 36) rm -f "$2.part" ;; # refused; perhaps because there is nothing to go on with
        esac
    done
    return 1
}

# What `tar` is for others: a directory with what is in an archive of any kind.
unpack() { # ARCHIVE DIR
    local program
    for program in 7z 7zz 7za; do
        ! command -v "$program" >/dev/null || break
    done
    rm -rf "$2"
    mkdir -p "$2"
    "$program" x -y -bd -bso0 -bsp0 -o"$2" "$1" >/dev/null 2>&1
}

is_map() { # FILE MD5
    [ -f "$1" ] && [ "$(md5sum <"$1" | cut -c -32)" = "$2" ]
}

# Puts one map into the store. Twice, because an archive that was gone on with may be two halves of different ones.
fetch() { # NAME;SIZE;MD5;LINK
    local name size md5 link file
    IFS=';' read -r name size md5 link <<<"$1"
    for _ in 1 2; do
        get "$link" "$parts/$md5" || { echo "$name: cannot download $link" >&2; return 1; }
        unpack "$parts/$md5" "$parts/$md5.d" || true # what came out of it is looked at in any case
        while IFS= read -r -d '' file; do
            if is_map "$file" "$md5"; then
                mv "$file" "$store/$md5"
                rm -rf "${parts:?}/$md5" "$parts/$md5.d"
                echo "$name: fetched, $((size / 1048576)) MiB"
                return
            fi
        done < <(find "$parts/$md5.d" -type f -iname '*.vpk' -print0)
        rm -rf "${parts:?}/$md5" "$parts/$md5.d"
    done
    echo "$name: no VPK in $link has the MD5 $md5 of the index" >&2
    return 1
}
export -f get unpack is_map fetch

# Prints NAME;SIZE;MD5;LINK for each line of the index, or a sentence if one of them is none, and fails.
read_index() { # FILE
    tr -d '\r' <"$1" | LC_ALL=C awk -F ';' '
        function trim(text) { gsub(/^[ \t]+|[ \t]+$/, "", text); return text }
        /^[ \t]*$/ { next }
        {
            name = trim($1); size = trim($2); md5 = tolower(trim($3)); link = trim($4)
            good = NF == 4 && name ~ /^[^.\/\\-][^\/\\]*\.[vV][pP][kK]$/ && name !~ /[[:cntrl:]]/ &&
                length(name) < 200 && size ~ /^[0-9]+$/ && length(size) < 13 &&
                length(md5) == 32 && md5 !~ /[^0-9a-f]/ && link ~ /^https:\/\/[^ ]/
            if (!good && NR == 1)
                next # the names of the columns
            if (!good || seen[name]++) {
                print "line " NR " of the index is not NAME;SIZE;MD5;LINK, or names a map again: " substr($0, 1, 120)
                exit 1
            }
            gsub(/ /, "%20", link)
            print name ";" size ";" md5 ";" link
        }'
}

for tool in curl awk md5sum xargs; do
    command -v "$tool" >/dev/null || die "$tool is not installed on this machine"
done
command -v 7z >/dev/null || command -v 7zz >/dev/null || command -v 7za >/dev/null ||
    die "7z is not installed on this machine; it is in the package 7zip"
rm -rf "$work"
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
mkdir -p "$work" "$parts" "$store" "$addons"
rm -f "$addons"/.*.vpk.new # of a run that was killed
touch "$list"

get "$INDEX_URL" "$work/index.csv" || die "cannot download $INDEX_URL; the maps stay as they were"
read_index "$work/index.csv" >"$work/index" || die "$(tail -n 1 "$work/index"); the maps stay as they were"
[ -s "$work/index" ] || die "there is no map in $INDEX_URL; the maps stay as they were"

# What is here already: listed as put here by a run that came to its end, or the same file from elsewhere.
declare -A owned=() here=()
while IFS=';' read -r name size md5; do
    owned[$name]="$size;$md5"
done <"$list"
: >"$work/needed"
while IFS=';' read -r name size md5 link; do
    file=$addons/$name
    bytes=$(stat -c %s "$file" 2>/dev/null || true)
    if [ "${owned[$name]:-}" = "$bytes;$md5" ] || { [ -z "${owned[$name]:-}" ] && is_map "$file" "$md5"; }; then
        here[$name]="$bytes;$md5"
        [ "$KEEP_COPIES" = yes ] || rm -f "$store/$md5"
    elif [ ! -f "$store/$md5" ] && ! grep -qF ";$md5;" "$work/needed"; then
        echo "$name;$size;$md5;$link" >>"$work/needed"
    fi
done <"$work/index"
echo "$(wc -l <"$work/index") maps in the index, ${#here[@]} here, $(wc -l <"$work/needed") to fetch:" \
    "$(awk -F ';' '{ sum += $2 } END { printf "%d MiB", sum / 1048576 }' "$work/needed")"

# Forget what the index does not ask for any more.
for file in "$parts"/* "$store"/*; do
    md5=${file##*/}
    [ ! -e "$file" ] || grep -qF ";${md5%%.*};" "$work/index" || rm -rf "$file"
done

# shellcheck disable=SC2016  # it is for the shell that is started
xargs -d '\n' -r -P "$PARALLEL" -n 1 bash -c 'fetch "$1"' fetch <"$work/needed" || true
broken=()
while IFS=';' read -r name _ md5 _; do
    [ -f "$store/$md5" ] || broken+=("$name")
done <"$work/needed"
if [ "${#broken[@]}" -gt 0 ]; then
    printf -v names ', %s' "${broken[@]}"
    [ "$SKIP_BROKEN" = yes ] || die "${#broken[@]} maps could not be fetched; all maps stay as they were: ${names:2}"
    echo "could not be fetched, stay as they were: ${names:2}"
fi

# From here on addons/ is changed. The list says first what may be half done, with nothing but the name, and at last how
# it is.
declare -A listed=()
while IFS=';' read -r name _ md5 _; do
    listed[$name]=yes
    if [ -n "${here[$name]:-}" ]; then
        echo "$name;${here[$name]}" | tee -a "$work/before"
    elif [ -f "$store/$md5" ]; then
        echo "$name;;" >>"$work/before"
        echo "$name;$(stat -c %s "$store/$md5");$md5"
    elif [ -n "${owned[$name]:-}" ]; then
        echo "$name;${owned[$name]}" | tee -a "$work/before"
    fi
done <"$work/index" >"$work/after"
for name in "${!owned[@]}"; do
    [ -n "${listed[$name]:-}" ] || echo "$name;;"
done >>"$work/before"
enlist "$work/before"

for name in "${!owned[@]}"; do
    if [ -z "${listed[$name]:-}" ]; then
        rm -f -- "$addons/$name"
        echo "$name: removed, it is not in the index any more"
    fi
done
while IFS=';' read -r name _ md5 _; do
    if [ -z "${here[$name]:-}" ] && [ -f "$store/$md5" ]; then
        cp -- "$store/$md5" "$addons/.$name.new"
        mv -- "$addons/.$name.new" "$addons/$name"
        echo "$name: placed"
    fi
done <"$work/index"

enlist "$work/after"
echo "done: $(wc -l <"$list") maps"
