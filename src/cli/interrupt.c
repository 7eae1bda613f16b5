// SPDX-License-Identifier: MIT
#include "cli/interrupt.h"

#include <signal.h>

static volatile sig_atomic_t has_come; // the one thing a handler may set

static void on_interrupt(int signal)
{
    (void)signal;
    has_come = 1;
}

void interrupt_catch(void)
{
    struct sigaction action = { .sa_handler = on_interrupt }; // no SA_RESTART: it ends a poll

    (void)sigaction(SIGINT, &action, NULL);  // cannot fail for these
    (void)sigaction(SIGTERM, &action, NULL); // likewise
}

bool interrupt_came(void)
{
    return has_come != 0;
}
