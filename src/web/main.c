// SPDX-License-Identifier: MIT

// left4me-web: the JSON API and the page, on the sockets it is handed. It has no network of its
// own.

#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include "base/log.h"
#include "base/notify.h"
#include "web/beside.h"
#include "web/download.h"
#include "web/hub.h"
#include "web/lookup.h"
#include "web/options.h"
#include "web/passing.h"
#include "web/remembered.h"
#include "web/waiting.h"
#include "work/bell.h"

#define FDS_MAX 8
#define UMASK   027 // as of l4d2ctl: both write the trees of overlays

static void done(struct web *web)
{
    web->remembered = remembered_close(web->remembered);
    web->server = http_server_close(web->server);
    web->hub = hub_close(web->hub);
    web->site = site_close(web->site);
    web->bell = bell_close(web->bell);
    web->waiting = waiting_close(web->waiting);
    web->lookups = lookups_close(web->lookups);
    web->passings = passings_close(web->passings);
    web->aside = aside_close(web->aside);
    web->downloads = downloads_close(web->downloads);
    web->hasher = hasher_close(web->hasher);
    web->throttle = throttle_free(web->throttle);
    web->db = database_close(web->db);
    secret_key_forget(&web->key);
    web->event = sd_event_unref(web->event);
}

static void drained(void *context)
{
    (void)sd_event_exit(context, 0);
}

// Those who are served are served; whoever comes finds the next process at the socket.
static int stop(sd_event_source *source, const struct signalfd_siginfo *si, void *context)
{
    struct web *web = context;

    (void)si;
    (void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
    waiting_end(web->waiting);
    hub_end(web->hub);
    http_server_drain(web->server, drained, web->event);
    return 0;
}

// What the worker has done, or somebody else.
static void changed(void *context)
{
    struct web *web = context;

    waiting_look(web->waiting);
    hub_look(web->hub);
}

// Each of those that a request may need.
static int open_parts(struct web *web, const struct options *options, struct error *err)
{
    web->is_secure = !options->is_insecure;
    web->ctl_path = options->ctl;
    web->paths = host_paths_installed;
    web->paths.settings_file = options->settings;
    if (options->data)
        web->paths.data_dir = options->data;
    web->throttle = throttle_new();
    if (!web->throttle)
        return error_set(err, ERROR_NO_SPACE, "out of memory");
    if ((options->key ? secret_key_read(&web->key, options->key, err)
                      : secret_key_find(&web->key, err)) < 0 ||
        database_open(&web->db, options->database, err) < 0 || database_check(web->db, err) < 0 ||
        hasher_open(&web->hasher, web->event, err) < 0 ||
        lookups_open(&web->lookups, web->event, web->ctl_path, err) < 0 ||
        passings_open(&web->passings, web->event, web->ctl_path, err) < 0 ||
        beside_open(&web->aside, web->event, err) < 0 ||
        downloads_open(&web->downloads, web->event, err) < 0 ||
        remembered_open(&web->remembered, err) < 0 || waiting_open(&web->waiting, web, err) < 0 ||
        hub_open(&web->hub, web, err) < 0 ||
        bell_open(&web->bell, web->event, options->worker, changed, web, err) < 0 ||
        site_open(&web->site, web, &options->site, err) < 0)
        return -1;
    database_set_wait(web->db, WEB_DB_WAIT_MS);
    return 0;
}

static int set_up(struct web *web, const struct options *options, struct error *err)
{
    int fds[FDS_MAX], n = sd_listen_fds(1);

    if (n <= 0 || n > FDS_MAX)
        return error_set(err, ERROR_INVALID,
                         "it is started by its socket: 'systemctl start left4me-web.socket'");
    for (int i = 0; i < n; i++)
        fds[i] = SD_LISTEN_FDS_START + i;
    if (sd_event_new(&web->event) < 0 || sodium_init() < 0)
        return error_set(err, ERROR_SYSTEM, "the event loop does not start");
    return open_parts(web, options, err) < 0
               ? -1
               : http_server_open(&web->server, web->event, fds, (size_t)n, &options->limits,
                                  &site_handler, web, err);
}

static int watch_signals(struct web *web, struct error *err)
{
    sigset_t set;

    (void)sigemptyset(&set); // neither fails
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    if (sd_event_add_signal(web->event, NULL, SIGTERM, stop, web) < 0 ||
        sd_event_add_signal(web->event, NULL, SIGINT, stop, web) < 0)
        return error_set(err, ERROR_SYSTEM, "watching signals");
    return 0;
}

int main(int argc, char **argv)
{
    struct web     web = { 0 };
    struct options options;
    struct error   err = { 0 };

    options_parse(&options, argc, argv);
    (void)umask(UMASK);
    if (options_read_settings(&options, &err) < 0 || set_up(&web, &options, &err) < 0 ||
        watch_signals(&web, &err) < 0) {
        fprintf(stderr, "left4me-web: %s\n", err.message);
        done(&web);
        return EXIT_FAILURE;
    }
    (void)sd_notify(0, "READY=1");
    int r = sd_event_loop(web.event);
    done(&web);
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
