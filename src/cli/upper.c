// SPDX-License-Identifier: MIT

// upper: what a person does about what a game wrote in its own layer. 'drift' lists it.

#include "cli/cli.h"

#include <string.h>
#include "base/fd.h"
#include "explain/layers.h"
#include "host/broker.h"
#include "host/instances.h"

int drop_run(struct cli *cli, struct error *err)
{
    AUTO(buffer_done) struct buffer paths = { 0 };
    AUTO_FD                         fd = -1;
    const char                     *path = cli->args[1];
    struct reply                    reply;

    if (layers_check_path(path, err) < 0 || instances_open(&fd, cli->paths, &cli->name, err) < 0)
        return -1;
    buffer_add(&paths, path, strlen(path) + 1);
    if (buffer_check(&paths, err) < 0 ||
        broker_edit(cli->paths, &cli->name, paths.bytes, paths.n, &reply, err) < 0)
        return -1;
    return output_action(cli, "drop", "stopped", true, NULL, err);
}
