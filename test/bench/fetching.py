#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""fetching: a Workshop build of many items, beside `curl --parallel` for the same files from the same server.

The files come from apache, which is native code with threads, and out of the page cache: all of them are hard links
to one. The Web API is the mirror of the tests. Both sides take turns; both end when all of it is on disk. Ours has
asked the Web API, read every archive from end to end and noted what is in it by then.

usage: fetching.py SCRATCH WORKSHOP_SYNC [--rounds N] [--items N] [--size BYTES]
"""

import argparse
import contextlib
import dataclasses
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "mirror"))

import steam

PARALLEL = 8
MODULES = ("mpm_event", "ssl", "alias", "authz_core")
APACHE = """
ServerRoot {root}
PidFile {root}/httpd.pid
DefaultRuntimeDir {root}
Mutex file:{root}
ErrorLog {root}/error.log
ServerName localhost
User nobody
Group nogroup
{modules}
StartServers 1
ServerLimit 1
ThreadsPerChild 32
MaxRequestWorkers 32
KeepAlive On
MaxKeepAliveRequests 0
Listen 127.0.0.1:{port}
SSLEngine on
SSLCertificateFile {certificate}
AliasMatch "^/ugc/(\\d+)/$" "{files}/$1.vpk"
<Directory "{files}">
    Require all granted
</Directory>
"""


@dataclasses.dataclass
class Measured:
    items: int
    bytes: int
    ours_s: list
    curl_s: list
    refresh_s: list
    questions: int              # of a refresh
    busy: dict                  # {who: processor seconds of a round}, medians


def free_port():
    with contextlib.closing(steam.socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Apache:
    def __init__(self, root, certificate, files):
        self.port = free_port()
        modules = "\n".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in MODULES)
        config = root / "httpd.conf"
        config.write_text(APACHE.format(root=root, port=self.port, certificate=certificate, files=files, modules=modules))
        # In the foreground, so that it is ours to end; it says that it is there by answering.
        self.process = subprocess.Popen(["apache2", "-f", config, "-D", "FOREGROUND"], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=(root / "apache.log").open("w"))
        while True:
            with contextlib.closing(steam.socket.socket()) as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    break
            if self.process.poll() is not None:
                raise RuntimeError(f"apache2 does not start: {(root / 'apache.log').read_text()[-500:]}")
            time.sleep(0.02)

    def processor_s(self):
        """What it and its children have used."""
        total, ticks = 0, os.sysconf("SC_CLK_TCK")
        for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                pid, _, rest = path.read_text().partition(" ")
                fields = rest.rpartition(")")[2].split()
                if int(pid) == self.process.pid or int(fields[1]) == self.process.pid:
                    total += (int(fields[11]) + int(fields[12])) / ticks
        return total

    def close(self):
        self.process.terminate()
        self.process.wait()


def make_files(directory, n, size):
    """`n` items that are one file. Its content is that of a large map, in pieces of a MiB."""
    directory.mkdir()
    pieces = max(1, size >> 20)
    first = directory / "1.vpk"
    first.write_bytes(steam.vpk({f"maps/m{i}.bsp": os.urandom(size // pieces) for i in range(pieces)}))
    for id in range(2, n + 1):
        os.link(first, directory / f"{id}.vpk")
    return first.stat().st_size


class Bench:
    def __init__(self, scratch, program, items, size):
        self.dir, self.program, self.n = pathlib.Path(scratch), program, items
        self.ca, certificate = steam.make_certificates(self.dir)
        self.bytes = make_files(self.dir / "files", items, size) * items
        os.chmod(self.dir, 0o755)
        self.apache = Apache(self.dir, certificate, self.dir / "files")
        self.files_url = f"https://127.0.0.1:{self.apache.port}"
        self.mirror = steam.Mirror(certificate, files_url=self.files_url)
        self.mirror.put(*(steam.Item(id, path=self.dir / f"files/{id}.vpk") for id in range(1, items + 1)))
        self.busy = {"the server, for curl": [], "the server, for ours": [], "curl": [], "ours": []}
        lines = [f"url = {self.files_url}/ugc/{id}/\noutput = {self.dir}/curl/{id}.vpk" for id in range(1, items + 1)]
        (self.dir / "curl.conf").write_text("\n".join(lines))

    def close(self):
        self.mirror.close()
        self.apache.close()

    def _timed(self, who, *commands):
        """Seconds until all of it has ended, one after the other."""
        served, mine, started = self.apache.processor_s(), os.times(), time.monotonic()
        for command in commands:
            done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True)
            if done.returncode != 0:
                raise RuntimeError(f"{command[0]} failed: {done.stderr[-500:]}")
        took, after = time.monotonic() - started, os.times()
        self.busy[who].append(after.children_user + after.children_system - mine.children_user - mine.children_system)
        self.busy[f"the server, for {who}"].append(self.apache.processor_s() - served)
        self.said = done.stdout
        return took

    def curl(self):
        directory = self.dir / "curl"
        directory.mkdir()
        took = self._timed("curl", ["curl", "--silent", "--show-error", "--parallel", "--parallel-max", PARALLEL,
                                    "--http1.1", "--cacert", self.ca, "--config", self.dir / "curl.conf"],
                           ["sync", "--file-system", directory])
        if len(list(directory.iterdir())) != self.n:
            raise RuntimeError("curl did not fetch all")
        shutil.rmtree(directory)
        return took

    def sync(self, build):
        """A build in the data directory as it is."""
        data = self.dir / "data"
        (data / f"builds/{build}/source").mkdir(parents=True)
        (data / f"builds/{build}/upper").mkdir()
        (data / f"builds/{build}/source/items").write_text(" ".join(map(str, range(1, self.n + 1))))
        took = self._timed("ours", [self.program, data, build, f"api={self.mirror.url}", f"ca={self.ca}",
                                    "address=127.0.0.1", f"parallel={PARALLEL}"])
        result = {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", self.said.splitlines()[-1])}
        return took, result

    def first_build(self):
        (self.dir / "data/cache/workshop").mkdir(parents=True)
        took, result = self.sync(1)
        if result["fetched"] != self.n or result["bytes_fetched"] != self.bytes:
            raise RuntimeError(f"ours did not fetch all: {result}")
        return took

    def refresh(self):
        """(seconds, requests) of a build in which nothing has changed."""
        before = len(self.mirror.requests)
        took, result = self.sync(2)
        if result["fetched"] or result["items"] != self.n:
            raise RuntimeError(f"not a refresh: {result}")
        for which in ("ours", "the server, for ours"):
            self.busy[which].pop()
        return took, len(self.mirror.requests) - before


def measure(scratch, program, rounds=3, items=500, size=2 << 20):
    bench = Bench(scratch, program, items, size)
    curl_s, ours_s, refresh_s, questions = [], [], [], 0
    try:
        bench.curl()            # for warming up
        for which in bench.busy.values():
            which.clear()
        for _ in range(rounds):
            curl_s.append(bench.curl())
            ours_s.append(bench.first_build())
            took, questions = bench.refresh()
            refresh_s.append(took)
            shutil.rmtree(bench.dir / "data")
    finally:
        bench.close()
    return Measured(items, bench.bytes, ours_s, curl_s, refresh_s, questions,
                    {who: statistics.median(times) for who, times in bench.busy.items()})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("scratch")
    parser.add_argument("program")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--items", type=int, default=500)
    parser.add_argument("--size", type=int, default=2 << 20)
    options = parser.parse_args()
    measured = measure(options.scratch, options.program, options.rounds, options.items, options.size)
    for key, value in dataclasses.asdict(measured).items():
        print(key, value)
    print("ratio of throughput", statistics.median(c / o for c, o in zip(measured.curl_s, measured.ours_s)))


if __name__ == "__main__":
    main()
