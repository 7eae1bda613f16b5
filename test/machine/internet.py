# SPDX-License-Identifier: MIT
"""internet: servers of other people, outside the machine, under their own names.

    directory = internet.trust(machine, make_keys)
    with internet.names(machine, {"example.org": [internet.HOST]}):
        listener = internet.listen(machine, internet.HOST, internet.HTTPS)

The addresses are those of networks for documentation: nobody's, and as public as any. The name server is the one
that builds and games are told of in /etc/left4me/resolv.conf, and the machine trusts the authority as it would any
that its operator has added.
"""

import contextlib
import pathlib
import sys
import tempfile

import product

MIRROR = product.REPO / "test/mirror"
if str(MIRROR) not in sys.path:
    sys.path.insert(1, str(MIRROR))         # before what the system may have under the same names
import server  # noqa: E402
from dns import Resolver  # noqa: E402

NAME_SERVER, HOST = "203.0.113.53", "203.0.113.80"
HTTPS, DNS = 443, 53
RESOLV_CONF = "/etc/left4me/resolv.conf"
LOCAL_AUTHORITY = "/usr/local/share/ca-certificates/left4me-test.crt"


def listen(machine, address, port, **options):
    """A bound socket of a host on the internet."""
    have(machine, address)
    return server.listen(address, port, f"/run/netns/{machine.outside.namespace}", **options)


def have(machine, address):
    """Brings an address to be outside the machine, if it is not there."""
    known = machine.outside.run(["ip", "-o", "address", "show", "dev", "lo"]).stdout
    if f" {address}/" not in known:
        machine.outside.run(["ip", "link", "set", "lo", "up"])
        machine.outside.add_address(f"{address}/32")


@contextlib.contextmanager
def names(machine, known):
    """A name server that knows these, for as long as the block lasts: the Resolver."""
    listener = listen(machine, NAME_SERVER, DNS, kind=server.socket.SOCK_DGRAM)
    before = machine.read(RESOLV_CONF)
    machine.push(f"nameserver {NAME_SERVER}\noptions timeout:5 attempts:1\n".encode(), RESOLV_CONF)
    try:
        with Resolver(known, listener=listener) as resolver:
            yield resolver
    finally:
        machine.push(before.encode(), RESOLV_CONF)


def trust(machine, make):
    """A directory with an authority in it that the machine trusts from now on; make(directory) writes it when the
    machine has none yet, and returns its certificate's path."""
    if not hasattr(machine, "authority"):
        scratch = tempfile.TemporaryDirectory(prefix="left4me-internet-")
        machine.push(make(pathlib.Path(scratch.name)), LOCAL_AUTHORITY)
        machine.run(["update-ca-certificates"])
        machine.authority = scratch             # goes when the machine does
    return pathlib.Path(machine.authority.name)
