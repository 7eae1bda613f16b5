// SPDX-License-Identifier: MIT
#include "store/secret.h"
#include "unit.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/xattr.h>

static void test_words(void **state)
{
    char               word[SECRET_WORD_MAX], other[SECRET_WORD_MAX];
    struct secret_hash hash, again, another;
    struct error       err = { 0 };

    (void)state;
    for (int purpose = 0; purpose < SECRET_PURPOSES; purpose++) {
        secret_make(word, &hash, purpose);
        secret_make(other, &another, purpose);
        assert_string_not_equal(word, other);
        assert_memory_not_equal(&hash, &another, sizeof hash);
        assert_int_equal(strncmp(word, "l4m_", 4) == 0, purpose == SECRET_API_TOKEN);
        assert_int_equal(secret_hash_word(&again, purpose, word, &err), 0);
        assert_memory_equal(&hash, &again, sizeof hash);
        // Said where another one is asked for, it is nobody's.
        for (int as = 0; as < SECRET_PURPOSES; as++)
            if (as != purpose && secret_hash_word(&again, as, word, &err) == 0)
                assert_memory_not_equal(&hash, &again, sizeof hash);
    }
}

static void test_what_is_no_word(void **state)
{
    static const char *const cases[] = {
        "",
        "x",
        "l4m_",
        "l4m_short",
        "L4M_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "l4m_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };
    struct secret_hash hash;
    struct error       err;

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        assert_int_equal(secret_hash_word(&hash, SECRET_API_TOKEN, cases[i], &err), -1);
        assert_int_equal(err.kind, ERROR_DENIED);
    }
}

// A code is read from paper: however it is typed, it is the same.
static void test_codes(void **state)
{
    static const struct {
        const char *word;
        bool        is_code;
    } cases[] = {
        { "abcd-efgh-ijkl-mnop", true },  { "ABCD EFGH IJKL MNOP", true },
        { "abcdefghijklmnop", true },     { "-aBcD--efgh ijklmnop ", true },
        { "abcd-efgh-ijkl-mno", false },  { "abcd-efgh-ijkl-mnopq", false },
        { "abcd-efgh-ijkl-mno1", false }, { "abcd-efgh-ijkl-mno\xc3\xb6", false },
        { "abcd_efgh_ijkl_mnop", false }, { "", false },
    };
    struct secret_hash first, hash;
    struct error       err;
    char               word[SECRET_WORD_MAX];

    (void)state;
    assert_int_equal(secret_hash_word(&first, SECRET_RECOVERY, cases[0].word, &err), 0);
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        int r = secret_hash_word(&hash, SECRET_RECOVERY, cases[i].word, &err);
        assert_int_equal(r, cases[i].is_code ? 0 : -1);
        if (r == 0)
            assert_memory_equal(&hash, &first, sizeof hash);
        else
            assert_int_equal(err.kind, ERROR_DENIED);
    }
    secret_make(word, &hash, SECRET_RECOVERY);
    assert_int_equal(strlen(word), strlen("ABCD-EFGH-IJKL-MNOP"));
    assert_int_equal(word[4], '-');
}

static void test_the_key(void **state)
{
    const struct unit_dir *dir = *state;
    struct secret_key      key, made;
    struct error           err = { 0 };
    char                   path[128];

    snprintf(path, sizeof path, "%s/key", dir->path);
    assert_int_equal(secret_key_read(&key, path, &err), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    secret_key_make(&made);
    assert_int_equal(fd_replace_file(dir->fd, "key", made.bytes, sizeof made.bytes, 0600, &err), 0);
    assert_int_equal(secret_key_read(&key, path, &err), 0);
    assert_memory_equal(&key, &made, sizeof key);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(secret_key_read(&key, path, &err), -1);
    assert_int_equal(err.kind, ERROR_INVALID);
    assert_int_equal(fd_replace_file(dir->fd, "key", made.bytes, 31, 0600, &err), 0);
    assert_int_equal(secret_key_read(&key, path, &err), -1);
    assert_int_equal(err.kind, ERROR_INVALID);
    secret_key_forget(&made);
    secret_key_forget(&key);
    assert_memory_equal(&key, &(struct secret_key){ 0 }, sizeof key);
}

// As systemd hands it to a service that is not root's: for one user, by an access list.
static void test_the_key_of_a_service(void **state)
{
    static const uint8_t list[] = {
        2,  0, 0, 0,                         // its version
        1,  0, 4, 0, 0xff, 0xff, 0xff, 0xff, // the owner
        2,  0, 4, 0, 0xfe, 0xff, 0,    0,    // a user
        4,  0, 0, 0, 0xff, 0xff, 0xff, 0xff, // the group
        16, 0, 4, 0, 0xff, 0xff, 0xff, 0xff, // the mask
        32, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, // others
    };
    const struct unit_dir *dir = *state;
    struct secret_key      key, made;
    struct stat            st;
    struct error           err = { 0 };
    char                   path[128];

    snprintf(path, sizeof path, "%s/key", dir->path);
    secret_key_make(&made);
    assert_int_equal(fd_replace_file(dir->fd, "key", made.bytes, sizeof made.bytes, 0400, &err), 0);
    if (setxattr(path, "system.posix_acl_access", list, sizeof list, 0) < 0 && errno == EOPNOTSUPP)
        skip();
    assert_return_code(stat(path, &st), errno);
    assert_int_equal(st.st_mode & 0777, 0440);
    if (secret_key_read(&key, path, &err) < 0)
        fail_msg("%s", err.message);
    assert_memory_equal(&key, &made, sizeof key);
}

static void test_where_the_key_is(void **state)
{
    const struct unit_dir *dir = *state;
    struct secret_key      key, made;
    struct error           err = { 0 };
    char                   path[PATH_MAX];

    secret_key_make(&made);
    assert_int_equal(
        fd_replace_file(dir->fd, SECRET_KEY_CREDENTIAL, made.bytes, sizeof made.bytes, 0400, &err),
        0);
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", dir->path, 1), 0);
    assert_int_equal(secret_key_find(&key, &err), 0);
    assert_memory_equal(&key, &made, sizeof key);
    assert_int_equal(unlinkat(dir->fd, SECRET_KEY_CREDENTIAL, 0), 0);
    assert_int_equal(secret_key_find(&key, &err), -1); // never that of the machine instead
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    memset(path, 'a', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", path, 1), 0);
    assert_int_equal(secret_key_find(&key, &err), -1);
    assert_int_equal(err.kind, ERROR_INVALID);
    assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
}

static void test_seals(void **state)
{
    static const char    text[] = "changeme";
    struct secret_key    key, other;
    struct secret_sealed sealed, again;
    struct error         err = { 0 };
    char                 opened[64];
    size_t               n = 0;

    (void)state;
    secret_key_make(&key);
    secret_key_make(&other);
    assert_int_equal(secret_seal(&sealed, &key, "rcon of 1", text, sizeof text, &err), 0);
    assert_int_equal(secret_seal(&again, &key, "rcon of 1", text, sizeof text, &err), 0);
    assert_int_equal(sealed.n, sizeof text + SECRET_SEAL_BYTES);
    assert_memory_not_equal(sealed.bytes, again.bytes, sealed.n); // nobody sees that they are equal
    assert_null(memmem(sealed.bytes, sealed.n, text, sizeof text - 1));
    assert_int_equal(
        secret_open(opened, &n, sizeof opened, &key, "rcon of 1", sealed.bytes, sealed.n, &err), 0);
    assert_int_equal(n, sizeof text);
    assert_string_equal(opened, text);
    assert_int_equal(
        secret_open(opened, &n, sizeof opened, &key, "rcon of 2", sealed.bytes, sealed.n, &err),
        -1);
    assert_int_equal(err.kind, ERROR_DENIED);
    assert_int_equal(
        secret_open(opened, &n, sizeof opened, &other, "rcon of 1", sealed.bytes, sealed.n, &err),
        -1);
    assert_int_equal(
        secret_open(opened, &n, sizeof text - 1, &key, "rcon of 1", sealed.bytes, sealed.n, &err),
        -1);
    for (size_t i = 0; i < sealed.n; i++) {
        sealed.bytes[i] ^= 1;
        assert_int_equal(
            secret_open(opened, &n, sizeof opened, &key, "rcon of 1", sealed.bytes, sealed.n, &err),
            -1);
        sealed.bytes[i] ^= 1;
        assert_int_equal(
            secret_open(opened, &n, sizeof opened, &key, "rcon of 1", sealed.bytes, i, &err), -1);
    }
    assert_int_equal(secret_seal(&sealed, &key, "", (char[SECRET_SEALED_MAX]){ 0 },
                                 SECRET_SEALED_MAX - SECRET_SEAL_BYTES + 1, &err),
                     -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_what_is_no_word),
        cmocka_unit_test(test_codes),
        cmocka_unit_test_setup_teardown(test_the_key, unit_dir_setup, unit_dir_teardown),
        cmocka_unit_test_setup_teardown(test_the_key_of_a_service, unit_dir_setup,
                                        unit_dir_teardown),
        cmocka_unit_test_setup_teardown(test_where_the_key_is, unit_dir_setup, unit_dir_teardown),
        cmocka_unit_test(test_seals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
