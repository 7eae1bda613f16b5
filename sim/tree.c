// SPDX-License-Identifier: MIT
#include "tree.h"

#include "base/fd.h"
#include "console.h"
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TREE_FILE    ".sim-tree-test"
#define TREE_RENAMED ".sim-tree-test-renamed"

struct steps {
    char file[PATH_MAX];
    char renamed[PATH_MAX];
};

static int step_create(const struct steps *steps)
{
    AUTO_FD fd = open(steps->file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

    return fd < 0 ? -1 : 0;
}

static int step_append(const struct steps *steps)
{
    AUTO_FD fd = open(steps->file, O_WRONLY | O_APPEND | O_CLOEXEC);

    return fd < 0 || write(fd, "x", 1) != 1 ? -1 : 0;
}

static int step_chmod(const struct steps *steps)
{
    return chmod(steps->file, 0600);
}

static int step_rename(const struct steps *steps)
{
    return rename(steps->file, steps->renamed);
}

static int step_delete(const struct steps *steps)
{
    return unlink(steps->renamed);
}

static const struct {
    const char *name;
    int (*run)(const struct steps *steps);
} steps_all[] = {
    { "create", step_create }, { "append", step_append }, { "chmod", step_chmod },
    { "rename", step_rename }, { "delete", step_delete },
};

static unsigned test_directory(struct console *console, const char *path)
{
    struct steps steps;

    if (strlen(path) + sizeof TREE_RENAMED + 1 > PATH_MAX)
        return 0;
    snprintf(steps.file, sizeof steps.file, "%s/" TREE_FILE, path);
    snprintf(steps.renamed, sizeof steps.renamed, "%s/" TREE_RENAMED, path);
    for (size_t i = 0; i < ELEMENTS(steps_all); i++) {
        if (steps_all[i].run(&steps) == 0)
            continue;
        console_print(console, "[sim] tree test: %s in %s: %s\n", steps_all[i].name, path,
                      strerror(errno));
        (void)unlink(steps.file); // whatever the failed step has left
        (void)unlink(steps.renamed);
        return 1;
    }
    return 0;
}

void tree_test(struct console *console, const char *root)
{
    char *const   roots[] = { (char *)(uintptr_t)root, NULL };
    unsigned      n_directories = 0, n_failures = 0;
    const FTSENT *entry;

    FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (!fts) {
        console_print(console, "[sim] tree test: %s: %s\n", root, strerror(errno));
        return;
    }
    while ((entry = fts_read(fts))) {
        if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR) {
            console_print(console, "[sim] tree test: %s: %s\n", entry->fts_path,
                          strerror(entry->fts_errno));
            n_failures++;
        }
        if (entry->fts_info != FTS_D)
            continue;
        n_directories++;
        n_failures += test_directory(console, entry->fts_path);
    }
    fts_close(fts);
    console_print(console, "[sim] tree test: %u directories, %u failures\n", n_directories,
                  n_failures);
}
