// SPDX-License-Identifier: MIT
#include "settings/settings.h"
#include "unit.h"

static int parse(struct settings *ret, const char *text, struct error *err)
{
    size_t n = strlen(text);
    AUTO(freep)
    char *copy = malloc(n + !n); // exact, so that a sanitizer sees a read behind it

    memcpy(copy, text, n);
    return settings_parse(ret, copy, n, err);
}

static void test_defaults(void **state)
{
    struct settings settings;
    struct error    err = { 0 };

    (void)state;
    assert_int_equal(parse(&settings, "", &err), 0);
    assert_int_equal(settings.overlays.keep, 3);
    assert_int_equal(settings.overlays.output_max_bytes, UINT64_C(20) << 30);
    assert_int_equal(settings.overlays.budget_bytes, 0);
    assert_string_equal(settings.workshop.api_url, "https://api.steampowered.com");
    assert_int_equal(settings.workshop.downloads, 4);
    assert_int_equal(settings.workshop.rate_max_bytes_s, 0);
    assert_int_equal(settings.workshop.item_max_bytes, UINT64_C(4) << 30);
    assert_int_equal(settings.workshop.total_max_bytes, UINT64_C(20) << 30);
    assert_string_equal(settings.web.proxies, "");
    assert_int_equal(settings.web.connections, 64);
    assert_int_equal(settings.web.requests_s, 50);
}

static void test_values(void **state)
{
    struct settings settings;
    struct error    err = { 0 };

    (void)state;
    int r = parse(&settings,
                  "\xef\xbb\xbf# c\r\n[overlays]\r\nkeep=5 ; inline\noutput_max = 1G\n"
                  "  ; an indented comment\n\nbudget: 2T\n[workshop]\n"
                  "api_url = https://[2001:db8::1]:8443/steam\ndownloads = 32\nrate_max = 512K\n"
                  "item_max = 7\n[web]\nproxies = 127.0.0.1 ::1 ; both\nconnections = 0\n",
                  &err);
    if (r < 0)
        fail_msg("%s", err.message);
    assert_int_equal(settings.overlays.keep, 5);
    assert_int_equal(settings.overlays.output_max_bytes, 1 << 30);
    assert_int_equal(settings.overlays.budget_bytes, UINT64_C(2) << 40);
    assert_string_equal(settings.workshop.api_url, "https://[2001:db8::1]:8443/steam");
    assert_int_equal(settings.workshop.downloads, 32);
    assert_int_equal(settings.workshop.rate_max_bytes_s, 512 << 10);
    assert_int_equal(settings.workshop.item_max_bytes, 7);
    assert_int_equal(settings.workshop.total_max_bytes, UINT64_C(20) << 30);
    assert_string_equal(settings.web.proxies, "127.0.0.1 ::1");
    assert_int_equal(settings.web.connections, 0);
    assert_int_equal(settings.web.requests_s, 50);
}

static void test_errors_name_the_line(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        { "keep = 3", "line 1: 'keep' stands before the first section" },
        { "[overlays]\nkeeep = 3", "line 2: there is no key 'keeep' in [overlays]" },
        { "[overlays]\ndownloads = 3", "line 2: there is no key 'downloads' in [overlays]" },
        { "\n[overlay]", "line 2: there is no section [overlay]" },
        { "[overlay", "line 1: there is no section [overlay]" },
        { "[overlays", "line 1: it is neither [SECTION] nor KEY = VALUE" },
        { "[]", "line 1: there is no section []" },
        { "[overlays]\nkeep", "line 2: it is neither [SECTION] nor KEY = VALUE" },
        { "[overlays]\nkeep\nkeep = x", "line 2: it is neither [SECTION] nor KEY = VALUE" },
        { "[overlays]\nkeep = 3\nkeep = 3", "line 3: 'keep' is there twice" },
        { "[overlays]\nkeep = 3\n  4", "line 3: it is indented" },
        { "[overlays]\nkeep = 0", "line 2: 'keep': '0' is not a whole number from 1 to 200" },
        { "[overlays]\nkeep = 201", "line 2: 'keep': '201' is not a whole number from 1 to 200" },
        { "[overlays]\nkeep = 3 # c",
          "line 2: 'keep': '3 # c' is not a whole number from 1 to 200" },
        { "[overlays]\nkeep =", "line 2: 'keep': '' is not a whole number from 1 to 200" },
        { "[overlays]\noutput_max = 20GB",
          "line 2: 'output_max': '20GB' is not a size such as 512M or 4G" },
        { "[overlays]\noutput_max = 1K",
          "line 2: 'output_max': '1K' is not a whole number from 1048576 to 17592186044416" },
        { "[workshop]\nrate_max = 1",
          "line 2: 'rate_max': '1' is not a whole number from 131072 to 1125899906842624" },
        { "[workshop]\napi_url = http://api.example",
          "line 2: 'api_url': 'http://api.example' is not a link like https://api.example.com, "
          "without a slash at its end" },
        { "[workshop]\napi_url = https://a/",
          "line 2: 'api_url': 'https://a/' is not a link like https://api.example.com, "
          "without a slash at its end" },
        { "[workshop]\napi_url = https://u@a",
          "line 2: 'api_url': 'https://u@a' is not a link like https://api.example.com, "
          "without a slash at its end" },
        { "[workshop]\napi_url = https://a?b",
          "line 2: 'api_url': 'https://a?b' is not a link like https://api.example.com, "
          "without a slash at its end" },
        { "[workshop]\n\x80 = 1", "line 2: it holds bytes that are no text" },
        { "[workshop]\n\x1b = 1", "line 2: it holds bytes that are no text" },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct settings settings;
        struct error    err = { 0 };
        assert_int_equal(parse(&settings, cases[i].text, &err), -1);
        assert_int_equal(err.kind, ERROR_INVALID);
        assert_string_equal(err.message, cases[i].want);
    }
}

static void test_limits(void **state)
{
    struct settings settings;
    struct error    err = { 0 };
    char            line[SETTINGS_LINE_MAX + 2];
    AUTO(freep)
    char *text = malloc(SETTINGS_BYTES_MAX + 1);

    (void)state;
    memset(line, '#', sizeof line);
    assert_int_equal(settings_parse(&settings, line, SETTINGS_LINE_MAX, &err), 0);
    assert_int_equal(settings_parse(&settings, line, SETTINGS_LINE_MAX + 1, &err), -1);
    assert_string_equal(err.message, "line 1: it is longer than 190 bytes");

    memset(text, '\n', SETTINGS_BYTES_MAX + 1);
    assert_int_equal(settings_parse(&settings, text, SETTINGS_BYTES_MAX, &err), 0);
    assert_int_equal(settings_parse(&settings, text, SETTINGS_BYTES_MAX + 1, &err), -1);
    assert_int_equal(settings_parse(&settings, "[overlays]\0\nkeep = 4", 20, &err), -1);
}

static void test_the_file(void **state)
{
    struct unit_dir *dir = *state;
    struct settings  settings;
    struct error     err = { 0 };
    char             path[128], want[256];

    snprintf(path, sizeof path, "%s/left4me.conf", dir->path);
    assert_int_equal(settings_read(&settings, path, &err), 0);
    assert_int_equal(settings.overlays.keep, 3);

    unit_write(dir->fd, "left4me.conf", "[overlays]\nkeep = 9\n");
    assert_int_equal(settings_read(&settings, path, &err), 0);
    assert_int_equal(settings.overlays.keep, 9);

    unit_write(dir->fd, "left4me.conf", "[overlays]\nkeep = nine\n");
    assert_int_equal(settings_read(&settings, path, &err), -1);
    snprintf(want, sizeof want, "%s: line 2: 'keep': 'nine' is not a whole number from 1 to 200",
             path);
    assert_string_equal(err.message, want);

    assert_int_equal(settings_read(&settings, dir->path, &err), -1);
    assert_int_equal(err.kind, ERROR_INVALID);
}

// What is installed is all comment, tells every key, and tells its default.
static void test_the_example_is_true(void **state)
{
    struct settings with, without;
    struct error    err = { 0 };
    AUTO(freep)
    char   *text = NULL;
    size_t  n = 0;
    AUTO_FD fd = open(UNITS_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    (void)state;
    assert_int_equal(fd_read_file(&text, &n, fd, "left4me.conf", SETTINGS_BYTES_MAX, &err), 0);
    assert_int_equal(parse(&without, text, &err), 0);
    unsigned n_keys = 0;
    for (char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (*line == '#' && line[1] >= 'a' && line[1] <= 'z') {
            memmove(line, line + 1, strlen(line));
            n_keys++;
        }
    }
    if (parse(&with, text, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(n_keys, 11);
    assert_memory_equal(&with.overlays, &without.overlays, sizeof with.overlays);
    assert_string_equal(with.workshop.api_url, without.workshop.api_url);
    assert_int_equal(with.workshop.downloads, without.workshop.downloads);
    assert_int_equal(with.workshop.total_max_bytes, without.workshop.total_max_bytes);
    assert_string_equal(with.web.proxies, without.web.proxies);
    assert_int_equal(with.web.connections, without.web.connections);
    assert_int_equal(with.web.requests_s, without.web.requests_s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_errors_name_the_line),
        cmocka_unit_test(test_limits),
        cmocka_unit_test_setup_teardown(test_the_file, unit_dir_setup, unit_dir_teardown),
        cmocka_unit_test(test_the_example_is_true),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
