// SPDX-License-Identifier: MIT

// list: every instance with its state, as the init system and its links tell it.

#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/dir.h"
#include "base/fd.h"
#include "host/instances.h"
#include "host/verdict.h"

struct list_row {
    char        name[INSTANCE_NAME_MAX + 1];
    const char *state; // of verdict_state_word, or stopped
    bool        is_enabled;
    uint16_t    port; // 0: the spec cannot be read
};

struct list {
    struct list_row *rows;
    size_t           n;
};

static void list_done(struct list *list)
{
    free(list->rows);
}

static int compare_row(const void *name, const void *other)
{
    return strcmp(name, ((const struct list_row *)other)->name);
}

static struct list_row *find_row(struct list *list, const char *name)
{
    return list->n == 0 ? NULL
                        : bsearch(name, list->rows, list->n, sizeof *list->rows, compare_row);
}

static void take_unit(void *data, const char *name, const char *active_state, const char *sub_state)
{
    struct list_row *found = find_row(data, name);
    const char      *word = verdict_state_word(active_state, sub_state);

    // A word that is not of the table belongs to the message, which is about to go.
    if (found)
        found->state = word == active_state ? "changing" : word;
}

// Links of enabled units in one *.wants/ directory. Names that do not fit a unit of ours are
// others'.
static int take_wants(struct list *list, DIR *dir, struct error *err)
{
    const size_t n_prefix = sizeof UNIT_SERVER - 1, n_suffix = sizeof ".service" - 1;

    const char *entry;
    int         r;

    while ((r = dir_next(&entry, dir, err)) > 0) {
        char   name[INSTANCE_NAME_MAX + 1];
        size_t n = strlen(entry);
        if (strncmp(entry, UNIT_SERVER, n_prefix) != 0 || n <= n_prefix + n_suffix ||
            n - n_prefix - n_suffix >= sizeof name)
            continue;
        memcpy(name, entry + n_prefix, n - n_prefix - n_suffix);
        name[n - n_prefix - n_suffix] = '\0';
        struct list_row *found = find_row(list, name);
        if (found)
            found->is_enabled = true;
    }
    return r;
}

// The init system tells the enabled state of one unit a call; its links say it for all at once.
static int take_enabled(struct list *list, const char *wants_dir, struct error *err)
{
    static const char suffix[] = ".wants";
    const size_t      n_suffix = sizeof suffix - 1;
    AUTO_FD           top_fd = open(wants_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO_DIR          top = NULL;
    const char       *entry;
    int               r;

    if (top_fd < 0)
        return errno == ENOENT ? 0 : error_sys(err, errno, "opening %s", wants_dir);
    if (dir_open(&top, top_fd, err) < 0)
        return error_prefix(err, "%s", wants_dir);
    while ((r = dir_next(&entry, top, err)) > 0) {
        size_t n = strlen(entry);
        if (n <= n_suffix || strcmp(entry + n - n_suffix, suffix) != 0)
            continue;
        AUTO_FD  fd = openat(top_fd, entry, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        AUTO_DIR dir = NULL;
        if (fd >= 0 && (dir_open(&dir, fd, err) < 0 || take_wants(list, dir, err) < 0))
            return error_prefix(err, "%s/%.60s", wants_dir, entry);
    }
    return r < 0 ? error_prefix(err, "%s", wants_dir) : 0;
}

static int load_list(struct list *list, const struct cli *cli, struct error *err)
{
    AUTO(strings_done) struct strings names = { 0 };
    AUTO(units_closep) struct units  *units = NULL;

    if (instances_list(&names, cli->paths, err) < 0)
        return -1;
    list->rows = calloc(names.n + 1, sizeof *list->rows);
    if (!list->rows)
        return error_sys(err, ENOMEM, "listing the instances");
    for (const char *s = NULL; (s = strings_next(&names, s));) {
        AUTO(instance_freep) struct instance *instance = NULL;
        struct list_row                      *added = &list->rows[list->n++];
        struct instance_name                  name = { 0 };
        struct error                          ignored;
        (void)snprintf(added->name, sizeof added->name, "%s", s); // valid names
        (void)snprintf(name.text, sizeof name.text, "%s", s);     // likewise
        added->state = "stopped";
        if (instances_load(&instance, cli->paths, &name, &ignored) == 0)
            added->port = instance->port;
        else
            added->state = "unfinished";
    }
    if (take_enabled(list, cli->paths->wants_dir, err) < 0 ||
        units_open(&units, cli->paths, err) < 0)
        return -1;
    return units_list(units, UNIT_SERVER, take_unit, list, err);
}

static void print_list(const struct list *list)
{
    AUTO(buffer_done) struct buffer text = { 0 };

    if (list->n == 0) {
        puts("There is no instance; make one with 'l4d2ctl initialize NAME -f SPEC.yaml'.");
        return;
    }
    buffer_printf(&text, "%-24s %-11s %-6s %s\n", "NAME", "STATE", "PORT", "AT BOOT");
    for (size_t i = 0; i < list->n; i++)
        buffer_printf(&text, "%-24s %-11s %-6u %s\n", list->rows[i].name, list->rows[i].state,
                      list->rows[i].port, list->rows[i].is_enabled ? "started" : "-");
    output_flush(&text);
}

static json_t *list_json(const struct list *list)
{
    json_t *array = json_array();

    for (size_t i = 0; i < list->n; i++) {
        const struct list_row *r = &list->rows[i];
        (void)json_array_append_new(array, json_pack("{s:s, s:s, s:o, s:b}", "name", r->name,
                                                     "state", r->state, "port",
                                                     r->port ? json_integer(r->port) : json_null(),
                                                     "enabled", (int)r->is_enabled));
    }
    return array;
}

int list_run(struct cli *cli, struct error *err)
{
    AUTO(list_done) struct list list = { 0 };

    if (load_list(&list, cli, err) < 0)
        return -1;
    if (cli->is_json)
        return output_json(list_json(&list), err);
    print_list(&list);
    return 0;
}
