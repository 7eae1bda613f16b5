// SPDX-License-Identifier: MIT

// overlay: what overlays there are, and their settings and texts. Each command is safe to repeat
// and to kill.

#include "cli/overlay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "base/fd.h"
#include "cli/command.h"
#include "host/broker.h"
#include "host/budget.h"
#include "host/builds.h"
#include "host/instances.h"
#include "host/limittext.h"
#include "host/overlays.h"
#include "host/stack.h"
#include "overlay/type.h"

// ---- finding -----------------------------------------------------------------------------------

int overlay_named(struct source *ret, const struct cli *cli, struct error *err)
{
    return source_find(ret, cli->paths, cli->args[0], err);
}

int overlay_newest_build(uint32_t *ret, const struct host_paths *paths, uint32_t overlay,
                         struct error *err)
{
    AUTO(builds_done) struct builds builds = { 0 };

    if (builds_read(&builds, paths, err) < 0)
        return -1;
    *ret = builds_newest(&builds, overlay);
    return 0;
}

// ---- list --------------------------------------------------------------------------------------

static json_t *generation_json(const struct generation *g)
{
    return json_pack("{s:I, s:I, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:s}", "generation",
                     (json_int_t)g->number, "build", (json_int_t)g->build, "created",
                     output_time_json(g->created_unix_s * 1000000), "files", (json_int_t)g->files,
                     "bytes", (json_int_t)g->bytes, "added", (json_int_t)g->added, "changed",
                     (json_int_t)g->changed, "removed", (json_int_t)g->removed, "bytes_changed",
                     (json_int_t)g->bytes_changed, "note", g->note);
}

static json_t *source_json(const struct source *source, const struct state *state)
{
    const struct generation *current = state_find(state, state->current);

    return json_pack("{s:I, s:s, s:s, s:s, s:I, s:I, s:o, s:i, s:I}", "overlay",
                     (json_int_t)source->number, "name", source->title, "type",
                     overlay_type_word(source->type), "refresh",
                     source->is_daily ? "daily" : "never", "keep", (json_int_t)source->keep,
                     "output_max_bytes", (json_int_t)source->output_max_bytes, "current",
                     current ? generation_json(current) : json_null(), "n_generations",
                     (int)state->n_generations, "disk_bytes", (json_int_t)budget_of_overlay(state));
}

// One that cannot be read is shown as having nothing.
static void read_state(struct state **ret, const struct cli *cli, uint32_t number)
{
    struct error ignored;

    if (overlays_read(ret, cli->paths, number, &ignored) < 0)
        *ret = calloc(1, sizeof **ret);
}

static void add_row(struct buffer *text, const struct source *source, const struct state *state)
{
    const struct generation        *current = state_find(state, state->current);
    AUTO(buffer_done) struct buffer size = { 0 };

    if (current)
        output_size(&size, current->bytes);
    buffer_printf(text, "%-7" PRIu32 " %-24s %-9s ", source->number, source->title,
                  overlay_type_word(source->type));
    if (current)
        buffer_printf(text, "%-10" PRIu32 " %8" PRIu64 " files  %10s%s\n", current->number,
                      current->files, size.n ? size.bytes : "", source->is_daily ? "  daily" : "");
    else
        buffer_printf(text, "%-10s%s\n", "-", source->is_daily ? "  daily" : "");
}

static int overlay_list_run(struct cli *cli, struct error *err)
{
    AUTO(freep) struct sources     *sources = NULL;
    AUTO(buffer_done) struct buffer text = { 0 };
    json_t                         *rows = NULL;

    if (source_list(&sources, cli->paths, err) < 0)
        return -1;
    if (cli->is_json)
        rows = json_array();
    else
        buffer_printf(&text, "%-7s %-24s %-9s %s\n", "NUMBER", "NAME", "TYPE", "GENERATION");
    for (size_t i = 0; i < sources->n; i++) {
        AUTO(freep) struct state *state = NULL;
        read_state(&state, cli, sources->source[i].number);
        if (!state)
            return error_sys(err, ENOMEM, "listing the overlays");
        if (rows)
            (void)json_array_append_new(rows, source_json(&sources->source[i], state));
        else
            add_row(&text, &sources->source[i], state);
    }
    if (rows)
        return output_json(json_pack("{s:o}", "overlays", rows), err);
    if (sources->n == 1)
        buffer_add_string(&text,
                          "Make one of your own with 'l4d2ctl overlay create NAME --type script "
                          "-f FILE'.\n");
    output_flush(&text);
    return 0;
}

// ---- show --------------------------------------------------------------------------------------

// The generation of an overlay in a stack; 0: it is not in it.
static uint32_t generation_in(const struct instance_stack *stack, uint32_t overlay)
{
    for (uint32_t i = 0; i < stack->n_layers; i++)
        if (stack->layers[i].overlay == overlay)
            return stack->layers[i].generation;
    return 0;
}

// Which servers run on the overlay, or would.
static int add_users(struct strings *ret, const struct cli *cli, uint32_t overlay,
                     struct error *err)
{
    AUTO(strings_done) struct strings names = { 0 };

    if (instances_list(&names, cli->paths, err) < 0)
        return -1;
    for (const char *s = NULL; (s = strings_next(&names, s));) {
        AUTO(buffer_done) struct buffer text = { 0 };
        struct instance_name            name;
        struct instance_spec            applied = { 0 }, mounted = { 0 };
        struct error                    ignored; // damaged: 'status' says it
        bool                            is_applied = false, is_damaged = false, is_mounted = false;
        if (instance_name_set(&name, s, &ignored) < 0 ||
            stack_read_applied(&applied, &is_applied, &is_damaged, cli->paths, &name, &ignored) <
                0 ||
            stack_read_mounted(&mounted, &is_mounted, cli->paths, &name, &ignored) < 0)
            continue;
        uint32_t generation = generation_in(is_mounted ? &mounted.stack : &applied.stack, overlay);
        if (!generation)
            continue;
        buffer_printf(&text, "%s (%s generation %" PRIu32 ")", s, is_mounted ? "runs on" : "has",
                      generation);
        strings_add(ret, text.bytes, text.n);
    }
    return buffer_check(&ret->text, err);
}

static void add_settings(struct buffer *text, const struct source *source)
{
    buffer_printf(text, "Overlay     %" PRIu32 ", '%s', of type %s\n", source->number,
                  source->title, overlay_type_word(source->type));
    if (source->type == OVERLAY_GAME)
        return;
    buffer_printf(text, "Refresh     %s\n", source->is_daily ? "daily" : "never");
    if (source->keep)
        buffer_printf(text, "Keep        %" PRIu32 " generations\n", source->keep);
    if (source->output_max_bytes) {
        buffer_add_string(text, "Limit       ");
        output_size(text, source->output_max_bytes);
        buffer_add_string(text, "\n");
    }
}

static void add_generations(struct buffer *text, const struct state *state)
{
    if (state->n_generations == 0)
        buffer_add_string(text, "Nothing is published yet: 'l4d2ctl overlay build' does it.\n");
    for (uint32_t i = 0; i < state->n_generations; i++) {
        const struct generation *g = &state->generations[i];
        char                     time[OUTPUT_TIME_MAX];
        output_time(time, g->created_unix_s * 1000000);
        buffer_printf(text,
                      "%s %-8" PRIu32 " %s  %" PRIu64 " files, %" PRIu64 " added, %" PRIu64
                      " changed, %" PRIu64 " removed, ",
                      g->number == state->current ? "current   " : "generation", g->number, time,
                      g->files, g->added, g->changed, g->removed);
        output_size(text, g->bytes);
        buffer_printf(text, "%s%s\n", *g->note ? ", " : "", g->note);
    }
}

static int show_json(const struct cli *cli, const struct source *source, const struct state *state,
                     const struct strings *users, struct error *err)
{
    AUTO(json_decrefp) json_t *items = NULL;
    json_t                    *json, *rows = json_array();

    if (source->type == OVERLAY_WORKSHOP &&
        overlay_items_json(&items, cli, source, state->current, err) < 0)
        return -1;
    for (uint32_t i = 0; i < state->n_generations; i++)
        (void)json_array_append_new(rows, generation_json(&state->generations[i]));
    json = source_json(source, state);
    (void)json_object_set_new(json, "generations", rows);
    (void)json_object_set_new(json, "servers", output_strings_json(users));
    (void)json_object_set_new(json, "items", items ? json_incref(items) : json_null());
    return output_json(json, err);
}

static int overlay_show_run(struct cli *cli, struct error *err)
{
    AUTO(freep) struct state         *state = NULL;
    AUTO(strings_done) struct strings users = { 0 };
    AUTO(buffer_done) struct buffer   text = { 0 };
    struct source                     source;

    if (overlay_named(&source, cli, err) < 0 ||
        overlays_read(&state, cli->paths, source.number, err) < 0 ||
        add_users(&users, cli, source.number, err) < 0)
        return -1;
    if (cli->is_json)
        return show_json(cli, &source, state, &users, err);
    add_settings(&text, &source);
    if (users.n) {
        buffer_add_string(&text, "Servers     ");
        output_strings(&text, &users);
        buffer_add_string(&text, "\n");
    }
    add_generations(&text, state);
    output_flush(&text);
    return source.type == OVERLAY_WORKSHOP ? overlay_items_print(cli, &source, state->current, err)
                                           : 0;
}

// ---- create, set, source -----------------------------------------------------------------------

static int overlay_prepare(struct cli *cli, struct error *err)
{
    return cli->file ? file_prepare(cli, SOURCE_TEXT_MAX, err) : 0;
}

static void take_settings(struct source *source, const struct cli *cli)
{
    if (cli->has_keep)
        source->keep = cli->keep;
    if (cli->has_output_max)
        source->output_max_bytes = cli->output_max_bytes;
    if (cli->has_refresh)
        source->is_daily = cli->is_daily;
}

static int check_new(struct source *ret, const struct cli *cli, struct error *err)
{
    struct source other;

    if (!cli->type)
        return error_set(err, ERROR_INVALID, "--type is missing: script, workshop or files");
    ret->type = overlay_type_of(cli->type);
    if (ret->type <= OVERLAY_GAME)
        return error_set(err, ERROR_INVALID, "--type takes script, workshop or files");
    if (source_set_name(ret, cli->args[0], err) < 0)
        return -1;
    if (cli->file && !source_text_file(ret->type))
        return error_set(err, ERROR_INVALID, "an overlay of type '%s' is not made from one file",
                         cli->type);
    if (source_find(&other, cli->paths, ret->name, err) == 0)
        return error_set(err, ERROR_EXISTS, "overlay %" PRIu32 " is called '%s' already",
                         other.number, ret->name);
    return err->kind == ERROR_NOT_FOUND ? 0 : -1;
}

static int check_text(const struct source *source, const struct cli *cli, struct error *err)
{
    return cli->file ? source_check_text(source, cli->file_bytes, cli->n_file_bytes, err) : 0;
}

// An overlay whose making failed half-way is removed again, as far as that goes.
static int make(struct source *source, struct cli *cli, struct error *err)
{
    struct reply reply;
    struct error ignored;

    if (broker_overlay_create(cli->paths, source->type, &reply, err) < 0)
        return -1;
    source->number = reply.overlay;
    if ((!cli->file ||
         source_write_text(cli->paths, source, cli->file_bytes, cli->n_file_bytes, err) == 0) &&
        source_save(source, cli->paths, err) == 0)
        return 0;
    (void)!broker_overlay_remove(cli->paths, source->number, &reply, &ignored);
    return -1;
}

static int overlay_create_run(struct cli *cli, struct error *err)
{
    AUTO_FD                   lock_fd = -1;
    AUTO(freep) struct state *state = NULL;
    struct source             source = { 0 };

    if (source_lock(&lock_fd, cli->paths, err) < 0 || check_new(&source, cli, err) < 0 ||
        check_text(&source, cli, err) < 0)
        return -1;
    take_settings(&source, cli);
    if (make(&source, cli, err) < 0)
        return -1;
    if (cli->is_json) {
        read_state(&state, cli, source.number);
        return output_json(state ? source_json(&source, state) : NULL, err);
    }
    printf("Overlay %" PRIu32 " is '%s'. Build it with 'l4d2ctl overlay build %s'.\n",
           source.number, source.name, source.name);
    return 0;
}

static int overlay_set_run(struct cli *cli, struct error *err)
{
    AUTO_FD                   lock_fd = -1;
    AUTO(freep) struct state *state = NULL;
    struct source             source;

    if (source_lock(&lock_fd, cli->paths, err) < 0 || overlay_named(&source, cli, err) < 0)
        return -1;
    if (cli->new_name && source_set_name(&source, cli->new_name, err) < 0)
        return -1;
    take_settings(&source, cli);
    if (source_save(&source, cli->paths, err) < 0)
        return -1;
    if (cli->is_json) {
        read_state(&state, cli, source.number);
        return output_json(state ? source_json(&source, state) : NULL, err);
    }
    printf("Overlay %" PRIu32 " is '%s'.\n", source.number, source.title);
    return 0;
}

static int overlay_source_run(struct cli *cli, struct error *err)
{
    AUTO(buffer_done) struct buffer text = { 0 };
    AUTO_FD                         lock_fd = -1;
    struct source                   source;

    if (source_lock(&lock_fd, cli->paths, err) < 0 || overlay_named(&source, cli, err) < 0)
        return -1;
    if (check_text(&source, cli, err) < 0)
        return -1;
    if (cli->file &&
        source_write_text(cli->paths, &source, cli->file_bytes, cli->n_file_bytes, err) < 0)
        return -1;
    if (!cli->file && source_read_text(&text, cli->paths, &source, err) < 0)
        return -1;
    if (cli->is_json)
        return output_json(
            json_pack("{s:I, s:o}", "overlay", (json_int_t)source.number, "text",
                      cli->file ? json_null() : output_text_json(text.n ? text.bytes : "", text.n)),
            err);
    if (cli->file)
        printf("The next build of '%s' uses it.\n", source.name);
    output_flush(&text);
    return 0;
}

// ---- delete ------------------------------------------------------------------------------------

// A server that is to have the overlay at its next start counts as well as one that has it.
static int check_unwanted(const struct cli *cli, const struct source *source, struct error *err)
{
    AUTO(strings_done) struct strings names = { 0 };

    if (instances_list(&names, cli->paths, err) < 0)
        return -1;
    for (const char *s = NULL; (s = strings_next(&names, s));) {
        AUTO(instance_freep) struct instance *instance = NULL;
        struct instance_name                  name;
        struct error                          ignored; // damaged: it cannot start
        if (instance_name_set(&name, s, &ignored) < 0 ||
            instances_load(&instance, cli->paths, &name, &ignored) < 0)
            continue;
        for (uint32_t i = 0; i < instance->n_overlays; i++)
            if (instance->overlays[i] == source->number)
                return error_set(err, ERROR_BUSY,
                                 "the server '%s' wants overlay %" PRIu32
                                 ": take it out of its list first",
                                 s, source->number);
    }
    return 0;
}

static int overlay_delete_run(struct cli *cli, struct error *err)
{
    AUTO_FD       lock_fd = -1;
    struct source source = { 0 };
    struct reply  reply;
    struct error  not_a_number;

    if (source_lock(&lock_fd, cli->paths, err) < 0)
        return -1;
    cli->title = cli->args[0];
    bool is_there = overlay_named(&source, cli, err) == 0;
    // A creation that was killed may have left directories that are not ours yet.
    if (!is_there && err->kind != ERROR_NOT_FOUND && err->errnum != EACCES)
        return -1;
    // By number also what a killed creation or removal left.
    if (!is_there && number_name_parse(&source.number, cli->args[0], &not_a_number) < 0)
        return output_action(cli, "delete", "absent", false, "nothing to delete", err);
    if (source.number == GAME_OVERLAY)
        return error_set(err, ERROR_DENIED, "the game overlay cannot be deleted");
    if (*source.server)
        return error_set(err, ERROR_DENIED, "it goes with the server '%s'", source.server);
    if (check_unwanted(cli, &source, err) < 0 ||
        broker_overlay_remove(cli->paths, source.number, &reply, err) < 0)
        return -1;
    return output_action(cli, "delete", is_there ? "deleted" : "absent", is_there,
                         is_there ? NULL : "nothing to delete", err);
}

// ---- the table ---------------------------------------------------------------------------------

#define SETTINGS (OPTION_KEEP | OPTION_OUTPUT_MAX | OPTION_REFRESH | OPTION_JSON)

static const struct command commands[] = {
    { "overlay list", "", OPTION_JSON, "all overlays with their current generation",
      "An overlay is a tree that is laid over the game. Servers name the overlays they want by\n"
      "number in SPEC.yaml.\n",
      overlay_list_run, NULL },
    { "overlay show", "OVERLAY", OPTION_JSON, "one overlay: settings, generations, servers",
      "OVERLAY is a number or a name. Of a Workshop overlay it lists the items as well: what the\n"
      "Workshop says of each, and what is in it.\n",
      overlay_show_run, NULL },
    { "overlay create", "NAME", OPTION_TYPE | OPTION_SOURCE_FILE | SETTINGS, "make an overlay",
      "Types: script (bash that fills the overlay, run in a sandbox), workshop (a list of items\n"
      "and collections of the Steam Workshop), files (a tree that you edit). One must be\n"
      "named. It gets the next number. Nothing is published before the first build.\n",
      overlay_create_run, overlay_prepare },
    { "overlay set", "OVERLAY", OPTION_NAME | SETTINGS, "change the settings of an overlay",
      "What is not named stays as it is.\n", overlay_set_run, NULL },
    { "overlay source", "OVERLAY", OPTION_SOURCE_FILE | OPTION_JSON,
      "show or replace the script or list",
      "Without --file it prints what the next build is made from.\n", overlay_source_run,
      overlay_prepare },
    { "overlay build", "OVERLAY", OPTION_HOLD | OPTION_DETACH | OPTION_JSON,
      "build an overlay and publish the result",
      "Shows the log while it runs; a line of standard error begins with '!'. Ctrl-C stops the\n"
      "build. A build that fails or is stopped changes nothing; one that changes nothing makes\n"
      "no generation. Servers that run keep what they have until they are restarted.\n",
      overlay_build_run, NULL },
    { "overlay wipe", "OVERLAY", OPTION_HOLD | OPTION_DETACH | OPTION_JSON,
      "build it anew from nothing",
      "A script finds its cache empty. The old generations stay until the new one is published,\n"
      "and as long as they are kept.\n",
      overlay_wipe_run, NULL },
    { "overlay cancel", "OVERLAY", OPTION_JSON, "stop the build of an overlay",
      "Everything that the build runs is killed. Stopping no build succeeds.\n", overlay_cancel_run,
      NULL },
    { "overlay log", "OVERLAY", OPTION_LINES | OPTION_FOLLOW | OPTION_JSON,
      "the log of its newest build",
      "Also of one that runs or has failed; --lines goes up to 10000. With --json each line is\n"
      "one object.\n",
      overlay_log_run, NULL },
    { "overlay select", "OVERLAY GENERATION", OPTION_JSON, "choose what new starts use",
      "Servers that run keep what they have until they are restarted.\n", overlay_select_run,
      NULL },
    { "overlay rollback", "OVERLAY [GENERATION]", OPTION_JSON, "go back to an older generation",
      "Without GENERATION it is the one before the current one.\n", overlay_rollback_run, NULL },
    { "overlay diff", "OVERLAY [FROM [TO]]", OPTION_JSON, "what changed between two generations",
      "Lists paths that were added, changed or removed from generation FROM to TO. Without TO it\n"
      "is the current one, without FROM the one before it.\n",
      overlay_diff_run, NULL },
    { "overlay explain", "OVERLAY [GENERATION]", OPTION_ALL_PATHS | OPTION_JSON,
      "what is in a generation, and what is wrong with it",
      "Add-ons and campaigns, and what will not work: broken packs, files where the game does not\n"
      "look, configurations that can crash it. Without GENERATION it is the current one.\n",
      overlay_explain_run, NULL },
    { "overlay gc", "[OVERLAY]", OPTION_JSON, "drop generations that nobody needs",
      "Kept are the newest, the current one, and what a server has. Without OVERLAY all\n"
      "overlays are looked at.\n",
      overlay_gc_run, NULL },
    { "overlay refresh", "", OPTION_JSON, "build all overlays that are marked for it",
      "What the daily timer does: one after the other, those with --refresh daily.\n",
      overlay_refresh_run, NULL },
    { "overlay delete", "OVERLAY", OPTION_JSON, "drop an overlay with everything of it",
      "Refused while a server has it or wants it. Its number is never used again. Deleting what\n"
      "does not exist succeeds. By number it also removes what a killed one left.\n",
      overlay_delete_run, NULL },
};

const struct command_group overlay_group = {
    "overlay", "maps, mods and files for servers: see 'l4d2ctl overlay --help'", commands,
    ELEMENTS(commands)
};
