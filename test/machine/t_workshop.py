# SPDX-License-Identifier: MIT
"""Workshop overlays by l4d2ctl, in the sandbox of the real unit: the Workshop is outside the machine, under its own name."""

import contextlib
import hashlib
import itertools
import json
import re
import threading

import internet
import product
import t_commands
import t_overlays
from harness import check, equal, only

import steam
from steam import Item, campaign

API, FILES, PRIVATE = "api.steampowered.com", "files.example", "private.example"
CACHE = f"{product.DATA}/cache/workshop"
LISTENER = "10.79.0.2"
# Not a day after it was used the last time.
AT_ONCE = "[Service]\nExecStart=\nExecStart=/usr/lib/left4me/left4me-workshop collect 0\n"
_ids = itertools.count(1000, 100)


@contextlib.contextmanager
def workshop(machine):
    """The Mirror that is the Workshop, empty, for one test."""
    names = [f"DNS:{name}" for name in (API, FILES, PRIVATE)]
    directory = internet.trust(machine, lambda directory: steam.make_certificates(directory, names)[0])
    internet.have(machine, internet.HOST)
    with product.network(machine.outside):
        mirror = steam.Mirror(directory / "server.pem", (internet.HOST,), internet.HTTPS, f"https://{FILES}")
    known = {API: [internet.HOST], FILES: [internet.HOST], PRIVATE: [LISTENER]}
    with mirror, internet.names(machine, known) as mirror.resolver:
        yield mirror


def ids(n):
    """Numbers of items that no other test has: the cache is the machine's."""
    first = next(_ids)
    return range(first, first + n)


def items_of(*numbers, size=2000):
    return [Item(number, campaign(f"m{number}", size)) for number in numbers]


def overlay(machine, *names, **settings):
    return t_overlays.overlay(machine, "".join(f"{name}\n" for name in names), type="workshop", **settings)


def build(machine, number, *words, **options):
    """The lines it says."""
    done = t_overlays.build(machine, number, *words, **options)
    return done.stdout.splitlines()


def said(lines, *words):
    """Holds a build to have said this, once."""
    equal(len([line for line in lines if all(word in line for word in words)]), 1, f"lines with {words} in {lines}")


def published(machine, number):
    """{name: digest} of the current generation's add-ons; there is nothing else in it."""
    current = product.generations(machine, number)[0]
    lines = machine.output(f"cd {product.DATA}/overlays/{number}/{current} && find . -type f -exec md5sum {{}} +").splitlines()
    found = {path: digest for digest, path in (line.split() for line in lines)}
    check(all(re.fullmatch(r"\./left4dead2/addons/\d+\.vpk", path) for path in found), f"what is published: {sorted(found)}")
    return {path.rpartition("/")[2]: digest for path, digest in found.items()}


def digests(*items):
    return {f"{item.id}.vpk": hashlib.md5(item.data).hexdigest() for item in items}


def loaded(server):
    """The add-ons that the game has found at its last start, as it tells of them."""
    return sorted(re.findall(r"\[sim\] addon loaded: (\S+) ", server.ctl("logs", "--lines", 1000).stdout))


def collect(machine, *seconds):
    """The nightly collection, or one of what has been unused for so many seconds."""
    argv = ["/usr/lib/left4me/left4me-workshop", "collect", *map(str, seconds)] if seconds else \
        ["systemctl", "start", "left4me-collect.service"]
    machine.run(argv, user="left4me-content" if seconds else None)


@only("trixie")
def test_a_list_becomes_add_ons(machine):
    """a list with collections is fetched and mounted; the game sees what is new after a restart, and what was before after a rollback"""
    one, two, three, four, foreign, broken, unlisted = ids(7)
    outer, inner = unlisted + 1, unlisted + 2
    with workshop(machine) as steam_side:
        a, b, c, d = items_of(one, two, three, four)
        steam_side.put(a, b, c, d, Item(foreign, campaign("f"), consumer_app_id=570), Item(broken, b"junk" * 200))
        steam_side.collections |= {outer: [(two, 0), (inner, 2)], inner: [(three, 0), (outer, 2)]}
        with overlay(machine, "# maps", f"https://steamcommunity.com/sharedfiles/filedetails/?id={one}", outer,
                     f"{foreign} {broken}") as number:
            lines = build(machine, number)
            said(lines, f"{foreign} ", "left out: it is for app 570, not for Left 4 Dead 2")
            said(lines, f"{broken} ", "left out: it is no add-on that can be used")
            said(lines, "done: 3 items", "3 fetched", "2 left out")
            equal(published(machine, number), digests(a, b, c), "what is published")
            old = product.generations(machine, number)[0]
            tree = f"{product.DATA}/overlays/{number}/{old}"
            equal(machine.output(f"stat -c '%U %a' {tree} {tree}/left4dead2/addons/{one}.vpk").split("\n"),
                  ["left4me-content 750", "left4me-content 640"], "whose it is")
            with product.server(machine, "shop", overlays=[number]) as server:
                equal(loaded(server), [f"{item.id}.vpk" for item in (a, b, c)], "add-ons of the game")
                check(f"m{one}_1" in server.ctl("logs", "--lines", 1000).stdout, "the game does not tell its maps")
                newer = Item(one, campaign("newer"), updated=a.updated + 1)
                steam_side.put(newer)
                t_overlays.source(machine, number, f"{one} {inner} {four}\n")
                steam_side.collections[inner] = [(three, 0)]
                steam_side.requests.clear()
                said(build(machine, number), "done: 3 items", "2 fetched", "0 left out")
                equal(sorted(request.path for request in steam_side.of_files()), [f"/ugc/{one}/", f"/ugc/{four}/"], "downloads")
                equal(published(machine, number), digests(newer, c, d), "what is published then")
                equal(loaded(server), [f"{item.id}.vpk" for item in (a, b, c)], "add-ons of the game that runs on")
                equal(server.status()["pending"], [f"overlay {number}"], "what waits to be applied")
                server.ctl("restart")
                equal(loaded(server), [f"{item.id}.vpk" for item in (newer, c, d)], "add-ons after a restart")
                check("newer_1" in server.ctl("logs", "--lines", 1000).stdout, "the game has the old version")
                product.ctl(machine, "overlay", "rollback", number)
                server.ctl("restart")
                equal(loaded(server), [f"{item.id}.vpk" for item in (a, b, c)], "add-ons after a rollback")
                equal(published(machine, number), digests(a, b, c), "what is current after it")


@only("trixie")
def test_an_unchanged_list_costs_nothing(machine):
    """a second build, and the daily refresh, download nothing and make no generation"""
    with workshop(machine) as steam_side:
        items = items_of(*ids(3))
        steam_side.put(*items)
        with overlay(machine, *(item.id for item in items), refresh="daily") as number:
            build(machine, number)
            before = product.generations(machine, number)
            steam_side.requests.clear()
            said(build(machine, number), "Nothing changed")
            machine.run(["systemctl", "start", "left4me-refresh.service"], timeout=120)
            equal((steam_side.of_files(), len(steam_side.of_api())), ([], 2), "what was asked for")
            equal(product.generations(machine, number), before, "generations")
            newer = Item(items[0].id, campaign("newer"), updated=items[0].updated + 1)
            steam_side.put(newer)
            machine.run(["systemctl", "start", "left4me-refresh.service"], timeout=120)
            equal(published(machine, number), digests(newer, *items[1:]), "what is published after a refresh")
            equal(machine.output(f"ls {product.DATA}/builds"), "", "scratch that is left")


@only("trixie")
def test_what_breaks_stays(machine):
    """an item whose update is broken, and one that is gone, stay at their old versions, and are told by name"""
    with workshop(machine) as steam_side:
        items = items_of(*ids(3))
        steam_side.put(*items)
        with overlay(machine, *(item.id for item in items)) as number:
            build(machine, number)
            before = product.generations(machine, number)
            whole = campaign("torn")
            steam_side.put(Item(items[0].id, whole[:-300], updated=items[0].updated + 1))
            del steam_side.items[items[1].id]
            lines = build(machine, number)
            said(lines, f"{items[0].id} ", "stays at its version", "it is no add-on that can be used")
            said(lines, f"{items[1].id} ", "stays at its version", "it is not in the Workshop any more")
            equal(product.generations(machine, number), before, "generations")
            steam_side.items.clear()
            failed = t_overlays.build(machine, number, check=False)
            product.one_sentence(failed, failed.returncode, "the Workshop knows none of the 3 items")
            equal(product.generations(machine, number), before, "generations after a Workshop that knows nothing")
            equal(published(machine, number), digests(*items), "what is published")


@only("trixie")
def test_it_goes_nowhere_else(machine):
    """redirects and links to private addresses, to this machine and to what is not https are refused, and nobody there hears of it"""
    home = machine.lan("shophome", "10.79.0.0/24")
    lan = internet.server.listen(LISTENER, internet.HTTPS, f"/run/netns/{home.namespace}")
    own = internet.server.listen("127.0.0.1", internet.HTTPS, f"/run/netns/{machine.name}")
    with lan, own, workshop(machine) as steam_side:
        first, *others = ids(9)
        good = Item(first, campaign("good"))
        places = {f"https://{LISTENER}/x": "is a private network and not the internet",
                  f"https://{PRIVATE}/x": f"{LISTENER}, which is a private network and not the internet",
                  "https://127.0.0.1/x": "is this machine and not the internet",
                  "https://[::1]/x": "is this machine and not the internet",
                  f"http://{FILES}/x": "one that is not https", "file:///etc/passwd": "one that is not https"}
        steam_side.put(good)
        told = {}
        for number, (place, why) in zip(others, places.items()):
            steam_side.put(Item(number, campaign("x"), answers=[steam.redirect(place)] * 9))
            told[number] = why
        linked = others[len(places)]
        steam_side.put(Item(linked, campaign("x"), file_url=f"https://{PRIVATE}/x"))
        told[linked] = "is a private network and not the internet"
        with overlay(machine, first, *told) as number:
            lines = build(machine, number)
            for item, why in told.items():
                said(lines, f"{item} ", "left out: ", why)
            equal(published(machine, number), digests(good), "what is published")
        for name, listener in (("a LAN", lan), ("this machine", own)):
            listener.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                raise AssertionError(f"{name} was asked: {listener.accept()}")


@only("trixie")
def test_servers_in_trouble(machine):
    """a body that breaks off goes on where it was, 429 and 503 are waited out, a body that lies is refused"""
    with workshop(machine) as steam_side:
        cut, busy, down, liar = ids(4)
        items = items_of(cut, busy, down, size=100000)
        items[0].answers = [steam.cut(30000), steam.cut(20000)]
        items[1].answers = [steam.status(429, Retry_After=1)]
        items[2].answers = [steam.status(503), steam.status(500)]
        steam_side.put(*items, Item(liar, campaign("liar"), answers=[steam.other(campaign("other", 5000))] * 9))
        steam_side.api_answers = [steam.status(503)]
        with overlay(machine, cut, busy, down, liar) as number:
            lines = build(machine, number)
            equal([request.range for request in steam_side.of_files(cut)], [None, "bytes=30000-", "bytes=50000-"],
                  "parts that were asked for")
            said(lines, f"{busy} ", "tried again", "asked too often (status 429)")
            said(lines, f"{liar} ", "left out: ")
            equal(published(machine, number), digests(*items), "what is published")


@only("trixie")
def test_a_download_is_cancelled(machine):
    """a build that is cancelled in a download changes nothing; the next one goes on where it was"""
    released = threading.Event()
    with workshop(machine) as steam_side, contextlib.ExitStack() as stack:
        stack.callback(released.set)
        small, large = ids(2)
        first, = items_of(small)
        second, = items_of(large, size=3000000)
        steam_side.put(first, second)
        number = stack.enter_context(overlay(machine, small))
        build(machine, number)
        before = product.generations(machine, number)
        t_overlays.source(machine, number, f"{small} {large}\n")
        second.answers = [steam.hold(1500000, released)]
        with product.running(machine, ["l4d2ctl", "overlay", "build", str(number)]) as child:
            steam_side.wait_for(lambda mirror: f"held {large}" in mirror.notes, "the body is held")
            part = f"{CACHE}/{large}/{second.updated}-{second.size}.part"
            machine.run(f"until [ $(stat -c %s {part}) -ge 1000000 ]; do :; done", timeout=30)
            product.ctl(machine, "overlay", "cancel", number)
            equal(child.wait(60), 1, "exit code of a build that is cancelled")
        equal(product.generations(machine, number), before, "generations after it")
        equal(machine.output(f"ls {product.DATA}/builds"), "", "scratch that is left")
        lines = build(machine, number)
        said(lines, f"{large} ", "are there already")
        begun = int(re.fullmatch(r"bytes=(\d+)-", steam_side.of_files(large)[-1].range)[1])
        check(begun >= 1000000, f"it went on at {begun}")
        equal(published(machine, number), digests(first, second), "what is published")
        equal(machine.output(f"ls {CACHE}/{large}").split(), [f"{second.updated}-{second.size}.vpk", "item.json"], "the cache")


@only("trixie")
def test_one_copy_for_all(machine):
    """two overlays share one file on disk with the cache, fetched once; it goes when nobody has it"""
    with workshop(machine) as steam_side:
        item, other = items_of(*ids(2), size=100000)
        steam_side.put(item, other)
        with overlay(machine, item.id) as one, overlay(machine, item.id, other.id) as two:
            build(machine, one)
            build(machine, two)
            equal(len(steam_side.of_files(item.id)), 1, "downloads of an item in two overlays")
            paths = [f"{product.DATA}/overlays/{number}/{product.generations(machine, number)[0]}/left4dead2/addons/{item.id}.vpk"
                     for number in (one, two)]
            stat = machine.output(["stat", "-c", "%i %h", f"{CACHE}/{item.id}/{item.updated}-{item.size}.vpk", *paths])
            equal(len(set(stat.splitlines())), 1, f"files on disk for one item ({stat})")
            equal(stat.split()[1], "3", "names of it")
            known = json.loads(machine.run(["cat", f"{CACHE}/{item.id}/item.json"], user="left4me").stdout)
            equal((known["title"], known["maps"]), (item.title, 2), "what left4me reads of the item")
            collect(machine, 0)
            equal(machine.output(f"ls {CACHE}/{item.id}/*.vpk {CACHE}/{other.id}/*.vpk | wc -l"), "2", "items that somebody has")
        # There is no overlay any more that could be built. The nightly refresh brings the collection with it.
        collect(machine)
        check(machine.output(f"ls {CACHE}/{item.id}/*.vpk"), "it went at once, and not after a day")
        with product.drop_in(machine, "left4me-collect.service", AT_ONCE):
            machine.run(["systemctl", "start", "left4me-refresh.service"], timeout=120)
            machine.wait_for_line("left4me-collect.service", "files that nobody uses were removed from the cache")
        equal(machine.output(f"ls {CACHE}/{item.id} {CACHE}/{other.id} | grep vpk", check=False), "", "items that nobody has")


@only("trixie")
def test_the_workshop_is_away(machine):
    """a name server that knows nothing is asked again; a Workshop at a private address is refused, and nothing changes"""
    with workshop(machine) as steam_side:
        item, other = items_of(*ids(2))
        steam_side.put(item, other)
        with overlay(machine, item.id) as number:
            build(machine, number)
            before = product.generations(machine, number)
            t_overlays.source(machine, number, f"{item.id} {other.id}\n")
            steam_side.resolver.names = {API: [LISTENER]}
            failed = t_overlays.build(machine, number, check=False)
            product.one_sentence(failed, 1, "the Workshop cannot be asked: the name leads to", "a private network and not the internet")
            equal(product.generations(machine, number), before, "generations after a Workshop at a private address")
            steam_side.resolver.names = {}
            with product.running(machine, ["l4d2ctl", "overlay", "build", str(number)]) as child:
                product.read_all_until(child.stdout, b"asked again", 60)
                steam_side.resolver.names = {API: [internet.HOST], FILES: [internet.HOST]}
                equal(child.wait(60), 0, "exit code when the names are there again")
            equal(published(machine, number), digests(item, other), "what is published then")


@only("trixie")
def test_items_are_shown(machine):
    """show tells what each item is and what is in it, a line each, those that could not be had among them"""
    one, banned, new, unlisted = ids(4)
    with workshop(machine) as steam_side:
        items = [Item(one, campaign("city"), title="City \u2014 \u202eof \x1b[31mrain"), Item(banned, campaign("x"), banned=1)]
        steam_side.put(*items, Item(unlisted, campaign("other")))
        steam_side.collections[unlisted + 1] = [(unlisted, 0)]
        with overlay(machine, one, banned, unlisted + 1) as number:
            equal(product.ctl_json(machine, "overlay", "show", number)["items"], [], "items before the first build")
            build(machine, number)
            t_overlays.source(machine, number, f"{one} {banned} {unlisted + 1} {new}\n")
            shown = {row["item"]: row for row in product.ctl_json(machine, "overlay", "show", number)["items"]}
            equal(sorted(shown), [one, banned, unlisted], "items that are shown")
            row = shown[one]
            manual = t_commands.documented("l4d2ctl-overlay")["overlay show"]
            equal(t_commands.keys({"items": [row]}), {key for key in manual if key.split(".")[0] == "items"}, "keys of items")
            equal({key: row[key] for key in ("published", "published_size", "size", "tags", "preview_url", "error")},
                  {"published": True, "published_size": items[0].size, "size": items[0].size, "tags": ["Campaigns", "Co-op"],
                   "preview_url": f"https://{FILES}/preview/{one}/", "error": None}, "what is told of an item")
            equal(row["updated"]["unix_s"], items[0].updated, "when it was changed")
            equal({key: row[key] for key in ("files", "maps", "map_names", "missions", "mission_names", "models", "scripts")},
                  {"files": 6, "maps": 2, "map_names": ["city_1", "city_2"], "missions": 1, "mission_names": ["city"],
                   "models": 1, "scripts": 1}, "what is in it")
            equal((shown[banned]["published"], shown[banned]["error"], shown[banned]["maps"]),
                  (False, "it was banned from the Workshop", None), "what is told of one that cannot be had")
            lines = product.ctl(machine, "overlay", "show", number).stdout.splitlines()
            for wanted in (f"{one} .* 2 +1 +1 +1  City .*rain .Campaigns, Co-op. https://{FILES}/preview/{one}/",
                           f"{banned} .* - .*; not published: it was banned from the Workshop", f"{unlisted} .*Item {unlisted} .*"):
                equal(len([line for line in lines if re.fullmatch(wanted, line)]), 1, f"lines like {wanted!r} in {lines}")
            check(not {"\x1b", "\u202e"} & set("".join(lines)), "a title can speak to the terminal")


def echoed(server):
    """What the configurations of the last start have said, each with its name, in order."""
    return re.findall(r"(\S+\.cfg of \S+ \d+)$", server.ctl("logs", "--lines", 1000).stdout, re.MULTILINE)


SCRIPT = """mkdir -p left4dead2/cfg left4dead2/addons
for name in script shared private; do echo "echo $name.cfg of script {version}" > left4dead2/cfg/$name.cfg; done
"""


def put(machine, target, path, data):
    machine.run(["l4d2ctl", "files", "put", str(target), path, "-f", "-"], input=data, text=False)


def edit_files(machine, files, version):
    for name in ("files", "shared", "private"):
        put(machine, files, f"left4dead2/cfg/{name}.cfg", f"echo {name}.cfg of files {version}\n".encode())
    put(machine, files, "left4dead2/addons/by_hand.vpk", campaign(f"hand{version}"))
    put(machine, "@all", "left4dead2/cfg/private.cfg", f"echo private.cfg of private {version}\n".encode())


@only("trixie")
def test_all_types_in_one_stack(machine):
    """one server on the game, a script, the Workshop, files and its own files: it sees all of them, the upper ones first, and goes back"""
    with workshop(machine) as steam_side, contextlib.ExitStack() as stack:
        first, second = items_of(*ids(2))
        steam_side.put(first, second)
        script = stack.enter_context(t_overlays.overlay(machine, SCRIPT.format(version=1)))
        items = stack.enter_context(overlay(machine, first.id, second.id))
        files = stack.enter_context(t_overlays.overlay(machine, None, type="files"))
        configs = "".join(f"exec {name}\n" for name in ("script", "shared", "files", "private"))
        server = stack.enter_context(product.server(machine, "all", start=False, overlays=[script, items, files], config=configs))
        everything = (script, items, files, "@all")

        def holds(names, version, about):
            equal(loaded(server), sorted(names), f"add-ons {about}")
            equal(echoed(server), [f"script.cfg of script {version}", f"shared.cfg of files {version}", f"files.cfg of files {version}",
                                   f"private.cfg of private {version}"], f"configurations {about}")
            check(f"hand{version}_1" in server.ctl("logs", "--lines", 1000).stdout, f"the add-on that was put there by hand, {about}")
            equal(server.status()["pending"], [], f"what waits to be applied {about}")

        edit_files(machine, files, 1)
        for target in everything:
            build(machine, target)
        server.start()
        before = [f"{first.id}.vpk", f"{second.id}.vpk", "by_hand.vpk"]
        holds(before, 1, "at first")
        own = next(row["overlay"] for row in product.ctl_json(machine, "overlay", "list")["overlays"] if row["name"] == "@all")
        found = {row["name"]: (row["state"], row["overlay"]) for row in server.json("explain")["addons"]}
        equal(found, {f"{first.id}.vpk": ("loaded", items), f"{second.id}.vpk": ("loaded", items), "by_hand.vpk": ("loaded", files)},
              "what explain knows")
        equal([(row["role"], row["overlay"]) for row in server.json("explain", "left4dead2/cfg/private.cfg")["layers"]],
              [("shown", own), ("shadowed", files), ("shadowed", script)], "layers of what three of them have")

        third, = items_of(*ids(1))
        steam_side.put(third)
        t_overlays.source(machine, script, SCRIPT.format(version=2))
        t_overlays.source(machine, items, f"{first.id} {third.id}\n")
        edit_files(machine, files, 2)
        for target in everything:
            build(machine, target)
        equal(loaded(server), sorted(before), "add-ons of the game that runs on")
        equal(sorted(server.status()["pending"]), sorted(f"overlay {number}" for number in (script, items, files, own)), "what waits to be applied")
        server.ctl("restart")
        holds([f"{first.id}.vpk", f"{third.id}.vpk", "by_hand.vpk"], 2, "after all of them have changed")
        for target in everything:
            product.ctl(machine, "overlay", "rollback", target)
        server.ctl("restart")
        holds(before, 1, "after a rollback of all of them")
