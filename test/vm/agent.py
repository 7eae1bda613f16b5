#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""agent: runs inside the virtual machine and does what the host's vm.py asks, one line at a time.

Each line on the port is a JSON object, each answer too; bytes travel as base64.
"""

import base64
import json
import os
import signal
import subprocess

import bus

PORT = "/dev/vport0p1"


def execute(request):
    child = subprocess.Popen(request["argv"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             env=request["env"], cwd="/", start_new_session=True)
    try:
        out, err = child.communicate(base64.b64decode(request["input"]), request["timeout"])
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
        return {"trouble": f"not finished after {request['timeout']} s"}
    return {"code": child.returncode, "out": base64.b64encode(out).decode(), "err": base64.b64encode(err).decode()}


def wait(request):
    with bus.Bus(timeout=60) as systemd:
        if request.get("state") is None:
            return {"properties": _plain(systemd.properties(request["unit"]))}
        found = systemd.wait(request["unit"], lambda unit: unit["ActiveState"] == request["state"], request["timeout"])
        return {"properties": _plain(found) if found else None}


def _plain(properties):
    return {name: value for name, value in properties.items() if isinstance(value, (str, int, float, list, tuple))}


def main():
    port = os.open(PORT, os.O_RDWR | os.O_CLOEXEC)
    with open(port, "rb", closefd=False) as lines, open(port, "wb", buffering=0, closefd=False) as answers:
        answers.write(b'{"hello": true}\n')
        for line in lines:
            request = json.loads(line)
            try:
                answer = {"execute": execute, "wait": wait}[request["do"]](request)
            except (OSError, bus.BusError) as reason:
                answer = {"trouble": str(reason)}
            data = json.dumps({"id": request["id"], **answer}).encode() + b"\n"
            while data:                         # a port takes 32 KiB at a time
                data = data[answers.write(data):]


if __name__ == "__main__":
    main()
