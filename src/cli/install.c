// SPDX-License-Identifier: MIT

// install: runs SteamCMD in its sandbox, shows how it goes, and waits for the publication.

#include "cli/build.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cli/interrupt.h"
#include "host/steamplace.h"
#include "overlay/type.h"
#include "settings/settings.h"

#define OUTPUT_MAX_GAME (UINT64_C(100) << 30)

int install_prepare(struct cli *cli, struct error *err)
{
    if (!cli->steamcmd)
        return 0;
    if (geteuid() != 0)
        return error_set(err, ERROR_DENIED, "only root may say where SteamCMD is");
    return steamplace_set(cli->paths, cli->steamcmd, err);
}

// ---- the update --------------------------------------------------------------------------------

static uint32_t flags_of(const struct cli *cli)
{
    return cli->is_held ? BUILD_HOLD : 0;
}

static int begin(struct build *build, struct error *err)
{
    const struct host_paths *paths = build->cli->paths;
    struct stat              st;
    struct settings          settings;
    uint32_t                 base = 0;

    if (lstat(paths->steamcmd_link, &st) < 0 && errno == ENOENT)
        return error_set(err, ERROR_DENIED,
                         "it is not known where SteamCMD is: run 'l4d2ctl install --steamcmd PATH' "
                         "as root");
    if (lstat(paths->steamcmd_link, &st) < 0)
        return error_sys(err, errno, "looking at %s", paths->steamcmd_link);
    if (settings_read(&settings, paths->settings_file, err) < 0 ||
        overlays_current(&base, paths, GAME_OVERLAY, err) < 0)
        return -1;
    const struct request_build_start wanted = { .base_generation = base,
                                                .keep = settings.overlays.keep,
                                                .flags = flags_of(build->cli),
                                                .output_max_bytes = OUTPUT_MAX_GAME };
    return build_begin(build, &wanted, err);
}

// ---- what came of it ---------------------------------------------------------------------------

// What servers get now, when the update brought nothing new.
static int find_current(struct generation *ret, const struct build *build, struct error *err)
{
    AUTO(freep) struct state *state = NULL;

    if (overlays_read(&state, build->cli->paths, GAME_OVERLAY, err) < 0)
        return -1;
    const struct generation *current = state_find(state, state->current);
    if (!current)
        return error_set(err, ERROR_FAILED,
                         "the update brought no game: look at its log with "
                         "'l4d2ctl install --verbose'");
    *ret = *current;
    return 0;
}

static int report_json(const struct build *build, const struct generation *generation,
                       bool is_unchanged, const struct buffer *summary, struct error *err)
{
    return output_json(
        json_pack("{s:i, s:b, s:b, s:i, s:s, s:I, s:I, s:o}", "build", (int)build->number,
                  "attached", (int)build->is_attached, "changed", (int)!is_unchanged, "generation",
                  (int)generation->number, "note", generation->note, "files",
                  (json_int_t)generation->files, "bytes", (json_int_t)generation->bytes, "summary",
                  summary->n ? output_text_json(summary->bytes, summary->n) : json_null()),
        err);
}

static int report(struct build *build, const struct generation *generation, bool is_unchanged,
                  struct error *err)
{
    AUTO(buffer_done) struct buffer summary = { 0 };
    AUTO(buffer_done) struct buffer text = { 0 };

    if (!is_unchanged)
        publication_read_summary(build, &summary);
    if (build->cli->is_json)
        return report_json(build, generation, is_unchanged, &summary, err);
    buffer_printf(&text, "%s is generation %" PRIu32 "%s%s: %" PRIu64 " files, ",
                  is_unchanged ? "Nothing changed. The game" : "The game", generation->number,
                  *generation->note ? ", " : "", generation->note, generation->files);
    output_size(&text, generation->bytes);
    buffer_add_string(&text, ".\n");
    if (summary.n > 0) {
        buffer_add_escaped(&text, summary.bytes, summary.n);
        buffer_add_string(&text, "\n");
    }
    if (!is_unchanged)
        buffer_add_string(&text,
                          "Servers that run keep what they have until they are restarted.\n");
    output_flush(&text);
    return 0;
}

static int update(struct build *build, struct generation *ret, bool *ret_is_unchanged,
                  struct error *err)
{
    if (begin(build, err) < 0)
        return -1;
    return build_finish(build, ret, ret_is_unchanged, err);
}

int install_run(struct cli *cli, struct error *err)
{
    AUTO(build_done) struct build build = { 0 };
    struct generation             generation = { 0 };
    bool                          is_unchanged = false, is_done = false;

    interrupt_catch();
    if (build_open(&build, cli, BUILD_UPDATE, GAME_OVERLAY, overlay_type_word(OVERLAY_GAME), err) <
            0 ||
        publication_resume(&build, flags_of(cli), &generation, &is_unchanged, &is_done, err) < 0 ||
        (!is_done && update(&build, &generation, &is_unchanged, err) < 0))
        return -1;
    build_remove_scratch(&build);
    if (is_unchanged && find_current(&generation, &build, err) < 0)
        return -1;
    return report(&build, &generation, is_unchanged, err);
}
