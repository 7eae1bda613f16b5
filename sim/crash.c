// SPDX-License-Identifier: MIT
#include "crash.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

int crash_signal(const char *name)
{
    if (strncasecmp(name, "SIG", 3) == 0)
        name += 3;
    for (int number = 1; number < 32; number++) {
        const char *known = sigabbrev_np(number);
        if (known && strcasecmp(known, name) == 0)
            return number;
    }
    return 0;
}

// A page of a file that has no byte: touching it is SIGBUS.
static void fault_bus(void)
{
    int            fd = memfd_create("bus", MFD_CLOEXEC);
    volatile char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (page != MAP_FAILED)
        *page = 1;
}

static void fault(int number)
{
    char *volatile nowhere = NULL;
    volatile int zero = 0;

    if (number == SIGSEGV)
        *(volatile char *)nowhere = 1; // cppcheck-suppress nullPointer
    else if (number == SIGBUS)
        fault_bus();
    else if (number == SIGFPE)
        zero = 1 / zero;
    else if (number == SIGILL)
        __asm__ volatile("ud2");
    else if (number == SIGTRAP)
        __asm__ volatile("int3");
    else if (number == SIGABRT)
        abort();
}

void crash_by(int number)
{
    sigset_t none;

    sigemptyset(&none);
    signal(number, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    fault(number);
    raise(number);
    _exit(128 + number); // a signal that does not kill, or we are process 1
}

void crash_hang(bool is_busy)
{
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    for (;;)
        if (!is_busy)
            pause();
}
