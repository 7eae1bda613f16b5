// SPDX-License-Identifier: MIT
#include "host/instances.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>
#include "base/dir.h"
#include "base/fd.h"
#include "host/ownoverlay.h"

#define PASSWORD_LENGTH 24u // 142 bits of 62 characters

// Any digits: a name that only looks like one of the page would be taken for one as well.
bool instances_is_of_page(const struct instance_name *name)
{
    const char *digits = name->text + 1;

    return name->text[0] == 's' && *digits && digits[strspn(digits, "0123456789")] == '\0';
}

int instances_open(int *ret, const struct host_paths *paths, const struct instance_name *name,
                   struct error *err)
{
    AUTO_FD all_fd = -1;

    if (host_open_data_dir(&all_fd, paths, "instances", err) < 0)
        return -1;
    if (fd_open_dir(ret, all_fd, name->text, err) == 0)
        return 0;
    if (err->kind == ERROR_NOT_FOUND)
        return error_set(err, ERROR_NOT_FOUND, "there is no instance '%s'", name->text);
    return -1;
}

// What we stored is our fault, not that of the one who typed a name.
static int damaged(const struct instance_name *name, struct error *err)
{
    struct error why = *err;

    return error_set(err, ERROR_FAILED,
                     "the stored specification of '%s' is damaged: give it again with 'l4d2ctl "
                     "initialize' (%.80s)",
                     name->text, why.message);
}

int instances_load(struct instance **ret, const struct host_paths *paths,
                   const struct instance_name *name, struct error *err)
{
    AUTO_FD           fd = -1;
    AUTO(freep) char *bytes = NULL;
    size_t            n = 0;
    char              file[sizeof name->text + 16];

    if (instances_open(&fd, paths, name, err) < 0)
        return -1;
    if (fd_read_file(&bytes, &n, fd, INSTANCE_SPEC_FILE, INSTANCE_BYTES_MAX, err) < 0) {
        if (err->kind == ERROR_NOT_FOUND)
            return error_set(err, ERROR_NOT_FOUND,
                             "there is no instance '%s': its making was not finished", name->text);
        if (err->kind == ERROR_INVALID)
            return damaged(name, err);
        return error_prefix(err, "instance '%s'", name->text);
    }
    (void)snprintf(file, sizeof file, "%s/" INSTANCE_SPEC_FILE, name->text); // it fits
    uint32_t own = 0;
    if (ownoverlay_read_at(&own, fd, err) < 0)
        return -1;
    if (instance_parse(ret, file, bytes, n, err) < 0)
        return err->kind == ERROR_INVALID ? damaged(name, err) : -1;
    (*ret)->own_overlay = own;
    return 0;
}

int instances_load_password(char *ret, int instance_fd, const char *name, struct error *err)
{
    AUTO(freep) char *bytes = NULL;
    size_t            n = 0;

    int r = fd_read_file(&bytes, &n, instance_fd, INSTANCE_PASSWORD_FILE, INSTANCE_PASSWORD_MAX + 1,
                         err);
    if (r < 0 && err->kind == ERROR_NOT_FOUND)
        return error_set(err, ERROR_FAILED,
                         "the RCON password of '%s' is gone: run 'l4d2ctl initialize' again", name);
    if (r < 0 && err->kind != ERROR_INVALID)
        return error_prefix(err, "instance '%s'", name);
    if (r == 0 && n > 0 && bytes[n - 1] == '\n')
        bytes[--n] = '\0';
    if (r < 0 || strlen(bytes) != n || !instance_password_is_valid(bytes))
        return error_set(err, ERROR_FAILED,
                         "the RCON password of '%s' is damaged: run 'l4d2ctl initialize' again",
                         name);
    memcpy(ret, bytes, n + 1);
    return 0;
}

static int make_password(char *ret, struct error *err)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    const unsigned    n_alphabet = sizeof alphabet - 1;
    const unsigned    fair = 256 - 256 % n_alphabet; // bytes from here on would favour some
    size_t            n = 0;

    while (n < PASSWORD_LENGTH) {
        uint8_t byte;
        if (getrandom(&byte, 1, 0) != 1)
            return error_sys(err, errno, "making an RCON password");
        if (byte < fair)
            ret[n++] = alphabet[byte % n_alphabet];
    }
    ret[n] = '\0';
    return 0;
}

// Leaves the stored secret alone if it is the wanted one already.
static int save_password(int instance_fd, const struct instance *instance, struct error *err)
{
    char password[INSTANCE_PASSWORD_MAX + 1] = "";
    bool is_there = instances_load_password(password, instance_fd, "", err) == 0;

    if (is_there && (!*instance->rcon_password || strcmp(password, instance->rcon_password) == 0))
        return 0;
    if (*instance->rcon_password)
        memcpy(password, instance->rcon_password, sizeof password);
    else if (make_password(password, err) < 0)
        return -1;
    return fd_replace_file(instance_fd, INSTANCE_PASSWORD_FILE, password, strlen(password), 0600,
                           err);
}

int instances_save(int instance_fd, const struct instance *instance, struct error *err)
{
    AUTO(buffer_done) struct buffer text = { 0 };

    buffer_add_string(&text,
                      "# Written by l4d2ctl; change it with: l4d2ctl initialize NAME -f FILE\n");
    instance_format(&text, instance);
    if (buffer_check(&text, err) < 0 || save_password(instance_fd, instance, err) < 0)
        return -1;
    return fd_replace_file(instance_fd, INSTANCE_SPEC_FILE, text.bytes, text.n, 0600, err);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct instance_name *)a)->text, ((const struct instance_name *)b)->text);
}

// Reads the names into a grown array; owned by the caller.
static int read_names(struct instance_name **ret, size_t *ret_n, DIR *dir, struct error *err)
{
    AUTO(freep) struct instance_name *names = NULL;
    size_t                            n = 0, capacity = 0;
    const char                       *entry;
    int                               r;

    while ((r = dir_next(&entry, dir, err)) > 0) {
        struct instance_name name;
        struct error         ignored;
        if (instance_name_set(&name, entry, &ignored) < 0)
            continue; // nothing else belongs there
        if (n == capacity) {
            capacity = MAX(capacity * 2, (size_t)32);
            struct instance_name *grown = reallocarray(names, capacity, sizeof *names);
            if (!grown)
                return error_sys(err, errno, "listing the instances");
            names = grown;
        }
        names[n++] = name;
    }
    if (r < 0)
        return -1;
    if (n > 0)
        qsort(names, n, sizeof *names, compare_names);
    *ret = TAKE(names);
    *ret_n = n;
    return 0;
}

int instances_list(struct strings *ret, const struct host_paths *paths, struct error *err)
{
    AUTO(freep) struct instance_name *names = NULL;
    size_t                            n = 0;
    AUTO_FD                           fd = -1;
    AUTO_DIR                          dir = NULL;

    if (host_open_data_dir(&fd, paths, "instances", err) < 0)
        return -1;
    if (dir_open(&dir, fd, err) < 0 || read_names(&names, &n, dir, err) < 0)
        return error_prefix(err, "the instances");
    for (size_t i = 0; i < n; i++)
        strings_add(ret, names[i].text, strlen(names[i].text));
    return buffer_check(&ret->text, err);
}

static int check_ports_between(const struct instance *a, const struct instance *b, const char *name,
                               struct error *err)
{
    const uint16_t           mine[] = { a->port, a->tv_port, a->client_port };
    const uint16_t           theirs[] = { b->port, b->tv_port, b->client_port };
    static const char *const words[] = { "port", "tv_port", "client_port" };

    for (size_t i = 0; i < ELEMENTS(mine); i++)
        for (size_t j = 0; j < ELEMENTS(theirs); j++)
            if (mine[i] && mine[i] == theirs[j])
                return error_set(err, ERROR_EXISTS, "%s %u is taken: it is the %s of instance '%s'",
                                 words[i], mine[i], words[j], name);
    return 0;
}

int instances_check_ports(const struct host_paths *paths, const struct instance_name *name,
                          const struct instance *instance, struct error *err)
{
    AUTO(strings_done) struct strings names = { 0 };

    if (instances_list(&names, paths, err) < 0)
        return -1;
    for (const char *s = strings_next(&names, NULL); s; s = strings_next(&names, s)) {
        AUTO(instance_freep) struct instance *other = NULL;
        struct instance_name                  other_name;
        struct error                          ignored;
        if (strcmp(s, name->text) == 0 || instance_name_set(&other_name, s, &ignored) < 0)
            continue;
        if (instances_load(&other, paths, &other_name, &ignored) < 0)
            continue; // unfinished or damaged: it cannot start, so it holds no port
        if (check_ports_between(instance, other, s, err) < 0)
            return -1;
    }
    return 0;
}
