// SPDX-License-Identifier: MIT
#include "store/server.h"

#include <assert.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include "store/change.h"

#define RANDOM_BYTES 24u

// Base64 for addresses is of what the game takes: letters, digits, '-' and '_'.
static void make_password(char ret[SERVER_RCON_MAX])
{
    uint8_t bytes[RANDOM_BYTES];

    randombytes_buf(bytes, sizeof bytes);
    (void)sodium_bin2base64(ret, SERVER_RCON_MAX, bytes, sizeof bytes,
                            sodium_base64_VARIANT_URLSAFE_NO_PADDING); // it fits
    sodium_memzero(bytes, sizeof bytes);
}

static int take_password(char ret[SERVER_RCON_MAX], const char *password, struct error *err)
{
    static const char may[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                              "._~+=-";
    size_t            n = strnlen(password, SERVER_RCON_MAX);

    if (n < SERVER_RCON_MIN || n == SERVER_RCON_MAX || strspn(password, may) != n)
        return error_set(err, ERROR_INVALID,
                         "an RCON password has %u to %u of the characters A-Z a-z 0-9 . _ ~ + = -",
                         SERVER_RCON_MIN, SERVER_RCON_MAX - 1);
    memcpy(ret, password, n + 1);
    return 0;
}

// Sealed for one server, so that it is of no use in the row of another one.
static void name_context(char ret[SECRET_CONTEXT_MAX], int64_t id)
{
    (void)snprintf(ret, SECRET_CONTEXT_MAX, "rcon of server %" PRIi64, id); // it fits
}

static int seal(struct secret_sealed *ret, int64_t id, const struct secret_key *key,
                const char *rcon_password, struct error *err)
{
    char context[SECRET_CONTEXT_MAX], password[SERVER_RCON_MAX];

    if (!rcon_password)
        make_password(password);
    else if (take_password(password, rcon_password, err) < 0)
        return -1;
    name_context(context, id);
    int r = secret_seal(ret, key, context, password, strlen(password), err);
    sodium_memzero(password, sizeof password);
    return r;
}

int server_set_rcon_password(struct database *db, int64_t id, const struct secret_key *key,
                             const char *rcon_password, int64_t now_unix_s, struct error *err)
{
    static const struct query query =
        QUERY("UPDATE servers SET rcon_sealed = :sealed, changed_unix_s = :now WHERE id = :id");
    AUTO(statement_done) struct statement row = { 0 };
    struct secret_sealed                  sealed = { .n = 0 };

    assert(database_is_writing(db));
    if (seal(&sealed, id, key, rcon_password, err) < 0 ||
        statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_bytes(&row, ":sealed", sealed.bytes, sealed.n);
    statement_bind_number(&row, ":now", now_unix_s);
    statement_bind_number(&row, ":id", id);
    return statement_change_one(&row, "server", err) < 0
               ? -1
               : change_note(db, CHANGE_SERVER, id, false, err);
}

int server_rcon_password(char ret[SERVER_RCON_MAX], struct database *db, int64_t id,
                         const struct secret_key *key, struct error *err)
{
    static const struct query query = QUERY("SELECT rcon_sealed FROM servers WHERE id = :id");
    AUTO(statement_done) struct statement row = { 0 };
    char                                  context[SECRET_CONTEXT_MAX];
    size_t                                n_sealed = 0, n = 0;

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":id", id);
    if (statement_one(&row, "server", err) < 0)
        return -1;
    const void *sealed = statement_bytes(&row, 0, &n_sealed);
    name_context(context, id);
    if (secret_open(ret, &n, SERVER_RCON_MAX - 1, key, context, sealed, n_sealed, err) < 0)
        return error_prefix(err, "the RCON password of server %" PRIi64, id);
    ret[n] = '\0';
    return 0;
}
