// SPDX-License-Identifier: MIT

// files: the working trees of overlays of files, and of servers' own overlays. What is changed here
// is seen by servers when it has been built.

#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/fd.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "files/arrange.h"
#include "files/edit.h"
#include "files/extract.h"
#include "files/filename.h"
#include "files/import.h"
#include "files/keep.h"
#include "files/upload.h"
#include "files/zip.h"
#include "host/broker.h"
#include "host/instances.h"
#include "host/layers.h"
#include "host/ownoverlay.h"
#include "host/source.h"
#include "host/worktree.h"

#define READ_BYTES 65536u
#define PAGE       1000u // entries
#define ZIP_LEVEL  1

// ---- the tree ----------------------------------------------------------------------------------

// Finds the overlay; a server's own one is made when `makes_own`.
static int find(struct source *ret, const struct cli *cli, const char *text, bool makes_own,
                struct error *err)
{
    AUTO_FD              lock_fd = -1;
    struct instance_name server;
    uint32_t             number = 0;

    if (*text == '@' && makes_own) {
        if (instance_name_set(&server, text + 1, err) < 0 ||
            source_lock(&lock_fd, cli->paths, err) < 0 ||
            ownoverlay_make(&number, cli->paths, &server, err) < 0)
            return -1;
        return source_load(ret, cli->paths, number, err);
    }
    return source_find(ret, cli->paths, text, err);
}

static int open_space(struct space **ret, struct source *ret_source, const struct cli *cli,
                      bool makes_own, struct error *err)
{
    if (find(ret_source, cli, cli->args[0], makes_own, err) < 0)
        return -1;
    return worktree_open(ret, cli->paths, ret_source, err);
}

// The path given, "" for all of the tree.
static const char *path_of(const struct cli *cli)
{
    return cli->args[1] ? cli->args[1] : "";
}

static int report(const struct cli *cli, const struct source *source, const char *action,
                  const char *path, struct error *err)
{
    const char *warning = filename_warning(path);

    if (cli->is_json)
        return output_json(json_pack("{s:I, s:s, s:o, s:s?}", "overlay", (json_int_t)source->number,
                                     "action", action, "path", output_text_json(path, strlen(path)),
                                     "warning", warning),
                           err);
    if (warning)
        fprintf(stderr, "l4d2ctl: note: '%s' %s\n", path, warning);
    printf("Done. 'l4d2ctl overlay build %s' publishes it.\n", source->title);
    return 0;
}

// ---- list, cat ---------------------------------------------------------------------------------

static json_t *entry_json(const struct listing_entry *entry)
{
    return json_pack("{s:o, s:s, s:I, s:o, s:b, s:s}", "name",
                     output_text_json(entry->name, strlen(entry->name)), "kind",
                     listing_kind_word(entry->kind), "size", (json_int_t)entry->size, "changed",
                     output_time_json((uint64_t)entry->mtime_unix_s * 1000000), "program",
                     (int)entry->is_program, "etag", entry->etag.text);
}

static void print_entry(const struct listing_entry *entry)
{
    AUTO(buffer_done) struct buffer text = { 0 }, size = { 0 };
    char                            time[OUTPUT_TIME_MAX];

    output_time(time, (uint64_t)entry->mtime_unix_s * 1000000);
    if (entry->kind == LISTING_FILE)
        output_size(&size, entry->size);
    buffer_printf(&text, "%-10s %s  ",
                  size.n ? size.bytes : (char *)(uintptr_t)listing_kind_word(entry->kind), time);
    output_escaped(&text, entry->name);
    buffer_add_string(&text, entry->kind == LISTING_DIR ? "/\n" : entry->is_program ? "*\n" : "\n");
    output_flush(&text);
}

static int list_pages(json_t *rows, size_t *ret_n, const struct space *space, const char *path,
                      struct error *err)
{
    AUTO(buffer_done) struct buffer after = { 0 };
    bool                            has_more = true;

    *ret_n = 0;
    while (has_more) {
        AUTO(listing_freep) struct listing *page = NULL;
        if (listing_read(&page, space, path, after.n ? after.bytes : NULL, PAGE, err) < 0)
            return -1;
        for (size_t i = 0; i < page->n; i++)
            if (rows)
                (void)json_array_append_new(rows, entry_json(&page->entries[i]));
            else
                print_entry(&page->entries[i]);
        *ret_n += page->n;
        has_more = page->has_more && page->n > 0;
        if (!has_more)
            break;
        buffer_done(&after);
        after = (struct buffer){ 0 };
        buffer_add_string(&after, page->entries[page->n - 1].name);
        if (buffer_check(&after, err) < 0)
            return -1;
    }
    return 0;
}

static int files_list_run(struct cli *cli, struct error *err)
{
    AUTO(space_closep) struct space *space = NULL;
    struct space_usage               usage;
    struct source                    source;
    json_t                          *rows = cli->is_json ? json_array() : NULL;
    size_t                           n = 0;

    if (open_space(&space, &source, cli, false, err) < 0 ||
        list_pages(rows, &n, space, path_of(cli), err) < 0 ||
        space_read_usage(&usage, space, false, err) < 0) {
        json_decref(rows);
        return -1;
    }
    if (rows)
        return output_json(json_pack("{s:I, s:o, s:I, s:I}", "overlay", (json_int_t)source.number,
                                     "entries", rows, "used_bytes", (json_int_t)usage.bytes,
                                     "used_entries", (json_int_t)usage.entries),
                           err);
    if (usage.entries == 0)
        printf("It is empty: 'l4d2ctl files put %s PATH -f FILE' puts a file there.\n",
               source.title);
    else if (n == 0)
        puts("The directory is empty.");
    return 0;
}

static int files_cat_run(struct cli *cli, struct error *err)
{
    AUTO(space_closep) struct space *space = NULL;
    AUTO_FD                          fd = -1;
    struct listing_entry             entry;
    struct source                    source;
    char                             bytes[READ_BYTES];
    ssize_t                          n;

    if (open_space(&space, &source, cli, false, err) < 0 ||
        edit_open(&fd, &entry, space, cli->args[1], err) < 0)
        return -1;
    while ((n = fd_read_up_to(fd, bytes, sizeof bytes)) > 0)
        (void)fwrite(bytes, 1, (size_t)n, stdout); // main checks stdout
    return n < 0 ? error_sys(err, errno, "reading '%s'", cli->args[1]) : 0;
}

// ---- put ---------------------------------------------------------------------------------------

// The file is opened as the caller.
static int files_prepare(struct cli *cli, struct error *err)
{
    if (!cli->file)
        return error_set(err, ERROR_INVALID, "-f FILE is missing");
    if (strcmp(cli->file, "-") == 0)
        return file_prepare(cli, EDIT_SAVE_MAX, err);
    return file_open(&cli->file_fd, cli->file, O_NONBLOCK, err);
}

static bool goes_on(void *user, uint64_t done, uint64_t total)
{
    const struct cli *cli = user;

    if (!cli->is_json && total > EDIT_SAVE_MAX && isatty(STDOUT_FILENO) == 1) {
        printf("\r%3u %%%s", (unsigned)(done * 100 / total), done == total ? "\n" : "");
        (void)fflush(stdout); // main checks stdout
    }
    return !interrupt_came();
}

static int files_put_run(struct cli *cli, struct error *err)
{
    AUTO(space_closep) struct space *space = NULL;
    struct source                    source;
    struct listing_entry             entry;
    const struct edit_options        edit = { .makes_parents = true };
    const struct import_options      import = { .replaces = true, .tick = goes_on, .user = cli };

    interrupt_catch();
    if (open_space(&space, &source, cli, true, err) < 0)
        return -1;
    int r = cli->file_fd >= 0
                ? import_file(&entry, space, cli->args[1], cli->file_fd, &import, err)
                : edit_save(&entry, space, cli->args[1], cli->n_file_bytes ? cli->file_bytes : "",
                            cli->n_file_bytes, &edit, err);
    return r < 0 ? -1 : report(cli, &source, "put", cli->args[1], err);
}

// ---- directories, moving, removing -------------------------------------------------------------

static int files_mkdir_run(struct cli *cli, struct error *err)
{
    AUTO(space_closep) struct space *space = NULL;
    struct source                    source;

    if (open_space(&space, &source, cli, true, err) < 0 ||
        arrange_mkdir(space, cli->args[1], true, err) < 0)
        return -1;
    return report(cli, &source, "mkdir", cli->args[1], err);
}

static int files_move_run(struct cli *cli, struct error *err)
{
    AUTO(space_closep) struct space *space = NULL;
    struct source                    source;

    if (open_space(&space, &source, cli, false, err) < 0 ||
        arrange_move(space, cli->args[1], cli->args[2], false, err) < 0)
        return -1;
    return report(cli, &source, "move", cli->args[2], err);
}

static int files_remove_run(struct cli *cli, struct error *err)
{
    AUTO(space_closep) struct space *space = NULL;
    struct source                    source;

    if (open_space(&space, &source, cli, false, err) < 0 ||
        arrange_remove(space, cli->args[1], cli->is_recursive, err) < 0)
        return -1;
    return report(cli, &source, "remove", cli->args[1], err);
}

// ---- archives ----------------------------------------------------------------------------------

// Given by its number, an upload that is complete stands for the file.
static int extract_prepare(struct cli *cli, struct error *err)
{
    if (!cli->upload)
        return files_prepare(cli, err);
    return cli->file ? error_set(err, ERROR_INVALID, "-f and --upload do not go together") : 0;
}

// One that has been unpacked is of no use any more.
static int drop_upload(const struct cli *cli, struct space *space, struct error *err)
{
    return cli->upload ? upload_abort(space, cli->upload, err) : 0;
}

static bool unpacking_goes_on(void *user, const struct extract_progress *progress)
{
    return goes_on(user, progress->archive_bytes, MAX(progress->archive_total, 1));
}

static void say(void *user, const char *line)
{
    AUTO(buffer_done) struct buffer text = { 0 };
    const struct cli               *cli = user;

    output_escaped(&text, line);
    fprintf(cli->is_json ? stderr : stdout, "%s\n", text.n ? text.bytes : "");
}

static int files_extract_run(struct cli *cli, struct error *err)
{
    AUTO(space_closep) struct space *space = NULL;
    struct source                    source;
    struct extract_result            result;
    const struct extract_options     options = { .path = path_of(cli),
                                                 .existing = MERGE_REPLACE,
                                                 .strips_one = cli->is_stripping,
                                                 .tick = unpacking_goes_on,
                                                 .say = say,
                                                 .user = cli };

    interrupt_catch();
    if (cli->file_fd < 0 && !cli->upload)
        return error_set(err, ERROR_INVALID, "an archive is read from a file, not from a pipe");
    if (open_space(&space, &source, cli, true, err) < 0 ||
        (cli->upload && upload_open(&cli->file_fd, space, cli->upload, err) < 0) ||
        extract_run(&result, space, cli->file_fd, &options, err) < 0 ||
        drop_upload(cli, space, err) < 0)
        return -1;
    if (cli->is_json)
        return output_json(
            json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "overlay", (json_int_t)source.number,
                      "files", (json_int_t)result.files, "bytes", (json_int_t)result.bytes,
                      "replaced", (json_int_t)result.replaced, "skipped",
                      (json_int_t)result.skipped, "left_out", (json_int_t)result.left_out),
            err);
    printf("%" PRIu64 " files, %" PRIu64 " of them replaced; %" PRIu64 " entries left out.\n",
           result.files, result.replaced, result.left_out);
    return report(cli, &source, "extract", path_of(cli), err);
}

static int files_zip_run(struct cli *cli, struct error *err)
{
    AUTO(space_closep) struct space *space = NULL;
    struct source                    source;
    struct zip_counts                counts;
    const struct zip_options         options = { .level = ZIP_LEVEL };

    if (isatty(STDOUT_FILENO) == 1)
        return error_set(err, ERROR_INVALID, "the archive goes to standard output: '> FILE.zip'");
    if (open_space(&space, &source, cli, false, err) < 0)
        return -1;
    return zip_write(&counts, space, path_of(cli), STDOUT_FILENO, &options, err);
}

// ---- keep --------------------------------------------------------------------------------------

static int open_upper(int *ret, const struct cli *cli, struct error *err)
{
    char path[INSTANCE_NAME_MAX + 32];

    (void)snprintf(path, sizeof path, "runtime/%s/upper", cli->name.text); // it fits
    return host_open_data_dir(ret, cli->paths, path, err);
}

static void say_skipped(void *user, const char *path, const char *why)
{
    (void)user;
    fprintf(stderr, "l4d2ctl: left out: '%s' %s\n", path, why);
}

// The broker makes sure of it later; this is to copy nothing for nothing.
static int check_stopped(const struct cli *cli, struct error *err)
{
    AUTO(units_closep) struct units *units = NULL;
    struct unit_state                state;

    if (units_open(&units, cli->paths, err) < 0 ||
        units_state(units, UNIT_SERVER, cli->name.text, &state, err) < 0)
        return -1;
    if (strcmp(state.active_state, "inactive") != 0 && strcmp(state.active_state, "failed") != 0)
        return error_set(err, ERROR_BUSY, "the server is running or about to: stop it first");
    return 0;
}

// A directory is not put in the place of one: that would lose what else is in it.
static int check_new(struct space *space, int upper_fd, const char *path, struct error *err)
{
    struct listing_entry entry;
    struct error         ignored; // a file, or keep_run() says what is wrong with it
    AUTO_FD              fd = -1;

    if (fd_open_dir(&fd, upper_fd, path, &ignored) < 0)
        return 0;
    if (listing_look(&entry, space, path, err) < 0)
        return err->kind == ERROR_NOT_FOUND ? 0 : -1;
    return error_set(err, ERROR_EXISTS,
                     "the overlay has a '%.80s' already: keep the files in it one by one", path);
}

static int drop_kept(const struct cli *cli, const char *path, struct error *err)
{
    AUTO(buffer_done) struct buffer dropped = { 0 };
    struct reply                    reply;

    buffer_add(&dropped, path, strlen(path) + 1);
    if (buffer_check(&dropped, err) < 0 ||
        broker_edit(cli->paths, &cli->name, dropped.bytes, dropped.n, &reply, err) < 0)
        return error_prefix(err, "it was copied, but not dropped from the game's own layer");
    return 0;
}

int keep_run_command(struct cli *cli, struct error *err)
{
    AUTO(space_closep) struct space *space = NULL;
    AUTO_FD                          upper_fd = -1;
    AUTO_FD                          fd = -1;
    struct source                    source;
    struct copytree_counts           counts;
    char                             own[INSTANCE_NAME_MAX + 2];
    const char                      *path = cli->args[1];
    const struct keep_options        options = { .replaces = true,
                                                 .makes_parents = true,
                                                 .skip = say_skipped };

    (void)snprintf(own, sizeof own, "@%.64s", cli->name.text); // it fits
    if (layers_check_path(path, err) < 0 || instances_open(&fd, cli->paths, &cli->name, err) < 0 ||
        check_stopped(cli, err) < 0 || find(&source, cli, cli->to ? cli->to : own, true, err) < 0 ||
        worktree_open(&space, cli->paths, &source, err) < 0 ||
        open_upper(&upper_fd, cli, err) < 0 || check_new(space, upper_fd, path, err) < 0 ||
        keep_run(&counts, space, upper_fd, path, path, &options, err) < 0)
        return -1;
    if (counts.skipped > 0)
        return error_set(err, ERROR_FAILED,
                         "%llu entries cannot be kept, so '%.80s' was copied and not dropped: "
                         "'l4d2ctl drop' does that",
                         (unsigned long long)counts.skipped, path);
    if (drop_kept(cli, path, err) < 0)
        return -1;
    return report(cli, &source, "keep", path, err);
}

// ---- the table ---------------------------------------------------------------------------------

static const struct command commands[] = {
    { "files list", "OVERLAY [PATH]", OPTION_JSON, "what is in a directory",
      "OVERLAY is the number or name of an overlay of files, or @NAME for the server NAME's own.\n",
      files_list_run, NULL },
    { "files cat", "OVERLAY PATH", OPTION_JSON, "print a file",
      "Prints the bytes as they are. With --json only errors are JSON.\n", files_cat_run, NULL },
    { "files put", "OVERLAY PATH", OPTION_PUT_FILE | OPTION_JSON,
      "put a file there, or replace one",
      "Makes the directories above it. Whoever looks sees the old file or the new one. A server\n"
      "gets an overlay of its own with the first file that is put to @NAME: for admins, bans,\n"
      "databases.cfg, which lie above everything else of the server.\n",
      files_put_run, files_prepare },
    { "files mkdir", "OVERLAY PATH", OPTION_JSON, "make a directory", "With those above it.\n",
      files_mkdir_run, NULL },
    { "files move", "OVERLAY FROM TO", OPTION_JSON, "move or rename",
      "Nothing is replaced: what is at TO must be removed before.\n", files_move_run, NULL },
    { "files remove", "OVERLAY PATH", OPTION_RECURSIVE | OPTION_JSON, "remove a file or directory",
      "A directory that is not empty wants --recursive.\n", files_remove_run, NULL },
    { "files extract", "OVERLAY [PATH]",
      OPTION_ARCHIVE | OPTION_UPLOAD | OPTION_STRIP | OPTION_JSON, "unpack an archive",
      "zip, 7z, rar and tar, into the directory PATH. Files that are there are replaced. The\n"
      "archive is read by a program that can do nothing else; links and devices in it are left\n"
      "out. An archive that is damaged leaves nothing.\n",
      files_extract_run, extract_prepare },
    { "files zip", "OVERLAY [PATH]", OPTION_JSON, "pack a directory to standard output",
      "l4d2ctl files zip maps > maps.zip. With --json only errors are JSON.\n", files_zip_run,
      NULL },
};

const struct command_group files_group = {
    "files", "the files of an overlay or of a server: see 'l4d2ctl files --help'", commands,
    ELEMENTS(commands)
};
