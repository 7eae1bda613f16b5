// SPDX-License-Identifier: MIT
#include "host/ownoverlay.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/fd.h"
#include "host/broker.h"
#include "host/instances.h"
#include "host/source.h"

#define NUMBER_FILE "own_overlay"
#define NUMBER_ROOM 16u // bytes

int ownoverlay_read_at(uint32_t *ret, int instance_fd, struct error *err)
{
    AUTO(freep) char *bytes = NULL;
    size_t            n = 0;

    *ret = 0;
    if (fd_read_file(&bytes, &n, instance_fd, NUMBER_FILE, NUMBER_ROOM, err) < 0)
        return err->kind == ERROR_NOT_FOUND ? 0 : -1;
    if (n > 0 && bytes[n - 1] == '\n')
        bytes[n - 1] = '\0';
    if (number_name_parse(ret, bytes, err) < 0)
        return error_set(err, ERROR_FAILED, "the number of the server's own overlay is damaged");
    return 0;
}

int ownoverlay_read(uint32_t *ret, const struct host_paths *paths,
                    const struct instance_name *server, struct error *err)
{
    AUTO_FD fd = -1;

    if (instances_open(&fd, paths, server, err) < 0)
        return -1;
    return ownoverlay_read_at(ret, fd, err);
}

// The source comes first: what a killed maker left is found by it.
static int make(struct source *source, const struct host_paths *paths, int instance_fd,
                struct error *err)
{
    struct reply reply;
    char         text[NUMBER_ROOM];

    if (broker_overlay_create(paths, source->type, &reply, err) < 0)
        return -1;
    source->number = reply.overlay;
    (void)snprintf(text, sizeof text, "%" PRIu32 "\n", source->number); // ten digits fit
    if (source_save(source, paths, err) < 0)
        return -1;
    return fd_replace_file(instance_fd, NUMBER_FILE, text, strlen(text), 0600, err);
}

int ownoverlay_make(uint32_t *ret, const struct host_paths *paths,
                    const struct instance_name *server, struct error *err)
{
    AUTO_FD       fd = -1;
    struct source source = { .type = OVERLAY_FILES };

    if (instances_open(&fd, paths, server, err) < 0 || ownoverlay_read_at(ret, fd, err) < 0)
        return -1;
    if (*ret)
        return 0;
    (void)snprintf(source.server, sizeof source.server, "%.64s", server->text); // it fits
    if (ownoverlay_drop(paths, server, err) < 0 || make(&source, paths, fd, err) < 0)
        return -1;
    *ret = source.number;
    return 0;
}

int ownoverlay_drop(const struct host_paths *paths, const struct instance_name *server,
                    struct error *err)
{
    AUTO(freep) struct sources *sources = NULL;
    struct reply                reply;

    if (source_list(&sources, paths, err) < 0)
        return -1;
    for (size_t i = 0; i < sources->n; i++)
        if (strcmp(sources->source[i].server, server->text) == 0 &&
            broker_overlay_remove(paths, sources->source[i].number, &reply, err) < 0)
            return -1;
    return 0;
}
