// SPDX-License-Identifier: MIT
// workshop-sync: the engine of left4me-workshop with other directories, another API and shorter
// pauses, for tests and the bench. What the product must never be told, such as an address of this
// machine that counts as public, can be told here alone.
//
// usage: workshop-sync DATA_DIR BUILD KEY=VALUE...

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "base/log.h"
#include "base/number.h"
#include "workshop/collect.h"
#include "workshop/sync.h"

#define EXIT_USAGE 2

struct words {
    struct workshop_options options;
    uint64_t                parallel, stall_s, tries, backoff_ms, wait_max_s, second_ms;
};

static const struct {
    const char *key;
    size_t      offset;
    bool        is_text;
} keys[] = {
    { "api", offsetof(struct words, options.api_url), true },
    { "ca", offsetof(struct words, options.rules.ca_file), true },
    { "address", offsetof(struct words, options.rules.test_address), true },
    { "item_max", offsetof(struct words, options.item_max_bytes), false },
    { "total_max", offsetof(struct words, options.total_max_bytes), false },
    { "collect_after", offsetof(struct words, options.collect_after_s), false },
    { "rate", offsetof(struct words, options.rules.rate_max_bytes_s), false },
    { "parallel", offsetof(struct words, parallel), false },
    { "stall_s", offsetof(struct words, stall_s), false },
    { "tries", offsetof(struct words, tries), false },
    { "backoff_ms", offsetof(struct words, backoff_ms), false },
    { "wait_max_s", offsetof(struct words, wait_max_s), false },
    { "second_ms", offsetof(struct words, second_ms), false },
};

static int take_word(struct words *words, const char *word, struct error *err)
{
    const char *value = strchr(word, '=');
    uint64_t    number = 0;

    for (size_t i = 0; value && i < ELEMENTS(keys); i++) {
        char *place = (char *)words + keys[i].offset;
        if (strncmp(word, keys[i].key, strlen(keys[i].key)) != 0 ||
            value != word + strlen(keys[i].key))
            continue;
        if (keys[i].is_text) {
            const char *text = value + 1;
            memcpy(place, &text, sizeof text);
            return 0;
        }
        if (number_parse_bytes(&number, value + 1, 0, INT64_MAX, err) < 0)
            return -1;
        memcpy(place, &number, sizeof number);
        return 0;
    }
    return error_set(err, ERROR_INVALID, "there is no '%s'", word);
}

static void print_line(void *user, const char *line)
{
    (void)user;
    (void)puts(line); // the reader may have gone
}

static int run(int argc, char **argv, struct error *err)
{
    static const struct say out = { .line = print_line };
    struct workshop_result  result;
    uint32_t                build = 0;
    struct words            words = {
                   .options = { .api_url = "",
                                .item_max_bytes = 1 << 30,
                                .total_max_bytes = UINT64_C(1) << 40,
                                .collect_after_s = COLLECT_AFTER_S,
                                .rules = fetch_rules_default },
                   .parallel = 4,
                   .stall_s = 20,
                   .tries = 5,
                   .backoff_ms = 1,
                   .wait_max_s = 300,
                   .second_ms = 1,
    };

    if (number_parse_u32(&build, argv[2], 1, INT32_MAX, err) < 0)
        return -1;
    for (int i = 3; i < argc; i++)
        if (take_word(&words, argv[i], err) < 0)
            return -1;
    words.options.rules.parallel = (uint32_t)words.parallel;
    words.options.rules.stall_s = (uint32_t)words.stall_s;
    words.options.rules.tries = (uint32_t)words.tries;
    words.options.rules.backoff_ms = (uint32_t)words.backoff_ms;
    words.options.rules.backoff_max_ms = (uint32_t)words.backoff_ms * 8;
    words.options.rules.wait_max_s = (uint32_t)words.wait_max_s;
    words.options.rules.second_ms = (uint32_t)words.second_ms;
    if (workshop_sync(&result, argv[1], build, &words.options, &out, err) < 0)
        return -1;
    (void)printf("result items=%" PRIu32 " fetched=%" PRIu32 " kept=%" PRIu32 " missing=%" PRIu32
                 " questions=%" PRIu32 " bytes=%" PRIu64 " bytes_fetched=%" PRIu64 "\n",
                 result.n_items, result.n_fetched, result.n_kept, result.n_missing,
                 result.n_questions, result.bytes, result.bytes_fetched);
    return 0;
}

int main(int argc, char **argv)
{
    struct error err = { 0 };

    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)umask(0077); // the modes do not depend on it
    if (argc < 3) {
        (void)fputs("usage: workshop-sync DATA_DIR BUILD KEY=VALUE...\n", stderr);
        return EXIT_USAGE;
    }
    if (run(argc, argv, &err) < 0) {
        log_line(LEVEL_ERROR, "%s", err.message);
        return error_kind_info(err.kind)->exit_code;
    }
    return 0;
}
