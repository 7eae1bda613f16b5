// SPDX-License-Identifier: MIT
#include "workshop/fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include "workshop/backoff.h"
#include "workshop/transfer.h"

#define STEP_MS           500
#define LATER_MS          200u
#define SHARE_MIN_BYTES_S UINT64_C(4096) // or it would look like a server that has stalled
#define TRIES_IN_ALL      64u            // also when each brings something
#define PROGRESS_BYTES    1048576u       // a try that brought so much counts as none

const struct fetch_rules fetch_rules_default = {
    .parallel = 4,
    .connect_ms = 20000,
    .stall_s = 30,
    .tries = 5,
    .backoff_ms = 1000,
    .backoff_max_ms = 60000,
    .wait_max_s = 300,
    .second_ms = 1000,
};

struct entry {
    struct fetch_job job;
    bool             is_running;
    uint64_t         due_ms;
    uint32_t         n_failures; // in a row
    uint32_t         n_tries;
};

// A place where one entry at a time is transferred.
struct slot {
    struct transfer transfer;
    struct entry   *entry; // NULL: idle
};

struct fetcher {
    struct fetch_rules rules;
    CURLM             *multi;
    struct slot       *slots; // rules.parallel of them
    struct entry     **entries;
    size_t             n_entries, n_room;
};

static uint64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); // cannot fail for this clock
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static bool is_passing(enum error_kind kind)
{
    return kind == ERROR_UNAVAILABLE || kind == ERROR_TIMEOUT;
}

// ---- entries ----------------------------------------------------------------------------------

static void entry_end(struct fetcher *fetcher, struct entry *entry, const struct error *why)
{
    for (size_t i = 0; i < fetcher->n_entries; i++) {
        if (fetcher->entries[i] != entry)
            continue;
        memmove(&fetcher->entries[i], &fetcher->entries[i + 1],
                (fetcher->n_entries - i - 1) * sizeof(struct entry *));
        fetcher->n_entries--;
        break;
    }
    struct fetch_job job = entry->job;
    free(entry);
    job.end(job.user, why); // may add others
}

static uint32_t pause_of(const struct fetcher *fetcher, const struct entry *entry, uint64_t asked_s)
{
    struct backoff backoff = { fetcher->rules.backoff_ms, fetcher->rules.backoff_max_ms };
    uint32_t       random = 0;

    if (asked_s > 0)
        return (uint32_t)MIN(asked_s * fetcher->rules.second_ms, UINT32_MAX);
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) < 0)
        random = (uint32_t)now_ms(); // only to spread
    return backoff_ms(&backoff, entry->n_failures, random);
}

static void entry_failed(struct fetcher *fetcher, struct entry *entry, uint64_t n_bytes,
                         uint64_t asked_s, struct error *why)
{
    if (n_bytes >= PROGRESS_BYTES)
        entry->n_failures = 0;
    entry->n_failures++;
    if (is_passing(why->kind) && asked_s > fetcher->rules.wait_max_s)
        (void)error_prefix(why, "it asks for a pause of %" PRIu64 " seconds", asked_s);
    if (!is_passing(why->kind) || asked_s > fetcher->rules.wait_max_s ||
        entry->n_failures >= fetcher->rules.tries || entry->n_tries >= TRIES_IN_ALL) {
        entry_end(fetcher, entry, why);
        return;
    }
    uint32_t pause_ms = pause_of(fetcher, entry, asked_s);
    entry->due_ms = now_ms() + pause_ms;
    entry->job.again(entry->job.user, pause_ms, why);
}

// ---- transfers --------------------------------------------------------------------------------

// Each gets its share of what is allowed. There are never more of them than there were shares.
static curl_off_t share_of_rate(const struct fetcher *fetcher)
{
    size_t   n = MIN(fetcher->n_entries, (size_t)fetcher->rules.parallel);
    uint64_t share = fetcher->rules.rate_max_bytes_s / MAX(n, (size_t)1);

    return fetcher->rules.rate_max_bytes_s ? (curl_off_t)MAX(share, SHARE_MIN_BYTES_S) : 0;
}

static int slot_start(struct fetcher *fetcher, struct slot *slot, struct entry *entry,
                      const struct fetch_start *start, struct error *err)
{
    slot->entry = entry;
    if (transfer_ask(&slot->transfer, &entry->job, start, share_of_rate(fetcher), err) < 0)
        return -1;
    CURLMcode code = curl_multi_add_handle(fetcher->multi, slot->transfer.easy);
    if (code != CURLM_OK)
        return transfer_fail(curl_multi_strerror(code), err);
    entry->is_running = true;
    entry->n_tries++;
    return 0;
}

// The next one that is due; NULL: none.
static struct entry *next_due(const struct fetcher *fetcher)
{
    uint64_t now = now_ms();

    for (size_t i = 0; i < fetcher->n_entries; i++)
        if (!fetcher->entries[i]->is_running && fetcher->entries[i]->due_ms <= now)
            return fetcher->entries[i];
    return NULL;
}

static struct slot *idle_slot(const struct fetcher *fetcher)
{
    for (uint32_t i = 0; i < fetcher->rules.parallel; i++)
        if (!fetcher->slots[i].entry)
            return &fetcher->slots[i];
    return NULL;
}

static int start_due(struct fetcher *fetcher, struct error *err)
{
    struct slot  *slot;
    struct entry *entry;

    while ((slot = idle_slot(fetcher)) && (entry = next_due(fetcher))) {
        struct fetch_start start = { 0 };
        struct error       why = { 0 };
        switch (entry->job.begin(entry->job.user, &start, &why)) {
        case FETCH_GO:
            if (slot_start(fetcher, slot, entry, &start, err) < 0)
                return -1;
            break;
        case FETCH_LATER:
            entry->due_ms = now_ms() + LATER_MS;
            break;
        case FETCH_DONE:
            entry_end(fetcher, entry, NULL);
            break;
        case FETCH_FAIL:
            entry_end(fetcher, entry, &why);
            break;
        }
    }
    return 0;
}

static void slot_end(struct fetcher *fetcher, struct slot *slot, CURLcode code)
{
    struct transfer *transfer = &slot->transfer;
    struct error     why = { 0 };
    struct entry    *entry = slot->entry;
    curl_off_t       asked_s = 0;

    int r = transfer_judge(transfer, code, &why);
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &asked_s); // 0: it does not
    (void)curl_multi_remove_handle(fetcher->multi, transfer->easy);          // it is in there
    slot->entry = NULL;
    entry->is_running = false;
    if (r == 0)
        entry_end(fetcher, entry, NULL);
    else
        entry_failed(fetcher, entry, transfer->n_bytes, asked_s > 0 ? (uint64_t)asked_s : 0, &why);
}

static void end_finished(struct fetcher *fetcher)
{
    CURLMsg *message;
    int      n_left;

    while ((message = curl_multi_info_read(fetcher->multi, &n_left))) {
        struct slot *slot = NULL;
        CURLcode     code = message->data.result; // gone with the handle
        if (message->msg == CURLMSG_DONE &&
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &slot) == CURLE_OK)
            slot_end(fetcher, slot, code);
    }
}

static int wait_ms(const struct fetcher *fetcher)
{
    uint64_t now = now_ms(), wait = STEP_MS;

    for (size_t i = 0; i < fetcher->n_entries; i++) {
        const struct entry *entry = fetcher->entries[i];
        if (!entry->is_running)
            wait = MIN(wait, entry->due_ms > now  ? entry->due_ms - now
                             : idle_slot(fetcher) ? 0u
                                                  : wait);
    }
    return (int)wait;
}

int fetcher_step(struct fetcher *fetcher, int other_fd, struct error *err)
{
    struct curl_waitfd other = { .fd = other_fd, .events = CURL_WAIT_POLLIN };
    int                n_running = 0;

    if (start_due(fetcher, err) < 0)
        return -1;
    CURLMcode code = curl_multi_perform(fetcher->multi, &n_running);
    if (code != CURLM_OK)
        return transfer_fail(curl_multi_strerror(code), err);
    size_t n_before = fetcher->n_entries;
    end_finished(fetcher);
    if (n_before > 0 && fetcher->n_entries != n_before)
        return 0;
    code = curl_multi_poll(fetcher->multi, &other, other_fd >= 0 ? 1 : 0, wait_ms(fetcher), NULL);
    if (code != CURLM_OK)
        return transfer_fail(curl_multi_strerror(code), err);
    return 0;
}

int fetcher_add(struct fetcher *fetcher, const struct fetch_job *job, struct error *err)
{
    struct entry *entry = calloc(1, sizeof *entry);

    if (fetcher->n_entries == fetcher->n_room) {
        size_t         room = fetcher->n_room ? 2 * fetcher->n_room : 64;
        struct entry **more = reallocarray(fetcher->entries, room, sizeof(struct entry *));
        if (more) {
            fetcher->entries = more;
            fetcher->n_room = room;
        }
    }
    if (!entry || fetcher->n_entries == fetcher->n_room) {
        free(entry);
        return error_sys(err, ENOMEM, "adding a transfer");
    }
    entry->job = *job;
    fetcher->entries[fetcher->n_entries++] = entry;
    return 0;
}

size_t fetcher_pending(const struct fetcher *fetcher)
{
    return fetcher->n_entries;
}

// ---- the fetcher ------------------------------------------------------------------------------

int fetcher_new(struct fetcher **ret, const struct fetch_rules *rules, struct error *err)
{
    AUTO(fetcher_freep) struct fetcher *fetcher = calloc(1, sizeof *fetcher);

    if (!fetcher || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return error_sys(err, ENOMEM, "setting up transfers");
    fetcher->rules = *rules;
    fetcher->slots = calloc(rules->parallel, sizeof *fetcher->slots);
    fetcher->multi = curl_multi_init();
    if (!fetcher->slots || !fetcher->multi ||
        curl_multi_setopt(fetcher->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)rules->parallel) !=
            CURLM_OK)
        return error_sys(err, ENOMEM, "setting up transfers");
    for (uint32_t i = 0; i < rules->parallel; i++) {
        struct slot *slot = &fetcher->slots[i];
        if (transfer_init(&slot->transfer, &fetcher->rules, err) < 0)
            return -1;
        if (curl_easy_setopt(slot->transfer.easy, CURLOPT_PRIVATE, slot) != CURLE_OK)
            return transfer_fail("it does not take an option", err);
    }
    *ret = TAKE(fetcher);
    return 0;
}

void fetcher_cancel(struct fetcher *fetcher)
{
    for (uint32_t i = 0; fetcher->slots && i < fetcher->rules.parallel; i++) {
        struct slot *slot = &fetcher->slots[i];
        if (slot->entry)
            (void)curl_multi_remove_handle(fetcher->multi, slot->transfer.easy); // it is in there
        slot->entry = NULL;
    }
    for (size_t i = 0; i < fetcher->n_entries; i++)
        free(fetcher->entries[i]);
    fetcher->n_entries = 0;
}

struct fetcher *fetcher_free(struct fetcher *fetcher)
{
    if (!fetcher)
        return NULL;
    fetcher_cancel(fetcher);
    for (uint32_t i = 0; fetcher->slots && i < fetcher->rules.parallel; i++)
        transfer_done(&fetcher->slots[i].transfer);
    free(fetcher->entries);
    free(fetcher->slots);
    (void)curl_multi_cleanup(fetcher->multi); // also NULL; nothing can be done about an error
    free(fetcher);
    return NULL;
}

void fetcher_freep(struct fetcher **fetcher)
{
    *fetcher = fetcher_free(*fetcher);
}
