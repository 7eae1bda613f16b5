// SPDX-License-Identifier: MIT
#include "cli/cli.h"
int install_run(struct cli *cli, struct error *err)
{
    (void)cli;
    return error_set(err, ERROR_FAILED, "not made yet");
}
int install_prepare(struct cli *cli, struct error *err)
{
    (void)cli;
    return error_set(err, ERROR_FAILED, "not made yet");
}
