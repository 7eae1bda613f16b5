// SPDX-License-Identifier: MIT
#include "store/idempotency.h"
#include "store-things.h"

static struct idempotency_request begin(int64_t user, const char *key, const char *body)
{
    struct idempotency_request request = { 0 };
    struct error               err = { 0 };

    if (idempotency_begin(&request, user, key, "POST", "/servers", body, strlen(body), &err) < 0)
        fail_msg("%s", err.message);
    return request;
}

// The answer that there is, "" for none, NULL for an error.
static const char *find(struct database *db, const struct idempotency_request *request, int64_t now,
                        struct error *err)
{
    static char       text[64];
    AUTO(freep) char *answer = NULL;
    int               status = 0, r = idempotency_find(&status, &answer, db, request, now, err);

    if (r <= 0)
        return r < 0 ? NULL : "";
    snprintf(text, sizeof text, "%d %s", status, answer);
    return text;
}

static void test_the_same_again(void **state)
{
    struct database           *db = ((struct store_world *)*state)->db;
    int64_t                    bill = things_user(db, "bill", ROLE_USER);
    int64_t                    zoey = things_user(db, "zoey", ROLE_USER);
    struct idempotency_request first = begin(bill, "k1", "{\"name\":1}");
    struct idempotency_request another = begin(bill, "k1", "{\"name\":2}");
    struct idempotency_request hers = begin(zoey, "k1", "{\"name\":2}");
    struct error               err = { 0 };

    assert_string_equal(find(db, &first, NOW, &err), "");
    assert_int_equal(STORED(db, idempotency_keep(db, &first, 201, "{\"id\":7}", NOW, &err)), 0);
    assert_string_equal(find(db, &first, NOW + 1, &err), "201 {\"id\":7}");
    assert_null(find(db, &another, NOW + 1, &err));
    assert_int_equal(err.kind, ERROR_EXISTS);
    assert_string_equal(find(db, &hers, NOW + 1, &err), "");
    // A day later it is another one's, if he likes.
    assert_string_equal(find(db, &another, NOW + IDEMPOTENCY_LIFE_S, &err), "");
    assert_int_equal(STORED(db, idempotency_keep(db, &another, 202, "{}", NOW + 90000, &err)), 0);
    assert_string_equal(find(db, &another, NOW + 90001, &err), "202 {}");
}

static void test_what_makes_it_another_one(void **state)
{
    static const struct {
        const char *method, *path, *body;
    } cases[] = {
        { "POST", "/a", "{}" },  { "PUT", "/a", "{}" },  { "POST", "/b", "{}" },
        { "POST", "/a", "{ }" }, { "POST", "/a{", "}" }, { "POST/a", "", "{}" },
    };
    struct idempotency_request requests[ELEMENTS(cases)];
    struct error               err = { 0 };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        assert_int_equal(idempotency_begin(&requests[i], 1, "k", cases[i].method, cases[i].path,
                                           cases[i].body, strlen(cases[i].body), &err),
                         0);
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(requests[i].hash, requests[j].hash, sizeof requests[i].hash);
    }
}

static void test_keys(void **state)
{
    static const struct {
        const char *key;
        int         want;
    } cases[] = {
        { "a", 0 },
        { "5f7c6c0e-6d0a-4b5e-8f43-0f0a8a0c7f11", 0 },
        { "0123456789012345678901234567890123456789012345678901234567890123", 0 },
        { "01234567890123456789012345678901234567890123456789012345678901234", -1 },
        { "", -1 },
        { "a b", -1 },
        { "a\n", -1 },
        { "\x7f", -1 },
        { "\xc3\xa4", -1 },
    };
    struct idempotency_request request;
    struct error               err = { 0 };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++)
        if (idempotency_begin(&request, 1, cases[i].key, "POST", "/", "", 0, &err) != cases[i].want)
            fail_msg("'%s'", cases[i].key);
}

static void test_an_answer_that_is_too_long(void **state)
{
    struct database           *db = ((struct store_world *)*state)->db;
    int64_t                    bill = things_user(db, "bill", ROLE_USER);
    struct idempotency_request request = begin(bill, "k1", "");
    AUTO(freep) char          *answer = malloc(IDEMPOTENCY_ANSWER_MAX + 1);
    struct error               err = { 0 };

    memset(answer, ' ', IDEMPOTENCY_ANSWER_MAX);
    answer[IDEMPOTENCY_ANSWER_MAX] = '\0';
    assert_int_equal(STORED(db, idempotency_keep(db, &request, 201, answer, NOW, &err)), -1);
    assert_int_equal(err.kind, ERROR_INVALID);
}

// How many of them are kept, of those that were made from `first` on.
static unsigned count(struct database *db, int64_t user, unsigned first, unsigned end)
{
    AUTO(transaction_done) struct transaction transaction = { 0 }; // or each locks the file anew
    struct error                              err = { 0 };
    unsigned                                  n = 0;
    char                                      key[16];

    assert_int_equal(transaction_begin(&transaction, db, &err), 0);
    for (unsigned i = first; i < end; i++) {
        snprintf(key, sizeof key, "k%u", i);
        struct idempotency_request request = begin(user, key, "");
        AUTO(freep) char          *answer = NULL;
        int                        status = 0;
        n += idempotency_find(&status, &answer, db, &request, NOW, &err) > 0;
    }
    return n;
}

// What one user can have kept has an end, in rows and in bytes, and that of others stays.
static void test_too_many_of_one_user(void **state)
{
    enum { MORE = 20, LARGE = 1 << 19 };
    struct database           *db = ((struct store_world *)*state)->db;
    int64_t                    bill = things_user(db, "bill", ROLE_USER);
    int64_t                    zoey = things_user(db, "zoey", ROLE_USER);
    struct idempotency_request hers = begin(zoey, "k0", "");
    AUTO(freep) char          *large = malloc(LARGE + 1);
    struct transaction         transaction;
    struct error               err = { 0 };
    char                       key[16];

    assert_int_equal(STORED(db, idempotency_keep(db, &hers, 201, "{}", NOW - 9, &err)), 0);
    assert_int_equal(transaction_begin(&transaction, db, &err), 0);
    for (unsigned i = 0; i < IDEMPOTENCY_KEYS_MAX + MORE; i++) {
        snprintf(key, sizeof key, "k%u", i);
        struct idempotency_request request = begin(bill, key, "");
        assert_int_equal(idempotency_keep(db, &request, 201, "{}", NOW + (i >= MORE), &err), 0);
    }
    assert_int_equal(transaction_commit(&transaction, &err), 0);
    assert_int_equal(count(db, bill, 0, MORE), 0);
    assert_int_equal(count(db, bill, MORE, IDEMPOTENCY_KEYS_MAX + MORE), IDEMPOTENCY_KEYS_MAX);
    memset(large, ' ', LARGE);
    large[LARGE] = '\0';
    for (unsigned i = 0; i < MORE; i++) {
        snprintf(key, sizeof key, "k%u", i);
        struct idempotency_request request = begin(bill, key, "");
        assert_int_equal(STORED(db, idempotency_keep(db, &request, 201, large, NOW + 2 + i, &err)),
                         0);
    }
    assert_int_equal(count(db, bill, 0, MORE), IDEMPOTENCY_BYTES_MAX / LARGE);
    // Not all of them: of keys beside such answers each look-up reads some of those.
    assert_int_equal(count(db, bill, MORE, 2 * MORE), 0);
    assert_int_equal(count(db, bill, IDEMPOTENCY_KEYS_MAX, IDEMPOTENCY_KEYS_MAX + MORE), 0);
    assert_string_equal(find(db, &hers, NOW, &err), "201 {}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_STORE(test_the_same_again),       cmocka_unit_test(test_what_makes_it_another_one),
        cmocka_unit_test(test_keys),         IN_STORE(test_an_answer_that_is_too_long),
        IN_STORE(test_too_many_of_one_user),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
