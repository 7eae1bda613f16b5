// SPDX-License-Identifier: MIT

// left4me-worker: does the jobs that the page asks for, and watches the servers. It listens to no
// network and has no privilege: all that it does on the host it does by l4d2ctl.

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>
#include "base/fd.h"
#include "base/log.h"
#include "host/paths.h"
#include "work/bell.h"
#include "work/runner.h"
#include "work/sweep.h"
#include "work/watch.h"

#define DATABASE     "/var/lib/left4me/db/left4me.db"
#define KEY          "left4me.key" // the name of the credential
#define PATH_SIZE    4096
#define DB_WAIT_MS   500u // the loop stands still meanwhile; what cannot be written is kept
#define COMMANDS_MAX 64u
#define JOBS_MAX     16u
#define BUILDS_MAX   2u

struct options {
    const char *database, *l4d2ctl, *key, *bus_address;
};

struct worker {
    sd_event           *event;
    struct database    *db;
    struct secret_key   key;
    bool                has_key;
    int                 lock_fd;
    char                name[JOB_WORKER_MAX];
    struct ctl_pool    *pool;
    struct bell_server *bell;
    struct runner      *runner;
    struct watch       *watch;
    struct sweep       *sweep;
};

// ---- who tells whom ----------------------------------------------------------------------------

static void changed(void *context)
{
    struct worker *worker = context;

    bell_server_ring(worker->bell);
}

static void ended(void *context, const struct job *job)
{
    struct worker *worker = context;

    if (worker->watch)
        watch_job_ended(worker->watch, job);
}

static void has_work(void *context)
{
    struct worker *worker = context;

    runner_look(worker->runner);
}

static bool is_at_work(void *context, int64_t server)
{
    const struct worker *worker = context;

    return runner_has_server(worker->runner, server);
}

static void poked(void *context)
{
    struct worker *worker = context;

    runner_look(worker->runner);
    watch_look(worker->watch);
}

static void watched(void *context)
{
    const struct worker *worker = context;

    watch_players(worker->watch);
}

// ---- setting up --------------------------------------------------------------------------------

// Two of them would take each other's jobs for those of one that is gone.
static int lock_database(struct worker *worker, const char *path, struct error *err)
{
    char lock[PATH_SIZE];

    if (snprintf(lock, sizeof lock, "%s-worker", path) >= (int)sizeof lock)
        return error_set(err, ERROR_INVALID, "the path of the database is too long");
    worker->lock_fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (worker->lock_fd < 0)
        return error_sys(err, errno, "opening %s", lock);
    if (flock(worker->lock_fd, LOCK_EX | LOCK_NB) < 0)
        return error_set(err, ERROR_BUSY, "another worker is at work on %s", path);
    return 0;
}

static int open_database(struct worker *worker, const char *path, struct error *err)
{
    if (database_open(&worker->db, path, err) < 0 || lock_database(worker, path, err) < 0 ||
        database_check(worker->db, err) < 0)
        return -1;
    database_set_wait(worker->db, DB_WAIT_MS);
    return 0;
}

// Without one the host makes the passwords, and the page does not know them.
static int read_key(struct worker *worker, const char *path, struct error *err)
{
    const char *dir = getenv("CREDENTIALS_DIRECTORY");
    char        credential[PATH_SIZE];

    if (!path && dir && snprintf(credential, sizeof credential, "%s/" KEY, dir) < PATH_SIZE &&
        access(credential, F_OK) == 0)
        path = credential;
    if (!path)
        return 0;
    worker->has_key = true;
    return secret_key_read(&worker->key, path, err);
}

static int open_bell(struct worker *worker, struct error *err)
{
    if (sd_listen_fds(1) != 1)
        return error_set(err, ERROR_INVALID,
                         "it is given one socket: 'systemctl start left4me-worker.socket'");
    return bell_server_open(&worker->bell, worker->event, SD_LISTEN_FDS_START, poked, watched,
                            worker, err);
}

static int open_parts(struct worker *worker, const struct options *options, struct error *err)
{
    const struct secret_key   *key = worker->has_key ? &worker->key : NULL;
    const struct runner_config runner = {
        .event = worker->event,
        .host = { .event = worker->event, .db = worker->db, .key = key, .pool = worker->pool },
        .worker = worker->name,
        .n_max = JOBS_MAX,
        .n_builds_max = BUILDS_MAX,
        .changed = changed,
        .ended = ended,
        .context = worker,
    };
    const struct watch_config watch = {
        .event = worker->event,
        .db = worker->db,
        .key = key,
        .pool = worker->pool,
        .bus_address = options->bus_address,
        .changed = changed,
        .has_work = has_work,
        .is_at_work = is_at_work,
        .context = worker,
    };

    if (runner_open(&worker->runner, &runner, err) < 0 ||
        watch_open(&worker->watch, &watch, err) < 0)
        return -1;
    return sweep_open(&worker->sweep, worker->event, worker->db, err);
}

static int stop(sd_event_source *source, const struct signalfd_siginfo *si, void *context)
{
    const struct worker *worker = context;

    (void)source;
    (void)si;
    return sd_event_exit(worker->event, 0);
}

static int watch_signals(struct worker *worker, struct error *err)
{
    sigset_t set;

    (void)sigemptyset(&set); // none of these fails
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    if (sd_event_add_signal(worker->event, NULL, SIGTERM, stop, worker) < 0 ||
        sd_event_add_signal(worker->event, NULL, SIGINT, stop, worker) < 0 ||
        sd_event_set_watchdog(worker->event, 1) < 0)
        return error_set(err, ERROR_SYSTEM, "watching signals");
    return 0;
}

static int set_up(struct worker *worker, const struct options *options, struct error *err)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now); // it is always there
    (void)snprintf(worker->name, sizeof worker->name, "%d at %" PRId64 ".%09ld", (int)getpid(),
                   (int64_t)now.tv_sec, now.tv_nsec); // it fits
    if (sd_event_new(&worker->event) < 0 || sodium_init() < 0)
        return error_set(err, ERROR_SYSTEM, "the event loop does not start");
    if (open_bell(worker, err) < 0 || open_database(worker, options->database, err) < 0 ||
        read_key(worker, options->key, err) < 0 ||
        ctl_pool_open(&worker->pool, worker->event, options->l4d2ctl, COMMANDS_MAX, err) < 0 ||
        open_parts(worker, options, err) < 0)
        return -1;
    return watch_signals(worker, err);
}

// What is under way is left to the next one: builds go on in their units, all else is done again.
static void done(struct worker *worker)
{
    worker->sweep = sweep_close(worker->sweep);
    worker->runner = runner_close(worker->runner);
    worker->watch = watch_close(worker->watch);
    worker->pool = ctl_pool_close(worker->pool);
    worker->bell = bell_server_close(worker->bell);
    worker->db = database_close(worker->db);
    worker->lock_fd = fd_close(worker->lock_fd);
    worker->event = sd_event_unref(worker->event);
    secret_key_forget(&worker->key);
}

// ---- the command line --------------------------------------------------------------------------

static NORETURN void usage(int code)
{
    fputs("Usage: left4me-worker [OPTION…]\n"
          "\n"
          "  --database FILE  what the page knows (" DATABASE ")\n"
          "  --l4d2ctl PATH   what does the work (" L4D2CTL ")\n"
          "  --key FILE       the key of passwords that the page keeps; else a credential\n"
          "  --bus ADDRESS    the system bus\n"
          "  --version        which one it is\n",
          code ? stderr : stdout);
    exit(code);
}

static void parse(struct options *ret, int argc, char **argv)
{
    static const struct option options[] = {
        { "database", required_argument, NULL, 'd' },
        { "l4d2ctl", required_argument, NULL, 'l' },
        { "key", required_argument, NULL, 'k' },
        { "bus", required_argument, NULL, 'b' },
        { "version", no_argument, NULL, 'v' },
        { "help", no_argument, NULL, 'h' },
        { 0 },
    };

    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;)
        switch (c) {
        case 'd':
            ret->database = optarg;
            break;
        case 'l':
            ret->l4d2ctl = optarg;
            break;
        case 'k':
            ret->key = optarg;
            break;
        case 'b':
            ret->bus_address = optarg;
            break;
        case 'v':
            puts("left4me-worker " PROJECT_VERSION);
            exit(EXIT_SUCCESS);
        case 'h':
            usage(EXIT_SUCCESS);
        default:
            usage(2);
        }
    if (optind < argc)
        usage(2);
}

int main(int argc, char **argv)
{
    struct options options = { .database = DATABASE,
                               .l4d2ctl = L4D2CTL,
                               .bus_address = host_paths_installed.bus_address };
    struct worker  worker = { .lock_fd = -1 };
    struct error   err = { 0 };

    parse(&options, argc, argv);
    if (set_up(&worker, &options, &err) < 0) {
        fprintf(stderr, "left4me-worker: %s\n", err.message);
        done(&worker);
        return error_kind_info(err.kind)->exit_code;
    }
    (void)sd_notify(0, "READY=1");
    int r = sd_event_loop(worker.event);
    (void)sd_notify(0, "STOPPING=1");
    done(&worker);
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
