// SPDX-License-Identifier: MIT

// left4me-tidy: makes, empties and removes the directories of one server or one build.
//
//     left4me-tidy ACTION:NAME
//
// Runs as root, started by a unit alone; its argument is the unit's instance, the action included,
// so that a request needs no file of its own. Works by descriptor from root-owned directories that
// nobody else can rename or replace, and never follows a link. The broker lets it near an instance
// only while that is stopped.
//
//     instances/NAME    left4me          what the control plane writes: spec, config layers
//     runtime/NAME      root             the mount points merged and config
//     runtime/NAME/upper, work           left4me-content
//     builds/ID         likewise, with cache for config

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/fd.h"
#include "base/log.h"
#include "base/protocol.h"
#include "base/tree.h"
#include "priv/account.h"

struct dirs {
    int            data_fd;
    struct account content, control;
};

static const struct account root = { 0, 0 };

// Makes the directory, or sets right the one that a killed run left.
static int make_dir(int parent_fd, const char *name, struct account owner, mode_t mode,
                    struct error *err)
{
    AUTO_FD fd = -1;

    if (mkdirat(parent_fd, name, 0700) < 0 && errno != EEXIST)
        return error_sys(err, errno, "making the directory '%s'", name);
    if (fd_open_dir(&fd, parent_fd, name, err) < 0)
        return -1;
    if (fchown(fd, owner.uid, owner.gid) < 0 || fchmod(fd, mode) < 0)
        return error_sys(err, errno, "giving away the directory '%s'", name);
    return 0;
}

// parent/name with upper, work and two mount points below. left4me reads the upper of a server, for
// what drifted; a build's is nobody's but the publisher's.
static int make_stack(const struct dirs *dirs, const char *parent, const char *name,
                      const char *second_mount, mode_t upper_mode, struct error *err)
{
    AUTO_FD parent_fd = -1;
    AUTO_FD fd = -1;

    if (fd_open_dir(&parent_fd, dirs->data_fd, parent, err) < 0 ||
        make_dir(parent_fd, name, root, 0755, err) < 0 ||
        fd_open_dir(&fd, parent_fd, name, err) < 0 || make_dir(fd, "merged", root, 0755, err) < 0 ||
        make_dir(fd, second_mount, root, 0755, err) < 0 ||
        make_dir(fd, "work", dirs->content, 0700, err) < 0)
        return -1;
    return make_dir(fd, "upper", dirs->content, upper_mode, err);
}

static int remove_below(const struct dirs *dirs, const char *parent, const char *name,
                        struct error *err)
{
    AUTO_FD parent_fd = -1;

    if (fd_open_dir(&parent_fd, dirs->data_fd, parent, err) < 0)
        return -1;
    return tree_remove(parent_fd, name, err);
}

static int instance_create(const struct dirs *dirs, const char *name, struct error *err)
{
    AUTO_FD fd = -1;

    if (make_stack(dirs, "runtime", name, "config", 0750, err) < 0 ||
        fd_open_dir(&fd, dirs->data_fd, "instances", err) < 0)
        return -1;
    return make_dir(fd, name, dirs->control, 0700, err);
}

static int instance_wipe(const struct dirs *dirs, const char *name, struct error *err)
{
    AUTO_FD runtime_fd = -1;
    AUTO_FD fd = -1;

    if (fd_open_dir(&runtime_fd, dirs->data_fd, "runtime", err) < 0 ||
        fd_open_dir(&fd, runtime_fd, name, err) < 0 || tree_remove(fd, "upper", err) < 0 ||
        tree_remove(fd, "work", err) < 0)
        return -1;
    return make_stack(dirs, "runtime", name, "config", 0750, err);
}

static int instance_remove(const struct dirs *dirs, const char *name, struct error *err)
{
    if (remove_below(dirs, "runtime", name, err) < 0)
        return -1;
    return remove_below(dirs, "instances", name, err);
}

static int build_create(const struct dirs *dirs, const char *id, struct error *err)
{
    return make_stack(dirs, "builds", id, "cache", 0700, err);
}

static int build_remove(const struct dirs *dirs, const char *id, struct error *err)
{
    return remove_below(dirs, "builds", id, err);
}

static int check_instance(const char *text, struct error *err)
{
    struct instance_name name;

    return instance_name_set(&name, text, err);
}

static int check_number(const char *text, struct error *err)
{
    uint32_t number;

    return number_name_parse(&number, text, err);
}

static const struct action {
    const char *prefix;
    int (*check)(const char *name, struct error *err);
    int (*run)(const struct dirs *dirs, const char *name, struct error *err);
} actions[] = {
    { "create:", check_instance, instance_create },
    { "wipe:", check_instance, instance_wipe },
    { "remove:", check_instance, instance_remove },
    { "build-create:", check_number, build_create },
    { "build-remove:", check_number, build_remove },
};

static int run(const char *argument, struct error *err)
{
    AUTO_FD     data_fd = open(PROTOCOL_DATA_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    struct dirs dirs = { .data_fd = data_fd };

    if (data_fd < 0)
        return error_sys(err, errno, "opening " PROTOCOL_DATA_DIR);
    if (account_find(&dirs.content, "left4me-content", err) < 0 ||
        account_find(&dirs.control, "left4me", err) < 0)
        return -1;
    for (size_t i = 0; i < ELEMENTS(actions); i++) {
        size_t n = strlen(actions[i].prefix);
        if (strncmp(argument, actions[i].prefix, n) != 0)
            continue;
        if (actions[i].check(argument + n, err) < 0)
            return -1;
        return actions[i].run(&dirs, argument + n, err);
    }
    return error_set(err, ERROR_INVALID, "there is no action '%.40s'", argument);
}

int main(int argc, char **argv)
{
    struct error err = { 0 };

    if (argc != 2) {
        log_line(LEVEL_ERROR, "left4me-tidy is started by its units: ACTION:NAME");
        return 2;
    }
    (void)umask(022);
    if (run(argv[1], &err) < 0) {
        log_line(LEVEL_ERROR, "%s: %s", argv[1], err.message);
        return error_kind_info(err.kind)->exit_code;
    }
    return 0;
}
