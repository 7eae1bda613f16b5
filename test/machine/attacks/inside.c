// SPDX-License-Identifier: MIT

// inside: what a server or a builder that was taken over would try, in one static program.
//
//     inside TOKEN WORD [ARGUMENT...]
//
// Every attempt is one line: "TOKEN WORD what: blocked: reason", "… done: what was gained" or
// "… note: …". A line "TOKEN end" closes the list. The same source is built for x86-64 and for
// i386, since the filters of system calls are separate ones.

#include "inside-files.h"
#include "inside-limits.h"
#include "inside-network.h"
#include "inside-shared.h"
#include "inside-sockets.h"
#include "inside-system.h"

static const struct {
    const char *word;
    void (*run)(int argc, char **argv);
} attacks[] = {
    { "read", attack_read },           { "write", attack_write },
    { "scan", attack_scan },           { "roots", attack_roots },
    { "processes", attack_processes }, { "process", attack_process },
    { "killall", attack_killall },     { "namespaces", attack_namespaces },
    { "mounts", attack_mounts },       { "kernel", attack_kernel },
    { "setid", attack_setid },         { "rights", attack_rights },
    { "cgroup", attack_cgroup },       { "unix", attack_unix },
    { "journal", attack_journal },     { "abstract", attack_abstract },
    { "families", attack_families },   { "netlink", attack_netlink },
    { "flow", attack_flow },           { "hold", attack_hold },
    { "listen", attack_listen },       { "fork", attack_fork },
    { "spin", attack_spin },           { "forge", attack_forge },
    { "flood", attack_flood },         { "quotas", attack_quotas },
    { "traps", attack_traps },         { "limits", attack_limits },
    { "alter", attack_alter },         { "leak", attack_leak },
    { "answer", attack_answer },
};

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    token = argv[1];
    word = argv[2];
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
    for (size_t i = 0; i < ELEMENTS(attacks); i++)
        if (strcmp(attacks[i].word, word) == 0) {
            if (strcmp(word, "fork") == 0)
                setpgid(0, 0); // its signal must not meet the game
            attacks[i].run(argc - 3, argv + 3);
            printf("%s end\n", token);
            return 0;
        }
    printf("%s %s: no such attack\n%s end\n", token, word, token);
    return 2;
}
