// SPDX-License-Identifier: MIT
#include "web/password.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include "web/aside.h"

struct hasher {
    struct aside *aside;
};

struct hashing {
    struct aside_task task;
    bool              is_match, wants_match;
    char              hash[PASSWORD_HASH_MAX];
    char              password[PASSWORD_BYTES_MAX + 1];
    hasher_done       done;
    void             *context;
};

static void work(struct aside_task *task)
{
    struct hashing *hashing = (struct hashing *)task;
    struct error    ignored; // "" is the answer then

    if (hashing->wants_match)
        hashing->is_match = password_matches(hashing->hash, hashing->password);
    else if (password_hash(hashing->hash, hashing->password, &ignored) < 0)
        hashing->hash[0] = '\0';
    sodium_memzero(hashing->password, sizeof hashing->password);
}

static void tell(struct aside_task *task)
{
    struct hashing *hashing = (struct hashing *)task;

    if (task->waiter)
        hashing->done(hashing->context, hashing->is_match, hashing->hash);
}

static void drop(struct aside_task *task)
{
    sodium_memzero(task, sizeof(struct hashing));
    free(task);
}

int hasher_open(struct hasher **ret, sd_event *event, struct error *err)
{
    static const struct aside_limits   limits = { .threads = 1, .tasks = PASSWORD_QUEUE_MAX };
    AUTO(hasher_closep) struct hasher *hasher = calloc(1, sizeof *hasher);

    if (!hasher)
        return error_sys(err, ENOMEM, "making a hasher");
    if (aside_open(&hasher->aside, event, &limits,
                   "too many people are logging in at this moment: try again soon", err) < 0)
        return -1;
    *ret = TAKE(hasher);
    return 0;
}

struct hasher *hasher_close(struct hasher *hasher)
{
    if (hasher)
        hasher->aside = aside_close(hasher->aside);
    free(hasher);
    return NULL;
}

void hasher_closep(struct hasher **hasher)
{
    *hasher = hasher_close(*hasher);
}

static int ask(struct hasher *hasher, const char *hash, const char *password, hasher_done done,
               void *context, struct error *err)
{
    size_t n = strnlen(password, PASSWORD_BYTES_MAX + 1);

    if (n > PASSWORD_BYTES_MAX)
        return password_check(password, err);
    if (hash && strnlen(hash, PASSWORD_HASH_MAX) == PASSWORD_HASH_MAX)
        return error_set(err, ERROR_INVALID, "it is no hash of a password");
    struct hashing *hashing = calloc(1, sizeof *hashing);
    if (!hashing)
        return error_sys(err, ENOMEM, "hashing a password");
    hashing->task =
        (struct aside_task){ .work = work, .done = tell, .drop = drop, .waiter = context };
    hashing->wants_match = hash;
    (void)strcpy(hashing->hash, hash ? hash : ""); // it fits
    memcpy(hashing->password, password, n + 1);
    hashing->done = done;
    hashing->context = context;
    return aside_run(hasher->aside, &hashing->task, err);
}

int hasher_match(struct hasher *hasher, const char *hash, const char *password, hasher_done done,
                 void *context, struct error *err)
{
    return ask(hasher, hash, password, done, context, err);
}

int hasher_make(struct hasher *hasher, const char *password, hasher_done done, void *context,
                struct error *err)
{
    return password_check(password, err) < 0 ? -1 : ask(hasher, NULL, password, done, context, err);
}

void hasher_forget(struct hasher *hasher, const void *context)
{
    aside_forget(hasher->aside, context);
}
