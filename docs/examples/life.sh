#!/bin/bash
# SPDX-License-Identifier: MIT
#
# life [--step] PAGE WORD ITEM: the whole life of a server by the API of left4me, with curl alone, and jq to read
# what it says. PAGE is the address of a page that nobody has joined yet, on a machine where the game is
# installed; WORD is that of the link of its first admin ("left4me user add alice --admin"); ITEM is the number of
# an add-on of the Workshop.
#
#     life http://127.0.0.1:8080 i_T9cW… 2524204971
#
# It says what it has done, a line each, and ends at the first thing that is not as it should be. With --step it
# waits for Enter after each line, so that one can look. openapi.yaml tells of every request that there is.
set -euo pipefail
shopt -s inherit_errexit

step=
[ "${1:-}" != --step ] || { step=yes && shift; }
[ $# -eq 3 ] || { echo "usage: life [--step] PAGE WORD ITEM" >&2 && exit 2; }
page=${1%/} word=$2 item=$3
work=$(mktemp -d) listener=
trap 'kill $listener 2>/dev/null || :; rm -rf "$work"' EXIT

say() {
    echo "$1"
    [ -z "$step" ] || read -r
}

fail() {
    echo "life: $1" >&2
    exit 1
}

# ask WHO METHOD PATH [JSON] [CURL OPTION...]: prints what is answered; what is refused ends it all. WHO has a
# token, as programs do, or else a cookie, as browsers do. No secret stands in the list of processes.
ask() {
    local who=$1 method=$2 path=$3 json=${4:-} said options=()
    shift $(($# < 4 ? $# : 4))
    [ -z "$json" ] || options=(-H 'Content-Type: application/json' -d @-)
    if [ -f "$work/$who.token" ]; then
        options+=(-H "@$work/$who.token")
    else
        options+=(-b "$work/$who.jar" -c "$work/$who.jar" -H "Origin: $page")
    fi
    said=$(curl -sS --fail-with-body -X "$method" -D "$work/head" "${options[@]}" "$@" "$page/api/v1$path" <<<"$json") ||
        fail "$who: $method $path: $said"
    printf '%s\n' "$said"
}

# The same for what changes the machine. That is a job, which is printed when it is done. ($SECONDS is bash's.)
job() {
    local who=$1 method=$2 path=$3 mark='?' said until=$((SECONDS + 600))
    shift 3
    [[ $path != *\?* ]] || mark='&'
    said=$(ask "$who" "$method" "$path${mark}wait=60" "$@" | jq .job)
    while [ "$(jq .ended_us <<<"$said")" = null ]; do
        [ "$SECONDS" -lt "$until" ] || fail "$method $path: it is not done after ten minutes: $said"
        sleep 1
        said=$(ask "$who" GET "/jobs/$(jq .id <<<"$said")")
    done
    [ "$(jq -r .state <<<"$said")" = "done" ] || fail "$method $path: $said"
    printf '%s\n' "$said"
}

tag() { # the version that was answered last, to be sent by whoever changes it
    sed -nE 's/^etag: *([^\r]*)\r?$/\1/Ip' "$work/head"
}

has() { # JSON JQ-CONDITION
    jq -e "$2" <<<"$1" >/dev/null
}

is() { # PATH JQ-CONDITION
    local said
    said=$(ask alice GET "$1") || exit
    has "$said" "$2"
}

soon() { # WHAT COMMAND...: within half a minute
    local what=$1 n
    shift
    for ((n = 0; n < 300; n++)); do
        ! "$@" || return 0
        sleep 0.1
    done
    fail "it did not come to be that $what"
}

# The stream of events is read by a curl of its own into a file.
events() { # NAME: their data, a line each; the last one may not be whole yet
    sed -n "/^event: $1\$/,/^\$/s/^data: //p" "$work/events"
}

told() { # JQ-CONDITION: what it said of the server last
    events server | jq -nRe "last(inputs | fromjson?) | $1" >/dev/null
}

n_heard() { # TEXT: how often the game has written it
    events log | jq -nR --arg text "$1" '[inputs | fromjson? | select(.text == $text)] | length'
}

heard_since() { # N TEXT
    [ "$(n_heard "$2")" -gt "$1" ]
}

# -- people --
said=$(ask nobody GET /setup)
has "$said" .needed || fail "somebody has joined already"
said=$(ask alice POST /join "{\"invitation\": \"$word\", \"name\": \"alice\", \"password\": \"correct horse battery\"}")
has "$said" '.user.role == "admin"' || fail "alice is no admin"
invited=$(ask alice POST /invitations '{"name": "bill", "role": "user"}' | jq -r .invitation)
said=$(ask bill POST /join "{\"invitation\": \"$invited\", \"name\": \"bill\", \"password\": \"battery staple horse\"}")
has "$said" '.user.role == "user"' || fail "bill is no user"
token=$(ask alice POST /me/tokens '{"name": "life", "scope": "manage"}' | jq -r .token)
(umask 077 && echo "Authorization: Bearer $token" >"$work/alice.token")
say "people: an admin, a user whom she has invited, a token for her programs"

# -- overlays of three types --
mine=$(job alice POST /overlays '{"name": "mine", "type": "files"}' | jq .result.overlay)
made=$(job alice POST /overlays '{"name": "made", "type": "script"}' | jq .result.overlay)
maps=$(job alice POST /overlays '{"name": "maps", "type": "workshop"}' | jq .result.overlay)
put() { # TEXT CONDITION
    ask alice PUT "/overlays/$mine/files/content?path=left4dead2/cfg/mine.cfg" '' --data-binary "echo $1" -H "$2" \
        -H 'Content-Type: application/octet-stream' >/dev/null
}
put "mine is old" 'If-None-Match: *'
script='mkdir -p left4dead2/cfg
echo "echo made by a script" >left4dead2/cfg/server.cfg'
ask alice PUT "/overlays/$made/text" "$(jq -n --arg text "$script" '{$text}')" -H 'If-None-Match: *' >/dev/null
ask alice PUT "/overlays/$maps/text" "{\"text\": \"$item\"}" -H 'If-None-Match: *' >/dev/null
for overlay in "$mine" "$made" "$maps"; do
    job alice POST "/overlays/$overlay/build" >/dev/null
done
say "overlays: one of files, one by a script, one of the Workshop, all built"

# -- a blueprint, and a server by it --
draft() { # CONFIG
    jq -n --arg config "$1" --argjson mine "$mine" --argjson made "$made" --argjson maps "$maps" \
        '{name: "versus", arguments: ["+map", "c2m1_highway"], $config, limits: {}, shared: false,
          overlays: [{id: $mine}, {id: $made, expose_server_cfg: true}, {id: $maps}]}'
}
blueprint=$(ask alice POST /blueprints "$(draft $'exec mine.cfg\necho the plan is old')" | jq .id)
said=$(ask alice POST "/blueprints/$blueprint/preview")
has "$said" '.problems == []' || fail "the blueprint has problems: $said"
server=$(ask alice POST /servers "{\"name\": \"Friday\", \"blueprint\": $blueprint}" | jq .id)
me=/servers/$server
curl -sSN -H "@$work/alice.token" "$page/api/v1/events?topics=servers,log:$server" >"$work/events" &
listener=$!
soon "the stream begins" grep -q '^event: ready' "$work/events"
job alice POST "$me/start" >/dev/null
soon "it runs" told '.state == "running"'
for text in "mine is old" "made by a script" "the plan is old"; do
    soon "its game has read what says '$text'" heard_since 0 "$text"
done
is "$me/stack" '.addons | length == 1' || fail "it does not have the add-on"
say "server: it runs, and its log comes as it is written"

# -- what another user may do with it --
ask alice PUT "$me/grants" "{\"grants\": [{\"user\": $(ask bill GET /me | jq .id), \"may\": [\"operate\"]}]}" >/dev/null
n=$(n_heard "mine is old")
job bill POST "$me/restart" >/dev/null
soon "the game has begun again" heard_since "$n" "mine is old"
said=$(ask bill DELETE "$me" 2>&1) && fail "bill may delete it"
grep -q '"denied"' <<<"$said" || fail "bill may not delete it, but why: $said"
say "grant: bill may restart it, and may not delete it"

# -- a change, which counts when the server is started again --
plan=$(draft $'exec mine.cfg\necho the plan is new')
said=$(ask alice POST "/blueprints/$blueprint/preview" "$plan")
has "$said" '.servers[0].changes == ["config"]' || fail "what the change will do is not told: $said"
ask alice GET "/blueprints/$blueprint" >/dev/null
ask alice PUT "/blueprints/$blueprint" "$plan" -H "If-Match: $(tag)" >/dev/null
first=$(ask alice GET "/overlays/$mine/generations" | jq .current.generation)
ask alice GET "/overlays/$mine/files/content?path=left4dead2/cfg/mine.cfg" >/dev/null
put "mine is new" "If-Match: $(tag)"
job alice POST "/overlays/$mine/build" >/dev/null
soon "a restart is due" told ".state == \"running\" and (.pending | sort) == [\"config\", \"overlay $mine\"]"
[ "$(n_heard "mine is new")$(n_heard "the plan is new")" = 00 ] || fail "the change did not wait for the restart"
say "change: a new plan and a new file; the server runs on with the old ones"

job alice POST "$me/restart" >/dev/null
soon "nothing is due" told '.state == "running" and .pending == []'
for text in "mine is new" "the plan is new"; do
    soon "its game has read what says '$text'" heard_since 0 "$text"
done
say "restart: the server has both"

# -- the generation before --
job alice POST "/overlays/$mine/rollback" >/dev/null
is "/overlays/$mine/generations" ".current.generation == $first" || fail "the generation before is not current"
soon "a restart is due" told ".pending == [\"overlay $mine\"]"
n=$(n_heard "mine is old")
job alice POST "$me/restart" >/dev/null
soon "nothing is due" told '.state == "running" and .pending == []'
soon "its game has read the old file" heard_since "$n" "mine is old"
say "rollback: the file is as it was, and the server has it"

# -- the end --
soon "its game has written something" is "$me/upper" '.entries != []'
job alice POST "$me/reset" >/dev/null
soon "it is stopped" told '.state == "stopped"'
is "$me/upper" '.entries == []' || fail "something is left of what its game wrote"
say "reset: it is stopped, and what its game wrote is gone"

job alice DELETE "$me" >/dev/null
soon "the stream tells of its end" told ".id == $server and .deleted"
ask alice DELETE "/blueprints/$blueprint" >/dev/null
for overlay in "$mine" "$made" "$maps"; do
    job alice DELETE "/overlays/$overlay" >/dev/null
done
is /servers '.servers == []' || fail "there is still a server"
is /blueprints '.blueprints == []' || fail "there is still a blueprint"
is /overlays '[.overlays[].type] == ["game"]' || fail "there is still an overlay besides the game"
say "end: server, blueprint and overlays are deleted"
