// SPDX-License-Identifier: MIT
#include "cli/cli.h"
int doctor_run(struct cli *cli, struct error *err)
{
    (void)cli;
    return error_set(err, ERROR_FAILED, "not made yet");
}
