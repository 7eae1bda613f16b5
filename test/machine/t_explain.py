# SPDX-License-Identifier: MIT
"""What l4d2ctl explain says of add-ons, configurations and misplaced files, beside the game that runs on the same stack."""

import io
import re
import zipfile

import product
import t_workshop
from harness import check, equal
from t_overlays import build, overlay

from steam import campaign, vpk

SHARED = "scripts/weapons.txt"
BROKEN, ZIPPED, LOST, NESTED = (f"left4dead2/{path}" for path in (
    "addons/broken.vpk", "addons/zipped.vpk", "lost.vpk", "left4dead2/cfg/nested.cfg"))
MAPS = ["camp_1", "camp_2", "camp_3"]                      # the last one is missing
MISSION = '"mission" { "Name" "camp" "modes" { "coop" { ' + "".join(f'"{n}" {{ "Map" "{name}" }} ' for n, name in enumerate(MAPS, 1)) + "} } }"
UMLAUT, CVARS = "left4dead2/cfg/umlaut.cfg", "left4dead2/cfg/cvars.cfg"


def zipped(files):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path, data in files.items():
            archive.writestr(path, data)
    return packed.getvalue()


FILES = {
    "left4dead2/addons/alpha.vpk": vpk({SHARED: b"of alpha", "materials/same.vmt": b"same", "materials/one.vmt": b"1",
                                        "addoninfo.txt": b'"AddonInfo" { "addontitle" "The first" }'}),
    "left4dead2/addons/beta.vpk": vpk({SHARED: b"of beta, longer", "materials/same.vmt": b"same", "addoninfo.txt": b'"AddonInfo" { }'}),
    "left4dead2/addons/camp.vpk": vpk({f"maps/{name}.bsp": b"VBSP" for name in MAPS[:2]} | {"missions/camp.txt": MISSION.encode()}),
    BROKEN: campaign("torn")[:60],
    ZIPPED: zipped({"readme.txt": "unpack me"}),
    LOST: vpk({"materials/lost.vmt": b"x"}),
    NESTED: b"echo nobody runs me\n",
    UMLAUT: "sv_allow_lobby_connect_only 0 // f\u00fcr alle\n".encode(),
    CVARS: b"mp_gamemode versus\nnb_update_frequency 0.014\nsm_cvar mp_gamemode versus\nexec nowhere\n",
    f"left4dead2/{SHARED}": b"loose",
}


def fill(machine, number, files):
    """Lays files into the tree of an overlay and publishes it."""
    machine.push(zipped(files), "/root/fill.zip")
    product.ctl(machine, "files", "extract", number, "-f", "/root/fill.zip")
    build(machine, number)


def faults(said):
    """{(path, line): (code, severity)} of what is found outside the game."""
    return {(row["path"], row["line"]): (row["code"], row["severity"]) for row in said["findings"] if row["overlay"] != 1}


FAULTS = {
    (BROKEN, None): ("pack-broken", "error"),
    (ZIPPED, None): ("pack-broken", "error"),
    (LOST, None): ("misplaced-pack", "warning"),
    ("left4dead2/left4dead2", None): ("nested", "warning"),
    (UMLAUT, 1): ("config-not-ascii", "error"),
    (CVARS, 1): ("cvar-hidden", "warning"),
    (CVARS, 2): ("cvar-cheat", "warning"),
    (CVARS, 4): ("exec-missing", "note"),
}


def check_whole(said, number, generation):
    """The whole stack, as JSON."""
    equal(faults(said), FAULTS, "what is found")
    for row in said["findings"]:
        check(row["message"] and row["remedy"], f"a finding without a message or a remedy: {row}")
    states = {row["name"]: row["state"] for row in said["addons"]}
    equal(states, {"alpha.vpk": "loaded", "beta.vpk": "loaded", "camp.vpk": "loaded", "broken.vpk": "broken", "zipped.vpk": "broken"},
          "add-ons")
    equal(next((row["title"], row["overlay"], row["generation"]) for row in said["addons"] if row["name"] == "alpha.vpk"),
          ("The first", number, generation), "an add-on")
    equal([[row[key] for key in ("winner", "loser", "files", "equal_files", "example", "certainty")] for row in said["conflicts"]],
          [["alpha.vpk", "beta.vpk", 1, 1, SHARED, "unsure"]], "conflicts")
    equal([(row["addon"], row["maps"], row["missing_maps"], row["loaded"]) for row in said["campaigns"] if row["overlay"] == number],
          [("camp.vpk", MAPS, 1, True)], "campaigns")
    equal(said["truncated"], False, "whether something is left out")


def check_text(said):
    """The whole stack, for people."""
    for words in (f"error    {BROKEN}, in overlay", "the game cannot load this pack: ", f"error    {UMLAUT}:1, in overlay",
                  "can hang or crash the game, even in comments; write it in plain ASCII",
                  "'mp_gamemode versus' does nothing: the console does not know this variable; write 'sm_cvar mp_gamemode versus'",
                  "'nb_update_frequency 0.014' does nothing: the variable is refused while sv_cheats is 0",
                  "the game does not load add-ons from here", "it runs 'nowhere', and no layer has that",
                  "  loaded    alpha.vpk: The first, in overlay", "  broken    zipped.vpk", "\n  camp, 3 maps, in camp.vpk; 1 of them nowhere, such as camp_3\n",
                  f"  alpha.vpk before beta.vpk: 1, such as {SHARED}\n"):
        check(words in said, f"{words!r} is not in {said!r}")
    check(f"{CVARS}:3" not in said, "sm_cvar is called wrong")


def check_path(server, number):
    """One path, as the game calls it: who has it, and who of them is used."""
    said = server.json("explain", f"left4dead2/{SHARED}")
    equal((said["exists"], said["game_path"], said["certainty"]), (True, SHARED, "unsure"), f"the path {SHARED}")
    equal([(row["use"], row["kind"], row["file"], row["size"]) for row in said["sources"]],
          [("used", "addon", "left4dead2/addons/alpha.vpk", 8), ("shadowed", "addon", "left4dead2/addons/beta.vpk", 15),
           ("shadowed", "file", f"left4dead2/{SHARED}", 5)], "who has it")
    equal([(row["role"], row["overlay"], row["size"]) for row in said["layers"]], [("shown", number, 5)], "layers that have the file")
    text = server.ctl("explain", f"left4dead2/{SHARED}").stdout
    lines = [line for line in text.splitlines() if ".vpk" in line]
    check(len(lines) == 2 and "used" in lines[0] and "alpha.vpk" in lines[0] and "shadowed" in lines[1] and "beta.vpk" in lines[1],
          f"for people: {text!r}")
    said = server.json("explain", "left4dead2/maps/camp_1.bsp")
    equal((said["exists"], said["layers"]), (False, []), "a map that is in a pack alone, in the tree")
    equal([(row["use"], row["file"]) for row in said["sources"]], [("used", "left4dead2/addons/camp.vpk")], "who has the map")
    said = server.json("explain", "left4dead2/materials/lost.vmt")
    equal((said["exists"], said["sources"]), (False, []), "what is in a pack that the game never reads")


def test_a_stack_with_faults(machine):
    """two packs with one file, a campaign, broken packs, configurations that do nothing or do harm, files nobody reads; each told twice"""
    with overlay(machine, None, type="files") as number:
        fill(machine, number, FILES)
        generation = product.generations(machine, number)[0]
        with product.server(machine, "faulty", start=False, overlays=[number], config="exec umlaut\nexec cvars\n") as server:
            check("without its configuration" in server.json("explain")["seen"], "it does not say that it knows no configuration yet")
            server.start()
            server.stop()
            whole = server.json("explain")
            check_whole(whole, number, generation)
            check_text(server.ctl("explain").stdout)
            check_path(server, number)
            server.start()
            equal(t_workshop.loaded(server), sorted(row["name"] for row in whole["addons"] if row["state"] == "loaded"), "what the game has loaded")
            log = server.ctl("logs", "--lines", 1000).stdout
            equal(sorted(set(re.findall(r"\[sim\] addon broken: (\S+):", log))),
                  sorted(row["name"] for row in whole["addons"] if row["state"] == "broken"), "what the game could not load")
            running = server.json("explain")
            check_whole(running, number, generation)
            check(running["seen"] != whole["seen"], f"it is said the same of one that runs: {running['seen']!r}")


def test_faults_that_are_repaired(machine):
    """once each remedy was followed nothing is found, and the game loads what it could not"""
    with overlay(machine, None, type="files") as number:
        fill(machine, number, FILES)
        with product.server(machine, "mended", overlays=[number], config="exec umlaut\nexec cvars\n") as server:
            for path in (BROKEN, ZIPPED, LOST):
                product.ctl(machine, "files", "remove", number, path)
            product.ctl(machine, "files", "remove", number, "left4dead2/left4dead2", "--recursive")
            fill(machine, number, {BROKEN: campaign("torn"), UMLAUT: "sv_allow_lobby_connect_only 0\n", CVARS: "sm_cvar mp_gamemode versus\n",
                                   "left4dead2/addons/lost.vpk": FILES[LOST]})
            equal(faults(server.json("explain")), FAULTS, "what is found while the old generation is mounted")
            server.ctl("restart")
            equal(faults(server.json("explain")), {}, "what is found")
            equal(t_workshop.loaded(server), [f"{name}.vpk" for name in ("alpha", "beta", "broken", "camp", "lost")], "what the game has loaded")
