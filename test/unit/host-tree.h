// SPDX-License-Identifier: MIT
#pragma once

// host-tree: a temporary tree in the shape of the host's directories, for tests of src/host.

#include "unit.h"
#include "base/protocol.h"
#include "host/instance.h"
#include "host/paths.h"

struct host_tree {
    struct unit_dir  *dir;
    struct host_paths paths;
    char              text[8][128]; // what paths points at
};

static inline int host_tree_setup(void **state)
{
    static const char *const dirs[] = {
        "data", "data/overlays",  "data/instances", "data/runtime", "data/sources",
        "host", "host/instances", "host/builds",    "mounted",      "net"
    };
    struct host_tree        *tree = calloc(1, sizeof *tree);
    void                    *dir = NULL;
    const char             **fields[] = { &tree->paths.data_dir,      &tree->paths.host_dir,
                                          &tree->paths.mounted_dir,   &tree->paths.proc_net_dir,
                                          &tree->paths.broker_socket, &tree->paths.log_socket,
                                          &tree->paths.wants_dir,     &tree->paths.steamcmd_link };
    static const char *const names[] = { "data",        "host",     "mounted", "net",
                                         "broker.sock", "log.sock", "wants",   "steamcmd" };

    if (unit_dir_setup(&dir) < 0)
        return -1;
    tree->dir = dir;
    for (size_t i = 0; i < ELEMENTS(dirs); i++)
        if (mkdirat(tree->dir->fd, dirs[i], 0755) < 0)
            return -1;
    for (size_t i = 0; i < ELEMENTS(names); i++) {
        snprintf(tree->text[i], sizeof tree->text[i], "%s/%s", tree->dir->path, names[i]);
        *fields[i] = tree->text[i];
    }
    tree->paths.bus_address = "unix:path=/nonexistent";
    *state = tree;
    return 0;
}

static inline int host_tree_teardown(void **state)
{
    struct host_tree *tree = *state;
    void             *dir = tree->dir;

    free(tree);
    return unit_dir_teardown(&dir);
}

// An overlay whose only generation is its current one.
static inline void host_tree_overlay(struct host_tree *tree, unsigned overlay, unsigned generation)
{
    char path[96], text[256];

    snprintf(path, sizeof path, "data/overlays/%u/state.json", overlay);
    snprintf(text, sizeof text,
             "{\"type\":\"game\",\"current\":%u,\"generations\":[{\"number\":%u,"
             "\"created_unix_s\":1,\"files\":2,\"bytes\":3,\"build\":4,\"added\":5,\"changed\":6,"
             "\"removed\":7,\"bytes_changed\":8,\"note\":\"build id 9\"}]}",
             generation, generation);
    unit_write(tree->dir->fd, path, text);
    snprintf(path, sizeof path, "data/overlays/%u/%u", overlay, generation);
    (void)mkdirat(tree->dir->fd, path, 0755); // it may be there already
}

// What a specification says; owned.
static inline struct instance *instance_of(const char *text)
{
    struct instance *instance = NULL;
    struct error     err = { 0 };

    if (instance_parse(&instance, "f", text, strlen(text), &err) < 0)
        fail_msg("%s", err.message);
    return instance;
}
