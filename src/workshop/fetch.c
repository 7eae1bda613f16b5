// SPDX-License-Identifier: MIT
#include "workshop/fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "workshop/address.h"
#include "workshop/backoff.h"

#define STEP_MS           500
#define LATER_MS          200u
#define REDIRECTS_MAX     3L
#define HEADERS_BYTES_MAX 65536u // of all headers of a transfer
#define IGNORED_BYTES_MAX 65536u // of a body that nobody wants, as that of an error
#define BUFFER_BYTES      262144L
#define SHARE_MIN_BYTES_S UINT64_C(4096) // or it would look like a server that has stalled
#define STALL_BYTES_S     1024L
#define TRIES_IN_ALL      64u      // also when each brings something
#define PROGRESS_BYTES    1048576u // a try that brought so much counts as none

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

struct transfer {
    struct fetcher    *fetcher;
    CURL              *easy;
    struct curl_slist *headers;
    struct entry      *entry; // NULL: idle
    struct fetch_start start;
    struct head        head; // of the answer at hand
    bool               is_head_told;
    uint64_t           n_header_bytes, n_bytes, n_ignored;
    struct error       error;   // of a callback; ERROR_NONE: none
    struct error       refusal; // of an address
};

struct fetcher {
    struct fetch_rules rules;
    CURLM             *multi;
    struct transfer   *transfers; // rules.parallel of them
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

// ---- the head of an answer ----------------------------------------------------------------------

static size_t on_header(char *bytes, size_t size, size_t n, void *user)
{
    struct transfer *transfer = user;

    transfer->n_header_bytes += size * n; // size is 1
    if (transfer->n_header_bytes > HEADERS_BYTES_MAX) {
        (void)error_set(&transfer->error, ERROR_INVALID, "the server sends headers without end");
        return 0;
    }
    head_take_line(&transfer->head, bytes, size * n);
    return size * n;
}

static uint32_t status_of(const struct transfer *transfer)
{
    long status = 0;

    (void)curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status); // 0: none yet
    return status > 0 ? (uint32_t)status : 0;
}

static int tell_head(struct transfer *transfer, struct error *err)
{
    const struct fetch_job *job = &transfer->entry->job;
    struct head            *head = &transfer->head;
    uint32_t                status = status_of(transfer);
    curl_off_t              length = -1;

    transfer->is_head_told = true;
    if (status == 206 && !head->has_range)
        return error_set(err, ERROR_INVALID, "the server sends a part and does not say which");
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    if (status == 200)
        head->total_bytes = length >= 0 ? (uint64_t)length : UINT64_MAX;
    return job->head(job->user, status, head, err);
}

// ---- the body ---------------------------------------------------------------------------------

static bool is_wanted(uint32_t status)
{
    return status == 200 || status == 206;
}

static int take(struct transfer *transfer, const void *bytes, size_t n, struct error *err)
{
    const struct fetch_job *job = &transfer->entry->job;

    if (!transfer->is_head_told && tell_head(transfer, err) < 0)
        return -1;
    transfer->n_bytes += n;
    if (transfer->n_bytes > transfer->start.max_bytes)
        return error_set(err, ERROR_INVALID,
                         "the server sends more than the %" PRIu64 " bytes there should be",
                         transfer->start.max_bytes);
    return job->take(job->user, bytes, n, err);
}

static size_t on_body(char *bytes, size_t size, size_t n, void *user)
{
    struct transfer *transfer = user;

    if (is_wanted(status_of(transfer)))
        return take(transfer, bytes, size * n, &transfer->error) < 0 ? 0 : size * n;
    transfer->n_ignored += size * n;
    return transfer->n_ignored > IGNORED_BYTES_MAX ? 0 : size * n;
}

// Also counts what is thrown away, as the body of a redirection.
static int on_progress(void *user, curl_off_t all, curl_off_t now, curl_off_t up_all, curl_off_t up)
{
    struct transfer *transfer = user;

    (void)all, (void)up_all, (void)up;
    if (now < 0 || (uint64_t)now <= transfer->start.max_bytes + IGNORED_BYTES_MAX)
        return 0;
    (void)error_set(&transfer->error, ERROR_INVALID, "the server sends bytes without end");
    return 1;
}

// ---- addresses --------------------------------------------------------------------------------

static curl_socket_t on_connect(void *user, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transfer *transfer = user;
    char             shown[ADDRESS_SHOW_MAX];
    const char      *test = transfer->fetcher->rules.test_address;
    const char      *what = address_refusal(&address->addr);

    (void)address_show(shown, &address->addr);
    if (what && !(test && strcmp(shown, test) == 0)) {
        (void)error_set(&transfer->refusal, ERROR_DENIED,
                        "the name leads to %s, which is %s and not the internet", shown, what);
        return CURL_SOCKET_BAD;
    }
    if (purpose != CURLSOCKTYPE_IPCXN || address->socktype != SOCK_STREAM)
        return CURL_SOCKET_BAD;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

// ---- what came of it --------------------------------------------------------------------------

static const struct {
    CURLcode        code;
    enum error_kind kind;
    const char     *sentence;
} code_rows[] = {
    { CURLE_UNSUPPORTED_PROTOCOL, ERROR_INVALID, "the link leads to one that is not https" },
    { CURLE_URL_MALFORMAT, ERROR_INVALID, "it is not a link that can be followed" },
    { CURLE_LOGIN_DENIED, ERROR_INVALID, "a link with a password is not followed" },
    { CURLE_COULDNT_RESOLVE_HOST, ERROR_UNAVAILABLE, "no name server knows the name" },
    { CURLE_COULDNT_CONNECT, ERROR_UNAVAILABLE, "nobody answers there" },
    { CURLE_OPERATION_TIMEDOUT, ERROR_TIMEOUT, "the server is silent or too slow" },
    { CURLE_TOO_MANY_REDIRECTS, ERROR_INVALID,
      "the link leads from one place to the next without end" },
    { CURLE_PEER_FAILED_VERIFICATION, ERROR_UNAVAILABLE,
      "the certificate of the server is not valid" },
    { CURLE_SSL_CACERT_BADFILE, ERROR_UNAVAILABLE,
      "the certificates of this system cannot be read: is ca-certificates installed?" },
    { CURLE_SSL_CONNECT_ERROR, ERROR_UNAVAILABLE, "no encrypted connection comes about" },
    { CURLE_GOT_NOTHING, ERROR_UNAVAILABLE, "the server hung up without an answer" },
    { CURLE_PARTIAL_FILE, ERROR_UNAVAILABLE, "the connection broke off" },
    { CURLE_RECV_ERROR, ERROR_UNAVAILABLE, "the connection broke off" },
    { CURLE_SEND_ERROR, ERROR_UNAVAILABLE, "the connection broke off" },
};

static const struct {
    uint32_t        from, to;
    enum error_kind kind;
    const char     *sentence;
} status_rows[] = {
    { 300, 399, ERROR_INVALID, "the server sends us elsewhere" },
    { 401, 401, ERROR_DENIED, "the server wants a password" },
    { 403, 403, ERROR_DENIED, "the server does not hand it out" },
    { 404, 404, ERROR_NOT_FOUND, "the server does not have it" },
    { 408, 408, ERROR_UNAVAILABLE, "the server gave up waiting" },
    { 410, 410, ERROR_NOT_FOUND, "the server does not have it any more" },
    { 416, 416, ERROR_UNAVAILABLE, "the server cannot go on where it stopped" },
    { 425, 425, ERROR_UNAVAILABLE, "the server says it is too early" },
    { 429, 429, ERROR_UNAVAILABLE, "the server was asked too often" },
    { 500, 599, ERROR_UNAVAILABLE, "the server has a fault" },
};

// The host of the link that was followed last.
static void show_host(char *ret, size_t size, const struct transfer *transfer)
{
    const char *link = NULL;

    (void)curl_easy_getinfo(transfer->easy, CURLINFO_EFFECTIVE_URL, &link); // NULL: none yet
    if (!link || !*link)
        link = transfer->entry->job.url;
    const char *host = strstr(link, "://");
    host = host ? host + 3 : link;
    (void)snprintf(ret, size, "%.*s", (int)strcspn(host, "/?#"), host); // truncation is fine
}

static int fail_with_status(const struct transfer *transfer, uint32_t status, struct error *err)
{
    char host[80];

    show_host(host, sizeof host, transfer);
    for (size_t i = 0; i < ELEMENTS(status_rows); i++)
        if (status >= status_rows[i].from && status <= status_rows[i].to)
            return error_set(err, status_rows[i].kind, "%s: %s (status %" PRIu32 ")", host,
                             status_rows[i].sentence, status);
    return error_set(err, ERROR_FAILED, "%s: the server answers with status %" PRIu32, host,
                     status);
}

static int fail_with_code(const struct transfer *transfer, CURLcode code, struct error *err)
{
    char host[80];

    show_host(host, sizeof host, transfer);
    for (size_t i = 0; i < ELEMENTS(code_rows); i++)
        if (code == code_rows[i].code)
            return error_set(err, code_rows[i].kind, "%s: %s", host, code_rows[i].sentence);
    return error_set(err, ERROR_UNAVAILABLE, "%s: %s", host, curl_easy_strerror(code));
}

static int judge(struct transfer *transfer, CURLcode code, struct error *err)
{
    const struct fetch_job *job = &transfer->entry->job;
    uint32_t                status = status_of(transfer);

    if (transfer->error.kind != ERROR_NONE) {
        *err = transfer->error;
        return -1;
    }
    if (code != CURLE_OK && transfer->refusal.kind != ERROR_NONE) {
        *err = transfer->refusal;
        return -1;
    }
    if ((code == CURLE_OK || code == CURLE_WRITE_ERROR) && status == 416 &&
        tell_head(transfer, err) < 0)
        return -1;
    if ((code == CURLE_OK || code == CURLE_WRITE_ERROR) && !is_wanted(status))
        return fail_with_status(transfer, status, err);
    if (code != CURLE_OK)
        return fail_with_code(transfer, code, err);
    if (!transfer->is_head_told && tell_head(transfer, err) < 0)
        return -1;
    return job->whole(job->user, err);
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

static int fail_internal(const char *what, struct error *err)
{
    return error_set(err, ERROR_FAILED, "libcurl: %s", what);
}

// ---- transfers --------------------------------------------------------------------------------

static bool add_header(struct curl_slist **headers, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*headers, line);

    if (longer)
        *headers = longer;
    return longer;
}

static int set_headers(struct transfer *transfer, struct error *err)
{
    char line[HEAD_VALIDATOR_MAX + 16], range[32];
    bool is_part = transfer->start.from > 0;

    curl_slist_free_all(transfer->headers);
    transfer->headers = NULL;
    (void)snprintf(line, sizeof line, "If-Range: %s", transfer->start.validator);
    (void)snprintf(range, sizeof range, "%" PRIu64 "-", transfer->start.from);
    // Without "Expect:" a POST might wait a second for a "continue".
    if (!add_header(&transfer->headers, "Expect:") ||
        (is_part && !add_header(&transfer->headers, line)) ||
        curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers) != CURLE_OK ||
        curl_easy_setopt(transfer->easy, CURLOPT_RANGE, is_part ? range : NULL) != CURLE_OK)
        return error_sys(err, ENOMEM, "asking a server");
    return 0;
}

// Each gets its share of what is allowed. There are never more of them than there were shares.
static curl_off_t share_of_rate(const struct fetcher *fetcher)
{
    size_t   n = MIN(fetcher->n_entries, (size_t)fetcher->rules.parallel);
    uint64_t share = fetcher->rules.rate_max_bytes_s / MAX(n, (size_t)1);

    return fetcher->rules.rate_max_bytes_s ? (curl_off_t)MAX(share, SHARE_MIN_BYTES_S) : 0;
}

static int transfer_start(struct transfer *transfer, struct entry *entry, struct error *err)
{
    struct fetcher *fetcher = transfer->fetcher;
    CURL           *easy = transfer->easy;
    const char     *form = entry->job.form;

    transfer->entry = entry;
    transfer->head = HEAD_NONE;
    transfer->is_head_told = false;
    transfer->n_header_bytes = transfer->n_bytes = transfer->n_ignored = 0;
    transfer->error.kind = transfer->refusal.kind = ERROR_NONE;
    if (set_headers(transfer, err) < 0)
        return -1;
    if (curl_easy_setopt(easy, CURLOPT_URL, entry->job.url) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L) != CURLE_OK ||
        (form && curl_easy_setopt(easy, CURLOPT_POSTFIELDS, form) != CURLE_OK) ||
        curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, form ? 0L : 1L) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_MAX_RECV_SPEED_LARGE, share_of_rate(fetcher)) != CURLE_OK)
        return fail_internal("it does not take an option", err);
    CURLMcode code = curl_multi_add_handle(fetcher->multi, easy);
    if (code != CURLM_OK)
        return fail_internal(curl_multi_strerror(code), err);
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

static struct transfer *idle_transfer(const struct fetcher *fetcher)
{
    for (uint32_t i = 0; i < fetcher->rules.parallel; i++)
        if (!fetcher->transfers[i].entry)
            return &fetcher->transfers[i];
    return NULL;
}

static int start_due(struct fetcher *fetcher, struct error *err)
{
    struct transfer *transfer;
    struct entry    *entry;

    while ((transfer = idle_transfer(fetcher)) && (entry = next_due(fetcher))) {
        struct error why = { 0 };
        transfer->start = (struct fetch_start){ 0 };
        switch (entry->job.begin(entry->job.user, &transfer->start, &why)) {
        case FETCH_GO:
            if (transfer_start(transfer, entry, err) < 0)
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

static void transfer_end(struct fetcher *fetcher, struct transfer *transfer, CURLcode code)
{
    struct error  why = { 0 };
    struct entry *entry = transfer->entry;
    curl_off_t    asked_s = 0;

    int r = judge(transfer, code, &why);
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &asked_s); // 0: it does not
    (void)curl_multi_remove_handle(fetcher->multi, transfer->easy);          // it is in there
    transfer->entry = NULL;
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
        struct transfer *transfer = NULL;
        CURLcode         code = message->data.result; // gone with the handle
        if (message->msg == CURLMSG_DONE &&
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer) == CURLE_OK)
            transfer_end(fetcher, transfer, code);
    }
}

static int wait_ms(const struct fetcher *fetcher)
{
    uint64_t now = now_ms(), wait = STEP_MS;

    for (size_t i = 0; i < fetcher->n_entries; i++) {
        const struct entry *entry = fetcher->entries[i];
        if (!entry->is_running)
            wait = MIN(wait, entry->due_ms > now      ? entry->due_ms - now
                             : idle_transfer(fetcher) ? 0u
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
        return fail_internal(curl_multi_strerror(code), err);
    size_t n_before = fetcher->n_entries;
    end_finished(fetcher);
    if (n_before > 0 && fetcher->n_entries != n_before)
        return 0;
    code = curl_multi_poll(fetcher->multi, &other, other_fd >= 0 ? 1 : 0, wait_ms(fetcher), NULL);
    if (code != CURLM_OK)
        return fail_internal(curl_multi_strerror(code), err);
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

// What holds for every transfer.
static bool set_rules(struct transfer *transfer)
{
    const struct fetch_rules *rules = &transfer->fetcher->rules;
    CURL                     *easy = transfer->easy;
    const struct {
        CURLoption option;
        long       value;
    } numbers[] = {
        { CURLOPT_NOSIGNAL, 1 },
        { CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1 },
        { CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2 },
        { CURLOPT_SSL_VERIFYPEER, 1 },
        { CURLOPT_SSL_VERIFYHOST, 2 },
        { CURLOPT_MAXREDIRS, REDIRECTS_MAX },
        { CURLOPT_NETRC, CURL_NETRC_IGNORED },
        { CURLOPT_DISALLOW_USERNAME_IN_URL, 1 },
        { CURLOPT_HTTP_CONTENT_DECODING, 0 },
        { CURLOPT_CONNECTTIMEOUT_MS, (long)rules->connect_ms },
        { CURLOPT_LOW_SPEED_LIMIT, STALL_BYTES_S },
        { CURLOPT_LOW_SPEED_TIME, (long)rules->stall_s },
        { CURLOPT_BUFFERSIZE, BUFFER_BYTES },
        { CURLOPT_NOPROGRESS, 0 },
    };
    const struct {
        CURLoption  option;
        const char *text;
    } texts[] = {
        { CURLOPT_PROTOCOLS_STR, "https" },
        { CURLOPT_REDIR_PROTOCOLS_STR, "https" },
        { CURLOPT_PROXY, "" },
        { CURLOPT_USERAGENT, "left4me" },
        { CURLOPT_CAINFO, rules->ca_file },
    };

    for (size_t i = 0; i < ELEMENTS(numbers); i++)
        if (curl_easy_setopt(easy, numbers[i].option, numbers[i].value) != CURLE_OK)
            return false;
    for (size_t i = 0; i < ELEMENTS(texts); i++)
        if (texts[i].text && curl_easy_setopt(easy, texts[i].option, texts[i].text) != CURLE_OK)
            return false;
    return curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_XFERINFODATA, transfer) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_connect) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer) == CURLE_OK;
}

int fetcher_new(struct fetcher **ret, const struct fetch_rules *rules, struct error *err)
{
    AUTO(fetcher_freep) struct fetcher *fetcher = calloc(1, sizeof *fetcher);

    if (!fetcher || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return error_sys(err, ENOMEM, "setting up transfers");
    fetcher->rules = *rules;
    fetcher->transfers = calloc(rules->parallel, sizeof *fetcher->transfers);
    fetcher->multi = curl_multi_init();
    if (!fetcher->transfers || !fetcher->multi ||
        curl_multi_setopt(fetcher->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)rules->parallel) !=
            CURLM_OK)
        return error_sys(err, ENOMEM, "setting up transfers");
    for (uint32_t i = 0; i < rules->parallel; i++) {
        struct transfer *transfer = &fetcher->transfers[i];
        transfer->fetcher = fetcher;
        transfer->easy = curl_easy_init();
        if (!transfer->easy || !set_rules(transfer))
            return fail_internal("it does not take an option", err);
    }
    *ret = TAKE(fetcher);
    return 0;
}

void fetcher_cancel(struct fetcher *fetcher)
{
    for (uint32_t i = 0; fetcher->transfers && i < fetcher->rules.parallel; i++) {
        struct transfer *transfer = &fetcher->transfers[i];
        if (transfer->entry)
            (void)curl_multi_remove_handle(fetcher->multi, transfer->easy); // it is in there
        transfer->entry = NULL;
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
    for (uint32_t i = 0; fetcher->transfers && i < fetcher->rules.parallel; i++) {
        curl_easy_cleanup(fetcher->transfers[i].easy);
        curl_slist_free_all(fetcher->transfers[i].headers);
    }
    free(fetcher->entries);
    free(fetcher->transfers);
    (void)curl_multi_cleanup(fetcher->multi); // also NULL; nothing can be done about an error
    free(fetcher);
    return NULL;
}

void fetcher_freep(struct fetcher **fetcher)
{
    *fetcher = fetcher_free(*fetcher);
}
