// SPDX-License-Identifier: MIT
#include "web/options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include "settings/settings.h"
#include "web/object.h"
#include "work/bell.h"

#define DATABASE "/var/lib/left4me/db/left4me.db"

// A line each: method, path, who may, the least scope of a token, the thing that it is about, what
// one must be allowed to do with it, what its body is, and how large it may be.
static void show_route(void *context, const struct route *route)
{
    static const char *const access[] = {
        [API_ANYBODY] = "anybody",
        [API_USER] = "user",
        [API_SESSION] = "session",
        [API_ADMIN] = "admin",
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
    printf("%s\t" API_PREFIX "%s\t%s\t%s\t%s\t%u\t%s\t%zu\n", api_method_word(route->method),
           route->path, access[route->access], token_scope_word(route->scope),
           object_word(route->object), route->need, bodies[route->body], body_max);
}

static NORETURN void usage(int code)
{
    fputs("Usage: left4me-web [OPTION…] [DATABASE]\n"
          "       left4me-web --routes\n"
          "\n"
          "  --data DIRECTORY    where the host keeps its things\n"
          "  --insecure          it is reached without https, also from other machines\n"
          "  --key FILE          what secrets in the database are sealed with\n"
          "  --l4d2ctl PROGRAM   what is run to look things up on the host\n"
          "  --quiet             write no line for each request\n"
          "  --settings FILE     instead of " SETTINGS_PATH "\n"
          "  --static DIRECTORY  where the files of the page are\n"
          "  --worker SOCKET     where the worker is\n"
          "  --routes            list what can be asked, and who may\n",
          code ? stderr : stdout);
    exit(code);
}

void options_parse(struct options *ret, int argc, char **argv)
{
    static const struct option words[] = {
        { "data", required_argument, NULL, 'd' },
        { "insecure", no_argument, NULL, 'i' },
        { "key", required_argument, NULL, 'k' },
        { "l4d2ctl", required_argument, NULL, 'l' },
        { "quiet", no_argument, NULL, 'q' },
        { "routes", no_argument, NULL, 'r' },
        { "settings", required_argument, NULL, 'c' },
        { "static", required_argument, NULL, 's' },
        { "worker", required_argument, NULL, 'w' },
        { "help", no_argument, NULL, 'h' },
        { 0 },
    };

    *ret = (struct options){ .database = DATABASE,
                             .settings = SETTINGS_PATH,
                             .ctl = CTL_PATH,
                             .worker = BELL_SOCKET,
                             .site.static_path = STATIC_DIR,
                             .limits = http_limits_default };
    for (int c; (c = getopt_long(argc, argv, "h", words, NULL)) != -1;)
        switch (c) {
        case 'c':
            ret->settings = optarg;
            break;
        case 'd':
            ret->data = optarg;
            break;
        case 'i':
            ret->is_insecure = true;
            break;
        case 'k':
            ret->key = optarg;
            break;
        case 'l':
            ret->ctl = optarg;
            break;
        case 'q':
            ret->site.is_quiet = true;
            break;
        case 'r':
            api_each_route(show_route, NULL);
            exit(EXIT_SUCCESS);
        case 's':
            ret->site.static_path = optarg;
            break;
        case 'w':
            ret->worker = optarg;
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

// ---- the settings of the machine ---------------------------------------------------------------

static int add_proxies(struct http_proxies *proxies, char *words, struct error *err)
{
    char *rest = NULL;

    for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        if (http_proxies_add(proxies, word, err) < 0)
            return -1;
    return 0;
}

int options_read_settings(struct options *options, struct error *err)
{
    struct settings settings;

    if (settings_read(&settings, options->settings, err) < 0)
        return -1;
    if (add_proxies(&options->site.proxies, settings.web.proxies, err) < 0)
        return error_prefix(err, "%s: 'proxies'", options->settings);
    options->site.requests_s = settings.web.requests_s;
    options->limits.of_address = settings.web.connections;
    options->limits.proxies = &options->site.proxies;
    return 0;
}
