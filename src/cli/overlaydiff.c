// SPDX-License-Identifier: MIT

// overlaydiff: what is in one generation of an overlay, and what is different in another, by their
// indexes.

#include "cli/overlay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "cli/explain.h"
#include "explain/view.h"
#include "host/layers.h"
#include "host/overlays.h"
#include "overlay/indexdiff.h"

// A generation that is open to be looked into.
struct opened {
    struct layers *layers;
    struct view   *view;
};

static void opened_done(struct opened *opened)
{
    view_free(opened->view);
    layers_free(opened->layers);
}

static int open_generation(struct opened *ret, const struct cli *cli, uint32_t overlay,
                           uint32_t generation, struct error *err)
{
    const struct layer_ref ref = { overlay, generation };

    if (layers_open_generation(&ret->layers, cli->paths, ref, err) < 0)
        return -1;
    return view_open(&ret->view, ret->layers, err);
}

// The number that was written, or `otherwise`, which may be 0: nothing of that kind is there.
static int choose(uint32_t *ret, const char *text, uint32_t otherwise, const char *what,
                  struct error *err)
{
    if (text)
        return number_name_parse(ret, text, err);
    if (!otherwise)
        return error_set(err, ERROR_NOT_FOUND, "the overlay has no %s", what);
    *ret = otherwise;
    return 0;
}

static uint32_t before(const struct state *state, uint32_t number)
{
    for (uint32_t i = 0; i < state->n_generations; i++)
        if (state->generations[i].number < number)
            return state->generations[i].number;
    return 0;
}

// ---- diff --------------------------------------------------------------------------------------

static const char *const words[] = {
    [INDEX_ADDED] = "added",
    [INDEX_REMOVED] = "removed",
    [INDEX_CHANGED] = "changed",
};
_Static_assert(ELEMENTS(words) == INDEX_CHANGE_COUNT, "every change has a word");

// What the row is about: what there is now, or what there was.
static const struct index_node *subject_of(const struct index_difference *difference)
{
    return difference->change == INDEX_REMOVED ? difference->old : difference->new;
}

static int print_difference(void *user, const struct index_difference *difference,
                            struct error *err)
{
    struct buffer           *text = user;
    const struct index_node *node = subject_of(difference);

    buffer_printf(text, "%-8s ", words[difference->change]);
    output_escaped(text, difference->path);
    buffer_add_string(text, node->kind == INDEX_DIR ? "/" : "");
    buffer_add_string(text, difference->is_sure ? "\n" : "  (rewritten)\n");
    if (buffer_check(text, err) < 0)
        return -1;
    if (text->n > BUFSIZ)
        output_flush(text);
    return 0;
}

static int add_difference_json(void *user, const struct index_difference *difference,
                               struct error *err)
{
    enum index_change        change = difference->change;
    const struct index_node *node = subject_of(difference);
    uint64_t                 size_now = change == INDEX_REMOVED ? 0 : node->size;
    uint64_t                 size_before = change == INDEX_ADDED ? 0 : difference->old->size;

    json_t *row =
        json_pack("{s:o, s:s, s:b, s:I, s:I, s:b}", "path",
                  output_text_json(difference->path, strlen(difference->path)), "change",
                  words[change], "directory", node->kind == INDEX_DIR, "size", (json_int_t)size_now,
                  "size_before", (json_int_t)size_before, "compared", (int)difference->is_sure);
    if (json_array_append_new(user, row) < 0)
        return error_sys(err, ENOMEM, "comparing two generations");
    return 0;
}

static int report_json(const struct source *source, const uint32_t numbers[2],
                       const struct opened opened[2], struct error *err)
{
    json_t *rows = json_array();

    if (index_diff(view_index(opened[0].view, 0), view_index(opened[1].view, 0), NULL,
                   add_difference_json, rows, err) < 0) {
        json_decref(rows);
        return -1;
    }
    return output_json(json_pack("{s:I, s:I, s:I, s:o}", "overlay", (json_int_t)source->number,
                                 "from", (json_int_t)numbers[0], "to", (json_int_t)numbers[1],
                                 "changes", rows),
                       err);
}

static int report(const struct opened opened[2], struct error *err)
{
    AUTO(buffer_done) struct buffer text = { 0 };
    struct index_totals             totals = { 0 };

    if (index_diff(view_index(opened[0].view, 0), view_index(opened[1].view, 0), &totals,
                   print_difference, &text, err) < 0)
        return -1;
    buffer_printf(&text, "%" PRIu64 " added, %" PRIu64 " changed, %" PRIu64 " removed; ",
                  totals.files[INDEX_ADDED], totals.files[INDEX_CHANGED],
                  totals.files[INDEX_REMOVED]);
    output_size(&text, totals.bytes[INDEX_ADDED] + totals.bytes[INDEX_CHANGED]);
    buffer_add_string(&text, " are new.\n");
    output_flush(&text);
    return 0;
}

int overlay_diff_run(struct cli *cli, struct error *err)
{
    AUTO(freep) struct state       *state = NULL;
    AUTO(opened_done) struct opened from = { 0 };
    AUTO(opened_done) struct opened to = { 0 };
    struct source                   source;
    uint32_t                        numbers[2];

    if (overlay_named(&source, cli, err) < 0 ||
        overlays_read(&state, cli->paths, source.number, err) < 0 ||
        choose(&numbers[1], cli->args[1] ? cli->args[2] : NULL, state->current, "generation yet",
               err) < 0 ||
        choose(&numbers[0], cli->args[1], before(state, numbers[1]),
               "generation before the current one", err) < 0 ||
        open_generation(&from, cli, source.number, numbers[0], err) < 0 ||
        open_generation(&to, cli, source.number, numbers[1], err) < 0)
        return -1;
    const struct opened opened[] = { from, to };
    return cli->is_json ? report_json(&source, numbers, opened, err) : report(opened, err);
}

// ---- explain -----------------------------------------------------------------------------------

int overlay_explain_run(struct cli *cli, struct error *err)
{
    AUTO(freep) struct state       *state = NULL;
    AUTO(opened_done) struct opened opened = { 0 };
    struct source                   source;
    uint32_t                        number = 0;
    char                            when[32];

    if (overlay_named(&source, cli, err) < 0 ||
        overlays_read(&state, cli->paths, source.number, err) < 0 ||
        choose(&number, cli->args[1], state->current, "generation yet", err) < 0 ||
        open_generation(&opened, cli, source.number, number, err) < 0)
        return -1;
    cli->title = source.title;
    (void)snprintf(when, sizeof when, "generation %" PRIu32, number); // ten digits fit
    return explain_whole(cli, opened.view, when, err);
}
