#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""root: Debian root file systems for the machines, built once and kept outside the source tree.

A root is an unpacked directory, used as the read-only lower layer of every machine's overlayfs, so that
a machine costs no copy. It is named after what went into it: another list of packages is another root.
Nothing writes to a finished root.
"""

import argparse
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

import host

SUITES = {"trixie": "Debian 13", "bookworm": "Debian 12"}

# What a small server has, what the left4me package depends on (so that it installs without a network,
# and because the real thing would fetch the same), and what the tests run inside.
PACKAGES = """
    systemd systemd-sysv dbus udev nftables iproute2 procps util-linux passwd init-system-helpers
    ca-certificates libsystemd0 libyaml-0-2 libjansson4 libcurl4 libsqlite3-0 libsodium23 libbpf1
    libarchive13 libdeflate0 libinih1 libseccomp2 libc6-i386 netcat-openbsd strace python3 e2fsprogs
    7zip curl jq unzip openssl
""".split()

VARIANTS = {
    "machine": PACKAGES,
    # The virtual machine needs a kernel. It boots without an initramfs: NVMe, ext4 and virtio are built in.
    "vm": PACKAGES + ["linux-image-cloud-amd64", "kmod"],
}

# Work that no test asks for and every boot would pay. Nothing here belongs to the product.
MASKED = """
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service
    fstrim.timer console-getty.service getty.target systemd-firstboot.service
    sys-kernel-debug.mount sys-kernel-tracing.mount dev-hugepages.mount sys-fs-fuse-connections.mount
    modprobe@.service
""".split()

# Half of a boot of the virtual machine, where each program that starts costs half a second of emulation. Most of
# it a container's systemd leaves out by itself. Modules come without them: the kernel asks for those it wants.
MASKED_VM = """
    systemd-udevd.service systemd-udevd-control.socket systemd-udevd-kernel.socket systemd-udev-trigger.service
    systemd-udev-load-credentials.service kmod-static-nodes.service systemd-modules-load.service
    systemd-tmpfiles-setup-dev-early.service systemd-tmpfiles-setup-dev.service systemd-logind.service
    systemd-binfmt.service proc-sys-fs-binfmt_misc.automount sys-kernel-config.mount run-lock.mount
    systemd-random-seed.service systemd-pstore.service systemd-user-sessions.service
    systemd-debug-generator systemd-fstab-generator systemd-getty-generator systemd-gpt-auto-generator
    systemd-hibernate-resume-generator systemd-rc-local-generator systemd-run-generator systemd-ssh-generator
    systemd-system-update-generator systemd-sysv-generator systemd-tpm2-generator
""".split()

REVISION = 3            # raise it when the steps below change what a root contains
UNUSED_DAYS = 7         # a root of another recipe goes when nobody took it for so long

APT_OPTIONS = ("Acquire::http::Proxy", "Acquire::https::Proxy",
               "Acquire::Check-Valid-Until", "Acquire::Check-Date")


def get(suite="trixie", variant="machine") -> pathlib.Path:
    """The root's directory; builds it first where it is missing. Two callers build it once."""
    if suite not in SUITES:
        raise host.Trouble(f"no such suite: {suite} (there are {', '.join(SUITES)})")
    host.need_root()

    roots = host.cache() / "roots"
    roots.mkdir(exist_ok=True)
    path = roots / f"{suite}-{variant}-{_key(suite, variant)}"
    with host.Lock(roots / f".{path.name}.lock"):
        if not path.exists():
            _build(path, suite, variant)
        os.utime(roots / f".{path.name}.lock")
    _prune(roots, path)
    return path


def _key(suite, variant):
    recipe = json.dumps([REVISION, suite, sorted(VARIANTS[variant]), sorted(_masked(variant))])
    return hashlib.sha256(recipe.encode()).hexdigest()[:12]


def _masked(variant):
    return MASKED + (MASKED_VM if variant == "vm" else [])


def mirror():
    """The Debian archive this host's apt is set up to use."""
    chosen = os.environ.get("LEFT4ME_MIRROR")
    if chosen:
        return chosen
    listed = host.call(["apt-get", "indextargets", "--format",
                        "$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(CREATED_BY)"])
    for line in listed.splitlines():
        uri, release, component, created_by = line.split("|")
        if created_by == "Packages" and component == "main" and "-" not in release:
            return uri
    raise host.Trouble("apt on this host knows no Debian archive: set LEFT4ME_MIRROR to one")


def _apt_options():
    for name in APT_OPTIONS:
        value = host.call(["apt-config", "shell", "VALUE", name]).strip()
        if value:
            yield f'--aptopt={name} "{value.partition("=")[2].strip(chr(39))}"'


def _build(path, suite, variant):
    host.need_commands("mmdebstrap", "unshare")
    for stale in path.parent.glob(f".{path.name}.*.tmp"):
        host.remove_tree(stale)         # we hold the lock, so its builder is gone

    print(f"building a {SUITES[suite]} root for the {variant}, once: about a minute",
          file=sys.stderr, flush=True)
    started = time.monotonic()
    scratch = path.parent / f".{path.name}.{os.getpid()}.tmp"
    log = path.parent / f"{path.name}.log"
    # In namespaces of its own: nothing it mounts is seen outside, nothing it starts outlives it, and
    # it does not outlive us.
    argv = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--propagation", "private",
            "--pid", "--fork", "--kill-child", "--mount-proc", "mmdebstrap",
            "--mode=root", "--variant=minbase", "--format=directory", "--skip=output/dev",
            "--dpkgopt=force-unsafe-io",                # synced once, at the end
            f"--include={','.join(VARIANTS[variant])}", *_apt_options(),
            suite, str(scratch / "root"), mirror()]
    scratch.mkdir()
    (scratch / "tmp").mkdir(mode=0o1777)
    (scratch / "tmp").chmod(0o1777)
    try:
        with open(log, "w", encoding="utf-8") as out:
            child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                     start_new_session=True,
                                     env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
                                          "TMPDIR": str(scratch / "tmp"),
                                          "INITRD": "No"})      # nobody boots the kernel with one
            try:
                code = child.wait()
            except BaseException:
                with host.undisturbed():
                    child.kill()
                    child.wait()
                raise
        if code != 0:
            said = [line for line in log.read_text(errors="replace").splitlines() if line.startswith("E:")]
            raise host.Trouble(f"building the root failed: {said[0] if said else 'no reason given'} "
                               f"(all of it: {log})")
        _finish(scratch / "root", variant)
        host.call(["sync", "--file-system", scratch])
        (scratch / "root").rename(path)
        host.remove_tree(scratch)
        log.unlink()
    except BaseException:
        with host.undisturbed():
            host.remove_tree(scratch)
        raise
    print(f"built {path} in {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)


def _finish(top, variant):
    """What makes a fresh installation into a lower layer that boots fast and says nothing of the host."""
    etc = top / "etc"
    units = etc / "systemd/system"
    for name in _masked(variant):
        link = etc / "systemd/system-generators" / name if name.endswith("-generator") else units / name
        link.parent.mkdir(exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to("/dev/null")

    (etc / "hostname").write_text("machine\n")
    (etc / "hosts").write_text("127.0.0.1 localhost\n127.0.1.1 machine\n::1 localhost ip6-localhost\n")
    (etc / "machine-id").write_text("")             # each machine writes its own
    (etc / "resolv.conf").unlink(missing_ok=True)
    (etc / "dpkg/dpkg.cfg.d/unsafe-io").write_text("force-unsafe-io\n")
    (etc / "apt/apt.conf.d/quiet").write_text('APT::Install-Recommends "false";\nDpkg::Use-Pty "0";\n')
    (etc / "fstab").unlink(missing_ok=True)

    # Without the stamps every first boot rebuilds the linker cache, the journal catalogue and the users.
    host.call(["systemd-sysusers", f"--root={top}"])
    host.call(["journalctl", f"--root={top}", "--update-catalog"])
    shutil.rmtree(top / "var/lib/apt/lists", ignore_errors=True)
    (top / "var/lib/apt/lists/partial").mkdir(parents=True)
    for stamp in (etc / ".updated", top / "var/.updated"):
        stamp.touch()


def _prune(roots, keep):
    """Drops roots of old recipes that nobody asked for in a week."""
    kind = keep.name.rpartition("-")[0]
    limit = time.time() - UNUSED_DAYS * 86400
    for path in roots.glob(f"{kind}-*"):
        lock_path = roots / f".{path.name}.lock"
        if path == keep or path.suffix or not lock_path.exists() or lock_path.stat().st_mtime > limit:
            continue
        lock = host.try_lock(lock_path)
        if lock:
            with lock:
                host.remove_tree(path)
                lock_path.unlink(missing_ok=True)


def main():
    parser = argparse.ArgumentParser(description="Builds a root file system where missing; prints its path.")
    parser.add_argument("--suite", choices=SUITES, default="trixie")
    parser.add_argument("--variant", choices=VARIANTS, default="machine")
    options = parser.parse_args()
    host.exit_on_signals()
    try:
        print(get(options.suite, options.variant))
    except host.Trouble as trouble:
        sys.exit(f"root: {trouble}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
