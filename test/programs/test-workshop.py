#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""test-workshop: what comes of a list of the Workshop: items, collections, what cannot be had; builds that are
killed, that meet, and what they remove from the cache.

usage: test-workshop.py WORKSHOP_SYNC [unittest's options]
"""

import fcntl
import os
import shutil
import signal
import threading

from workshopworld import Case, SECONDS, main

import steam
from steam import Item, campaign, vpk


class Ordinary(Case):
    def test_a_first_build_and_what_is_noted(self):
        a, b = Item(121088, campaign("wald"), title="Gefährlicher Wald 🌲"), Item(5, campaign("b"))
        self.mirror.put(a, b)
        done = self.sync("https://steamcommunity.com/sharedfiles/filedetails/?id=121088\n5 # comment\n")
        self.assertEqual(done.result, {"items": 2, "fetched": 2, "kept": 0, "missing": 0, "questions": 1,
                                       "bytes": a.size + b.size, "bytes_fetched": a.size + b.size})
        self.assert_overlay([a, b])
        self.assertEqual(self.cached(121088), [f"{a.updated}-{a.size}.vpk"])
        self.assertEqual(self.item(121088), {
            "id": "121088", "title": "Gefährlicher Wald 🌲", "preview_url": f"{self.mirror.url}/preview/121088/",
            "size_bytes": a.size, "updated_unix_s": a.updated, "tags": ["Campaigns", "Co-op"],
            "version": f"{a.updated}-{a.size}", "files": 6, "models": 1, "scripts": 1, "maps": 2,
            "map_names": ["wald_1", "wald_2"], "missions": 1, "mission_names": ["wald"], "error": ""})
        for path, mode in (("cache/workshop/5", 0o750), ("cache/workshop/5/item.json", 0o640)):
            self.assertEqual((self.dir / path).stat().st_mode & 0o7777, mode)
        self.assertEqual(len(done.said("121088 'Gefährlicher Wald 🌲': fetched")), 1)
        self.assertEqual(len(done.said("done: 2 items", "2 fetched")), 1)
        for request in self.mirror.requests:
            self.assertFalse({"Cookie", "Authorization", "Accept-Encoding", "Referer"} & set(request.headers))

    def test_what_did_not_change_costs_no_download(self):
        items = [Item(id, campaign(f"m{id}")) for id in range(1, 6)]
        self.mirror.put(*items)
        self.sync([item.id for item in items])
        self.publish()
        before = (self.dir / "cache/workshop/3/item.json").stat()
        done = self.sync([item.id for item in items])
        self.assertEqual((done.result["fetched"], done.result["bytes_fetched"]), (0, 0))
        self.assertEqual(len(self.mirror.of_files()), 5)
        self.assertEqual(len(done.said(": unchanged")), 5)
        self.assert_overlay(items)
        after = (self.dir / "cache/workshop/3/item.json").stat()
        self.assertEqual((before.st_ino, before.st_mtime_ns), (after.st_ino, after.st_mtime_ns))

    def test_an_item_that_changed(self):
        self.mirror.put(Item(1, campaign("old")), Item(2, campaign("b")))
        self.sync([1, 2])
        old = self.publish()
        new = Item(1, campaign("newer"), updated=1700000000)
        self.mirror.put(new)
        done = self.sync([1, 2])
        self.assertEqual(done.result["fetched"], 1)
        self.assert_overlay([new, self.mirror.items[2]])
        self.assertEqual((old / "1.vpk").read_bytes(), campaign("old"))
        self.assertEqual(len(self.cached(1)), 2)        # the old one is still used

    def test_one_copy_for_all_overlays(self):
        item = Item(1, campaign("a"))
        self.mirror.put(item)
        self.sync([1])
        first = self.publish()
        self.sync([1])
        self.assertTrue(os.path.samefile(first / "1.vpk", self.addons / "1.vpk"))
        self.assertEqual((self.addons / "1.vpk").stat().st_nlink, 3)

    def test_an_empty_list_is_an_empty_overlay(self):
        done = self.sync("# nothing\n")
        self.assertEqual(done.result["items"], 0)
        self.assert_overlay([])
        self.assertEqual(self.mirror.requests, [])

    def test_a_build_that_is_repeated_begins_anew(self):
        item = Item(1, campaign("a"))
        self.mirror.put(item)
        self.sync([1])
        (self.addons / "left").write_text("of somebody who was killed")
        self.sync([1], build=self.build)
        self.assert_overlay([item])

    def test_strange_titles(self):
        titles = ["", "a\nb\x1b[31m", "'; rm -rf /", "x" * 500, "\ud83d", "日本語" * 60, "<0>", "%s%n"]
        items = [Item(id, campaign("m"), title=title) for id, title in enumerate(titles, 1)]
        self.mirror.put(*items)
        done = self.sync(range(1, len(titles) + 1))
        self.assert_overlay(items)
        for line in done.lines:
            self.assertTrue(line.isprintable(), line)
        self.assertEqual(self.item(2)["title"], "a?b?[31m")

    def test_many_maps(self):
        data = vpk({f"maps/m{i:03}.bsp": b"x" for i in range(100)}, version=2)
        self.mirror.put(Item(1, data))
        self.sync([1])
        item = self.item(1)
        self.assertEqual((item["maps"], len(item["map_names"]), item["missions"]), (100, 64, 0))

    def test_five_hundred_items_cost_five_questions(self):
        data = campaign("same")
        items = [Item(id, data) for id in range(1, 501)]
        self.mirror.put(*items)
        done = self.sync(range(1, 501), parallel=8)
        self.assertEqual(done.result["questions"], 5)
        self.assertEqual(len(self.mirror.of_api()), 5)
        self.assert_overlay(items)
        self.mirror.requests.clear()
        done = self.sync(range(1, 501))
        self.assertEqual((len(self.mirror.of_api()), len(self.mirror.of_files())), (5, 0))


class Lists(Case):
    def test_a_list_that_is_wrong(self):
        done = self.fail_sync("1\nfoo\n")
        self.assertEqual((done.code, done.error),
                         (2, "the list of items: line 2: 'foo' is neither the number of an item nor a link to one"))
        self.assertEqual(self.mirror.requests, [])

    def test_no_list(self):
        (self.dir / "builds/1/upper").mkdir(parents=True)
        self.assertEqual(self.fail_sync([], build=1).code, 3)

    def test_nested_collections_with_a_cycle(self):
        items = [Item(id, campaign("m")) for id in (1, 2, 3)]
        self.mirror.put(*items)
        self.mirror.titles[100] = "Größte Karten"
        self.mirror.collections = {100: [(1, 0), (101, 2)], 101: [(2, 0), (102, 2), (1, 0)],
                                   102: [(3, 0), (100, 2), (102, 2), (999, 2)]}
        done = self.sync([100, 1])
        self.assert_overlay(items)
        self.assertEqual(len(done.said("collection 100 'Größte Karten': 2 items")), 1)
        self.assertEqual(len(done.said("note: collection 102 holds collection 100, in which it lies itself")), 1)
        self.assertEqual(len(done.said("note: collection 102 holds collection 102")), 1)
        self.assertEqual(len(done.said("warning: 999: left out: the Workshop says nothing about it")), 1)
        # 100 and 1; what is in 100; its item and what is in 101; the same of 102; 3 and what is in 999
        self.assertEqual(done.result["questions"], 7)

    def test_collections_that_are_nested_too_deep(self):
        self.mirror.put(Item(1, campaign("m")), Item(2, campaign("n")))
        self.mirror.collections = {100 + i: [(101 + i, 2)] for i in range(10)}
        self.mirror.collections[104] = [(1, 0), (105, 2)]
        self.mirror.collections[105] = [(2, 0)]
        done = self.sync([100])
        self.assert_overlay([self.mirror.items[1]])
        self.assertEqual(len(done.said("note: collection 105 lies in 5 others, which is too deep")), 1)

    def test_a_list_that_comes_to_too_much(self):
        self.mirror.collections = {1: [(id, 0) for id in range(10, 2010)]}
        done = self.fail_sync([1])
        self.assertEqual((done.code, done.error), (2, "the list comes to more than 2000 items and collections"))

    def test_a_large_collection_of_few_questions(self):
        data = campaign("m")
        self.mirror.put(*(Item(id, data) for id in range(10, 460)))
        self.mirror.collections = {1: [(id, 0) for id in range(10, 460)]}
        done = self.sync([1])
        self.assertEqual((done.result["items"], done.result["questions"]), (450, 7))

    def test_more_than_an_overlay_may_have(self):
        self.mirror.put(Item(1, campaign("a")), Item(2, campaign("b")))
        total = sum(item.size for item in self.mirror.items.values())
        done = self.fail_sync([1, 2], total_max=total - 1)
        self.assertIn("together, and total_max in left4me.conf is", done.error)
        self.assertEqual(self.mirror.of_files(), [])
        self.sync([1, 2], total_max=total)

    def test_more_than_the_disk_has(self):
        self.mirror.put(Item(1, campaign("a"), file_size=str(1 << 59)))
        done = self.fail_sync([1], item_max=1 << 60, total_max=1 << 60)
        self.assertIn("are to be fetched, and the disk has", done.error)
        self.assertEqual(self.mirror.of_files(), [])


class Refused(Case):
    """What the Workshop says, and what is in the file."""

    def test_what_the_workshop_says(self):
        rows = {
            "it is for app 4000, not for Left 4 Dead 2 (550)": {"consumer_app_id": 4000},
            "it was banned from the Workshop": {"banned": 1},
            "its author has hidden it": {"visibility": 2},
            "the Workshop has no file of it that can be fetched": {"file_url": ""},
            "the Workshop does not hand it out (result 15)": {"result": 15},
            "it is not in the Workshop any more, or is hidden": {"result": 9},
            "item_max in left4me.conf is": {"file_size": "1000001"},
        }
        good = Item(1, campaign("good"))
        self.mirror.put(good, *(Item(id, campaign("m"), **says) for id, says in enumerate(rows.values(), 10)))
        # The preview of an item that lies elsewhere.
        self.mirror.put(Item(30, campaign("m"), preview_url=f"{self.mirror.url}/ugc/30/"))
        done = self.sync([1, *range(10, 10 + len(rows)), 30, 31], item_max=1000000)
        self.assert_overlay([good])
        for id, why in enumerate(rows, 10):
            self.assertEqual(len(done.said(f"warning: {id}", "left out", why)), 1, "\n".join(done.lines))
            self.assertIn(why, self.item(id)["error"])
            self.assertEqual(self.item(id)["version"], "")
        self.assertEqual(len(done.said("warning: 30 'Item 30'", "has no file of it")), 1)
        self.assertEqual(len(done.said("warning: 31: left out: it is not in the Workshop")), 1)
        self.assertEqual(done.result["missing"], len(rows) + 2)
        self.assertEqual(len(self.mirror.of_files()), 1)

    def test_what_is_gone_stays_at_its_old_version(self):
        item, other = Item(1, campaign("a"), updated=1577836800), Item(2, campaign("b"))
        self.mirror.put(item, other)
        self.sync([1, 2])
        self.publish()
        del self.mirror.items[1]
        done = self.sync([1, 2])
        self.assert_overlay([item, other])
        self.assertEqual(done.result["kept"], 1)
        self.assertEqual(done.said("warning: 1 "), ["warning: 1 'Item 1': stays at its version of 2020-01-01: "
                                                   "it is not in the Workshop any more, or is hidden"])
        self.assertEqual((self.item(1)["title"], self.item(1)["maps"]), ("Item 1", 2))

    def test_what_was_broken_by_an_update_stays_at_its_old_version(self):
        old, other = Item(1, campaign("a")), Item(2, campaign("b"))
        self.mirror.put(old, other)
        self.sync([1, 2])
        self.publish()
        self.mirror.put(Item(1, b"no archive at all", updated=1700000000))
        done = self.sync([1, 2])
        self.assert_overlay([old, other])
        self.assertEqual(len(done.said("warning: 1 'Item 1': stays at its version", "it is no add-on that can be used",
                                       "not a VPK archive")), 1)
        item = self.item(1)
        self.assertEqual((item["version"], item["maps"], item["updated_unix_s"]),
                         (f"{old.updated}-{old.size}", 2, 1700000000))
        self.assertEqual(len(self.cached(1)), 1)

    def test_files_that_are_no_addons(self):
        whole = campaign("m")
        damaged = bytearray(whole)
        damaged[-200] ^= 1
        for id, data in enumerate((b"x" * 100, bytes(damaged), whole[:-300], whole[:40], b"\x34\x12\xaa\x55"), 1):
            self.mirror.put(Item(id, data))
        good = Item(10, whole)
        self.mirror.put(good)
        done = self.sync([1, 2, 3, 4, 5, 10])
        self.assert_overlay([good])
        self.assertEqual(len(done.said("warning:", "left out", "it is no add-on that can be used")), 5)
        self.assertEqual(len(self.mirror.of_files(2)), 1)       # it came in one piece: no reason to ask again
        for id in range(1, 6):
            self.assertEqual(self.cached(id), [])

    def test_the_workshop_knows_nothing_of_the_list(self):
        done = self.fail_sync([1, 2])
        self.assertEqual((done.code, done.error), (3, "the Workshop knows none of the 2 items"))

    def test_nothing_can_be_had(self):
        self.mirror.put(Item(1, campaign("a"), banned=1), Item(2, b"junk"))
        done = self.fail_sync([1, 2])
        self.assertEqual((done.code, done.error), (1, "none of the 2 items could be had"))


class Killed(Case):
    def kill(self, process):
        process.send_signal(signal.SIGKILL)
        process.wait(SECONDS)

    def test_in_the_middle_of_a_download(self):
        released = threading.Event()
        self.addCleanup(released.set)
        item, good = self.one(steam.hold(3000, released), size=50000)
        process = self.start([7, 8])
        self.mirror.wait_for(lambda mirror: "held 7" in mirror.notes, "the body is held")
        part = self.dir / f"cache/workshop/7/{item.updated}-{item.size}.part"
        # It is written by then, or will be in a moment: libcurl has it, or the kernel.
        self.wait_for_size(part, 3000)
        self.kill(process)
        self.assertEqual(self.cached(7), [part.name])
        self.assertEqual(list((self.dir / "builds/1/upper").iterdir()), [])
        done = self.sync([7, 8])
        self.assert_overlay([item, good])
        self.assertEqual([request.range for request in self.mirror.of_files(7)], [None, "bytes=3000-"])
        self.assertEqual(len(done.said("7 'Item 7': 2.9 KiB are there already")), 1)
        self.assertEqual(self.cached(7), [f"{item.updated}-{item.size}.vpk"])

    def wait_for_size(self, path, size):
        """Until the program has written so much. inotify, by hand: there is nothing for it in the library."""
        import ctypes
        import select
        libc = ctypes.CDLL(None, use_errno=True)
        watch = libc.inotify_init1(os.O_CLOEXEC)
        self.addCleanup(os.close, watch)
        self.assertGreaterEqual(libc.inotify_add_watch(watch, bytes(path), 0x2), 0)      # IN_MODIFY
        while path.stat().st_size < size:
            self.assertTrue(select.select([watch], [], [], SECONDS)[0], "nothing is written")
            os.read(watch, 4096)

    def test_when_all_was_fetched_but_nothing_named(self):
        """As if killed before the rename: what is whole is checked again, and not fetched."""
        item, good = self.one()
        directory = self.dir / "cache/workshop/7"
        directory.mkdir()
        (directory / f"{item.updated}-{item.size}.part").write_bytes(item.data)
        self.sync([7, 8])
        self.assert_overlay([item, good])
        self.assertEqual(self.mirror.of_files(7), [])

    def test_and_what_is_left_is_damaged(self):
        """As after a loss of power: the size is right, the bytes are not."""
        for left in (bytes(5000), b"", b"x" * 100000):
            with self.subTest(len(left)):
                item, good = self.one(size=5000)
                item.updated += len(left)
                directory = self.dir / "cache/workshop/7"
                directory.mkdir(exist_ok=True)
                (directory / f"{item.updated}-{item.size}.part").write_bytes(left[:item.size] or left)
                self.sync([7, 8])
                self.assert_overlay([item, good])

    def test_a_version_of_the_cache_that_is_damaged(self):
        item, good = self.one()
        self.sync([7, 8])
        (self.dir / "cache/workshop/7/item.json").unlink()
        with open(self.dir / f"cache/workshop/7/{item.updated}-{item.size}.vpk", "r+b") as file:
            file.seek(-200, os.SEEK_END)
            file.write(b"?" * 200)
        done = self.sync([7, 8])
        self.assertEqual(done.result["fetched"], 1)
        self.assert_overlay([item, good])

    def test_and_the_note_is_lost_or_damaged(self):
        item, good = self.one()
        self.sync([7, 8])
        path = self.dir / "cache/workshop/7/item.json"
        want = self.item(7)
        for text in (None, "", "{", "[]", '{"id":"7"}'):
            if text is None:
                path.unlink()
            else:
                path.write_text(text)
            self.sync([7, 8])
            self.assertEqual(self.item(7), want)
        self.assertEqual(len(self.mirror.of_files(7)), 1)

    def test_at_every_moment(self):
        """Killed after each line that it says, and asked again. In the end all is there."""
        items = [Item(id, campaign(f"m{id}", 4000), answers=[steam.cut(1000)]) for id in range(1, 7)]
        self.mirror.put(*items)
        self.mirror.collections[100] = [(item.id, 0) for item in items]
        self.start([100])
        self.kill(self.running[-1])
        build, n = self.build, 0
        while True:
            n += 1
            process = self.start([100], build=build)
            lines = [process.stdout.readline() for _ in range(n)]
            self.kill(process)
            for path in (self.dir / "cache/workshop").glob("*/*.vpk"):
                self.assertEqual(path.read_bytes(), self.mirror.items[int(path.parent.name)].data)
            if any(line.startswith("result ") or not line for line in lines):
                break
        self.assert_overlay(items)
        self.assertGreater(n, 8)


class Together(Case):
    def test_two_builds_want_the_same_item(self):
        released = threading.Event()
        self.addCleanup(released.set)
        item, good = self.one(steam.hold(100, released, go_on=True))
        first = self.start([7, 8])
        self.mirror.wait_for(lambda mirror: "held 7" in mirror.notes, "the first build has it")
        second = self.start([7])
        self.wait_for_line(second, "another build fetches it, this one waits")
        released.set()
        done = self.finish(first)
        self.assertEqual(done.code, 0, done.error)
        done = self.finish(second)
        self.assertEqual(done.code, 0, done.error)
        self.assertEqual(len(self.mirror.of_files(7)), 1)
        self.assert_overlay([item])
        self.assertEqual(self.item(7)["maps"], 2)

    def test_the_one_who_has_it_dies(self):
        released = threading.Event()
        self.addCleanup(released.set)
        item, good = self.one(steam.hold(100, released))
        first = self.start([7, 8])
        self.mirror.wait_for(lambda mirror: "held 7" in mirror.notes, "the first build has it")
        second = self.start([7])
        self.wait_for_line(second, "another build fetches it, this one waits")
        first.send_signal(signal.SIGKILL)
        done = self.finish(second)
        self.assertEqual(done.code, 0, done.error)
        self.assert_overlay([item])

    def wait_for_line(self, process, words):
        for line in process.stdout:
            if words in line:
                return
        self.fail(f"it never said '{words}'")

    def test_many_builds_at_a_time(self):
        items = [Item(id, campaign(f"m{id}", 4000)) for id in range(1, 41)]
        self.mirror.put(*items)
        builds = []
        for order in (list(range(1, 41)), list(range(40, 0, -1)), list(range(1, 41))):
            builds.append((self.start(order), self.build))
        for process, self.build in builds:
            done = self.finish(process)
            self.assertEqual(done.code, 0, done.error)
            self.assert_overlay(items)
        self.assertEqual(len(self.mirror.of_files()), 40)


class Collected(Case):
    """What a build removes from the cache; how long something has been unused is the business of test-itemcache."""

    def test_nothing_that_is_new(self):
        old = Item(1, campaign("a"))
        self.mirror.put(old, Item(2, campaign("b")))
        self.sync([1, 2])
        shutil.rmtree(self.dir / "builds/1")            # never published
        done = self.sync([2])
        self.assertEqual(done.said("removed from the cache"), [])
        self.assertEqual(len(self.cached(1)), 1)

    def test_what_nobody_has_any_more(self):
        """A version that was replaced and an item that is off the list go, with the build after their last user."""
        old, dropped, kept = Item(1, campaign("old")), Item(2, campaign("b")), Item(3, campaign("c"))
        self.mirror.put(old, dropped, kept)
        self.sync([1, 2, 3])
        first = self.publish()
        new = Item(1, campaign("newer"), updated=old.updated + 1)
        self.mirror.put(new)
        done = self.sync([1, 3], collect_after=0)
        self.assertEqual(done.said("removed from the cache"), [])       # the first generation has them
        self.publish()
        shutil.rmtree(first)
        done = self.sync([1, 3], collect_after=0)
        self.assertEqual(len(done.said("2 files that nobody uses were removed from the cache")), 1, done.lines)
        self.assertEqual([self.cached(id) for id in (1, 2, 3)],
                         [[f"{new.updated}-{new.size}.vpk"], [], [f"{kept.updated}-{kept.size}.vpk"]])
        self.assert_overlay([new, kept])

    def test_not_while_another_build_is_at_work(self):
        self.mirror.put(Item(1, campaign("a")))
        self.sync([1])
        with open(self.dir / "cache/workshop/.lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)
            shutil.rmtree(self.dir / "builds/1")
            self.mirror.put(Item(2, campaign("b")))
            done = self.sync([2], collect_after=0)
        self.assertEqual(done.said("removed from the cache"), [])
        self.assertEqual(len(self.cached(1)), 1)


if __name__ == "__main__":
    main()
