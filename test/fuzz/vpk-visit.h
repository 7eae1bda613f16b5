// SPDX-License-Identifier: MIT
#pragma once

// vpk-visit: what a fuzzer asks of an archive, and the directory it is in meanwhile.

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/fd.h"
#include "base/text.h"
#include "pak/addon.h"
#include "pak/vpkcheck.h"

static char visit_path[] = "/tmp/left4me-fuzz-XXXXXX";

static inline void visit_leave(void)
{
    (void)rmdir(visit_path);
}

// A directory that is there until the fuzzer ends.
static inline int visit_dir(void)
{
    static int fd = -1;

    if (fd < 0) {
        if (!mkdtemp(visit_path))
            abort();
        (void)atexit(visit_leave);
        fd = open(visit_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    return fd;
}

static inline void visit_write(const char *name, const uint8_t *bytes, size_t n_bytes)
{
    struct error err;
    AUTO_FD      fd = openat(visit_dir(), name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0 || fd_write_all(fd, bytes, n_bytes, &err) < 0)
        abort();
}

static inline void visit_shown(const char *text, size_t n_max, bool has_lines)
{
    size_t n = strnlen(text, n_max);

    if (n == n_max)
        abort();
    for (size_t i = 0; i < n;) {
        size_t length = text_character(text + i, n - i);
        if (length == 0 || (text_is_control(text + i, length) && !(has_lines && text[i] == '\n')))
            abort();
        i += length;
    }
}

static inline void visit_addon(const struct vpk *vpk)
{
    AUTO(addon_freep)
    struct addon *addon = NULL;
    struct error  err;
    uint32_t      n_chapters = 0, n_files = 0;

    if (addon_inspect(&addon, vpk, &err) < 0)
        abort();
    visit_shown(addon->title, sizeof addon->title, false);
    visit_shown(addon->author, sizeof addon->author, false);
    visit_shown(addon->version, sizeof addon->version, false);
    visit_shown(addon->tagline, sizeof addon->tagline, false);
    visit_shown(addon->description, sizeof addon->description, true);
    for (uint32_t i = 0; i < addon->n_maps; i++)
        visit_shown(addon->maps[i].name, sizeof addon->maps[i].name, false);
    for (uint32_t i = 0; i < addon->n_missions; i++) {
        visit_shown(addon->missions[i].name, sizeof addon->missions[i].name, false);
        visit_shown(addon->missions[i].title, sizeof addon->missions[i].title, false);
        if (addon->missions[i].first_chapter != n_chapters)
            abort();
        n_chapters += addon->missions[i].n_chapters;
    }
    for (uint32_t i = 0; i < addon->n_chapters; i++) {
        visit_shown(addon->chapters[i].mode, sizeof addon->chapters[i].mode, false);
        visit_shown(addon->chapters[i].map, sizeof addon->chapters[i].map, false);
        visit_shown(addon->chapters[i].title, sizeof addon->chapters[i].title, false);
    }
    for (uint32_t i = 0; i < addon->n_problems; i++)
        visit_shown(addon->problems[i], sizeof addon->problems[i], false);
    for (uint32_t i = 0; i < ADDON_KIND_COUNT; i++)
        n_files += addon->n_files[i];
    if (n_chapters != addon->n_chapters || n_files != vpk_count(vpk))
        abort();
}

// Lists it and reads everything that is not large. Returns the bytes of all entries.
static inline uint64_t visit_entries(const struct vpk *vpk, bool *ret_is_readable)
{
    uint64_t     n_bytes = 0;
    struct error err;

    *ret_is_readable = true;
    for (size_t i = 0; i < vpk_count(vpk); i++) {
        const struct vpk_entry *entry = vpk_at(vpk, i);
        const struct vpk_entry *found = vpk_find(vpk, entry->path);
        visit_shown(entry->path, VPK_PATH_MAX, false);
        if (!found || strcmp(found->path, entry->path) != 0 || *entry->path == '/' ||
            strncmp(entry->path, "../", 3) == 0 || strstr(entry->path, "/../") ||
            strchr(entry->path, '\\'))
            abort();
        if (i && strcmp(vpk_at(vpk, i - 1)->path, entry->path) > 0)
            abort();

        n_bytes += entry->size;
        AUTO(freep)
        uint8_t *content = entry->size <= UINT16_MAX ? malloc(entry->size + 1) : NULL;
        if (content && vpk_read(vpk, entry, content, &err) < 0)
            *ret_is_readable = false;
        if (content && entry->size > 2)
            (void)vpk_read_piece(vpk, entry, 1, content, 1, &err); // may fail, may not overrun
    }
    return n_bytes;
}

// What passes the check can be read, and is no larger than its files.
static inline void visit_file(const char *name, size_t n_files_bytes)
{
    AUTO(vpk_closep)
    struct vpk        *vpk = NULL;
    struct vpk_checked checked;
    struct error       err;
    bool               is_readable;

    if (vpk_open(&vpk, visit_dir(), name, &err) < 0)
        return;
    bool     is_sound = vpk_check(&checked, vpk, NULL, &err) == 0;
    uint64_t n_bytes = visit_entries(vpk, &is_readable);
    if (is_sound && (!is_readable || n_bytes > n_files_bytes || n_bytes != checked.content_bytes))
        abort();
    visit_addon(vpk);
}
