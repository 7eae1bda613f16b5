#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""left4me-web: /metrics."""

import re

import webworld
from eventworld import EventTest
from webworld import Browser

LINE = re.compile(r'^([a-z][a-z0-9_]*)(\{[a-z]+="[^"]*"\})? (-?[0-9.e+]+)$')


class TestMetrics(EventTest):
    def metrics(self, browser, status=200, **fields):
        """What is told, by name and label."""
        answer = self.raw(browser, **fields)
        self.assertEqual(answer[0], status)
        if status != 200:
            return answer[1]
        numbers, types = {}, {}
        for line in answer[1].decode().splitlines():
            if line.startswith("# TYPE "):
                types[line.split()[2]] = line.split()[3]
            elif not line.startswith("#"):
                name, label, value = LINE.match(line).groups()
                self.assertIn(re.sub("_(bucket|sum|count)$", "", name) if name not in types else name, types, line)
                self.assertNotIn((name, label), numbers)
                numbers[name, label] = float(value)
        return numbers

    def raw(self, browser, **fields):
        connection = browser.connect()
        try:
            connection.request("GET", "/metrics", headers={**({"Cookie": browser.cookie} if browser.cookie else {}), **fields})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def test_what_is_told(self):
        admin = self.user("bill", "admin")
        server = self.add_server(self.number(admin))
        self.sql("INSERT INTO live_states (server, state, changed_us) VALUES (?, 'running', 1)", server)
        self.sql("INSERT INTO live_players VALUES (?, 3, 1, 8, 'c1m1', 1)", server)
        self.add_server(self.number(admin))
        for state in ("queued", "queued", "running"):
            self.add_job(state=state)
        listener = self.listen(admin, "jobs")
        before = self.metrics(admin)
        self.assertEqual([before["left4me_servers", f'{{state="{state}"}}'] for state in ("running", "unknown", "failed")], [1, 1, 0])
        self.assertEqual([before["left4me_jobs", f'{{state="{state}"}}'] for state in ("queued", "running", "done")], [2, 1, 0])
        self.assertEqual(before["left4me_players", None], 3)
        self.assertEqual((before["left4me_event_streams", None], before["left4me_http_connections", None] >= 2), (1, True))
        for name in ("process_resident_memory_bytes", "process_open_fds", "process_max_fds", "left4me_database_bytes", "process_cpu_seconds_total"):
            self.assertGreater(before[name, None], 0, name)
        for _ in range(5):
            admin.ask("GET", "/me")
            admin.ask("GET", "/nothing")
        after = self.metrics(admin)
        grown = {key: after[key] - before[key] for key in before}
        self.assertEqual([grown["left4me_http_requests_total", f'{{code="{n}xx"}}'] for n in range(6)], [0, 0, 6, 0, 5, 0])
        self.assertEqual(grown["left4me_http_request_duration_seconds_count", None], 11)
        buckets = [value for (name, label), value in after.items() if name.endswith("_bucket")]
        self.assertEqual(buckets, sorted(buckets))
        self.assertEqual(buckets[-1], after["left4me_http_request_duration_seconds_count", None])
        # A stream counts when it ends, and its time does not.
        listener.close()
        for _ in range(webworld.READY_S * 100):
            last = self.metrics(admin)
            if last["left4me_event_streams", None] == 0:
                break
        self.assertLess(last["left4me_http_request_duration_seconds_count", None], sum(last["left4me_http_requests_total", f'{{code="{n}xx"}}'] for n in range(6)))

    def test_who_may(self):
        admin, zoey = self.user("bill", "admin"), self.user("zoey")
        tokens = [browser.ask("POST", "/me/tokens", {"name": "watch", "scope": "read"})[1]["token"] for browser in (admin, zoey)]
        nobody = Browser(self.web)
        self.assertIn(b'{"error":{"kind":"denied"', self.metrics(nobody, 401))
        self.assertIn(b'{"error":{"kind":"denied"', self.metrics(zoey, 401))
        self.metrics(nobody, 401, Authorization=f"Bearer {tokens[1]}")
        self.metrics(nobody, 200, Authorization=f"Bearer {tokens[0]}")
        self.metrics(admin)
        self.assertEqual(admin.ask("PATCH", "/settings", {"metrics_open": "on"})[0], 200)
        self.metrics(nobody)


if __name__ == "__main__":
    webworld.main()
