// SPDX-License-Identifier: MIT

// left4me-web: the JSON API and the page, on the sockets it is handed. It has no network of its
// own.

#include <getopt.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include "base/log.h"
#include "base/notify.h"
#include "settings/settings.h"
#include "web/object.h"
#include "web/reader.h"
#include "web/site.h"

#define DATABASE   "/var/lib/left4me/db/left4me.db"
#define FDS_MAX    8
#define DB_WAIT_MS 100u // the loop stands still meanwhile

// Stays as long as the server does.
struct options {
    const char         *database, *settings_path, *ctl_path;
    bool                is_insecure;
    struct site_options site;
    struct http_limits  limits;
};

static void done(struct web *web)
{
    web->server = http_server_close(web->server);
    web->site = site_close(web->site);
    web->reader = reader_close(web->reader);
    web->hasher = hasher_close(web->hasher);
    web->throttle = throttle_free(web->throttle);
    web->db = database_close(web->db);
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
    http_server_drain(web->server, drained, web->event);
    return 0;
}

static int add_proxies(struct http_proxies *proxies, char *words, struct error *err)
{
    char *rest = NULL;

    for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        if (http_proxies_add(proxies, word, err) < 0)
            return -1;
    return 0;
}

static int read_settings(struct options *options, struct error *err)
{
    struct settings settings;

    if (settings_read(&settings, options->settings_path, err) < 0)
        return -1;
    if (add_proxies(&options->site.proxies, settings.web.proxies, err) < 0)
        return error_prefix(err, "%s: 'proxies'", options->settings_path);
    options->site.requests_s = settings.web.requests_s;
    options->limits.of_address = settings.web.connections;
    options->limits.proxies = &options->site.proxies;
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
    web->is_secure = !options->is_insecure;
    if (sd_event_new(&web->event) < 0 || sodium_init() < 0)
        return error_set(err, ERROR_SYSTEM, "the event loop does not start");
    web->throttle = throttle_new();
    if (!web->throttle)
        return error_set(err, ERROR_NO_SPACE, "out of memory");
    if (database_open(&web->db, options->database, err) < 0 || database_check(web->db, err) < 0 ||
        hasher_open(&web->hasher, web->event, err) < 0 ||
        reader_open(&web->reader, web->event, options->ctl_path, err) < 0 ||
        site_open(&web->site, web, &options->site, err) < 0)
        return -1;
    database_set_wait(web->db, DB_WAIT_MS);
    return http_server_open(&web->server, web->event, fds, (size_t)n, &options->limits,
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

// ---- the command line --------------------------------------------------------------------------

// A line each: method, path, who may, the least scope of a token, the thing that it is about, what
// one must be allowed to do with it, what its body is, and how large it may be.
static void show_route(void *context, const struct route *route)
{
    static const char *const methods[] = {
        [HTTP_GET] = "GET", [HTTP_HEAD] = "HEAD",   [HTTP_POST] = "POST",
        [HTTP_PUT] = "PUT", [HTTP_PATCH] = "PATCH", [HTTP_DELETE] = "DELETE",
    };
    static const char *const access[] = {
        [API_ANYBODY] = "anybody",
        [API_USER] = "user",
        [API_SESSION] = "session",
        [API_ADMIN] = "admin",
    };
    static const char *const scopes[] = {
        [TOKEN_READ] = "read",
        [TOKEN_OPERATE] = "operate",
        [TOKEN_MANAGE] = "manage",
        [TOKEN_ADMIN] = "admin",
    };
    static const char *const bodies[] = {
        [API_EMPTY] = "empty",
        [API_JSON] = "json",
        [API_OPTIONAL] = "optional",
        [API_BYTES] = "bytes",
    };
    size_t body_max = route->body == API_EMPTY ? 0
                      : route->body_max        ? route->body_max
                                               : API_BODY_MAX;

    (void)context;
    printf("%s\t" API_PREFIX "%s\t%s\t%s\t%s\t%u\t%s\t%zu\n", methods[route->method], route->path,
           access[route->access], scopes[route->scope], object_word(route->object), route->need,
           bodies[route->body], body_max);
}

static NORETURN void usage(int code)
{
    fputs("Usage: left4me-web [OPTION…] [DATABASE]\n"
          "       left4me-web --routes\n"
          "\n"
          "  --insecure          it is reached without https, also from other machines\n"
          "  --l4d2ctl PROGRAM   what is run to look things up on the host\n"
          "  --quiet             write no line for each request\n"
          "  --settings FILE     instead of " SETTINGS_PATH "\n"
          "  --static DIRECTORY  where the files of the page are\n"
          "  --routes            list what can be asked: method, path, and who may\n",
          code ? stderr : stdout);
    exit(code);
}

static void parse(struct options *ret, int argc, char **argv)
{
    static const struct option options[] = {
        { "insecure", no_argument, NULL, 'i' },       { "l4d2ctl", required_argument, NULL, 'l' },
        { "quiet", no_argument, NULL, 'q' },          { "routes", no_argument, NULL, 'r' },
        { "settings", required_argument, NULL, 'c' }, { "static", required_argument, NULL, 's' },
        { "help", no_argument, NULL, 'h' },           { 0 },
    };

    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;)
        switch (c) {
        case 'i':
            ret->is_insecure = true;
            break;
        case 'l':
            ret->ctl_path = optarg;
            break;
        case 'r':
            api_each_route(show_route, NULL);
            exit(EXIT_SUCCESS);
        case 'c':
            ret->settings_path = optarg;
            break;
        case 'q':
            ret->site.is_quiet = true;
            break;
        case 's':
            ret->site.static_path = optarg;
            break;
        case 'h':
            usage(EXIT_SUCCESS);
        default:
            usage(2);
        }
    if (argc - optind > 1)
        usage(2);
    if (optind < argc)
        ret->database = argv[optind];
}

int main(int argc, char **argv)
{
    struct web     web = { 0 };
    struct error   err = { 0 };
    struct options options = {
        .database = DATABASE,
        .settings_path = SETTINGS_PATH,
        .ctl_path = CTL_PATH,
        .site.static_path = STATIC_DIR,
        .limits = http_limits_default,
    };

    parse(&options, argc, argv);
    if (read_settings(&options, &err) < 0 || set_up(&web, &options, &err) < 0 ||
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
