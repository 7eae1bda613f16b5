// SPDX-License-Identifier: MIT

// doctor: the host's checks, and those of the page: its key, its database and the room for it, the
// worker, and whether the page can be reached. Nothing is changed.

#include "admin/admin.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <unistd.h>
#include "base/fd.h"
#include "host/doctor.h"
#include "host/reach.h"
#include "host/units.h"

#define MIB          (UINT64_C(1) << 20)
#define FREE_FAULT   (64 * MIB)
#define FREE_WARNING (512 * MIB)
#define WEB_SOCKET   "left4me-web.socket"
#define REMEDY_WORKER                                                                              \
    "run 'systemctl start left4me-worker.socket'; see 'journalctl -u left4me-worker'"

struct check {
    const char *name, *remedy;
    enum doctor_verdict (*run)(struct admin *admin, char *words, size_t n_words);
};

// ---- the key -----------------------------------------------------------------------------------

// Only root may read it, so it is looked at before root becomes left4me.
int doctor_prepare(struct admin *admin, struct error *err)
{
    (void)err;
    if (secret_key_read(&admin->key, admin->places.key, &admin->key_error) == 0)
        admin->key_error = (struct error){ 0 };
    return 0;
}

static enum doctor_verdict check_key(struct admin *admin, char *words, size_t n_words)
{
    if (admin->key_error.kind == ERROR_NONE) {
        (void)snprintf(words, n_words, "it is there, and root's alone"); // short
        return DOCTOR_OK;
    }
    (void)snprintf(words, n_words, "%s", admin->key_error.message); // cut off
    return admin->key_error.kind == ERROR_DENIED ? DOCTOR_WARNING : DOCTOR_FAULT;
}

// ---- the database ------------------------------------------------------------------------------

static enum doctor_verdict check_database(struct admin *admin, char *words, size_t n_words)
{
    AUTO(database_closep) struct database *db = NULL;
    struct stat                            st;
    struct error                           err;

    if (stat(admin->places.database, &st) < 0 && errno == ENOENT) {
        (void)snprintf(words, n_words, "there is none yet"); // short
        return DOCTOR_WARNING;
    }
    if (database_open(&db, admin->places.database, &err) < 0 || database_check(db, &err) < 0) {
        (void)snprintf(words, n_words, "%s", err.message); // cut off
        return DOCTOR_FAULT;
    }
    (void)snprintf(words, n_words, "it is whole, of version %u", database_newest_version());
    return DOCTOR_OK;
}

static enum doctor_verdict check_room(struct admin *admin, char *words, size_t n_words)
{
    AUTO(freep) char *directory = strdup(admin->places.database);
    struct statvfs    fs;

    if (directory && strrchr(directory, '/'))
        *strrchr(directory, '/') = '\0';
    if (!directory || statvfs(*directory ? directory : "/", &fs) < 0) {
        (void)snprintf(words, n_words, "%s: %s", admin->places.database,
                       strerror(errno)); // cut off
        return DOCTOR_FAULT;
    }
    uint64_t free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
    (void)snprintf(words, n_words, "%" PRIu64 " MiB are free where the database is",
                   free_bytes / MIB); // short
    return free_bytes < FREE_FAULT     ? DOCTOR_FAULT
           : free_bytes < FREE_WARNING ? DOCTOR_WARNING
                                       : DOCTOR_OK;
}

// ---- the programs ------------------------------------------------------------------------------

static enum doctor_verdict check_worker(struct admin *admin, char *words, size_t n_words)
{
    AUTO_FD            fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", admin->places.worker_socket);
    // A queue that is full is one that somebody has opened.
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 || errno == EAGAIN) {
        (void)snprintf(words, n_words, "it can be reached"); // short
        return DOCTOR_OK;
    }
    (void)snprintf(words, n_words, "%s: %s", admin->places.worker_socket,
                   strerror(errno)); // cut off
    return DOCTOR_FAULT;
}

static void say_reached(struct buffer *text, bool *is_any, const char *address)
{
    int errnum = reach(address);

    buffer_printf(text, "%s%s%s%s", text->n ? ", " : "", address, errnum ? ": " : " can be reached",
                  errnum ? strerror(errnum) : "");
    *is_any = *is_any || errnum == 0;
}

// Wherever the operator has it listen. One of its addresses will do: where there is no IPv6,
// another is there in vain.
static enum doctor_verdict check_web(struct admin *admin, char *words, size_t n_words)
{
    AUTO(units_closep) struct units  *units = NULL;
    AUTO(strings_done) struct strings addresses = { 0 };
    AUTO(buffer_done) struct buffer   text = { 0 };
    struct error                      err;
    bool                              is_any = false;

    if (units_open(&units, &admin->places.host, &err) < 0 ||
        units_listens(units, WEB_SOCKET, &addresses, &err) < 0) {
        (void)snprintf(words, n_words, "%s", err.message); // cut off
        return DOCTOR_WARNING;
    }
    for (const char *s = NULL; (s = strings_next(&addresses, s));)
        say_reached(&text, &is_any, s);
    (void)snprintf(words, n_words, "%s",
                   text.n ? text.bytes : WEB_SOCKET " listens nowhere"); // cut off
    return is_any ? DOCTOR_OK : DOCTOR_FAULT;
}

static const struct check checks[] = {
    { "key", "put back the file from a backup; without it sealed secrets cannot be read",
      check_key },
    { "database", "stop left4me-web and left4me-worker, and 'left4me restore' a backup",
      check_database },
    { "room for the database", "make room there, or nothing can be changed", check_room },
    { "worker", REMEDY_WORKER, check_worker },
    { "page", "run 'systemctl restart " WEB_SOCKET "'; see 'systemctl status " WEB_SOCKET "'",
      check_web },
};

// ---- all of them -------------------------------------------------------------------------------

static int say_finding(const struct admin *admin, const struct doctor_finding *finding,
                       struct error *err)
{
    AUTO(buffer_done) struct buffer text = { 0 }, words = { 0 };

    buffer_printf(&text, "%-4s  %s: ", doctor_verdict_word(finding->verdict), finding->name);
    buffer_add_escaped(&text, finding->words, strlen(finding->words));
    if (finding->verdict != DOCTOR_OK)
        buffer_printf(&text, "\n      -> %s", finding->remedy);
    buffer_add_utf8(&words, finding->words, strlen(finding->words));
    if (buffer_check(&text, err) < 0 || buffer_check(&words, err) < 0)
        return -1;
    return admin_say(
        admin,
        json_pack("{s:s, s:s, s:s, s:o}", "check", finding->name, "verdict",
                  doctor_verdict_word(finding->verdict), "found", words.n ? words.bytes : "",
                  "remedy",
                  finding->verdict != DOCTOR_OK ? json_string(finding->remedy) : json_null()),
        text.bytes, err);
}

static void examine(struct doctor_finding *ret, const struct check *check, struct admin *admin)
{
    *ret = (struct doctor_finding){ .name = check->name, .remedy = check->remedy };
    ret->verdict = check->run(admin, ret->words, sizeof ret->words);
}

int doctor_run(struct admin *admin, struct error *err)
{
    struct doctor_finding findings[DOCTOR_CHECKS_MAX + ELEMENTS(checks)];
    size_t                n = doctor_examine(findings, &admin->places.host);
    unsigned              n_verdicts[] = { 0, 0, 0 };

    for (size_t i = 0; i < ELEMENTS(checks); i++)
        examine(&findings[n++], &checks[i], admin);
    for (size_t i = 0; i < n; i++) {
        n_verdicts[findings[i].verdict]++;
        if (say_finding(admin, &findings[i], err) < 0)
            return -1;
    }
    if (admin_sayf(admin, json_pack("{s:b}", "healthy", n_verdicts[DOCTOR_FAULT] == 0), err,
                   "%u checks are well, %u warn, %u fail", n_verdicts[DOCTOR_OK],
                   n_verdicts[DOCTOR_WARNING], n_verdicts[DOCTOR_FAULT]) < 0)
        return -1;
    return n_verdicts[DOCTOR_FAULT] == 0 ? 0 : 1;
}
