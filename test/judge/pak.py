# SPDX-License-Identifier: MIT
"""What we read of archives, add-ons and KeyValues, beside what foreign programs read of them.

The archives are written here, by nothing of ours, so that three programs have to agree."""

import hashlib
import json
import pathlib
import random
import shutil
import struct
import subprocess
import tempfile
import unittest
import zlib

BUILD = pathlib.Path()    # set by test-sim.py
JUDGE = pathlib.Path()
SAME = 0x7FFF             # the data are in the directory file


class Archive:
    """Of version 1 or 2, with whatever is wrong with it."""

    def __init__(self, version=1, has_sums=False, piece_bytes=64):
        self.version, self.has_sums, self.piece_bytes = version, has_sums, piece_bytes
        self.tree, self.parts = {}, {}
        self.contents = {}
        self.more_pieces = b""

    def add(self, path, content=b"", preload=0, archive=SAME, crc=None, offset=None, length=None):
        folder, _, name = path.rpartition("/")
        stem, _, extension = name.rpartition(".") if "." in name else (name, "", "")
        data = self.parts.setdefault(archive, bytearray())
        fields = (zlib.crc32(content) if crc is None else crc, preload, archive,
                  len(data) if offset is None else offset, len(content) - preload if length is None else length)
        self.entry(extension or " ", folder or " ", stem or " ", fields, content[:preload])
        data += content[preload:]
        self.contents[path] = content
        return self

    def entry(self, extension, folder, name, fields, preload=b""):
        names = self.tree.setdefault(extension, {}).setdefault(folder, [])
        names.append(name.encode() + b"\0" + struct.pack("<IHHIIH", *fields, 0xFFFF) + preload)

    def directory(self):
        tree = b""
        for extension, folders in self.tree.items():
            tree += extension.encode() + b"\0"
            for folder, names in folders.items():
                tree += folder.encode() + b"\0" + b"".join(names) + b"\0"
            tree += b"\0"
        return tree + b"\0"

    def pieces(self):
        out = b""
        for archive, data in self.parts.items():
            for at in range(0, len(data), self.piece_bytes):
                piece = bytes(data[at:at + self.piece_bytes])
                out += struct.pack("<3I", archive, at, len(piece)) + hashlib.md5(piece).digest()
        return out + self.more_pieces

    def file(self):
        tree, data = self.directory(), bytes(self.parts.get(SAME, b""))
        if self.version == 1:
            return struct.pack("<3I", 0x55AA1234, 1, len(tree)) + tree + data
        pieces = self.pieces() if self.has_sums else b""
        out = struct.pack("<7I", 0x55AA1234, 2, len(tree), len(data), len(pieces), 48 * self.has_sums, 0)
        out += tree + data + pieces
        if self.has_sums:
            out += hashlib.md5(tree).digest() + hashlib.md5(pieces).digest()
            out += hashlib.md5(out).digest()
        return out

    def save(self, path):
        path.write_bytes(self.file())
        for archive, data in self.parts.items():
            if archive != SAME and data:
                path.with_name(path.name.replace("_dir.vpk", f"_{archive:03}.vpk")).write_bytes(data)
        return path


def ours(verb, path):
    result = subprocess.run([BUILD / "test/judge/pakdump", verb, path], text=True, capture_output=True, check=True)
    return json.loads(result.stdout)


def theirs(verb, *paths):
    result = subprocess.run(["node", "--no-deprecation", JUDGE / "judge-pak.mjs", verb, *paths], text=True,
                            capture_output=True, timeout=120)
    if result.returncode:
        raise AssertionError(f"judge-pak {verb}: {result.stderr}")
    return [json.loads(line) for line in result.stdout.splitlines()]


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="left4me-pak-"))
        self.addCleanup(shutil.rmtree, self.dir)


# --- archives --------------------------------------------------------------------------------------

def words(seed, n, letters="abcdefghij_-0 ."):
    return "".join(seed.choice(letters) for _ in range(n)).strip(". ") or "x"


def fill(archive, seed, n, parts=(SAME,)):
    """Files of any size in folders of any depth."""
    while len(archive.contents) < n:
        folder = "/".join(words(seed, seed.randint(1, 8)) for _ in range(seed.randint(0, 4)))
        path = f"{folder}/{words(seed, 12)}.{words(seed, 3, 'abc')}".lstrip("/")
        content = seed.randbytes(seed.choice((0, 1, 7, 63, 64, 65, 1000, 5000)))
        if path not in archive.contents:
            archive.add(path, content, seed.choice((0, 0, 1, len(content))) if content else 0, seed.choice(parts))
    return archive


def some(archive, parts=(SAME, SAME)):
    """What both an author's tool and an unusual one write."""
    one, other = parts
    archive.add("addoninfo.txt", b'"AddonInfo" { addontitle "A" }', archive=one)
    archive.add("maps/a.bsp", b"VBSP" + bytes(range(256)), preload=4, archive=other)
    archive.add("missions/a.txt", b"mission { Name a }", preload=18, archive=one)
    archive.add("README", b"no extension", archive=other)
    archive.add("cfg/.hidden", b"no name", archive=one)
    archive.add("cfg/a.b.c", b"two dots", archive=one)
    archive.add("empty.txt", b"", archive=other)
    archive.add("Materials/Upper/CASE.VMT", b"x", archive=other)
    archive.add("sound/\u00e4\u4e2d.wav", b"not ASCII", archive=one)
    return archive


class Archives(Case):
    def agree(self, *paths):
        """Entries, sizes, sums and contents are the same for both, and ours pass the check."""
        for path, found in zip(paths, theirs("vpk", *paths)):
            with self.subTest(path.name):
                said = ours("vpk", path)
                self.assertNotIn("error", said)
                self.assertNotIn("error", said["check"])
                self.assertEqual(said["version"], found["version"])
                self.assertEqual(said["entries"], sorted(found["entries"], key=lambda row: row["path"].encode()))
                self.assertEqual(said["check"]["content_bytes"], sum(row["size"] for row in said["entries"]))
                self.assertNotIn(None, [row["md5"] for row in said["entries"]])

    def test_written_by_us(self):
        mkvpk, tree = BUILD / "sim/mkvpk", self.dir / "tree"
        (tree / "maps/sub").mkdir(parents=True)
        for name in ("maps/a.bsp", "maps/sub/b.c.txt", "none"):
            (tree / name).write_bytes(name.encode() * 100)
        subprocess.run([mkvpk, self.dir / "tree.vpk", tree], check=True)
        subprocess.run([mkvpk, self.dir / "tree_dir.vpk", tree], check=True)
        subprocess.run([mkvpk, self.dir / "campaign.vpk", "--campaign", "dead", "dead01", "dead02"], check=True)
        self.agree(self.dir / "tree.vpk", self.dir / "tree_dir.vpk", self.dir / "campaign.vpk")

    def test_written_by_others(self):
        saved = []
        for version, has_sums in ((1, False), (2, False), (2, True)):
            name = f"v{version}{'s' * has_sums}"
            saved.append(some(Archive(version, has_sums)).save(self.dir / f"{name}.vpk"))
            saved.append(some(Archive(version, has_sums), (0, 2)).save(self.dir / f"{name}_dir.vpk"))
            saved.append(some(Archive(version, has_sums), (11, SAME)).save(self.dir / f"{name}-both_dir.vpk"))
            saved.append(Archive(version, has_sums).save(self.dir / f"{name}-none.vpk"))
        self.agree(*saved)

    def test_any(self):
        seed, saved = random.Random(1), []
        for i in range(12):
            archive = Archive(1 + i % 2, has_sums=i % 4 == 1, piece_bytes=1000)
            fill(archive, seed, 150, ((SAME,), (0, 1, 5, SAME))[i % 3 > 0])
            saved.append(archive.save(self.dir / f"{i}_dir.vpk"))
        self.agree(*saved)

    def test_every_changed_byte_is_found_in_its_entry(self):
        seed, saved = random.Random(2), []
        archive = fill(Archive(), seed, 40, (0, 3))
        for i in range(25):
            part = archive.parts[seed.choice((0, 3))]
            at, bit = seed.randrange(len(part)), 1 << seed.randrange(8)
            part[at] ^= bit
            saved.append(archive.save(self.dir / f"{i}_dir.vpk"))
            part[at] ^= bit
        for path, found in zip(saved, theirs("vpk", *saved)):
            said = ours("vpk", path)
            bad = [row["path"] for row in found["entries"] if row["md5"] is None]
            self.assertEqual([row["path"] for row in said["entries"] if row["md5"] is None], bad)
            self.assertEqual(said["check"],
                             {"error": f"archive '{path.name}': '{bad[0]}' does not match its checksum"})

    # What is wrong, what we say, and whether npm's reader finds anything.
    BROKEN = (
        ("a wrong checksum", lambda a: a.add("x.txt", b"x", crc=1), "'x.txt' does not match its checksum", True),
        ("beyond the end", lambda a: a.add("x.txt", b"x", length=2), "'x.txt' reaches beyond the end", True),
        ("far beyond", lambda a: a.add("x.txt", b"x", offset=2**32 - 1), "'x.txt' reaches beyond the end", True),
        ("no such part", lambda a: a.add("x.txt", b"", archive=9, length=1), "x_009.vpk", True),
        ("overlapping", lambda a: a.add("x.txt", b"VBS"[1:], offset=0, length=2, crc=zlib.crc32(b'"A')),
         "overlap", False),
        ("twice", lambda a: a.add("maps/a.bsp", b""), "are one path", False),
        ("twice, in capitals", lambda a: a.add("MAPS/a.bsp", b""), "are one path", False),
        ("a way out", lambda a: a.add("../x.txt", b""), "the path '..' leaves the archive", False),
        ("an absolute path", lambda a: a.entry("txt", "/etc", "x", (0, 0, SAME, 0, 0)), "'/etc' leaves the archive", False),
        ("a drive", lambda a: a.entry("txt", "c:", "x", (0, 0, SAME, 0, 0)), "'c:' leaves the archive", False),
        ("an empty component", lambda a: a.entry("txt", "a//b", "x", (0, 0, SAME, 0, 0)), "leaves the archive", False),
        ("a backslash way out", lambda a: a.entry("txt", "a\\..\\..", "x", (0, 0, SAME, 0, 0)),
         "leaves the archive", False),
    )

    def test_what_is_refused(self):
        cases = [(version, *row) for row in self.BROKEN for version in (1, 2)]
        saved = []
        for i, (version, _, spoil, _, _) in enumerate(cases):
            archive = some(Archive(version))
            spoil(archive)
            saved.append(archive.save(self.dir / f"{i}x_dir.vpk"))
        for path, found, (version, what, _, want, is_seen) in zip(saved, theirs("vpk", *saved), cases):
            with self.subTest(what, version=version):
                said = ours("vpk", path)
                self.assertIn(want, said.get("error") or said["check"].get("error", "accepted"))
                self.assertEqual("error" in found or None in [row["md5"] for row in found["entries"]], is_seen)

    def test_cut_and_longer_files(self):
        """npm's reader looks at nothing behind the entries, and at no sum but their own."""
        for archive in (some(Archive(1)), some(Archive(2)), some(Archive(2, has_sums=True))):
            path = archive.save(self.dir / "a.vpk")
            whole = path.read_bytes()
            for n in [*range(0, len(whole), 37), len(whole) - 1]:
                path.write_bytes(whole[:n])
                said = ours("vpk", path)
                self.assertIn("error", said if "error" in said else said["check"])
            path.write_bytes(whole + b"\0")
            self.assertEqual(ours("vpk", path)["check"],
                             {"error": "archive 'a.vpk': there are 1 bytes behind the end"})

    def test_sums_of_version_2(self):
        archive = some(Archive(2, has_sums=True), (0, SAME))
        path = archive.save(self.dir / "a_dir.vpk")
        whole = path.read_bytes()
        for at in (8, 20, 100, len(whole) - 60, len(whole) - 40, len(whole) - 20, len(whole) - 1):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
            said = ours("vpk", path)
            self.assertIn("error", said if "error" in said else said["check"])
        path.write_bytes(whole)
        self.agree(path)
        archive.more_pieces = struct.pack("<3I", 0, 0, 1) + hashlib.md5(b'"').digest()
        archive.save(path)
        self.assertIn("two MD5 sums are of the same bytes", ours("vpk", path)["check"]["error"])


# --- KeyValues -------------------------------------------------------------------------------------

GAMEINFO = '''"GameInfo"
{
	game	"Left 4 Dead 2"
	type	multiplayer_only		// a comment behind it
	nomodels 1

	// and one before
	FileSystem
	{
		SteamAppId		550
		SearchPaths
		{
			Game	update
			Game	|gameinfo_path|.
			Mod		hl2/a//b
		}
	}
}
'''

ADDONINFO = '''"AddonInfo"
{
	"addonSteamAppID"	"550"
	"addontitle"	"Dead Line \u00e4\u4e2d"
	"addonversion"	"1.50"
	"addontagline"	""
	"addonDescription"	"two
	lines { and } braces // no comment"
	"addonContent_Campaign"	"1"
}
'''

MISSION = '''"mission"
{
	"Name"	"deadline"
	"Version"	"3"
	"DisplayTitle"	"#L4D360UI_CampaignName_C1"
	"x"	" blanks "
	"poster"
	{
	}
	"modes"
	{
		"coop"
		{
			"1"
			{
				"Map"	"dead01"
				"DisplayName"	"The street"
			}
			"2"
			{
				"Map"	"c1m1_hotel"
			}
		}
		"versus"
		{
			"1"
			{
				"Map"	"dead01"
			}
		}
	}
}
'''

MANIFEST = '''"AppState"
{
	"appid"		"222860"
	"Universe"		"1"
	"name"		"Left 4 Dead 2 Dedicated Server"
	"StateFlags"		"4"
	"LastOwner"		"76561198000000000"
	"BytesToDownload"		"0"
	"AutoUpdateBehavior"		"0"
	"InstalledDepots"
	{
		"222861"
		{
			"manifest"		"8712345678901234567"
			"size"		"9710000000"
		}
		"222863"
		{
			"manifest"		"1234567890123456789"
			"size"		"200000000"
		}
	}
	"UserConfig"
	{
	}
}
'''


def tree(seed, depth=0):
    """[(key, text or list)]: keys may come again, as blocks or as texts, but not as both."""
    keys = [words(seed, seed.randint(1, 10), "abcXYZ019_") + ("b" if i % 3 == 0 else "v") for i in range(6)]
    rows = []
    for _ in range(seed.randint(0, 6) if depth else 5):
        key = seed.choice(keys)
        if key.endswith("b"):
            rows.append((key, tree(seed, depth + 1) if depth < 5 else []))
        else:
            rows.append((key, seed.choice(("", "1", "0x10", "1e3", "true", "null", " a b ", "x{y}z", "//", "[x]", "#a",
                                           "\u00fc\u20ac", "line\nbreak", words(seed, 30)))))
    return rows


def written(rows, quote, indent="\t", level=0, is_tight=False):
    """`quote` says how a word is written; `is_tight` leaves out every blank that may be."""
    out = ""
    for key, value in rows:
        start = "" if is_tight else indent * level
        if isinstance(value, list):
            inside = written(value, quote, indent, level + 1, is_tight)
            out += f"{start}{quote(key)}{{{inside}}}" if is_tight else \
                f"{start}{quote(key)}\n{start}{{\n{inside}{start}}}\n"
        else:
            out += f"{start}{quote(key)}{'' if is_tight else indent * 2}{quote(value)}" + ("" if is_tight else "\n")
    return out


def plain(rows):
    return [[key, plain(value) if isinstance(value, list) else value] for key, value in rows]


class KeyValues(Case):
    def write(self, name, text):
        path = self.dir / name
        path.write_text(text, newline="")
        said = ours("kv", path)
        path.with_name(f"{name}.json").write_text(json.dumps(said))
        return path, said

    def agree(self, verb, texts):
        paths = []
        for i, text in enumerate(texts):
            path, said = self.write(f"{verb}{i}.txt", text)
            self.assertNotIn("error", said)
            paths.append(path)
        for path, found in zip(paths, theirs(verb, *paths)):
            with self.subTest(path.read_text()):
                self.assertEqual(found, {"same": True})

    def test_files_of_the_game(self):
        texts = [GAMEINFO, ADDONINFO, MISSION, MANIFEST]
        texts += [text.replace("\n", "\r\n") for text in (GAMEINFO, MISSION, MANIFEST)]
        game = self.dir / "game"
        subprocess.run([BUILD / "sim/mkgame", game], check=True)
        texts += [path.read_text() for path in sorted(game.rglob("gameinfo.txt"))]
        texts += [path.read_text() for path in sorted(game.rglob("appmanifest*.acf"))]
        self.assertGreater(len(texts), 8)
        self.agree("kvparser", texts)

    def test_files_of_the_game_by_vdf(self):
        """It knows bare words of small letters alone: every word of the first is quoted before."""
        gameinfo = written(self.write("gameinfo.txt", GAMEINFO)[1], '"{}"'.format)
        self.agree("vdf", [gameinfo, ADDONINFO, MISSION, MANIFEST, MANIFEST.replace("\n", "\r\n"),
                           '// before\n\na 1\n"b"\n{\nc d // behind\n}\nb\n{\ne f\n}\na 2\n'])

    def test_any_tree(self):
        seed = random.Random(3)
        quoted = '"{}"'.format
        trees = [[("root", tree(seed))] for _ in range(120)]
        texts = [written(rows, quoted, " " * (i % 3) + "\t") for i, rows in enumerate(trees)]
        for rows, text in zip(trees, texts):
            self.assertEqual(self.write("one.txt", text)[1], plain(rows))
            self.assertEqual(self.write("tight.txt", written(rows, quoted, is_tight=True))[1], plain(rows))
        self.agree("kvparser", texts)
        self.agree("vdf", texts)

    def test_where_we_differ(self):
        """Each for a reason that pak/kv.h gives."""
        cases = (
            (r'"r" { "a" "x\ny\t\\\"\q" }', [["r", [["a", 'x\ny\t\\"\\q']]]], False, None),
            ('"r"\n{\n"a" "x\\ny"\n}\n', [["r", [["a", "x\ny"]]]], False, False),
            ('"r"\n{\n"a" "b" [$X360]\n"c"\t"d"\n}\n', [["r", [["a", "b"], ["c", "d"]]]], None, True),
            ('"r"{"a""b"}', [["r", [["a", "b"]]]], True, None),
            ("r\n{\nA b\n}\n", [["r", [["A", "b"]]]], True, None),
            ("r{a b}", [["r", [["a", "b"]]]], None, None),
            ('"a"\t"b"\n"c"\t"d"\n', [["a", "b"], ["c", "d"]], None, True),
            ('"r"\n{\n"a"\n{\n"x"\t"1"\n}\n"a"\n{\n"y"\t"2"\n}\n}\n',
             [["r", [["a", [["x", "1"]]], ["a", [["y", "2"]]]]]], True, True),
        )
        saved = [self.write(f"{i}.txt", text) for i, (text, *_) in enumerate(cases)]
        paths = [path for path, _ in saved]
        found = zip(theirs("kvparser", *paths), theirs("vdf", *paths))
        for (text, want, *is_same), (_, said), said_by in zip(cases, saved, found):
            with self.subTest(text):
                self.assertEqual(said, want)
                self.assertEqual([one.get("same") for one in said_by], is_same)

    def test_what_both_refuse(self):
        texts = ("", "r", "r {", 'r { "a', "r { a", "r { { } }", "{ }", "}")
        saved = [self.write(f"{i}.txt", text) for i, text in enumerate(texts)]
        for text, (_, said), found in zip(texts, saved, theirs("kvparser", *(path for path, _ in saved))):
            self.assertIn("error", found)
            if text:                # to us an empty text is one without keys
                self.assertIn("error", said)

    def test_encodings(self):
        for encoding in ("utf-8", "utf-8-sig", "utf-16", "cp1252"):
            path = self.dir / "one.txt"
            path.write_bytes('r { a "\u00e4 \u201cb\u201d \u20ac" }'.encode(encoding))
            self.assertEqual(ours("kv", path), [["r", [["a", "\u00e4 \u201cb\u201d \u20ac"]]]])


class AddOns(Case):
    def test_campaign(self):
        archive = Archive().add("addoninfo.txt", ADDONINFO.encode()).add("missions/d.txt", MISSION.encode("utf-16"))
        archive.add("maps/dead01.bsp", b"VBSP").add("maps/other.bsp", b"PSBV").add("models/a.mdl").add("models/a.vvd")
        said = ours("addon", archive.save(self.dir / "a.vpk"))
        self.assertEqual((said["title"], said["version"], said["description"]),
                         ("Dead Line \u00e4\u4e2d", "1.50", "two\n lines { and } braces // no comment"))
        self.assertTrue(said["is_campaign"])
        self.assertEqual(said["maps"], ["dead01", "other"])
        mission, = said["missions"]
        self.assertEqual((mission["name"], mission["title"]), ("deadline", "#L4D360UI_CampaignName_C1"))
        self.assertEqual([(row["mode"], row["map"], row["is_here"], row["is_stock"]) for row in mission["chapters"]],
                         [("coop", "dead01", True, False), ("coop", "c1m1_hotel", False, True),
                          ("versus", "dead01", True, False)])
        self.assertEqual({kind: n for kind, n in said["files"].items() if n},
                         {"description": 1, "missions": 1, "maps": 2, "models": 1, "model_data": 1})
        self.assertEqual(said["problems"], ["'maps/other.bsp' is no map: it does not begin with VBSP"])
