#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Tickrate Enabler: makes the engine take -tickrate from the command line, and data rates above 30,000 bytes a second.
#
# A server that uses this overlay wants, in its arguments, `-tickrate 100`, and in its config, for example:
#   sm_cvar fps_max 0
#   sm_cvar sv_maxrate 100000
#   sm_cvar sv_minrate 100000
#   sm_cvar sv_maxupdaterate 101
#   sm_cvar sv_maxcmdrate 101
# Not beside another plug-in that does the same, such as newer versions of l4dtoolz.
set -eEuo pipefail
trap 'echo "tickrate-enabler: line $LINENO of the script failed" >&2' ERR
umask 022

: "${REPOSITORY:=accelerator74/Tickrate-Enabler}"
: "${TAG:=newest}" # or the tag of a release
# Those for `linux` are built on the newest Ubuntu, those for `oldlinux` on one whose C library is older than that of
# Debian 12. Releases that do not tell them apart have only `linux`.
: "${PLATFORM:=oldlinux}"
: "${API_URL:=https://api.github.com}"

: "${OVERLAY:?is set by left4me}" "${CACHE:?is set by left4me}"
list=$OVERLAY/.tickrate-enabler-files # what this script has put into the overlay, a path a line
work=$CACHE/work
stage=$work/stage

die() {
    printf 'tickrate-enabler: %s\n' "$*" >&2
    exit 1
}

# FILE is there only when it is complete.
get() { # URL FILE
    local try
    for try in 1 2 3; do
        [ "$try" -eq 1 ] || echo "  once more: $1"
        if curl --silent --show-error --fail --location --proto '=https' --retry 2 --connect-timeout 20 \
            --speed-limit 1000 --speed-time 60 --output "$2.part" "$1" && [ -s "$2.part" ]; then
            mv "$2.part" "$2"
            return
        fi
    done
    return 1
}

# Whether a file is whole, and what GitHub says it is: `digest` is "sha256:…", or empty when it says nothing.
is_good() { # FILE
    [ -z "$digest" ] || [ "sha256:$(sha256sum "$1" | cut -c -64)" = "$digest" ] || return 1
    case $name in
    *.zip) unzip -tqq "$1" >"$work/names" 2>&1 ;;
    *) tar -tzf "$1" >"$work/names" 2>&1 ;;
    esac
}

# Writes the list anew, all of it or nothing.
enlist() { # FILE
    cp "$1" "$list.new"
    mv "$list.new" "$list"
}

# Makes the overlay hold what is in $stage, and lists it. The list is written first, with all names that are or will be
# ours, so that whoever comes after a run that was killed in the middle knows them.
apply() {
    local name removed=0
    touch "$list"
    (cd "$stage" && find . -type f -printf '%P\0' | xargs -0 sha256sum) >"$work/sums"
    ! grep -q '^[\]' "$work/sums" || die "a name in a package has a line end or a backslash in it"
    cut -c 67- "$work/sums" | LC_ALL=C sort >"$work/new"
    LC_ALL=C sort -u "$list" "$work/new" >"$work/both"
    enlist "$work/both"

    cd "$OVERLAY"
    while IFS= read -r name; do
        rm -f -- "$name"
        rmdir -p --ignore-fail-on-non-empty -- "${name%/*}" 2>/dev/null || true
        removed=$((removed + 1))
    done < <(LC_ALL=C comm -23 "$work/both" "$work/new")
    (cd "$stage" && find . -type d -print0) | xargs -0 mkdir -p --
    { sha256sum --check "$work/sums" 2>/dev/null || true; } | sed -n 's/: FAILED.*$//p' >"$work/differ"
    tar -C "$stage" -cf - --verbatim-files-from -T "$work/differ" | tar -xf - --no-same-owner
    enlist "$work/new"
    echo "$(wc -l <"$list") files: $(wc -l <"$work/differ") new or changed, $removed removed"
}

for tool in curl jq tar gzip unzip; do
    command -v "$tool" >/dev/null || die "$tool is not installed on this machine"
done
rm -rf "$work"
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
mkdir -p "$stage/left4dead2/addons" "$work/unpacked"

path=releases
[ "$TAG" = newest ] || path=releases/tags/$TAG
get "$API_URL/repos/$REPOSITORY/$path" "$work/release.json" ||
    die "cannot ask $API_URL for the release; it answers 60 questions an hour; the overlay stays as it was"
jq -r --arg platform "$PLATFORM" '
    def package: first(("-l4d2-" + ($platform, "linux") + "-[^/]*\\.(tar\\.gz|zip)$") as $pattern
        | .assets[] | select(.name | test($pattern)) | {name, url: .browser_download_url, digest: (.digest // "")});
    [(if type == "array" then .[] else . end) | select(.draft | not) | {tag_name, prerelease} + package]
    | sort_by(.prerelease)[0] // empty | .tag_name, .name, .url, .digest' \
    "$work/release.json" >"$work/fields" ||
    die "$API_URL describes releases in another form; the overlay stays as it was"
{ read -r tag && read -r name && read -r url && read -r digest; } <"$work/fields" ||
    die "no release of $REPOSITORY ($TAG) has a package for L4D2 on Linux; the overlay stays as it was"
[[ $name =~ ^[0-9A-Za-z._-]+$ ]] || die "'${name:0:80}' is no name for a package"

package=$CACHE/$name
if [ -f "$package" ] && is_good "$package"; then
    echo "$name of release $tag: in the cache"
else
    echo "$name of release $tag: downloading"
    get "$url" "$work/package" || die "cannot download $url; the overlay stays as it was"
    is_good "$work/package" || die "$url is damaged, or not what GitHub says it is; the overlay stays as it was"
    mv "$work/package" "$package"
fi
case $name in
*.zip) unzip -qq -o -d "$work/unpacked" "$package" ;;
*) tar -C "$work/unpacked" -xzf "$package" --no-same-owner --no-same-permissions ;;
esac || die "cannot unpack $name; the overlay stays as it was"

# Some packages begin with addons/, in others everything lies on top.
top=$work/unpacked
[ ! -d "$top/addons" ] || top+=/addons
(cd "$top" && find . -type f \( -name '*.so' -o -name '*.vdf' \) -print0) >"$work/wanted"
tar -C "$top" -cf - --null --verbatim-files-from -T "$work/wanted" |
    tar -C "$stage/left4dead2/addons" -xf - --no-same-owner
for suffix in so vdf; do
    [ -n "$(find "$stage" -name "*.$suffix")" ] || die "there is no .$suffix in $name; the overlay stays as it was"
done

apply
find "$CACHE" -maxdepth 1 -name 'Tickrate-Enabler-*' ! -name "$name" -delete # nobody asks for them any more
echo "done: $name"
