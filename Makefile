# SPDX-License-Identifier: MIT
# The front door. Every target sets up what it needs; as root on Debian 12 or 13.
SHELL := /bin/bash
.DELETE_ON_ERROR:
.PHONY: run test test-unit test-programs test-fuzz test-sim test-machine test-machine-12 test-browser test-vm test-crashes bench deb fmt lint clean help

# What builds the package, what builds the emulator and the tests besides, what boots machines,
# what the example scripts use.
PACKAGES         := build-essential debhelper git libarchive-dev libcurl4-openssl-dev libdeflate-dev libinih-dev \
                    libjansson-dev libmd-dev libseccomp-dev libsodium-dev libsqlite3-dev libsystemd-dev libyaml-dev meson ninja-build pkgconf
TEST_PACKAGES    := ccache clang gcc-multilib libclang-rt-dev libcmocka-dev openssl python3 python3-yaml sqlite3
MACHINE_PACKAGES := gcc-multilib iproute2 mmdebstrap python3 systemd-container util-linux
SCRIPT_PACKAGES  := 7zip curl jq unzip
LINT_PACKAGES    := clang-format clang-tidy cppcheck lintian mandoc python3 shellcheck

help: ## what there is to do
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | awk -F '\t' '{ printf "%-16s %s\n", $$1, $$2 }'

run: ## a disposable machine with a server in it, and its page at http://127.0.0.1:8080, until Ctrl-C
	@tools/need $(PACKAGES) $(MACHINE_PACKAGES) qstat
	@tools/run $(RUN)

test: ## every rung of the ladder
	@tools/test-all

test-unit: ## unit tests: by clang with sanitizers, and by gcc
	@tools/need $(PACKAGES) $(TEST_PACKAGES)
	@tools/test-meson unit

test-programs: ## our programs, with sanitizers, each in a world that its test makes
	@tools/need $(PACKAGES) $(TEST_PACKAGES)
	@tools/test-meson programs

test-fuzz: ## every parser, for a while
	@tools/need $(PACKAGES) $(TEST_PACKAGES)
	@tools/test-fuzz

test-sim: ## the emulator and other stand-ins, and what we read of files, judged by others; the example scripts
	@tools/need $(PACKAGES) $(TEST_PACKAGES) $(SCRIPT_PACKAGES) iproute2 openssl python3 qstat
	@tools/test-sim

test-machine: ## the package in a Debian 13 booted by systemd
	@tools/need $(PACKAGES) $(TEST_PACKAGES) $(MACHINE_PACKAGES) curl qstat
	@tools/test-machine trixie

test-machine-12: ## a short pass of the same in a Debian 12
	@tools/need $(PACKAGES) $(TEST_PACKAGES) $(MACHINE_PACKAGES) qstat
	@tools/test-machine bookworm --only debian12 --only life --only exits

test-browser: ## the page: its own tests, and a browser that does in it what people do
	@tools/need $(PACKAGES) $(TEST_PACKAGES) $(MACHINE_PACKAGES) chromium fonts-dejavu-core
	@tools/test-browser

test-vm: ## what only a whole machine can show: controllers, reboot, power cut
	@tools/need $(PACKAGES) $(TEST_PACKAGES) $(MACHINE_PACKAGES) e2fsprogs qemu-system-x86
	@tools/test-vm

test-crashes: ## an hour of kills under load, or CRASH_SECONDS of it; what came of it is in out/crashes.json
	@tools/need $(PACKAGES) $(TEST_PACKAGES) $(MACHINE_PACKAGES)
	@CRASH_SECONDS=$${CRASH_SECONDS:-3600} tools/test-machine trixie --only crashes

bench: ## what it costs
	@tools/need $(PACKAGES) $(TEST_PACKAGES) $(MACHINE_PACKAGES) apache2-bin bubblewrap curl \
		gunicorn libarchive-tools python3-flask python3-sqlalchemy unzip wrk
	@tools/bench

deb: ## the Debian package
	@tools/need $(PACKAGES)
	@tools/build-deb

fmt: ## put the layout right
	@tools/need clang-format
	@clang-format --version | grep -q 'version 14\.' || { echo "fmt: it wants clang-format 14, that of Debian 12" >&2; exit 1; }
	@git ls-files '*.c' '*.h' | xargs clang-format -i

lint: ## clang-format, clang-tidy, cppcheck, shellcheck, man pages, lintian
	@tools/need $(PACKAGES) $(TEST_PACKAGES) $(LINT_PACKAGES)
	@tools/lint

clean: ## remove what was built here; /var/cache/left4me-dev stays
	@rm -rf build build-* out
