// SPDX-License-Identifier: MIT

// explain: where a file of a server comes from, and what all its layers show together.

#include "cli/explain.h"
#include "cli/layers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "explain/report.h"

static const char *const addon_words[ADDON_STATE_COUNT] = {
    [ADDON_LOADED] = "loaded",
    [ADDON_POSSIBLE] = "possible",
    [ADDON_OFF] = "off",
    [ADDON_BROKEN] = "broken",
};
static const char *const certainty_words[] = {
    [SOURCE_SURE] = "sure",
    [SOURCE_LIKELY] = "likely",
    [SOURCE_UNSURE] = "unsure",
};

// ---- what both have ----------------------------------------------------------------------------

// Adds to `json` which layer it is about.
static void set_layer(json_t *json, const struct layer *layer)
{
    char description[LAYER_DESCRIPTION_MAX];

    layer_describe(description, layer);
    (void)json_object_set_new(json, "layer", json_string(description)); // absent without memory
    (void)json_object_set_new(json, "overlay",
                              layer->overlay ? json_integer(layer->overlay) : json_null());
    (void)json_object_set_new(json, "generation",
                              layer->generation ? json_integer(layer->generation) : json_null());
}

static json_t *text_json(const char *text)
{
    return output_text_json(text, strlen(text));
}

static const struct layer *layer_at(const struct view *view, size_t layer)
{
    return &view_layers(view)->layer[layer];
}

// ---- one path ----------------------------------------------------------------------------------

static const char *source_word(enum source_use use)
{
    static const char *const words[] = {
        [SOURCE_USED] = "used",
        [SOURCE_SHADOWED] = "shadowed",
        [SOURCE_POSSIBLE] = "possible",
        [SOURCE_NOT_LOADED] = "not-loaded",
    };

    return words[use];
}

static json_t *finding_json(const struct layers *layers, const struct layer_finding *finding)
{
    json_t *json = json_pack("{s:s, s:s, s:o}", "role", layers_role_word(finding->role), "entry",
                             layers_entry_word(finding->entry), "size",
                             finding->entry == LAYER_HAS_FILE ? output_count_json(finding->size)
                                                              : json_null());

    set_layer(json, &layers->layer[finding->layer]);
    return json;
}

static json_t *source_json(const struct view *view, const struct source *source)
{
    static const char *const kinds[] = {
        [SOURCE_ADDON] = "addon", [SOURCE_PAK] = "pack", [SOURCE_LOOSE] = "file"
    };
    char path[INDEX_PATH_MAX];

    (void)index_path(view_index(view, source->layer), source->node, path, sizeof path);
    json_t *json = json_pack("{s:s, s:s, s:o, s:o}", "use", source_word(source->use), "kind",
                             kinds[source->kind], "file", text_json(path), "size",
                             output_count_json(source->size));
    set_layer(json, layer_at(view, source->layer));
    return json;
}

static void print_findings(struct buffer *text, const struct cli *cli, const struct layers *layers,
                           const char *when, const struct layer_finding *findings, size_t n)
{
    output_escaped(text, cli->args[1]);
    buffer_printf(text, " in '%s', %s:\n", cli->title, when);
    for (size_t i = 0; i < n; i++) {
        char description[LAYER_DESCRIPTION_MAX];
        layer_describe(description, &layers->layer[findings[i].layer]);
        buffer_printf(text, "  %-9s %-34s %s", layers_role_word(findings[i].role), description,
                      layers_entry_word(findings[i].entry));
        if (findings[i].entry == LAYER_HAS_FILE) {
            buffer_add_string(text, ", ");
            output_size(text, findings[i].size);
        }
        buffer_add_string(text, "\n");
    }
    if (n == 0)
        buffer_add_string(text, "  no layer has it\n");
}

// Worth saying when there is a choice, or the file is not where it was looked for.
static void print_sources(struct buffer *text, const struct view *view,
                          const struct source_list *list, size_t n_findings)
{
    if (list->n == 0 || (list->n == 1 && list->source[0].kind == SOURCE_LOOSE && n_findings > 0))
        return;
    buffer_add_string(text, "The game calls it ");
    output_escaped(text, list->path);
    buffer_printf(text, " and looks in this order%s:\n",
                  list->certainty == SOURCE_SURE     ? ""
                  : list->certainty == SOURCE_LIKELY ? ", probably"
                                                     : ", which is not certain");
    for (size_t i = 0; i < list->n; i++) {
        const struct source *source = &list->source[i];
        char                 description[LAYER_DESCRIPTION_MAX], path[INDEX_PATH_MAX];
        layer_describe(description, layer_at(view, source->layer));
        (void)index_path(view_index(view, source->layer), source->node, path, sizeof path);
        buffer_printf(text, "  %-10s %-33s ", source_word(source->use), description);
        output_escaped(text, path);
        buffer_add_string(text, ", ");
        output_size(text, source->size);
        buffer_add_string(text, "\n");
    }
    if (list->is_cut)
        buffer_add_string(text, "There is more than is shown here.\n");
}

static json_t *path_json(const struct cli *cli, const struct view *view, const char *when,
                         const struct layer_finding *findings, size_t n,
                         const struct source_list *list)
{
    json_t *layers = json_array(), *sources = json_array();
    bool    is_shown = false, is_unknown = false;

    for (size_t i = 0; i < n; i++) {
        is_shown = is_shown || findings[i].role == LAYER_ROLE_SHOWN;
        is_unknown = is_unknown || findings[i].role == LAYER_ROLE_UNKNOWN;
        (void)json_array_append_new(layers, finding_json(view_layers(view), &findings[i]));
    }
    for (size_t i = 0; i < list->n; i++)
        (void)json_array_append_new(sources, source_json(view, &list->source[i])); // absent then
    return json_pack("{s:s, s:o, s:s, s:o, s:o, s:o, s:s, s:o}", "name", cli->title, "path",
                     text_json(cli->args[1]), "seen", when, "exists",
                     is_shown || !is_unknown ? json_boolean(is_shown) : json_null(), "layers",
                     layers, "game_path", list->n ? text_json(list->path) : json_null(),
                     "certainty", certainty_words[list->certainty], "sources", sources);
}

static int explain_path(const struct cli *cli, const struct view *view, const char *when,
                        struct error *err)
{
    AUTO(freep) struct layer_finding   *findings = calloc(LAYERS_MAX, sizeof *findings);
    AUTO(freep) struct source_list     *list = calloc(1, sizeof *list);
    AUTO(sources_freep) struct sources *sources = NULL;
    AUTO(buffer_done) struct buffer     text = { 0 };

    if (!findings || !list)
        return error_set(err, ERROR_NO_SPACE, "no memory to look at the layers");
    if (sources_open(&sources, view, err) < 0)
        return -1;
    size_t n = layers_explain(findings, view_layers(view), cli->args[1]);
    sources_find(list, sources, cli->args[1]);
    if (cli->is_json)
        return output_json(path_json(cli, view, when, findings, n, list), err);
    print_findings(&text, cli, view_layers(view), when, findings, n);
    print_sources(&text, view, list, n);
    output_flush(&text);
    return 0;
}

// ---- the whole, as JSON ------------------------------------------------------------------------

static json_t *addon_json(const struct report *report, const struct addon *addon)
{
    static const char *const keys[INDEX_CONTENT_COUNT] = {
        [INDEX_MAPS] = "maps",           [INDEX_MISSIONS] = "missions", [INDEX_MODELS] = "models",
        [INDEX_MATERIALS] = "materials", [INDEX_SOUNDS] = "sounds",     [INDEX_SCRIPTS] = "scripts",
        [INDEX_OTHERS] = "other_files",
    };
    const struct index_pack *pack = index_pack(view_index(report->view, addon->layer), addon->pack);
    json_t *json = json_pack("{s:o, s:o, s:s}", "name", text_json(addon->name), "title",
                             text_json(addon->title), "state", addon_words[addon->state]);

    set_layer(json, layer_at(report->view, addon->layer));
    for (size_t i = 0; i < INDEX_CONTENT_COUNT; i++)
        (void)json_object_set_new(json, keys[i], json_integer(pack->counts[i])); // absent then
    return json;
}

static json_t *campaign_json(const struct report *report, const struct report_campaign *campaign)
{
    const struct index         *index = view_index(report->view, campaign->layer);
    const struct index_mission *mission = index_mission(index, campaign->mission);
    json_t                     *maps = json_array();
    const struct addon         *addon =
        campaign->addon == INDEX_NONE ? NULL : &report->sources->addons[campaign->addon];

    for (uint32_t i = 0; i < mission->n_maps; i++)
        (void)json_array_append_new(
            maps, text_json(index_string(index, index_map(index, mission->first_map + i)->name)));
    json_t *json = json_pack(
        "{s:o, s:o, s:o, s:o, s:I, s:b}", "name", text_json(index_string(index, mission->name)),
        "title", text_json(index_string(index, mission->title)), "addon",
        addon ? text_json(addon->name) : json_null(), "maps", maps, "missing_maps",
        (json_int_t)campaign->n_missing, "loaded", (int)campaign->is_loaded);
    set_layer(json, layer_at(report->view, campaign->layer));
    return json;
}

static json_t *conflict_json(const struct report *report, const struct report_conflict *conflict)
{
    return json_pack("{s:o, s:o, s:I, s:I, s:o, s:s}", "winner",
                     text_json(report->sources->addons[conflict->winner].name), "loser",
                     text_json(report->sources->addons[conflict->loser].name), "files",
                     (json_int_t)conflict->n_files, "equal_files", (json_int_t)conflict->n_same,
                     "example", text_json(conflict->example), "certainty",
                     certainty_words[SOURCE_UNSURE]);
}

static json_t *report_finding_json(const struct report         *report,
                                   const struct report_finding *finding)
{
    const struct finding_info *info = finding_info(finding->code);
    char                       message[FINDING_TEXT_MAX], remedy[FINDING_TEXT_MAX];

    json_t *json = json_pack(
        "{s:s, s:s, s:o, s:o, s:o, s:o}", "severity", finding_severity_word(finding->severity),
        "code", info->word, "path", text_json(finding->path), "line",
        finding->line ? json_integer(finding->line) : json_null(), "message",
        text_json(finding_fill(message, info->sentence, finding->text)), "remedy",
        text_json(finding_fill(remedy, info->remedy, finding->text)));
    set_layer(json, layer_at(report->view, finding->layer));
    return json;
}

static int add_path_json(void *user, const struct view_entry *entry, struct error *err)
{
    json_t *claims = json_array();

    (void)err;
    for (size_t i = 0; i < entry->n_claims; i++)
        (void)json_array_append_new(
            claims, json_pack("[I, s]", (json_int_t)entry->claims[i].layer,
                              layers_role_word(entry->claims[i].role))); // absent then
    (void)json_array_append_new(
        user, json_pack("{s:o, s:o}", "path", text_json(entry->path), "claims", claims));
    return 0;
}

// The lists of a report under their keys.
static json_t *report_json(const struct cli *cli, const struct report *report, const char *when)
{
    json_t *addons = json_array(), *campaigns = json_array(), *conflicts = json_array();
    json_t *findings = json_array(), *layers = json_array();

    for (size_t i = 0; i < view_layers(report->view)->n; i++) {
        json_t *layer = json_object();
        set_layer(layer, layer_at(report->view, i));
        (void)json_array_append_new(layers, layer); // absent without memory, like the others
    }
    for (size_t i = 0; i < report->sources->n_addons; i++)
        (void)json_array_append_new(addons, addon_json(report, &report->sources->addons[i]));
    for (size_t i = 0; i < report->n_campaigns; i++)
        (void)json_array_append_new(campaigns, campaign_json(report, &report->campaigns[i]));
    for (size_t i = 0; i < report->n_conflicts; i++)
        (void)json_array_append_new(conflicts, conflict_json(report, &report->conflicts[i]));
    for (size_t i = 0; i < report->n_findings; i++)
        (void)json_array_append_new(findings, report_finding_json(report, &report->findings[i]));
    return json_pack(
        "{s:s, s:s, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:b}", "name", cli->title, "seen", when,
        "files", (json_int_t)report->n_files, "bytes", (json_int_t)report->n_bytes, "scanned",
        (json_int_t)view_n_scanned(report->view), "stack", layers, "findings", findings, "addons",
        addons, "campaigns", campaigns, "conflicts", conflicts, "truncated", (int)report->is_cut);
}

// ---- the whole, for people ---------------------------------------------------------------------

static void print_report_findings(struct buffer *text, const struct report *report)
{
    for (size_t i = 0; i < report->n_findings; i++) {
        const struct report_finding *finding = &report->findings[i];
        const struct finding_info   *info = finding_info(finding->code);
        char                         description[LAYER_DESCRIPTION_MAX], filled[FINDING_TEXT_MAX];
        layer_describe(description, layer_at(report->view, finding->layer));
        buffer_printf(text, "%-8s ", finding_severity_word(finding->severity));
        output_escaped(text, finding->path);
        if (finding->line)
            buffer_printf(text, ":%" PRIu32, finding->line);
        buffer_printf(text, "%s%s\n           ", *finding->path ? ", in " : "", description);
        output_escaped(text, finding_fill(filled, info->sentence, finding->text));
        buffer_add_string(text, "; ");
        output_escaped(text, finding_fill(filled, info->remedy, finding->text));
        buffer_add_string(text, "\n");
    }
    if (report->n_findings == 0)
        buffer_add_string(text, "Nothing is known to be wrong.\n");
}

static void print_addons(struct buffer *text, const struct report *report)
{
    const struct sources *sources = report->sources;

    buffer_printf(text, "\nAdd-ons: %zu%s\n", sources->n_addons,
                  sources->n_addons > 1 ? ", in the order in which the game probably looks" : "");
    for (size_t i = 0; i < sources->n_addons; i++) {
        const struct addon *addon = &sources->addons[i];
        char                description[LAYER_DESCRIPTION_MAX];
        layer_describe(description, layer_at(report->view, addon->layer));
        buffer_printf(text, "  %-9s ", addon_words[addon->state]);
        output_escaped(text, addon->name);
        if (*addon->title) {
            buffer_add_string(text, ": ");
            output_escaped(text, addon->title);
        }
        buffer_printf(text, ", in %s\n", description);
    }
}

static void print_campaign(struct buffer *text, const struct report *report,
                           const struct report_campaign *campaign)
{
    const struct index         *index = view_index(report->view, campaign->layer);
    const struct index_mission *mission = index_mission(index, campaign->mission);

    buffer_add_string(text, "  ");
    output_escaped(text, index_string(index, mission->name));
    buffer_printf(text, ", %" PRIu32 " map%s, in ", campaign->n_maps,
                  campaign->n_maps == 1 ? "" : "s");
    if (campaign->addon == INDEX_NONE)
        buffer_add_string(text, "the game");
    else
        output_escaped(text, report->sources->addons[campaign->addon].name);
    if (campaign->n_missing > 0) {
        buffer_printf(text, "; %" PRIu32 " of them nowhere, such as ", campaign->n_missing);
        output_escaped(text, campaign->missing);
    }
    buffer_add_string(text, campaign->is_loaded ? "\n" : "; not loaded\n");
}

static void print_conflicts(struct buffer *text, const struct report *report)
{
    if (report->n_conflicts == 0)
        return;
    buffer_add_string(text, "\nAdd-ons with different files of one name; which of them the game "
                            "takes is not certain:\n");
    for (size_t i = 0; i < report->n_conflicts; i++) {
        const struct report_conflict *conflict = &report->conflicts[i];
        buffer_add_string(text, "  ");
        output_escaped(text, report->sources->addons[conflict->winner].name);
        buffer_add_string(text, " before ");
        output_escaped(text, report->sources->addons[conflict->loser].name);
        buffer_printf(text, ": %" PRIu32 ", such as ", conflict->n_files);
        output_escaped(text, conflict->example);
        buffer_add_string(text, "\n");
    }
}

static void print_report(const struct cli *cli, const struct report *report, const char *when)
{
    AUTO(buffer_done) struct buffer text = { 0 };

    buffer_printf(&text, "'%s', %s: %" PRIu64 " files, ", cli->title, when, report->n_files);
    output_size(&text, report->n_bytes);
    buffer_printf(&text, ", of %zu layers\n\n", view_layers(report->view)->n);
    print_report_findings(&text, report);
    print_addons(&text, report);
    buffer_printf(&text, "\nCampaigns: %zu\n", report->n_campaigns);
    for (size_t i = 0; i < report->n_campaigns; i++)
        print_campaign(&text, report, &report->campaigns[i]);
    print_conflicts(&text, report);
    if (report->is_cut)
        buffer_add_string(&text, "There is more than is shown here.\n");
    output_flush(&text);
}

struct listing {
    const struct view *view;
    struct buffer      text;
};

static int print_path(void *user, const struct view_entry *entry, struct error *err)
{
    struct listing *listing = user;
    char            description[LAYER_DESCRIPTION_MAX];

    for (size_t i = 0; i < entry->n_claims; i++) {
        const struct view_claim *claim = &entry->claims[i];
        enum index_kind          kind =
            index_node(view_index(listing->view, claim->layer), claim->node)->kind;
        layer_describe(description, layer_at(listing->view, claim->layer));
        buffer_printf(&listing->text, "%-9s %-33s ", layers_role_word(claim->role), description);
        output_escaped(&listing->text, entry->path);
        buffer_add_string(&listing->text, kind == INDEX_DIR ? "/\n" : "\n");
    }
    if (listing->text.n > BUFSIZ) // as they come: there may be many
        output_flush(&listing->text);
    return buffer_check(&listing->text, err);
}

static int print_paths(const struct view *view, struct error *err)
{
    struct listing listing = { view, { 0 } };
    int            r;

    (void)puts("");
    r = view_walk(view, print_path, &listing, err);
    output_flush(&listing.text);
    return r;
}

// ------------------------------------------------------------------------------------------------

int explain_whole(const struct cli *cli, const struct view *view, const char *when,
                  struct error *err)
{
    AUTO(report_freep) struct report *report = NULL;

    if (report_make(&report, view, err) < 0)
        return -1;
    if (!cli->is_json) {
        print_report(cli, report, when);
        return cli->has_all_paths ? print_paths(view, err) : 0;
    }
    json_t *json = report_json(cli, report, when);
    if (cli->has_all_paths) {
        json_t *paths = json_array();
        if (view_walk(view, add_path_json, paths, err) < 0) {
            json_decref(paths);
            json_decref(json);
            return -1;
        }
        (void)json_object_set_new(json, "paths", paths); // absent without memory
    }
    return output_json(json, err);
}

int explain_run(struct cli *cli, struct error *err)
{
    AUTO(layers_freep) struct layers *layers = NULL;
    AUTO(view_freep) struct view     *view = NULL;
    const char                       *when = "";

    cli->title = cli->name.text;
    if ((cli->args[1] && layers_check_path(cli->args[1], err) < 0) ||
        layers_open_now(&layers, &when, cli, err) < 0 || view_open(&view, layers, err) < 0)
        return -1;
    return cli->args[1] ? explain_path(cli, view, when, err) : explain_whole(cli, view, when, err);
}
