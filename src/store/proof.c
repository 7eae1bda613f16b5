// SPDX-License-Identifier: MIT
#include "store/proof.h"

int proof_find(struct statement *ret, struct database *db, const struct query *query,
               const struct secret_hash *hash, int64_t now_unix_s, const char *denied,
               struct error *err)
{
    if (statement_begin(ret, db, query, err) < 0)
        return -1;
    statement_bind_bytes(ret, ":hash", hash->bytes, sizeof hash->bytes);
    statement_bind_number(ret, ":now", now_unix_s);
    int r = statement_next(ret, err);
    return r == 0 ? error_set(err, ERROR_DENIED, "%s", denied) : MIN(r, 0);
}

int proof_find_user(struct user *ret, struct database *db, int64_t id, struct error *err)
{
    if (user_find(ret, db, id, err) < 0)
        return -1;
    return ret->is_active ? 0 : error_set(err, ERROR_DENIED, "this account is deactivated");
}
