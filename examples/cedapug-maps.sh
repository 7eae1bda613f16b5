#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The custom maps of cedapug.com: some dozens of campaigns, tens of gigabytes.
#
# Their page of custom maps holds a list of zip archives. Of each it is asked whether it has changed since the last
# run, and only what is new or has changed is downloaded, several at once. VPKs of archives that are not listed any more
# are removed from left4dead2/addons/; those that came here in another way stay. A run that was interrupted is gone on
# with by the next one, in the middle of a file if need be.
#
# There are no checksums upstream: what the zip archives say of themselves must do. Refresh it daily, and give the
# overlay room: what it may put out is limited.
set -eEuo pipefail
trap 'echo "cedapug-maps: line $LINENO of the script failed" >&2' ERR
umask 022

: "${PAGE_URL:=https://cedapug.com/custom}"
: "${MAPS_URL:=https://cedapug.com/maps/}" # of archives that are listed by nothing but their name
: "${PARALLEL:=3}"                         # downloads at once; be kind to them
: "${SKIP:=AllMapsInOneZipFile.zip}"       # names of archives you do not want, spaces between them
# no: one archive that cannot be had fails the build, and everything stays as it was. yes: the others are brought up to
# date, and that one stays in the version that is here, if there is one.
: "${SKIP_BROKEN:=no}"

: "${OVERLAY:?is set by left4me}" "${CACHE:?is set by left4me}"
addons=$OVERLAY/left4dead2/addons
list=$OVERLAY/.cedapug-maps # URL|VERSION|NAME|SIZE of what this script has put into addons/
export work=$CACHE/work
export parts=$CACHE/parts # archives that are being downloaded
export store=$CACHE/maps  # what was in archives that are complete; most of it is in the overlay after the same run

# Writes the list anew, all of it or nothing.
enlist() { # FILE
    cp "$1" "$list.new"
    mv "$list.new" "$list"
}

die() {
    printf 'cedapug-maps: %s\n' "$*" >&2
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

# Prints what tells one version of a file from another, without downloading it.
version() { # URL
    local said
    said=$(curl --silent --show-error --fail --location --proto '=https' --retry 2 --connect-timeout 20 \
        --max-time 60 --head --output /dev/null \
        --write-out '%header{etag} %header{last-modified} %header{content-length}' "$1") || return
    said=$(LC_ALL=C tr -cd '[:print:]' <<<"$said" | tr '|' '/')
    # Of a server that says nothing at all, every answer is new.
    [ -n "${said// /}" ] || said="unknown at $(date +%s)"
    printf %s "$said"
}

key_of() { # URL: a name for files of ours
    printf %s "$1" | md5sum | cut -c -32
}

# Only VPKs, and nothing but files with names this script can list. To unzip, 1 is a warning.
unpack() { # ARCHIVE DIR
    local code=0 odd
    mkdir -p "$2"
    unzip -qq -o -j -C "$1" '*.vpk' -d "$2" >/dev/null 2>&1 || code=$?
    odd=$(find "$2" -mindepth 1 \( ! -type f -o -name '.*' -o -name '*[|[:cntrl:]]*' \) -print -quit)
    [ "$code" -le 1 ] && [ -z "$odd" ]
}

# Sees to it that $store/KEY has the VPKs of an archive that is not in the overlay in its newest version, and that
# $work/KEY says which version that is.
fetch() { # URL|VERSION IN THE OVERLAY
    local url=${1%%|*} name=${1%%|*} key newest
    name=${name##*/}
    key=$(key_of "$url")
    newest=$(version "$url") || { echo "$name: cannot ask for $url" >&2; return 1; }
    if [ -n "${1#*|}" ] && [ "${1#*|}" = "$newest" ]; then
        rm -rf "${store:?}/$key"
    elif [ "$(cat "$store/$key/version" 2>/dev/null)" != "$newest" ]; then
        # Half of an old version is of no use.
        [ "$(cat "$parts/$key.version" 2>/dev/null)" = "$newest" ] || rm -f "$parts/$key.part" "$parts/$key"
        printf %s "$newest" >"$parts/$key.version"
        get "$url" "$parts/$key" || { echo "$name: cannot download $url" >&2; return 1; }
        rm -rf "${store:?}/$key"
        if ! unpack "$parts/$key" "$store/$key"; then
            rm -rf "${store:?}/$key" "${parts:?}/$key" "$parts/$key.version"
            echo "$name: $url is damaged, or there is no VPK in it" >&2
            return 1
        fi
        printf %s "$newest" >"$store/$key/version"
        rm -f "$parts/$key" "$parts/$key.version"
        echo "$name: fetched, $(du -sm "$store/$key" | cut -f 1) MiB"
    fi
    printf %s "$newest" >"$work/$key"
}
export -f get version key_of unpack fetch

# Prints the URLs of the archives. The page hands a list to a function of its script. Whatever else an entry has: its
# archive is what ends in .zip, at best with a path.
read_page() { # FILE
    local page link
    page=$(tr -d '\0' <"$1")
    [[ $page =~ renderCustomMapDownloads\([[:space:]]*\[ ]] || return 1
    # jq reads one value, and does not look at what comes after it.
    jq -n -r '
        def links: if test("^[^<>\"]*\\.zip$"; "i") then .
            else match("\"([^<>\"]*\\.zip)\""; "i").captures[0].string end;
        input | .[] | [.. | strings | links] | map(select(contains("/")))[0] // .[0] // empty' \
        <<<"[${page#*"${BASH_REMATCH[0]}"}" | while IFS= read -r link; do
        case $link in
        *[[:cntrl:]\|]*) return 1 ;;
        https://*) ;;
        http://*) link=https://${link#http://} ;;
        *://*) return 1 ;;
        //*) link=https:$link ;;
        /*) link=$(sed -E 's|^(https://[^/]*).*|\1|' <<<"$PAGE_URL")$link ;;
        */*) link=${PAGE_URL%/*}/$link ;;
        *) link=$MAPS_URL$link ;;
        esac
        case " $SKIP " in
        *" ${link##*/} "*) ;;
        *) printf '%s\n' "${link// /%20}" ;;
        esac
    done
}

for tool in curl jq unzip md5sum xargs; do
    command -v "$tool" >/dev/null || die "$tool is not installed on this machine"
done
rm -rf "$work"
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
mkdir -p "$work" "$parts" "$store" "$addons"
rm -f "$addons"/.*.vpk.new # of a run that was killed
touch "$list"

get "$PAGE_URL" "$work/page" || die "cannot download $PAGE_URL; the maps stay as they were"
read_page "$work/page" | LC_ALL=C sort -u >"$work/urls" ||
    die "the list of maps in $PAGE_URL has another form than this script knows; the maps stay as they were"
[ -s "$work/urls" ] || die "there is no map in $PAGE_URL; the maps stay as they were"

# What is here already. An archive of which a VPK is missing, or half done, counts as not here.
declare -A owned=() version_here=() listed=()
while IFS='|' read -r url version name size; do
    owned[$name]=$url
    version_here[$url]=${version_here[$url]-$version}
    [ -n "$size" ] && [ "$(stat -c %s "$addons/$name" 2>/dev/null)" = "$size" ] || version_here[$url]=''
done <"$list"
while IFS= read -r url; do
    listed[$url]=$(key_of "$url")
    echo "$url|${version_here[$url]:-}"
done <"$work/urls" >"$work/asked"
echo "$(wc -l <"$work/urls") maps in the list"

# Forget what is not listed any more.
for file in "$parts"/* "$store"/*; do
    key=${file##*/}
    [[ " ${listed[*]} " == *" ${key%%.*} "* ]] || rm -rf "$file"
done

# shellcheck disable=SC2016  # it is for the shell that is started
xargs -d '\n' -r -P "$PARALLEL" -n 1 bash -c 'fetch "$1"' fetch <"$work/asked" || true
broken=()
while IFS= read -r url; do
    [ -f "$work/${listed[$url]}" ] || broken+=("${url##*/}")
done <"$work/urls"
if [ "${#broken[@]}" -gt 0 ]; then
    printf -v names ', %s' "${broken[@]}"
    [ "$SKIP_BROKEN" = yes ] || die "${#broken[@]} maps could not be fetched; all maps stay as they were: ${names:2}"
    echo "could not be fetched, stay as they were: ${names:2}"
fi

# From here on addons/ is changed. The list says first what may be half done, with no version and no size, and at last
# how it is.
declare -A wanted=()
: >"$work/after"
: >"$work/before"
while IFS= read -r url; do
    new=$store/${listed[$url]}
    if [ -f "$work/${listed[$url]}" ] && [ -f "$new/version" ]; then
        for file in "$new"/*.[vV][pP][kK]; do
            name=${file##*/}
            if [ -n "${wanted[$name]:-}" ]; then
                echo "$name: that of ${url##*/} is left out, another archive has one of that name"
                continue
            fi
            wanted[$name]=$file
            echo "$url||$name|" >>"$work/before"
            echo "$url|$(<"$new/version")|$name|$(stat -c %s "$file")" >>"$work/after"
        done
    else
        while IFS='|' read -r other version name size; do
            if [ "$other" = "$url" ] && [ -z "${wanted[$name]:-}" ]; then
                wanted[$name]=here
                echo "$url|$version|$name|$size" | tee -a "$work/before" >>"$work/after"
            fi
        done <"$list"
    fi
done <"$work/urls"
for name in "${!owned[@]}"; do
    [ -n "${wanted[$name]:-}" ] || echo "${owned[$name]}||$name|" >>"$work/before"
done
enlist "$work/before"

for name in "${!owned[@]}"; do
    if [ -z "${wanted[$name]:-}" ]; then
        rm -f -- "$addons/$name"
        echo "$name: removed, it is not in the list any more"
    fi
done
LC_ALL=C sort -o "$work/after" "$work/after"
while IFS='|' read -r _ _ name _; do
    file=${wanted[$name]}
    if [ "$file" != here ]; then
        cp -- "$file" "$addons/.$name.new"
        mv -- "$addons/.$name.new" "$addons/$name"
        echo "$name: placed"
    fi
done <"$work/after"

enlist "$work/after"
echo "done: $(wc -l <"$list") VPKs of $(wc -l <"$work/urls") maps"
