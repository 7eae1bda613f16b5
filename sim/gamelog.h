// SPDX-License-Identifier: MIT
#pragma once

// gamelog: the log of game events, "L mm/dd/yyyy - hh:mm:ss: …", in GAME/logs/ while `log on`.

#include "base/macros.h"
#include <stdbool.h>

struct console;
struct cvars;
struct gamelog;
struct version;

struct gamelog *gamelog_new(const char *game, const struct version *version,
                            const struct cvars *cvars, struct console *console); // NULL: no memory
struct gamelog *gamelog_free(struct gamelog *log); // closes the file as `log off` does

// `log on`: a new file; says on the console if it cannot. Of more logs than sim_logs_kept the
// oldest are deleted, as the plug-ins and scripts do that look after a real server.
void gamelog_open(struct gamelog *log);
void gamelog_close(struct gamelog *log);
bool gamelog_is_open(const struct gamelog *log);

// Writes one line to the file, and to the console if sv_logecho is on.
void gamelog_print(struct gamelog *log, const char *format, ...) PRINTF_LIKE(2, 3);
