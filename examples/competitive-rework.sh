#!/bin/bash
# SPDX-License-Identifier: MIT
#
# L4D2 Competitive Rework: confogl with its match modes, and everything they need, Metamod:Source and SourceMod too.
#
# Of a release only what belongs into left4dead2/ is taken: not the sources of its plug-ins, not what is for Windows.
# What an older release had and the new one has no more is removed; files that came here in another way stay.
#
# The cfg/server.cfg of the release lies below the one that left4me writes for each server. To run it too, name this
# overlay in server_cfg_of, see left4me-spec(5); or put what you want of it into the server's own config.
set -eEuo pipefail
trap 'echo "competitive-rework: line $LINENO of the script failed" >&2' ERR
umask 022

: "${REPOSITORY:=SirPlease/L4D2-Competitive-Rework}"
: "${TAG:=newest}" # or the tag of a release, which is asked for only once
: "${API_URL:=https://api.github.com}"
: "${GITHUB_URL:=https://github.com}"

: "${OVERLAY:?is set by left4me}" "${CACHE:?is set by left4me}"
list=$OVERLAY/.competitive-rework-files # what this script has put into the overlay, a path a line
work=$CACHE/work
stage=$work/stage

die() {
    printf 'competitive-rework: %s\n' "$*" >&2
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
    tar -tzf "$1" >"$work/names" 2>&1
}

# Sets `tag`, and `url` and `digest` of its package. Releases without one, as there are older ones, are
# taken from the archive that GitHub makes of the sources.
find_release() {
    local path=releases
    [ "$TAG" = newest ] || path=releases/tags/$TAG
    get "$API_URL/repos/$REPOSITORY/$path" "$work/release.json" ||
        die "cannot ask $API_URL for the release; it answers 60 questions an hour; the overlay stays as it was"
    jq -r '[(if type == "array" then .[] else . end) | select(.draft | not)] | sort_by(.prerelease)[0] // empty
        | .tag_name, (first(.assets[] | select(.name | test("linux[^/]*\\.tar\\.gz$"))) // {}
        | .browser_download_url // "", .digest // "")' "$work/release.json" >"$work/fields" ||
        die "$API_URL describes releases in another form; the overlay stays as it was"
    { read -r tag && read -r url && read -r digest; } <"$work/fields" || die "$REPOSITORY has no release ($TAG)"
    [ -n "$url" ] || url=$GITHUB_URL/$REPOSITORY/archive/refs/tags/$tag.tar.gz
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

for tool in curl jq tar gzip; do
    command -v "$tool" >/dev/null || die "$tool is not installed on this machine"
done
rm -rf "$work"
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
mkdir -p "$stage/left4dead2" "$work/unpacked"

tag=$TAG url='' digest=''
if [ "$TAG" = newest ] || [ ! -f "$CACHE/$TAG.tar.gz" ]; then
    find_release
fi
[[ $tag =~ ^[0-9A-Za-z._-]+$ ]] || die "'${tag:0:80}' is a tag this script cannot name a file after"
package=$CACHE/$tag.tar.gz
if [ -f "$package" ] && is_good "$package"; then
    echo "release $tag: in the cache"
else
    [ -n "$url" ] || find_release # the one in the cache is damaged
    echo "release $tag: downloading $url"
    get "$url" "$work/package" || die "cannot download $url; the overlay stays as it was"
    is_good "$work/package" || die "$url is damaged, or not what GitHub says it is; the overlay stays as it was"
    mv "$work/package" "$package"
fi
tar -C "$work/unpacked" -xzf "$package" --no-same-owner --no-same-permissions ||
    die "cannot unpack release $tag; the overlay stays as it was"

# In an archive of sources everything is in a directory on top.
top=$work/unpacked
[ -d "$top/addons" ] || top=$(find "$top" -mindepth 1 -maxdepth 1 -type d -print -quit)
[ -f "${top:-/none}/addons/metamod.vdf" ] || die "release $tag has no addons/metamod.vdf; the overlay stays as it was"
for name in addons cfg scripts host.txt motd.txt myhost.txt mymotd.txt; do
    [ ! -e "$top/$name" ] || mv "$top/$name" "$stage/left4dead2/"
done
rm -rf "$stage/left4dead2/addons/sourcemod/scripting"
find "$stage" -name '*.dll' -delete

# As in sourcemod.sh: or servers of one overlay would soon differ in their gamedata.
core=$stage/left4dead2/addons/sourcemod/configs/core.cfg
[ ! -f "$core" ] || sed -i -E 's/^([[:space:]]*"DisableAutoUpdate"[[:space:]]+)"[^"]*"/\1"yes"/' "$core"

apply
find "$CACHE" -maxdepth 1 -name '*.tar.gz' ! -name "$tag.tar.gz" -delete # releases nobody asks for any more
echo "done: release $tag"
