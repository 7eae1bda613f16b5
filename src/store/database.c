// SPDX-License-Identifier: MIT
#include "store/handle.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "base/fd.h"
#include "migrations.h"

#define APPLICATION_ID 0x4c344d65 // "L4Me"
#define FILE_MODE      0600
#define OPEN_PAUSE_MS  5

static const char *const migrations[] = { MIGRATIONS };

unsigned database_newest_version(void)
{
    return ELEMENTS(migrations);
}

// ---- errors -----------------------------------------------------------------------------------

// SQLite's own words for people's mistakes are of tables and columns; those who call say it better
// and only ask for the kind.
int handle_raise(const struct database *db, int code, struct error *err)
{
    const char *words = sqlite3_errmsg(db->handle);

    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        (void)error_set(err, ERROR_BUSY, "the database is locked by another program");
        err->errnum = EAGAIN;
        return -1;
    case SQLITE_FULL:
        return error_set(err, ERROR_NO_SPACE, "no space is left on the disk of the database");
    case SQLITE_NOMEM:
        return error_set(err, ERROR_NO_SPACE, "out of memory for the database");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return error_set(err, ERROR_FAILED, "the database is damaged: restore a backup");
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return error_set(err, ERROR_DENIED, "the database cannot be written: %s", words);
    case SQLITE_CANTOPEN:
        return error_set(err, ERROR_UNAVAILABLE, "the database cannot be opened");
    case SQLITE_IOERR:
        return error_set(err, ERROR_SYSTEM, "reading or writing the database: %s",
                         strerror(sqlite3_system_errno(db->handle)));
    case SQLITE_CONSTRAINT:
        if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY)
            return error_set(err, ERROR_EXISTS, "there is one like it already");
        if (code == SQLITE_CONSTRAINT_FOREIGNKEY)
            return error_set(err, ERROR_BUSY, "something else still refers to it");
        return error_set(err, ERROR_INVALID, "the database does not take it: %s", words);
    case SQLITE_TOOBIG:
        return error_set(err, ERROR_INVALID, "it is too large for the database");
    default:
        return error_set(err, ERROR_FAILED, "the database: %s", words);
    }
}

static int execute(struct database *db, const char *sql, struct error *err)
{
    int code = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);

    return code == SQLITE_OK ? 0 : handle_raise(db, code, err);
}

// ---- opening ----------------------------------------------------------------------------------

static int read_number(int64_t *ret, struct database *db, const char *sql, struct error *err)
{
    sqlite3_stmt *statement = NULL;
    int           code = sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL);

    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        *ret = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement); // it repeats what step has said
    return code == SQLITE_ROW ? 0 : handle_raise(db, code, err);
}

int database_version(unsigned *ret, struct database *db, struct error *err)
{
    int64_t version = 0;

    if (read_number(&version, db, "PRAGMA user_version", err) < 0)
        return -1;
    if (version < 0 || version > UINT32_MAX)
        return error_set(err, ERROR_INVALID, "the database has no version of ours");
    *ret = (unsigned)version;
    return 0;
}

// An empty file is ours to be; any other one says so.
static int check_owner(struct database *db, unsigned *ret_version, struct error *err)
{
    int64_t id = 0, n_tables = 0;

    if (database_version(ret_version, db, err) < 0 ||
        read_number(&id, db, "PRAGMA application_id", err) < 0 ||
        read_number(&n_tables, db, "SELECT count(*) FROM sqlite_schema", err) < 0)
        return -1;
    if (id != APPLICATION_ID && (id != 0 || n_tables > 0))
        return error_set(err, ERROR_INVALID, "it is a database of another program");
    if (*ret_version > ELEMENTS(migrations))
        return error_set(err, ERROR_INVALID,
                         "the database has version %u, of a later left4me; this one knows %zu",
                         *ret_version, ELEMENTS(migrations));
    return 0;
}

static int find_dangling(struct database *db, struct error *err)
{
    static const struct query             references = QUERY("PRAGMA foreign_key_check");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &references, err) < 0)
        return -1;
    int r = statement_next(&row, err);
    if (r > 0)
        return error_set(err, ERROR_FAILED,
                         "the database is damaged: a row of '%.64s' points nowhere",
                         statement_text(&row, 0));
    return r;
}

static int step_forward(struct database *db, unsigned version, struct error *err)
{
    char set[96];
    int  r;

    (void)snprintf(set, sizeof set, "PRAGMA application_id = %d; PRAGMA user_version = %u;",
                   APPLICATION_ID, version); // two numbers
    r = execute(db, migrations[version - 1], err);
    if (r == 0)
        r = execute(db, set, err);
    return r == 0 ? 0 : error_prefix(err, "bringing the database to version %u", version);
}

// Within a transaction it is neither switched on nor off.
static int check_references_always(struct database *db, int is_on, struct error *err)
{
    int code = sqlite3_db_config(db->handle, SQLITE_DBCONFIG_ENABLE_FKEY, is_on, NULL);

    return code == SQLITE_OK ? 0 : handle_raise(db, code, err);
}

// Two that open it at once do it one after the other: the version is read again with the lock.
static int step_up_to(struct database *db, unsigned to, struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    unsigned                                  version;

    if (transaction_begin(&transaction, db, err) < 0 || check_owner(db, &version, err) < 0)
        return -1;
    while (version < to)
        if (step_forward(db, ++version, err) < 0)
            return -1;
    if (find_dangling(db, err) < 0)
        return -1;
    return transaction_commit(&transaction, err);
}

// A table that is made anew is for a moment one that rows of others do not find: that all do is
// looked at in the end.
static int bring_forward(struct database *db, unsigned to, struct error *err)
{
    struct error ignored;

    if (check_references_always(db, 0, err) < 0)
        return -1;
    int r = step_up_to(db, to, err);
    int on = check_references_always(db, 1, r < 0 ? &ignored : err);
    return r < 0 ? r : on;
}

void database_set_wait(struct database *db, unsigned wait_ms)
{
    (void)sqlite3_busy_timeout(db->handle, (int)wait_ms); // it fails of no handle alone
}

static int set_up(struct database *db, struct error *err)
{
    int64_t is_set = 0;

    (void)sqlite3_extended_result_codes(db->handle, 1);
    database_set_wait(db, DATABASE_WAIT_MS);
    (void)sqlite3_limit(db->handle, SQLITE_LIMIT_LENGTH, DATABASE_VALUE_MAX);
    (void)sqlite3_limit(db->handle, SQLITE_LIMIT_ATTACHED, 0);
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
    if (read_number(&is_set, db, "PRAGMA foreign_keys", err) < 0)
        return -1;
    assert(is_set == 1);
    return execute(db,
                   "PRAGMA synchronous = FULL; PRAGMA cell_size_check = ON;"
                   "PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 16777216;",
                   err);
}

// It changes the file: when it is known to be ours.
static int begin_wal(struct database *db, struct error *err)
{
    return execute(db, "PRAGMA journal_mode = WAL", err);
}

// The file is not empty from the moment on at which SQLite makes one, and is no new one then:
// SQLite would take it for that, and drop the writes.
static bool has_log_of_writes(const char *path)
{
    char        log[PATH_MAX];
    struct stat st;

    return snprintf(log, sizeof log, "%s-wal", path) < (int)sizeof log && stat(log, &st) == 0 &&
           st.st_size > 0;
}

// SQLite would make it with the mode that the umask leaves. The files beside take that of this one.
static int create(const char *path, struct error *err)
{
    bool        has_log = has_log_of_writes(path); // looked for first: another one may make both
    AUTO_FD     fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return error_sys(err, errno, "opening '%s'", path);
    if (st.st_size == 0 && has_log)
        return error_set(err, ERROR_FAILED, "the database is damaged: restore a backup");
    return 0;
}

static int open_at(struct database *db, const char *path, unsigned to, struct error *err)
{
    unsigned version;

    if (create(path, err) < 0)
        return -1;
    int code = sqlite3_open_v2(path, &db->handle,
                               SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX |
                                   SQLITE_OPEN_PRIVATECACHE,
                               NULL);
    if (code != SQLITE_OK)
        return db->handle ? handle_raise(db, code, err) : error_sys(err, ENOMEM, "opening");
    if (set_up(db, err) < 0 || check_owner(db, &version, err) < 0 || begin_wal(db, err) < 0)
        return -1;
    return version < to ? bring_forward(db, to, err) : 0;
}

static uint64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); // it is always there
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int open_once(struct database **ret, const char *path, unsigned version, struct error *err)
{
    AUTO(database_closep) struct database *db = calloc(1, sizeof *db);

    if (!db)
        return error_sys(err, ENOMEM, "allocating a connection");
    if (open_at(db, path, version, err) < 0)
        return error_prefix(err, "'%s'", path);
    *ret = TAKE(db);
    return 0;
}

// Of several that make a file one with a WAL at once SQLite turns some away without waiting.
int database_open_as(struct database **ret, const char *path, unsigned version, struct error *err)
{
    const struct timespec pause = { .tv_nsec = OPEN_PAUSE_MS * 1000000L };
    uint64_t              until_ms = now_ms() + DATABASE_WAIT_MS;
    int                   r;

    while ((r = open_once(ret, path, version, err)) < 0 && err->kind == ERROR_BUSY &&
           now_ms() < until_ms)
        (void)nanosleep(&pause, NULL); // or less of it
    return r;
}

int database_open(struct database **ret, const char *path, struct error *err)
{
    return database_open_as(ret, path, ELEMENTS(migrations), err);
}

struct database *database_close(struct database *db)
{
    if (!db)
        return NULL;
    for (size_t i = 0; i < ELEMENTS(db->prepared); i++)
        (void)sqlite3_finalize(db->prepared[i].statement); // it repeats an error that was told
    int code = sqlite3_close(db->handle);
    assert(code == SQLITE_OK); // no statement is left
    (void)code;
    free(db);
    return NULL;
}

void database_closep(struct database **db)
{
    *db = database_close(*db);
}

// ---- the whole file ---------------------------------------------------------------------------

int database_check(struct database *db, struct error *err)
{
    static const struct query             pages = QUERY("PRAGMA quick_check(1)");
    AUTO(statement_done) struct statement page = { 0 };

    if (statement_begin(&page, db, &pages, err) < 0 || statement_next(&page, err) < 0)
        return -1;
    if (strcmp(statement_text(&page, 0), "ok") != 0)
        return error_set(err, ERROR_FAILED, "the database is damaged: restore a backup (%.100s)",
                         statement_text(&page, 0));
    return find_dangling(db, err);
}

static int copy_pages(struct database *to, struct database *from, struct error *err)
{
    sqlite3_backup *backup = sqlite3_backup_init(to->handle, "main", from->handle, "main");
    int             code;

    if (!backup)
        return handle_raise(to, sqlite3_extended_errcode(to->handle), err);
    // In one step, or a busy writer would have it begin again and again.
    code = sqlite3_backup_step(backup, -1);
    (void)sqlite3_backup_finish(backup); // it repeats what step has said
    return code == SQLITE_DONE ? 0 : handle_raise(to, code, err);
}

static int back_up_to(struct database *db, const char *path, struct error *err)
{
    AUTO(database_closep) struct database *copy = calloc(1, sizeof *copy);

    if (!copy)
        return error_sys(err, ENOMEM, "allocating a connection");
    int code =
        sqlite3_open_v2(path, &copy->handle,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX, NULL);
    if (code != SQLITE_OK)
        return copy->handle ? handle_raise(copy, code, err) : error_sys(err, ENOMEM, "opening");
    // One file, which can be taken away as it is.
    if (copy_pages(copy, db, err) < 0 || execute(copy, "PRAGMA journal_mode = DELETE", err) < 0 ||
        database_check(copy, err) < 0)
        return error_prefix(err, "'%s'", path);
    return 0;
}

int database_back_up(struct database *db, const char *path, struct error *err)
{
    AUTO_FD fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);

    if (fd < 0)
        return error_sys(err, errno, "creating '%s'", path);
    if (back_up_to(db, path, err) == 0)
        return 0;
    (void)unlink(path); // or it would be taken for one
    return -1;
}

// ---- transactions -----------------------------------------------------------------------------

bool database_is_writing(const struct database *db)
{
    return !sqlite3_get_autocommit(db->handle);
}

int transaction_begin(struct transaction *ret, struct database *db, struct error *err)
{
    assert(!database_is_writing(db));
    if (execute(db, "BEGIN IMMEDIATE", err) < 0)
        return -1;
    ret->db = db;
    return 0;
}

int transaction_commit(struct transaction *transaction, struct error *err)
{
    if (execute(transaction->db, "COMMIT", err) < 0)
        return -1; // it is still there, to be taken back
    transaction->db = NULL;
    return 0;
}

void transaction_done(struct transaction *transaction)
{
    struct error ignored; // some errors have taken it back already

    if (transaction->db && database_is_writing(transaction->db))
        (void)execute(transaction->db, "ROLLBACK", &ignored);
    transaction->db = NULL;
}
