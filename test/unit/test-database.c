// SPDX-License-Identifier: MIT
#include "store/database.h"
#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

static const struct query new_setting = QUERY("INSERT INTO settings VALUES (:key, :value, :time)");
static const struct query all_settings = QUERY("SELECT count(*) FROM settings");
static const struct query new_user =
    QUERY("INSERT INTO users (name, role, created_unix_s) VALUES (:name, :role, 1)");
static const struct query new_session =
    QUERY("INSERT INTO sessions (hash, user, address, agent, created_unix_s, seen_unix_s, "
          "expires_unix_s) VALUES (:hash, :user, '', '', 1, 1, 2)");
static const struct query all_users =
    QUERY("SELECT id, name, password_hash FROM users ORDER BY id");

static const char *path_of(void **state, const char *name)
{
    static char            path[128];
    const struct unit_dir *dir = *state;

    snprintf(path, sizeof path, "%s/%s", dir->path, name);
    return path;
}

static struct database *open_new(void **state)
{
    struct database *db = NULL;
    struct error     err = { 0 };

    if (database_open(&db, path_of(state, "db"), &err) < 0)
        fail_msg("%s", err.message);
    return db;
}

static int put_setting(struct database *db, const char *key, const char *value, struct error *err)
{
    AUTO(statement_done) struct statement setting = { 0 };

    assert_int_equal(statement_begin(&setting, db, &new_setting, err), 0);
    statement_bind_text(&setting, ":key", key);
    statement_bind_text(&setting, ":value", value);
    statement_bind_number(&setting, ":time", 7);
    return statement_run(&setting, err);
}

static int64_t count_settings(struct database *db)
{
    AUTO(statement_done) struct statement count = { 0 };
    struct error                          err;

    assert_int_equal(statement_begin(&count, db, &all_settings, &err), 0);
    assert_int_equal(statement_next(&count, &err), 1);
    return statement_number(&count, 0);
}

static int64_t put_user(struct database *db, const char *name, struct error *err)
{
    AUTO(statement_done) struct statement user = { 0 };
    int64_t                               id = -1;

    assert_int_equal(statement_begin(&user, db, &new_user, err), 0);
    statement_bind_text(&user, ":name", name);
    statement_bind_text(&user, ":role", "user");
    return statement_insert(&user, &id, err) < 0 ? -1 : id;
}

// ---- the file ---------------------------------------------------------------------------------

static void test_a_new_one(void **state)
{
    struct stat      st;
    struct error     err = { 0 };
    unsigned         version = 0;
    mode_t           mask = umask(0);
    struct database *db = open_new(state);

    umask(mask);
    assert_return_code(stat(path_of(state, "db"), &st), errno);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_return_code(stat(path_of(state, "db-wal"), &st), errno);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(database_version(&version, db, &err), 0);
    assert_int_equal(version, database_newest_version());
    assert_int_equal(put_setting(db, "a", "1", &err), 0);
    assert_int_equal(database_check(db, &err), 0);
    db = database_close(db);
    db = open_new(state);
    assert_int_equal(count_settings(db), 1);
    database_close(db);
}

static void shell(void **state, const char *command)
{
    char                   line[1024];
    const struct unit_dir *dir = *state;

    snprintf(line, sizeof line, "cd %s && { %s; }", dir->path, command);
    assert_int_equal(system(line), 0);
}

// What a machine has that runs since the first version, table by table: all columns that there are
// still.
static const struct {
    const char *table, *columns;
} kept[] = {
    { "users", "id, name, role, is_active, password_hash, totp_sealed, totp_last_step, "
               "created_unix_s, login_unix_s" },
    { "recovery_codes", "*" },
    { "invitations", "*" },
    { "sessions", "*" },
    { "api_tokens", "*" },
    { "overlays WHERE id > 1", "id, name, type, owner, created_unix_s, changed_unix_s" },
    { "workshop_items", "*" },
    { "overlay_items", "*" },
    { "blueprints", "id, name, owner, arguments, config, memory_bytes, cpu_percent, tasks, "
                    "revision, created_unix_s, changed_unix_s" },
    { "blueprint_overlays", "*" },
    { "servers", "*" },
    { "server_ports", "*" },
    { "server_grants", "*" },
    { "jobs", "*" },
    { "job_dependencies", "*" },
    { "job_lines", "*" },
    { "live_states", "server, state, changed_us" },
    { "steam_profiles", "*" },
    { "player_sessions", "id, server, player, name, joined_unix_s, left_unix_s" },
    { "command_history", "*" },
    { "audit_events", "*" },
    { "audit_anchor", "*" },
    { "settings", "*" },
    { "idempotency_keys", "*" },
    { "sqlite_sequence WHERE name != 'changes'", "*" }, // no id is given twice
};

static void dump(void **state, const char *to)
{
    char command[512];

    shell(state, "rm -f dump");
    for (size_t i = 0; i < ELEMENTS(kept); i++) {
        snprintf(command, sizeof command,
                 "{ echo \"%s\"; sqlite3 -bail -quote db \"SELECT %s FROM %s ORDER BY 1, 2\"; } "
                 ">>dump",
                 kept[i].table, kept[i].columns, kept[i].table);
        shell(state, command);
    }
    snprintf(command, sizeof command, "mv dump %s", to);
    shell(state, command);
}

static void test_nothing_is_lost(void **state)
{
    struct database *db = NULL;
    struct error     err = { 0 };

    if (database_open_as(&db, path_of(state, "db"), 1, &err) < 0)
        fail_msg("%s", err.message);
    db = database_close(db);
    shell(state, "sqlite3 -bail db <" FIXTURES_DIR "/store/version-1.sql");
    // Each table has a row, or it was forgotten there.
    shell(state,
          "for table in $(sqlite3 db \"SELECT name FROM sqlite_schema WHERE type = 'table'\");"
          "do test $(sqlite3 db \"SELECT count(*) FROM $table\") -gt 0 || exit 1; done");
    dump(state, "before");
    db = open_new(state);
    assert_int_equal(database_check(db, &err), 0);
    db = database_close(db);
    dump(state, "after");
    shell(state, "diff before after");
}

// From each version there was, with a row of it.
static void test_it_is_brought_forward(void **state)
{
    for (unsigned version = 0; version <= database_newest_version(); version++) {
        struct database *db = NULL;
        struct error     err = { 0 };
        unsigned         now = 0;
        unlink(path_of(state, "db"));
        if (database_open_as(&db, path_of(state, "db"), version, &err) < 0)
            fail_msg("%s", err.message);
        assert_int_equal(database_version(&now, db, &err), 0);
        assert_int_equal(now, version);
        if (version > 0)
            assert_int_equal(put_user(db, "one", &err), 1);
        db = database_close(db);
        db = open_new(state);
        assert_int_equal(database_version(&now, db, &err), 0);
        assert_int_equal(now, database_newest_version());
        assert_int_equal(put_user(db, "two", &err), version > 0 ? 2 : 1);
        assert_int_equal(database_check(db, &err), 0);
        database_close(db);
    }
}

// A place in the stream of events means the same afterwards, and what comes is behind it.
static void test_changes_go_on(void **state)
{
    struct database *db = NULL;
    struct error     err = { 0 };

    if (database_open_as(&db, path_of(state, "db"), 2, &err) < 0)
        fail_msg("%s", err.message);
    db = database_close(db);
    shell(state,
          "sqlite3 -bail db \"INSERT INTO changes VALUES (7, 'server', 3, 0), (8, 'job', 1, 0), "
          "(9, 'job', 2, 1); DELETE FROM changes WHERE number = 9\"");
    db = open_new(state);
    assert_int_equal(database_check(db, &err), 0);
    db = database_close(db);
    shell(state, "sqlite3 -bail db \"INSERT INTO changes (topic, object, is_deleted) "
                 "VALUES ('players', 3, 0)\"");
    shell(state, "test \"$(sqlite3 db 'SELECT number, topic FROM changes ORDER BY number' | "
                 "tr '\\n' ' ')\" = '7|server 8|job 10|players '");
}

static void test_what_is_not_ours(void **state)
{
    static const struct {
        const char     *name, *command;
        enum error_kind kind;
        const char     *want;
    } cases[] = {
        { "text", "yes no database | head -c 10000 >db", ERROR_FAILED, "is damaged" },
        { "a directory", "mkdir db", ERROR_SYSTEM, "Is a directory" },
        { "a link", "touch elsewhere; ln -s elsewhere db", ERROR_SYSTEM, "opening" },
        { "another program's",
          "cp ours db; printf '\\001\\002\\003\\004' | dd of=db bs=1 seek=68 "
          "conv=notrunc status=none",
          ERROR_INVALID, "of another program" },
        { "a later one",
          "cp ours db; printf '\\000\\000\\003\\350' | dd of=db bs=1 seek=60 "
          "conv=notrunc status=none",
          ERROR_INVALID, "has version 1000, of a later left4me" },
        { "cut off", "head -c 5000 ours >db", ERROR_FAILED, "is damaged" },
        { "emptied", ": >db; head -c 5000 ours >db-wal", ERROR_FAILED, "is damaged" },
        { "lost", "head -c 5000 ours >db-wal", ERROR_FAILED, "is damaged" },
    };
    struct error err = { 0 };

    // Closed, all of it is in the one file.
    database_close(open_new(state));
    shell(state, "mv db ours");
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct database *db = NULL;
        shell(state, "rm -rf db db-wal db-shm");
        shell(state, cases[i].command);
        memset(&err, 0, sizeof err);
        assert_int_equal(database_open(&db, path_of(state, "db"), &err), -1);
        assert_null(db);
        if (err.kind != cases[i].kind || !strstr(err.message, cases[i].want))
            fail_msg("%s: %d %s", cases[i].name, err.kind, err.message);
    }
}

// Where SQLite does not come by when it opens the file.
static void test_damage_is_found(void **state)
{
    struct error     err = { 0 };
    struct database *db = open_new(state);
    struct stat      st;

    for (unsigned i = 0; i < 200; i++) {
        char name[16];
        snprintf(name, sizeof name, "user%u", i);
        assert_true(put_user(db, name, &err) > 0);
    }
    assert_int_equal(database_check(db, &err), 0);
    db = database_close(db);
    AUTO_FD file = open(path_of(state, "db"), O_RDWR | O_CLOEXEC);
    assert_return_code(fstat(file, &st), errno);
    for (off_t page = 4096; page < st.st_size; page += 4096)
        assert_int_equal(pwrite(file, "\x0d\xff\xff\xff\xff\xff\xff\xff", 8, page), 8);
    int r = database_open(&db, path_of(state, "db"), &err);
    if (r == 0)
        r = database_check(db, &err);
    assert_int_equal(r, -1);
    assert_non_null(strstr(err.message, "damaged: restore a backup"));
    database_close(db);
}

static void test_what_points_nowhere_is_found(void **state)
{
    struct error     err = { 0 };
    struct database *db = open_new(state);

    db = database_close(db);
    shell(state, "sqlite3 db \"INSERT INTO recovery_codes VALUES (7, zeroblob(32))\"");
    db = open_new(state);
    assert_int_equal(database_check(db, &err), -1);
    assert_string_equal(err.message,
                        "the database is damaged: a row of 'recovery_codes' points nowhere");
    database_close(db);
}

// ---- values and rows --------------------------------------------------------------------------

static void test_values(void **state)
{
    static const struct query back = QUERY("SELECT :number, :text, :bytes, :nothing");
    struct database          *db = open_new(state);
    struct statement          row = { 0 };
    struct error              err = { 0 };
    size_t                    n = 0;
    char                      small[4];

    for (unsigned i = 0; i < 2; i++) { // the second time it is a kept one
        assert_int_equal(statement_begin(&row, db, &back, &err), 0);
        statement_bind_number(&row, ":number", INT64_MIN);
        statement_bind_text(&row, ":text", "a'; DROP TABLE users; --");
        statement_bind_bytes(&row, ":bytes", "\0\1", 2);
        statement_bind_text(&row, ":nothing", NULL);
        assert_int_equal(statement_next(&row, &err), 1);
        assert_true(statement_number(&row, 0) == INT64_MIN);
        assert_string_equal(statement_text(&row, 1), "a'; DROP TABLE users; --");
        assert_memory_equal(statement_bytes(&row, 2, &n), "\0\1", 2);
        assert_int_equal(n, 2);
        assert_true(statement_is_null(&row, 3));
        assert_null(statement_text(&row, 3));
        assert_int_equal(statement_copy(&row, 1, small, sizeof small, &err), -1);
        assert_int_equal(statement_copy(&row, 3, small, sizeof small, &err), 0);
        assert_string_equal(small, "");
        assert_int_equal(statement_next(&row, &err), 0);
        statement_done(&row);
    }
    // What was bound is forgotten.
    assert_int_equal(statement_begin(&row, db, &back, &err), 0);
    assert_int_equal(statement_next(&row, &err), 1);
    assert_true(statement_is_null(&row, 1));
    statement_done(&row);
    database_close(db);
}

static void test_what_it_does_not_take(void **state)
{
    struct database *db = open_new(state);
    struct statement session = { 0 };
    struct error     err = { 0 };
    char            *large = malloc(DATABASE_VALUE_MAX + 2);

    assert_int_equal(put_user(db, "one", &err), 1);
    assert_int_equal(put_user(db, "ONE", &err), -1);
    assert_int_equal(err.kind, ERROR_EXISTS);
    assert_int_equal(put_user(db, "", &err), -1);
    assert_int_equal(err.kind, ERROR_INVALID);
    assert_int_equal(statement_begin(&session, db, &new_session, &err), 0);
    statement_bind_bytes(&session, ":hash", "01234567890123456789012345678901", 32);
    statement_bind_number(&session, ":user", 9);
    assert_int_equal(statement_run(&session, &err), -1);
    assert_int_equal(err.kind, ERROR_BUSY);
    statement_done(&session);
    memset(large, '1', DATABASE_VALUE_MAX + 1);
    large[DATABASE_VALUE_MAX + 1] = '\0';
    assert_int_equal(put_setting(db, "large", large, &err), -1);
    assert_int_equal(err.kind, ERROR_INVALID);
    assert_int_equal(count_settings(db), 0);
    free(large);
    database_close(db);
}

// ---- transactions -----------------------------------------------------------------------------

static void put_two(struct database *db, bool is_committed)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    struct error                              err = { 0 };

    assert_int_equal(transaction_begin(&transaction, db, &err), 0);
    assert_true(database_is_writing(db));
    assert_int_equal(put_setting(db, is_committed ? "a" : "c", "1", &err), 0);
    assert_int_equal(put_setting(db, is_committed ? "b" : "d", "1", &err), 0);
    if (is_committed)
        assert_int_equal(transaction_commit(&transaction, &err), 0);
}

static void test_all_or_nothing(void **state)
{
    struct database *db = open_new(state);

    put_two(db, false);
    assert_false(database_is_writing(db));
    assert_int_equal(count_settings(db), 0);
    put_two(db, true);
    assert_false(database_is_writing(db));
    assert_int_equal(count_settings(db), 2);
    database_close(db);
}

static void test_one_writes(void **state)
{
    struct database   *db = open_new(state), *other = open_new(state);
    struct transaction transaction = { 0 }, another = { 0 };
    struct error       err = { 0 };

    database_set_wait(other, 20);
    assert_int_equal(transaction_begin(&transaction, db, &err), 0);
    assert_int_equal(put_setting(db, "a", "1", &err), 0);
    assert_int_equal(count_settings(other), 0); // reading goes on
    assert_int_equal(transaction_begin(&another, other, &err), -1);
    assert_int_equal(err.kind, ERROR_BUSY);
    assert_string_equal(err.message, "the database is locked by another program");
    assert_int_equal(transaction_commit(&transaction, &err), 0);
    assert_int_equal(transaction_begin(&another, other, &err), 0);
    assert_int_equal(count_settings(other), 1);
    transaction_done(&another);
    database_close(db);
    database_close(other);
}

static NORETURN void write_without_end(void **state, int fd)
{
    struct database *db = NULL;
    struct error     ignored;

    if (database_open(&db, path_of(state, "db"), &ignored) < 0)
        _exit(1);
    for (uint32_t i = 0;; i++) {
        AUTO(transaction_done) struct transaction transaction = { 0 };
        struct error                              err = { 0 };
        char                                      key[16];
        snprintf(key, sizeof key, "%u", i);
        if (transaction_begin(&transaction, db, &err) < 0 || put_setting(db, key, "1", &err) < 0 ||
            transaction_commit(&transaction, &err) < 0 || write(fd, &i, sizeof i) != sizeof i)
            _exit(1);
    }
}

// What was acknowledged is there, and no more than the one that was under way besides.
static void test_a_writer_that_is_killed(void **state)
{
    enum { ROUNDS = 5 };

    for (unsigned round = 0; round < ROUNDS; round++) {
        int      ends[2], status;
        uint32_t last = 0, next;
        unlink(path_of(state, "db"));
        unlink(path_of(state, "db-wal"));
        assert_return_code(pipe2(ends, O_CLOEXEC), errno);
        pid_t pid = fork();
        assert_return_code(pid, errno);
        if (pid == 0)
            write_without_end(state, ends[1]);
        close(ends[1]);
        do
            assert_int_equal(read(ends[0], &last, sizeof last), sizeof last);
        while (last < round * 7);
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        while (read(ends[0], &next, sizeof next) == sizeof next)
            last = next;
        close(ends[0]);
        struct database *db = open_new(state);
        struct error     err = { 0 };
        assert_int_equal(database_check(db, &err), 0);
        assert_in_range(count_settings(db), last + 1, last + 2);
        database_close(db);
    }
}

static void test_a_backup(void **state)
{
    char               copy[128];
    struct database   *db = open_new(state), *other = open_new(state), *saved = NULL;
    struct transaction transaction = { 0 };
    struct statement   user = { 0 };
    struct error       err = { 0 };

    snprintf(copy, sizeof copy, "%s", path_of(state, "copy"));
    assert_int_equal(put_user(db, "one", &err), 1);
    assert_int_equal(transaction_begin(&transaction, other, &err), 0);
    assert_int_equal(put_user(other, "two", &err), 2);
    assert_int_equal(database_back_up(db, copy, &err), 0); // beside somebody who writes
    assert_int_equal(transaction_commit(&transaction, &err), 0);
    assert_int_equal(database_back_up(db, copy, &err), -1);
    assert_int_equal(err.kind, ERROR_EXISTS);
    shell(state, "test ! -e copy-wal && test ! -e copy-journal");
    if (database_open(&saved, copy, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(statement_begin(&user, saved, &all_users, &err), 0);
    assert_int_equal(statement_next(&user, &err), 1);
    assert_string_equal(statement_text(&user, 1), "one");
    assert_int_equal(statement_next(&user, &err), 0);
    statement_done(&user);
    database_close(saved);
    database_close(other);
    database_close(db);
}

// What does not become one leaves nothing that looks like one.
static void test_no_backup(void **state)
{
    char               copy[128];
    struct database   *db = open_new(state);
    struct transaction transaction = { 0 };
    struct error       err = { 0 };

    snprintf(copy, sizeof copy, "%s", path_of(state, "copy"));
    assert_int_equal(transaction_begin(&transaction, db, &err), 0);
    assert_int_equal(put_user(db, "one", &err), 1);
    (void)alarm(20); // it would try for ever
    assert_int_equal(database_back_up(db, copy, &err), -1);
    (void)alarm(0);
    assert_int_equal(err.kind, ERROR_BUSY);
    shell(state, "test ! -e copy && test ! -e copy-journal");
    transaction_done(&transaction);
    assert_int_equal(database_back_up(db, copy, &err), 0);
    database_close(db);
}

// Programs that start together find the same new file.
static void test_opened_by_many(void **state)
{
    enum { MANY = 8, ROUNDS = 10 };

    for (unsigned round = 0; round < ROUNDS; round++) {
        pid_t pids[MANY];
        unlink(path_of(state, "db"));
        unlink(path_of(state, "db-wal"));
        unlink(path_of(state, "db-shm"));
        for (unsigned i = 0; i < MANY; i++) {
            pids[i] = fork();
            assert_return_code(pids[i], errno);
            if (pids[i] == 0) {
                struct database *db = NULL;
                struct error     err = { 0 };
                if (database_open(&db, path_of(state, "db"), &err) < 0) {
                    fprintf(stderr, "%s\n", err.message);
                    _exit(1);
                }
                database_close(db);
                _exit(0);
            }
        }
        int status, n_failed = 0;
        for (unsigned i = 0; i < MANY; i++) {
            assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
            n_failed += status != 0;
        }
        assert_int_equal(n_failed, 0);
    }
}

// It is not turned into anything else before that is known.
static void test_another_program_keeps_its_file(void **state)
{
    struct database *db = NULL;
    struct error     err = { 0 };

    shell(state, "sqlite3 db 'CREATE TABLE a (b)' && cp db before");
    assert_int_equal(database_open(&db, path_of(state, "db"), &err), -1);
    shell(state, "cmp db before");
}

int main(void)
{
#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, unit_dir_setup, unit_dir_teardown)
    const struct CMUnitTest tests[] = {
        IN_DIR(test_a_new_one),
        IN_DIR(test_nothing_is_lost),
        IN_DIR(test_it_is_brought_forward),
        IN_DIR(test_changes_go_on),
        IN_DIR(test_what_is_not_ours),
        IN_DIR(test_damage_is_found),
        IN_DIR(test_what_points_nowhere_is_found),
        IN_DIR(test_values),
        IN_DIR(test_what_it_does_not_take),
        IN_DIR(test_all_or_nothing),
        IN_DIR(test_one_writes),
        IN_DIR(test_a_writer_that_is_killed),
        IN_DIR(test_a_backup),
        IN_DIR(test_no_backup),
        IN_DIR(test_opened_by_many),
        IN_DIR(test_another_program_keeps_its_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
