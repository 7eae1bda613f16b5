#!/bin/sh
# SPDX-License-Identifier: MIT
# Fake SteamCMD, stamp @STAMP@: same command line, same words, another store.
root=$(cd "$(dirname "$0")" && pwd)
export LD_LIBRARY_PATH="$root/linux32:${LD_LIBRARY_PATH:-}"
exec "$root/linux32/steamcmd" "$@"
