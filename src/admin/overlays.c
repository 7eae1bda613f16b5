// SPDX-License-Identifier: MIT
#include "admin/overlays.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/fd.h"
#include "base/tree.h"
#include "host/broker.h"
#include "overlay/type.h"
#include "store/ownedoverlay.h"
#include "store/user.h"

#define SUBJECT_ROOM 40u

int overlays_owner(int64_t *ret, const struct admin *admin, struct error *err)
{
    const char *name = admin->option[OPTION_OWNER];
    struct user user = { 0 };
    int         r;

    if (name) {
        if (user_find_name(&user, admin->db, name, err) < 0)
            return -1;
        *ret = user.id;
        return 0;
    }
    while ((r = user_next(&user, admin->db, user.id, err)) > 0)
        if (user.role == ROLE_ADMIN && user.is_active) {
            *ret = user.id;
            return 0;
        }
    return r < 0 ? -1
                 : error_set(err, ERROR_NOT_FOUND,
                             "there is no admin yet whose it could be: 'left4me user add NAME "
                             "--admin', or say --owner");
}

// ---- the database ------------------------------------------------------------------------------

int overlays_note(struct admin *admin, const struct source *source, int64_t owner,
                  struct error *err)
{
    struct owned_overlay overlay;

    if (owned_overlay_find(&overlay, admin->db, source->number, VIEWER_ALL, err) == 0)
        return 0;
    if (err->kind != ERROR_NOT_FOUND)
        return -1;
    overlay = (struct owned_overlay){
        .id = source->number, .type = source->type, .owner = owner, .created_unix_s = admin_now_s()
    };
    (void)snprintf(overlay.name, sizeof overlay.name, "%.64s", source->title); // it fits
    return owned_overlay_add(admin->db, &overlay, err);
}

static int note_change(struct admin *admin, const struct source *source, const char *action,
                       int64_t owner, struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    char                                      subject[SUBJECT_ROOM];

    (void)snprintf(subject, sizeof subject, "overlay %" PRIu32, source->number); // it fits
    if (transaction_begin(&transaction, admin->db, err) < 0 ||
        overlays_note(admin, source, owner, err) < 0 ||
        admin_record(
            admin, action, subject,
            json_pack("{s:s, s:s}", "name", source->title, "type", overlay_type_word(source->type)),
            err) < 0)
        return -1;
    return transaction_commit(&transaction, err);
}

// ---- the host ----------------------------------------------------------------------------------

static int put_tree(const struct admin *admin, const struct source *source, int from_fd,
                    struct error *err)
{
    AUTO_FD fd = -1;

    if (source_open(&fd, &admin->places.host, source->number, err) < 0 ||
        tree_remove(fd, "tree", err) < 0 || tree_remove(fd, ".work", err) < 0)
        return -1;
    return renameat(from_fd, "tree", fd, "tree") < 0
               ? error_sys(err, errno, "moving a tree to its place")
               : 0;
}

static int put_content(const struct admin *admin, const struct source *source,
                       const struct overlay_content *content, struct error *err)
{
    if (content->text && source_text_file(source->type) &&
        source_write_text(&admin->places.host, source, content->text, content->n_text, err) < 0)
        return -1;
    if (content->dir_fd >= 0 && source->type == OVERLAY_FILES &&
        put_tree(admin, source, content->dir_fd, err) < 0)
        return -1;
    return source_save(source, &admin->places.host, err);
}

static int check_name(const struct admin *admin, const struct source *source, struct error *err)
{
    struct source there;

    if (source_check_name(source->name, err) < 0)
        return -1;
    if (source_find(&there, &admin->places.host, source->name, err) == 0)
        return error_set(err, ERROR_EXISTS, "overlay %" PRIu32 " is called '%s' already",
                         there.number, source->name);
    return err->kind == ERROR_NOT_FOUND ? 0 : -1;
}

// What failed half-way is removed again, as far as that goes.
static int create(const struct admin *admin, struct source *source,
                  const struct overlay_content *content, struct error *err)
{
    AUTO_FD      lock_fd = -1;
    struct reply reply;
    struct error ignored;

    if (source_lock(&lock_fd, &admin->places.host, err) < 0 || check_name(admin, source, err) < 0 ||
        broker_overlay_create(&admin->places.host, source->type, &reply, err) < 0)
        return -1;
    source->number = reply.overlay;
    if (put_content(admin, source, content, err) == 0)
        return 0;
    (void)!broker_overlay_remove(&admin->places.host, source->number, &reply, &ignored);
    return -1;
}

int overlays_create(struct admin *admin, struct source *source,
                    const struct overlay_content *content, int64_t owner, struct error *err)
{
    if (create(admin, source, content, err) < 0)
        return -1;
    return note_change(admin, source, "overlay.create", owner, err);
}

// ---- changing ----------------------------------------------------------------------------------

static int is_same(bool *ret, const struct admin *admin, const struct source *source,
                   const struct overlay_content *content, struct error *err)
{
    AUTO(buffer_done) struct buffer is = { 0 }, wanted = { 0 };
    struct source                   there;

    *ret = false;
    if (source_load(&there, &admin->places.host, source->number, err) < 0)
        return -1;
    if (there.type != source->type)
        return error_set(err, ERROR_EXISTS, "the overlay '%s' is of type '%s' here", there.title,
                         overlay_type_word(there.type));
    if (there.keep != source->keep || there.output_max_bytes != source->output_max_bytes ||
        there.is_daily != source->is_daily || content->dir_fd >= 0)
        return 0;
    if (!content->text || !source_text_file(source->type)) {
        *ret = true;
        return 0;
    }
    if (source_read_text(&is, &admin->places.host, source, err) < 0)
        return err->kind == ERROR_NOT_FOUND ? 0 : -1;
    if (source_normalise(&wanted, content->text, content->n_text, err) < 0)
        return -1;
    *ret = is.n == wanted.n && (is.n == 0 || memcmp(is.bytes, wanted.bytes, is.n) == 0);
    return 0;
}

int overlays_change(enum overlay_change *ret, struct admin *admin, const struct source *source,
                    const struct overlay_content *content, struct error *err)
{
    AUTO_FD lock_fd = -1;
    bool    same = false;

    if (source_lock(&lock_fd, &admin->places.host, err) < 0 ||
        is_same(&same, admin, source, content, err) < 0)
        return -1;
    *ret = same ? OVERLAY_SAME : OVERLAY_CHANGED;
    if (same)
        return 0;
    if (put_content(admin, source, content, err) < 0)
        return -1;
    lock_fd = fd_close(lock_fd);
    return note_change(admin, source, "overlay.set", 0, err);
}
