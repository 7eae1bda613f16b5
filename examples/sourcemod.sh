#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Metamod:Source and SourceMod, the newest builds of a branch.
#
# Both are unpacked into left4dead2/. What an older build had and the new one has no more is removed; files that came
# here in another way stay, such as plug-ins that lines of yours at the end of this script put there.
#
# SourceMod is told not to update its gamedata by itself: each server would write the new files into a layer of its
# own, and soon no two of them would run the same. Build this overlay again instead, and restart the servers.
set -eEuo pipefail
trap 'echo "sourcemod: line $LINENO of the script failed" >&2' ERR
umask 022

# The branches. A package can be pinned by its name, as in MM_PACKAGE:=mmsource-1.12.0-git1219-linux.tar.gz.
: "${MM_BRANCH:=1.12}" "${MM_PACKAGE:=newest}"
: "${SM_BRANCH:=1.12}" "${SM_PACKAGE:=newest}"
: "${MM_URL:=https://mms.alliedmods.net/mmsdrop}"
: "${SM_URL:=https://sm.alliedmods.net/smdrop}"

: "${OVERLAY:?is set by left4me}" "${CACHE:?is set by left4me}"
list=$OVERLAY/.sourcemod-files # what this script has put into the overlay, a path a line
work=$CACHE/work
stage=$work/stage

die() {
    printf 'sourcemod: %s\n' "$*" >&2
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

# Sets `package` to the name of a package that is in the cache and whole.
provide() { # URL PREFIX PACKAGE
    package=$3
    if [ "$package" = newest ]; then
        get "$1/$2-latest-linux" "$work/newest" || die "cannot ask $1 for the newest $2; the overlay stays as it was"
        package=$(tr -d '[:space:]' <"$work/newest")
    fi
    [[ $package =~ ^$2-[0-9A-Za-z.-]+-linux\.tar\.gz$ ]] || die "'${package:0:80}' is no package of $2 for Linux"
    if [ -f "$CACHE/$package" ] && tar -tzf "$CACHE/$package" >"$work/names" 2>&1; then
        echo "$package: in the cache"
        return
    fi
    echo "$package: downloading"
    get "$1/$package" "$work/package" || die "cannot download $1/$package; the overlay stays as it was"
    tar -tzf "$work/package" >"$work/names" 2>&1 || die "$1/$package is damaged; the overlay stays as it was"
    mv "$work/package" "$CACHE/$package"
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

for tool in curl tar gzip; do
    command -v "$tool" >/dev/null || die "$tool is not installed on this machine"
done
rm -rf "$work"
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
mkdir -p "$stage/left4dead2"

provide "$MM_URL/$MM_BRANCH" mmsource "$MM_PACKAGE"
metamod=$package
provide "$SM_URL/$SM_BRANCH" sourcemod "$SM_PACKAGE"
sourcemod=$package

for package in "$metamod" "$sourcemod"; do
    tar -C "$stage/left4dead2" -xzf "$CACHE/$package" --no-same-owner --no-same-permissions ||
        die "cannot unpack $package; the overlay stays as it was"
done
for file in addons/metamod/bin/server.so addons/sourcemod/bin/sourcemod.2.l4d2.so \
    addons/sourcemod/configs/core.cfg; do
    [ -f "$stage/left4dead2/$file" ] || die "there is no $file in $metamod and $sourcemod"
done

# By this file the engine finds Metamod:Source; packages of old branches come without it.
loader=$stage/left4dead2/addons/metamod.vdf
[ -f "$loader" ] || printf '"Plugin"\n{\n\t"file"\t"addons/metamod/bin/server"\n}\n' >"$loader"

core=$stage/left4dead2/addons/sourcemod/configs/core.cfg
sed -i -E 's/^([[:space:]]*"DisableAutoUpdate"[[:space:]]+)"[^"]*"/\1"yes"/' "$core"
grep -q '^[[:space:]]*"DisableAutoUpdate"[[:space:]]*"yes"' "$core" ||
    echo "there is no DisableAutoUpdate in core.cfg: SourceMod may update its gamedata by itself"

apply
# Packages nobody asks for any more.
for file in "$CACHE"/mmsource-*.tar.gz "$CACHE"/sourcemod-*.tar.gz; do
    case ${file##*/} in
    "$metamod" | "$sourcemod") ;;
    *) rm -f "$file" ;;
    esac
done
echo "done: $metamod, $sourcemod"

# Lines of your own, for example plug-ins that you do not want:
# cd "$OVERLAY/left4dead2/addons/sourcemod/plugins" && mv funcommands.smx disabled/
