// SPDX-License-Identifier: MIT
#include "store/invitation.h"
#include "store/session.h"
#include "store-world.h"

#define NOW 1000000

static int64_t add_user(struct database *db, const char *name, enum role role)
{
    int64_t      id = 0;
    struct error err = { 0 };

    if (STORED(db, user_add(&id, db, name, role, NOW, &err)) < 0)
        fail_msg("%s", err.message);
    return id;
}

static struct secret_hash begin(struct database *db, int64_t user, int64_t now)
{
    struct secret_hash hash;
    char               word[SECRET_WORD_MAX];
    int64_t            id;
    struct error       err = { 0 };

    secret_make(word, &hash, SECRET_SESSION);
    if (STORED(db, session_add(&id, db, &hash, user, "192.0.2.7", "Firefox\x1b", now, &err)) < 0)
        fail_msg("%s", err.message);
    return hash;
}

// 0: there is one, and it is written down that it was seen.
static int find(struct session *ret, struct database *db, const struct secret_hash *hash,
                int64_t now, struct error *err)
{
    struct user user;
    bool        is_stale = false;

    if (session_find(ret, &user, &is_stale, db, hash, now, err) < 0)
        return -1;
    if (is_stale)
        assert_int_equal(STORED(db, session_see(db, ret->id, now, err)), 0);
    return 0;
}

// ---- sessions ---------------------------------------------------------------------------------

static void test_a_session(void **state)
{
    struct database   *db = ((struct store_world *)*state)->db;
    int64_t            user = add_user(db, "bill", ROLE_USER);
    struct secret_hash hash = begin(db, user, NOW), other = hash;
    struct session     session = { 0 };
    struct user        found;
    bool               is_stale = true;
    struct error       err = { 0 };

    assert_int_equal(session_find(&session, &found, &is_stale, db, &hash, NOW + 59, &err), 0);
    assert_false(is_stale);
    assert_string_equal(found.name, "bill");
    assert_int_equal(session.user, user);
    assert_string_equal(session.address, "192.0.2.7");
    assert_string_equal(session.agent, "Firefox?");
    other.bytes[0] ^= 1;
    assert_int_equal(session_find(&session, &found, &is_stale, db, &other, NOW, &err), -1);
    assert_int_equal(err.kind, ERROR_DENIED);
    assert_int_equal(STORED(db, user_set_active(db, user, false, &err)), 0);
    assert_int_equal(session_find(&session, &found, &is_stale, db, &hash, NOW, &err), -1);
    assert_int_equal(err.kind, ERROR_DENIED);
}

// Who comes every day is asked for the password once a month; who does not, after a week.
static void test_its_life(void **state)
{
    struct database   *db = ((struct store_world *)*state)->db;
    int64_t            user = add_user(db, "bill", ROLE_USER);
    struct secret_hash daily = begin(db, user, NOW), idle = begin(db, user, NOW);
    struct session     session;
    struct error       err = { 0 };
    int64_t            day = 0;

    while (day < 60 && find(&session, db, &daily, NOW + day * 86400, &err) == 0)
        day++;
    assert_int_equal(day, 30);
    assert_int_equal(find(&session, db, &idle, NOW + SESSION_IDLE_S - 1, &err), 0);
    assert_int_equal(find(&session, db, &idle, NOW + 3 * SESSION_IDLE_S, &err), -1);
    assert_int_equal(STORED(db, session_drop_expired(db, NOW + 60 * 86400, &err)), 0);
    assert_int_equal(session_next(&session, db, user, 0, 0, &err), 0);
}

static void test_their_number(void **state)
{
    struct database   *db = ((struct store_world *)*state)->db;
    int64_t            user = add_user(db, "bill", ROLE_USER), other = add_user(db, "zoey", 0);
    struct secret_hash first = begin(db, user, NOW), others = begin(db, other, NOW);
    struct session     session = { 0 };
    struct error       err = { 0 };
    unsigned           n = 0;

    for (unsigned i = 1; i < SESSION_USER_MAX; i++)
        (void)begin(db, user, NOW + i);
    assert_int_equal(find(&session, db, &first, NOW + 1, &err), 0);
    (void)begin(db, user, NOW + 100);
    assert_int_equal(find(&session, db, &first, NOW + 100, &err), -1);
    assert_int_equal(find(&session, db, &others, NOW + 100, &err), 0);
    for (int64_t id = 0; session_next(&session, db, user, id, NOW + 100, &err) > 0; id = session.id)
        n++;
    assert_int_equal(n, SESSION_USER_MAX);
}

static void test_their_end(void **state)
{
    struct database   *db = ((struct store_world *)*state)->db;
    int64_t            user = add_user(db, "bill", ROLE_USER), other = add_user(db, "zoey", 0);
    struct secret_hash one = begin(db, user, NOW), two = begin(db, user, NOW);
    struct secret_hash three = begin(db, user, NOW), others = begin(db, other, NOW);
    struct session     session = { 0 };
    struct error       err = { 0 };

    assert_int_equal(find(&session, db, &others, NOW, &err), 0);
    assert_int_equal(STORED(db, session_end(db, user, session.id, &err)), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    assert_int_equal(find(&session, db, &one, NOW, &err), 0);
    assert_int_equal(STORED(db, session_end(db, user, session.id, &err)), 0);
    assert_int_equal(find(&session, db, &one, NOW, &err), -1);
    assert_int_equal(find(&session, db, &two, NOW, &err), 0);
    assert_int_equal(STORED(db, session_end_all(db, user, session.id, &err)), 0);
    assert_int_equal(find(&session, db, &two, NOW, &err), 0);
    assert_int_equal(find(&session, db, &three, NOW, &err), -1);
    assert_int_equal(STORED(db, session_end_all(db, user, 0, &err)), 0);
    assert_int_equal(find(&session, db, &two, NOW, &err), -1);
    assert_int_equal(find(&session, db, &others, NOW, &err), 0);
}

// ---- invitations ------------------------------------------------------------------------------

static struct secret_hash invite(struct database *db, const struct invitation *invitation)
{
    struct secret_hash hash;
    char               word[SECRET_WORD_MAX];
    int64_t            id;
    struct error       err = { 0 };

    secret_make(word, &hash, SECRET_INVITATION);
    if (STORED(db, invitation_add(&id, db, invitation, &hash, &err)) < 0)
        fail_msg("%s", err.message);
    return hash;
}

static void test_an_invitation(void **state)
{
    struct database   *db = ((struct store_world *)*state)->db;
    struct invitation  wanted = { .role = ROLE_ADMIN, .created_unix_s = NOW }, found;
    struct secret_hash hash = invite(db, &wanted);
    struct user        user;
    int64_t            id = 0;
    struct error       err = { 0 };

    assert_int_equal(invitation_find(&found, db, &hash, NOW + INVITATION_LIFE_S, &err), -1);
    assert_int_equal(err.kind, ERROR_DENIED);
    assert_int_equal(invitation_find(&found, db, &hash, NOW + 5, &err), 0);
    assert_string_equal(found.name, "");
    assert_int_equal(STORED(db, invitation_accept(&id, db, &found, "a b", "$h", NOW, &err)), -1);
    assert_int_equal(err.kind, ERROR_INVALID);
    // Such a mistake does not use it up.
    assert_int_equal(STORED(db, invitation_accept(&id, db, &found, "zoey", "$h", NOW, &err)), 0);
    assert_int_equal(user_find(&user, db, id, &err), 0);
    assert_string_equal(user.name, "zoey");
    assert_true(user.role == ROLE_ADMIN && user.has_password);
    assert_int_equal(STORED(db, invitation_accept(&id, db, &found, "ellis", "$h", NOW, &err)), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    assert_int_equal(invitation_find(&found, db, &hash, NOW + 5, &err), -1);
}

static void test_a_new_password(void **state)
{
    struct database   *db = ((struct store_world *)*state)->db;
    int64_t            user = add_user(db, "bill", ROLE_USER), id = 0;
    struct secret_hash session = begin(db, user, NOW);
    struct invitation  wanted = { .user = user, .created_unix_s = NOW }, found;
    struct secret_hash lost = invite(db, &wanted), hash = invite(db, &wanted);
    struct session     old;
    struct error       err = { 0 };

    assert_int_equal(invitation_find(&found, db, &lost, NOW, &err), -1); // the last one counts
    assert_int_equal(invitation_find(&found, db, &hash, NOW, &err), 0);
    assert_int_equal(found.user, user);
    assert_int_equal(STORED(db, invitation_accept(&id, db, &found, "x", "$new", NOW, &err)), 0);
    assert_int_equal(id, user);
    assert_int_equal(find(&old, db, &session, NOW, &err), -1);
}

// What an admin has prepared does not bring him back when he is one no longer.
static void test_whose_invitation_it_is(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    struct error     err = { 0 };

    for (unsigned i = 0; i < 4; i++) {
        static const char *const names[] = { "bill", "louis", "francis", "zoey" };
        int64_t                  user = add_user(db, names[i], ROLE_ADMIN);
        struct invitation  wanted = { .role = ROLE_ADMIN, .made_by = user, .created_unix_s = NOW };
        struct secret_hash hash = invite(db, &wanted), session = begin(db, user, NOW);
        struct session     old;
        assert_int_equal(invitation_find(&wanted, db, &hash, NOW, &err), 0);
        int r = i == 0   ? STORED(db, user_set_role(db, user, ROLE_USER, &err))
                : i == 1 ? STORED(db, user_set_active(db, user, false, &err))
                : i == 2 ? STORED(db, user_remove(db, user, &err))
                         : STORED(db, user_set_active(db, user, true, &err));
        assert_int_equal(r, 0);
        assert_int_equal(invitation_find(&wanted, db, &hash, NOW, &err), i < 3 ? -1 : 0);
        if (i == 1)
            assert_int_equal(STORED(db, user_set_active(db, user, true, &err)), 0);
        assert_int_equal(find(&old, db, &session, NOW, &err), i < 3 ? -1 : 0);
    }
}

// A link that somebody has asked for and not used is of no use to who finds it later.
static void test_a_password_that_is_changed(void **state)
{
    struct database   *db = ((struct store_world *)*state)->db;
    int64_t            user = add_user(db, "bill", ROLE_USER);
    struct invitation  wanted = { .user = user, .created_unix_s = NOW };
    struct secret_hash hash = invite(db, &wanted);
    struct error       err = { 0 };

    assert_int_equal(STORED(db, user_set_password_hash(db, user, "$new", &err)), 0);
    assert_int_equal(invitation_find(&wanted, db, &hash, NOW, &err), -1);
    assert_int_equal(err.kind, ERROR_DENIED);
}

static void test_invitations_are_listed(void **state)
{
    struct database  *db = ((struct store_world *)*state)->db;
    struct invitation wanted = { .name = "zoey", .created_unix_s = NOW }, found = { 0 };
    struct error      err = { 0 };

    (void)invite(db, &wanted);
    wanted.created_unix_s = NOW + 10;
    (void)invite(db, &wanted);
    assert_int_equal(invitation_next(&found, db, 0, NOW, &err), 1);
    assert_int_equal(invitation_next(&found, db, found.id, NOW, &err), 1);
    assert_string_equal(found.name, "zoey");
    assert_int_equal(found.expires_unix_s, NOW + 10 + INVITATION_LIFE_S);
    assert_int_equal(invitation_next(&found, db, found.id, NOW, &err), 0);
    assert_int_equal(STORED(db, invitation_drop_expired(db, NOW + INVITATION_LIFE_S, &err)), 0);
    assert_int_equal(invitation_next(&found, db, 0, NOW, &err), 1);
    assert_int_equal(STORED(db, invitation_remove(db, found.id, &err)), 0);
    assert_int_equal(STORED(db, invitation_remove(db, found.id, &err)), -1);
    assert_int_equal(invitation_next(&found, db, 0, NOW, &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_STORE(test_a_session),
        IN_STORE(test_its_life),
        IN_STORE(test_their_number),
        IN_STORE(test_their_end),
        IN_STORE(test_an_invitation),
        IN_STORE(test_a_new_password),
        IN_STORE(test_whose_invitation_it_is),
        IN_STORE(test_a_password_that_is_changed),
        IN_STORE(test_invitations_are_listed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
