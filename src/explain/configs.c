// SPDX-License-Identifier: MIT
#include "explain/configs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "content/findings.h"
#include "content/place.h"

#define CFG_DIR    "left4dead2/cfg/"
#define PLUGIN_DIR CFG_DIR "sourcemod"

// What the engine and SourceMod run by themselves.
static const char *const started[] = { "server.cfg", "autoexec.cfg" };
// What the game writes itself, and every server.cfg runs before it is there.
static const char *const written[] = { "banned_user.cfg", "banned_ip.cfg" };

struct configs {
    const struct sources *sources;
    size_t                n;
    struct view_node      run[CONFIGS_MAX]; // that are run
};

static bool is_run(const struct configs *configs, size_t layer, uint32_t node)
{
    for (size_t i = 0; i < configs->n; i++)
        if (configs->run[i].layer == layer && configs->run[i].node == node)
            return true;
    return false;
}

static void add_run(struct configs *configs, struct view_node file)
{
    if (file.node != INDEX_NONE && configs->n < CONFIGS_MAX &&
        !is_run(configs, file.layer, file.node))
        configs->run[configs->n++] = file;
}

// What `exec` takes for the name of a file in cfg/: one without an extension gets .cfg.
static void complete(char *ret, size_t n_ret, const char *target)
{
    const char *slash = strrchr(target, '/'), *name = slash ? slash + 1 : target;

    (void)snprintf(ret, n_ret, "%s%s", target, strchr(name, '.') ? "" : ".cfg"); // cut: not found
    for (char *c = ret; *c; c++)
        if (*c == '\\')
            *c = '/';
}

static struct view_node find_config(const struct configs *configs, const char *target)
{
    char path[INDEX_PATH_MAX], found[INDEX_PATH_MAX], name[INDEX_PATH_MAX - sizeof CFG_DIR];

    complete(name, sizeof name, target);
    (void)snprintf(path, sizeof path, CFG_DIR "%s", name); // it was made to fit
    return view_find_folded(found, configs->sources->view, path);
}

// Calls `take` for each line in which the file runs another one.
static int for_each_exec(const struct configs *configs, struct view_node file,
                         int (*take)(void *user, struct view_node file, uint32_t line,
                                     const char *target, struct error *err),
                         void *user, struct error *err)
{
    const struct index *index = view_index(configs->sources->view, file.layer);

    for (uint32_t i = index_findings_of(index, file.node); i < index_n_findings(index); i++) {
        const struct index_finding *finding = index_finding(index, i);
        if (finding->node != file.node)
            break;
        if (finding->code != FINDING_EXEC)
            continue;
        int r = take(user, file, finding->line, index_string(index, finding->text), err);
        if (r != 0)
            return r;
    }
    return 0;
}

static int follow(void *user, struct view_node file, uint32_t line, const char *target,
                  struct error *err)
{
    struct configs *configs = user;

    (void)file;
    (void)line;
    (void)err;
    add_run(configs, find_config(configs, target));
    return 0;
}

// Everything in the directory of plug-ins, in whichever layer.
static void add_plugin_configs(struct configs *configs)
{
    const struct view *view = configs->sources->view;

    for (size_t layer = 0; layer < view_layers(view)->n; layer++) {
        const struct index *index = view_index(view, layer);
        uint32_t            dir = index ? index_find(index, PLUGIN_DIR) : INDEX_NONE;
        if (dir == INDEX_NONE || !view_shows(view, layer, dir))
            continue;
        const struct index_node *node = index_node(index, dir);
        for (uint32_t i = node->first; i < node->first + node->n; i++)
            if (index_node(index, i)->kind == INDEX_FILE && view_shows(view, layer, i))
                add_run(configs, (struct view_node){ layer, i });
    }
}

int configs_open(struct configs **ret, const struct sources *sources, struct error *err)
{
    struct configs *configs = calloc(1, sizeof *configs);

    if (!configs)
        return error_sys(err, ENOMEM, "explaining the layers");
    configs->sources = sources;
    for (size_t i = 0; i < ELEMENTS(started); i++)
        add_run(configs, find_config(configs, started[i]));
    add_plugin_configs(configs);
    for (size_t i = 0; i < configs->n; i++)                                  // it grows on the way
        (void)for_each_exec(configs, configs->run[i], follow, configs, err); // does not fail
    *ret = configs;
    return 0;
}

void configs_free(struct configs *configs)
{
    free(configs);
}

void configs_freep(struct configs **configs)
{
    configs_free(*configs);
}

uint32_t configs_judge(const struct configs *configs, size_t layer, uint32_t node, uint32_t code)
{
    bool is_of_config =
        code == FINDING_CFG_BYTES || code == FINDING_CFG_HIDDEN || code == FINDING_CFG_CHEAT;

    if (!is_of_config || is_run(configs, layer, node))
        return code;
    return code == FINDING_CFG_BYTES ? FINDING_CFG_BYTES_IDLE : 0;
}

struct search {
    const struct configs *configs;
    int (*take)(void *user, size_t layer, uint32_t node, uint32_t line, const char *target,
                struct error *err);
    void *user;
};

static int look_for(void *user, struct view_node file, uint32_t line, const char *target,
                    struct error *err)
{
    const struct search *search = user;
    char                 name[INDEX_PATH_MAX - 8], path[INDEX_PATH_MAX], folded[INDEX_PATH_MAX];

    complete(name, sizeof name, target);
    for (size_t i = 0; i < ELEMENTS(written); i++)
        if (strcmp(name, written[i]) == 0)
            return 0;
    (void)snprintf(path, sizeof path, "cfg/%s", name); // it was made to fit
    (void)index_fold(folded, sizeof folded, path);
    // Line 0: it is run only if it is there.
    if (line == 0 || find_config(search->configs, target).node != INDEX_NONE ||
        sources_has(search->configs->sources, folded) ||
        view_has_given_up(search->configs->sources->view)) // then nobody knows
        return 0;
    return search->take(search->user, file.layer, file.node, line, target, err);
}

int configs_missing(const struct configs *configs,
                    int (*take)(void *user, size_t layer, uint32_t node, uint32_t line,
                                const char *target, struct error *err),
                    void *user, struct error *err)
{
    struct search search = { configs, take, user };

    for (size_t i = 0; i < configs->n; i++) {
        int r = for_each_exec(configs, configs->run[i], look_for, &search, err);
        if (r != 0)
            return r;
    }
    return 0;
}
