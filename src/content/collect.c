// SPDX-License-Identifier: MIT
#include "content/collect.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/dir.h"
#include "base/protocol.h"
#include "base/tree.h"
#include "overlay/index.h"

#define TMP_SUFFIX INDEX_NAME_SUFFIX ".tmp" // of what fd_replace_file() had not finished

struct collection {
    int                      overlay_fd;
    const struct state      *state;
    const struct uses_query *query;
    const struct watch      *watch;
    struct uses              uses; // the last answer
};

static bool has_prefix(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

static bool is_number(const char *name, uint32_t *ret)
{
    struct error not_a_number;

    return number_name_parse(ret, name, &not_a_number) == 0;
}

static int ask(struct collection *collection, struct error *err)
{
    struct uses uses = { 0 };

    if (uses_collect(&uses, collection->query, err) < 0)
        return -1;
    uses_done(&collection->uses);
    collection->uses = uses;
    return 0;
}

static int remove_tree(const struct collection *collection, const char *name, struct error *err)
{
    watch_step(collection->watch, "remove");
    return tree_remove(collection->overlay_fd, name, err);
}

// ---- indexes ----------------------------------------------------------------------------------

// The number in front of `suffix` as a name, or false.
static bool is_number_with(const char *name, const char *suffix, char ret[COLLECT_NAME_MAX])
{
    size_t   n = strlen(name), n_suffix = strlen(suffix);
    uint32_t number = 0;

    if (n <= n_suffix || n - n_suffix >= COLLECT_NAME_MAX ||
        strcmp(name + n - n_suffix, suffix) != 0)
        return false;
    (void)snprintf(ret, COLLECT_NAME_MAX, "%.*s", (int)(n - n_suffix), name); // it was measured
    return is_number(ret, &number);
}

static int remove_file(int overlay_fd, const char *name, const struct watch *watch,
                       struct error *err)
{
    if (faccessat(overlay_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
        return 0;
    watch_step(watch, "remove");
    return tree_remove(overlay_fd, name, err);
}

int collect_remove_index(int overlay_fd, const char *number, const struct watch *watch,
                         struct error *err)
{
    char name[COLLECT_NAME_MAX], tmp[COLLECT_NAME_MAX];

    (void)snprintf(name, sizeof name, "%s" INDEX_NAME_SUFFIX, number); // a number and a word fit
    (void)snprintf(tmp, sizeof tmp, ".%s" TMP_SUFFIX, number);         // likewise
    if (remove_file(overlay_fd, tmp, watch, err) < 0)
        return -1;
    return remove_file(overlay_fd, name, watch, err);
}

// Nothing happens while there is a tree of that number.
static int remove_orphan(const struct collection *collection, const char *number, struct error *err)
{
    if (faccessat(collection->overlay_fd, number, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
        errno != ENOENT)
        return 0;
    return collect_remove_index(collection->overlay_fd, number, collection->watch, err);
}

static int drop_orphan(struct collection *collection, const char *name, struct error *err)
{
    char     text[COLLECT_NAME_MAX];
    uint32_t number = 0;

    if (!is_number_with(name, INDEX_NAME_SUFFIX, text) || !is_number(text, &number) ||
        state_find(collection->state, number))
        return 0;
    return remove_orphan(collection, text, err);
}

// ---- leftovers --------------------------------------------------------------------------------

// Renames before it removes: half a tree never has a name that is given back.
static int discard(const struct collection *collection, const char *old, struct error *err)
{
    const char *number = old + strlen(COLLECT_OLD_PREFIX);
    char        gone[COLLECT_NAME_MAX];
    int         fd = collection->overlay_fd;

    (void)snprintf(gone, sizeof gone, COLLECT_GONE_PREFIX "%s", number);
    if (remove_tree(collection, gone, err) < 0) // of a run that was killed
        return -1;
    watch_step(collection->watch, "rename");
    if (renameat(fd, old, fd, gone) < 0)
        return error_sys(err, errno, "dropping generation %s", number);
    if (remove_orphan(collection, number, err) < 0)
        return -1;
    return remove_tree(collection, gone, err);
}

// Gives `.old-N` the name N again. If there is an N already, then that is the generation.
static int give_back(const struct collection *collection, const char *old, struct error *err)
{
    const char *name = old + strlen(COLLECT_OLD_PREFIX);
    int         fd = collection->overlay_fd;

    watch_step(collection->watch, "give back");
    if (renameat2(fd, old, fd, name, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno == EEXIST)
        return discard(collection, old, err);
    return error_sys(err, errno, "giving generation %s its name back", name);
}

static int clear(struct collection *collection, const char *name, struct error *err)
{
    char     of_index[COLLECT_NAME_MAX];
    uint32_t number = 0;

    if (has_prefix(name, COLLECT_OLD_PREFIX) &&
        is_number(name + strlen(COLLECT_OLD_PREFIX), &number))
        return give_back(collection, name, err);
    if (has_prefix(name, COLLECT_NEW_PREFIX) || has_prefix(name, COLLECT_OLD_PREFIX) ||
        has_prefix(name, COLLECT_GONE_PREFIX))
        return remove_tree(collection, name, err);
    if (name[0] == '.' && is_number_with(name + 1, TMP_SUFFIX, of_index))
        return remove_tree(collection, name, err);
    return 0;
}

// ---- generations ------------------------------------------------------------------------------

static int drop(struct collection *collection, uint32_t number, struct error *err)
{
    char         name[COLLECT_NAME_MAX], old[COLLECT_NAME_MAX];
    int          fd = collection->overlay_fd;
    struct error ignored;

    (void)snprintf(name, sizeof name, "%u", number);
    (void)snprintf(old, sizeof old, COLLECT_OLD_PREFIX "%u", number);
    watch_step(collection->watch, "rename");
    if (renameat(fd, name, fd, old) < 0)
        return error_sys(err, errno, "dropping generation %s", name);
    watch_step(collection->watch, "ask");
    if (ask(collection, err) < 0) {
        (void)give_back(collection, old, &ignored); // or the next one does
        return -1;
    }
    if (uses_has(&collection->uses, number))
        return give_back(collection, old, err);
    watch_say(collection->watch, "dropping generation %s", name);
    return discard(collection, old, err);
}

static int drop_unneeded(struct collection *collection, const char *name, struct error *err)
{
    uint32_t number = 0;

    if (!is_number(name, &number) || state_find(collection->state, number) ||
        uses_has(&collection->uses, number))
        return 0;
    return drop(collection, number, err);
}

// -----------------------------------------------------------------------------------------------

static int for_each_name(struct collection *collection,
                         int (*visit)(struct collection *collection, const char *name,
                                      struct error *err),
                         struct error *err)
{
    AUTO_DIR    dir = NULL;
    const char *name;
    int         r;

    if (dir_open(&dir, collection->overlay_fd, err) < 0)
        return error_prefix(err, "the generations");
    while ((r = dir_next(&name, dir, err)) > 0)
        if (visit(collection, name, err) < 0)
            return -1;
    return r < 0 ? error_prefix(err, "the generations") : 0;
}

int collect(int overlay_fd, const struct state *state, const struct uses_query *query,
            const struct watch *watch, struct error *err)
{
    struct collection collection = { overlay_fd, state, query, watch, { 0 } };
    struct error      why = { 0 };

    if (for_each_name(&collection, clear, err) < 0)
        return -1;
    if (ask(&collection, &why) < 0) {
        watch_say(watch, "note: no generation is dropped, since who uses them is unknown: %s",
                  why.message);
        return for_each_name(&collection, drop_orphan, err);
    }
    int r = for_each_name(&collection, drop_unneeded, err);
    uses_done(&collection.uses);
    return r < 0 ? -1 : for_each_name(&collection, drop_orphan, err);
}
