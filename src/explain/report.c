// SPDX-License-Identifier: MIT
#include "explain/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "explain/configs.h"
#include "explain/conflicts.h"

// ---- findings ----------------------------------------------------------------------------------

// What makes room for a list; `ret` is its pointer.
static int grow(void *ret, size_t n, size_t size, struct error *err)
{
    void **list = ret;

    if (n > 0 && (n < 64 || (n & (n - 1)) != 0)) // it has room up to the next power of two
        return 0;
    void *grown = reallocarray(*list, n ? 2 * n : 64, size);
    if (!grown)
        return error_sys(err, ENOMEM, "explaining the layers");
    *list = grown;
    return 0;
}

static int add_finding(struct report *report, const struct report_finding *finding,
                       struct error *err)
{
    if (report->n_findings == REPORT_FINDINGS_MAX) {
        report->is_cut = true;
        return 0;
    }
    if (grow(&report->findings, report->n_findings, sizeof *finding, err) < 0)
        return -1;
    report->findings[report->n_findings++] = *finding;
    return 0;
}

static int add_layer_findings(struct report *report, size_t layer, const struct configs *configs,
                              enum finding_severity severity, struct error *err)
{
    const struct index *index = view_index(report->view, layer);

    for (uint32_t i = 0; i < index_n_findings(index); i++) {
        const struct index_finding *found = index_finding(index, i);
        if (!finding_info(found->code) || !view_shows(report->view, layer, found->node))
            continue;
        uint32_t code = configs_judge(configs, layer, found->node, found->code);
        if (code == 0 || finding_info(code)->severity != severity)
            continue;
        struct report_finding finding = {
            .severity = severity,
            .code = code,
            .layer = layer,
            .node = found->node,
            .line = found->line,
            .text = index_string(index, found->text),
        };
        if (add_finding(report, &finding, err) < 0)
            return -1;
    }
    return 0;
}

// What is wrong with a layer as a whole.
static int add_layer_state(struct report *report, size_t layer, struct error *err)
{
    const struct index   *index = view_index(report->view, layer);
    struct report_finding finding = { .layer = layer, .text = "" };

    if (!index)
        finding.code = FINDING_UNREADABLE;
    else if (index_flags(index) & INDEX_IS_CUT)
        finding.code = FINDING_CUT;
    else
        return 0;
    finding.severity = finding_info(finding.code)->severity;
    return add_finding(report, &finding, err);
}

static int add_addons_that_are_off(struct report *report, struct error *err)
{
    for (size_t i = 0; i < report->sources->n_addons; i++) {
        const struct addon   *addon = &report->sources->addons[i];
        struct report_finding finding = { .severity = finding_info(FINDING_PACK_OFF)->severity,
                                          .code = FINDING_PACK_OFF,
                                          .layer = addon->layer,
                                          .node = addon->node,
                                          .text = "" };
        if (addon->state == ADDON_OFF && add_finding(report, &finding, err) < 0)
            return -1;
    }
    return 0;
}

static int add_missing_config(void *user, size_t layer, uint32_t node, uint32_t line,
                              const char *target, struct error *err)
{
    struct report_finding finding = { .severity = finding_info(FINDING_EXEC_MISSING)->severity,
                                      .code = FINDING_EXEC_MISSING,
                                      .layer = layer,
                                      .node = node,
                                      .line = line,
                                      .text = target };

    return add_finding(user, &finding, err);
}

// What is wrong with layers comes first, then the most severe: where there is too much, the rest is
// left out.
static int add_findings(struct report *report, struct error *err)
{
    AUTO(configs_freep) struct configs *configs = NULL;
    size_t                              n_layers = view_layers(report->view)->n;

    if (configs_open(&configs, report->sources, err) < 0)
        return -1;
    for (size_t layer = 0; layer < n_layers; layer++)
        if (add_layer_state(report, layer, err) < 0)
            return -1;
    for (enum finding_severity severity = FINDING_ERROR; severity > FINDING_FACT; severity--)
        for (size_t layer = 0; layer < n_layers; layer++)
            if (view_index(report->view, layer) &&
                add_layer_findings(report, layer, configs, severity, err) < 0)
                return -1;
    if (add_addons_that_are_off(report, err) < 0)
        return -1;
    return configs_missing(configs, add_missing_config, report, err);
}

// Each finding's path, one behind the other in one piece of memory.
static int add_paths(struct report *report, struct error *err)
{
    char   path[INDEX_PATH_MAX];
    size_t n = 0;

    for (size_t i = 0; i < report->n_findings; i++) {
        const struct report_finding *finding = &report->findings[i];
        const struct index          *index = view_index(report->view, finding->layer);
        n += (index ? index_path(index, finding->node, path, sizeof path) : 0) + 1;
    }
    report->paths = malloc(n + 1);
    if (!report->paths)
        return error_sys(err, ENOMEM, "explaining the layers");
    char *next = report->paths;
    for (size_t i = 0; i < report->n_findings; i++) {
        struct report_finding *finding = &report->findings[i];
        const struct index    *index = view_index(report->view, finding->layer);
        finding->path = next;
        *next = '\0';
        if (index)
            next += index_path(index, finding->node, next, INDEX_PATH_MAX);
        next++;
    }
    return 0;
}

static int compare_findings(const void *a, const void *b)
{
    const struct report_finding *x = a, *y = b;

    if (x->severity != y->severity)
        return (int)y->severity - (int)x->severity;
    int order = strcmp(x->path, y->path);
    if (order != 0)
        return order;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    if (x->code != y->code)
        return x->code < y->code ? -1 : 1;
    order = strcmp(x->text, y->text);
    return order ? order : (x->layer > y->layer) - (x->layer < y->layer);
}

// ---- campaigns ---------------------------------------------------------------------------------

static bool has_map(const struct report *report, const struct index *index,
                    const struct index_mission *mission, const char *map)
{
    char path[INDEX_PATH_MAX];
    int  n = snprintf(path, sizeof path, "maps/%s.bsp", map);

    if (n < 0 || (size_t)n >= sizeof path)
        return false;
    return (mission->pack != INDEX_NONE &&
            index_pack_find(index, mission->pack, path) != INDEX_NONE) ||
           sources_has(report->sources, path);
}

static struct report_campaign campaign_of(const struct report *report, size_t layer,
                                          uint32_t number, uint32_t addon)
{
    const struct index         *index = view_index(report->view, layer);
    const struct index_mission *mission = index_mission(index, number);
    struct report_campaign      campaign = { .layer = layer,
                                             .mission = number,
                                             .addon = addon,
                                             .is_loaded = true,
                                             .n_maps = mission->n_maps };

    if (addon != INDEX_NONE) {
        enum addon_state state = report->sources->addons[addon].state;
        campaign.is_loaded = state == ADDON_LOADED || state == ADDON_POSSIBLE;
    }
    for (uint32_t i = 0; i < mission->n_maps; i++) {
        const char *map = index_string(index, index_map(index, mission->first_map + i)->name);
        if (has_map(report, index, mission, map))
            continue;
        if (campaign.n_missing++ == 0)
            campaign.missing = map;
    }
    return campaign;
}

static int add_campaign(struct report *report, size_t layer, uint32_t number, uint32_t addon,
                        struct error *err)
{
    if (report->n_campaigns == REPORT_CAMPAIGNS_MAX) {
        report->is_cut = true;
        return 0;
    }
    if (grow(&report->campaigns, report->n_campaigns, sizeof *report->campaigns, err) < 0)
        return -1;
    report->campaigns[report->n_campaigns++] = campaign_of(report, layer, number, addon);
    return 0;
}

// Those of the game: in its packs, and in the tree.
static int add_game_campaigns(struct report *report, size_t layer, struct error *err)
{
    const struct index *index = view_index(report->view, layer);

    for (uint32_t i = 0; index && i < index_n_missions(index); i++) {
        const struct index_mission *mission = index_mission(index, i);
        bool                        is_addon = mission->pack != INDEX_NONE &&
                        index_pack(index, mission->pack)->place != INDEX_PACK_GAME;
        if (!is_addon && view_shows(report->view, layer, mission->node) &&
            add_campaign(report, layer, i, INDEX_NONE, err) < 0)
            return -1;
    }
    return 0;
}

static int add_campaigns(struct report *report, struct error *err)
{
    for (uint32_t i = 0; i < report->sources->n_addons; i++) {
        const struct addon      *addon = &report->sources->addons[i];
        const struct index_pack *pack =
            index_pack(view_index(report->view, addon->layer), addon->pack);
        for (uint32_t j = 0; j < pack->n_missions; j++)
            if (add_campaign(report, addon->layer, pack->first_mission + j, i, err) < 0)
                return -1;
    }
    for (size_t layer = 0; layer < view_layers(report->view)->n; layer++)
        if (add_game_campaigns(report, layer, err) < 0)
            return -1;
    return 0;
}

// ---- the whole ---------------------------------------------------------------------------------

static void count_files(struct report *report)
{
    for (size_t layer = 0; layer < view_layers(report->view)->n; layer++) {
        const struct index *index = view_index(report->view, layer);
        for (uint32_t i = 0; index && i < index_n_nodes(index); i++) {
            const struct index_node *node = index_node(index, i);
            if (node->kind == INDEX_DIR || !view_shows(report->view, layer, i))
                continue;
            report->n_files++;
            report->n_bytes += node->kind == INDEX_FILE ? node->size : 0;
        }
    }
}

int report_make(struct report **ret, const struct view *view, struct error *err)
{
    AUTO(report_freep) struct report *report = calloc(1, sizeof *report);

    if (!report)
        return error_sys(err, ENOMEM, "explaining the layers");
    report->view = view;
    if (sources_open(&report->sources, view, err) < 0 || add_findings(report, err) < 0 ||
        add_paths(report, err) < 0 || add_campaigns(report, err) < 0 ||
        conflicts_find(report, err) < 0)
        return -1;
    if (report->n_findings > 0)
        qsort(report->findings, report->n_findings, sizeof *report->findings, compare_findings);
    report->is_cut = report->is_cut || report->sources->is_cut || view_has_given_up(view);
    count_files(report);
    *ret = TAKE(report);
    return 0;
}

void report_free(struct report *report)
{
    if (!report)
        return;
    sources_free(report->sources);
    free(report->findings);
    free(report->conflicts);
    free(report->campaigns);
    free(report->paths);
    free(report);
}

void report_freep(struct report **report)
{
    report_free(*report);
}
