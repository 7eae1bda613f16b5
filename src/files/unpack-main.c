// SPDX-License-Identifier: MIT
// left4me-unpack: reads the archive at descriptor 0 and says at descriptor 1 what is in it; see
// frame.h. Started by extract.c; locks itself in before it looks at a byte.

#include <unistd.h>
#include "files/sandbox.h"
#include "files/unpack.h"

int main(void)
{
    struct unpack *unpack = NULL;
    struct error   err = { 0 };

    if (unpack_prepare(&unpack, STDIN_FILENO, STDOUT_FILENO, &err) < 0 || sandbox_enter(&err) < 0) {
        unpack_fail(STDOUT_FILENO, &err);
        _exit(1);
    }
    _exit(unpack_run(unpack) < 0); // nothing to be done at the end
}
