// SPDX-License-Identifier: MIT
#include "workshop/transfer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include "workshop/address.h"

#define REDIRECTS_MAX     3L
#define HEADERS_BYTES_MAX 65536u // of all headers of a transfer
#define IGNORED_BYTES_MAX 65536u // of a body that nobody wants, as that of an error
#define BUFFER_BYTES      262144L
#define STALL_BYTES_S     1024L

int transfer_fail(const char *what, struct error *err)
{
    return error_set(err, ERROR_FAILED, "libcurl: %s", what);
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
    const struct fetch_job *job = transfer->job;
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
    const struct fetch_job *job = transfer->job;

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
    const char      *test = transfer->rules->test_address;
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
        link = transfer->job->url;
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

int transfer_judge(struct transfer *transfer, CURLcode code, struct error *err)
{
    const struct fetch_job *job = transfer->job;
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

// ---- asking ------------------------------------------------------------------------------------

// What holds for every transfer.
static bool set_rules(struct transfer *transfer)
{
    const struct fetch_rules *rules = transfer->rules;
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
    return curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_XFERINFODATA, transfer) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_connect) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer) == CURLE_OK;
}

int transfer_init(struct transfer *transfer, const struct fetch_rules *rules, struct error *err)
{
    *transfer = (struct transfer){ .rules = rules, .easy = curl_easy_init() };
    if (!transfer->easy || !set_rules(transfer))
        return transfer_fail("it does not take an option", err);
    return 0;
}

void transfer_done(struct transfer *transfer)
{
    curl_easy_cleanup(transfer->easy); // also NULL
    curl_slist_free_all(transfer->headers);
    *transfer = (struct transfer){ 0 };
}

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

int transfer_ask(struct transfer *transfer, const struct fetch_job *job,
                 const struct fetch_start *start, curl_off_t rate_bytes_s, struct error *err)
{
    CURL       *easy = transfer->easy;
    const char *form = job->form;

    transfer->job = job;
    transfer->start = *start;
    transfer->head = HEAD_NONE;
    transfer->is_head_told = false;
    transfer->n_header_bytes = transfer->n_bytes = transfer->n_ignored = 0;
    transfer->error.kind = transfer->refusal.kind = ERROR_NONE;
    if (set_headers(transfer, err) < 0)
        return -1;
    if (curl_easy_setopt(easy, CURLOPT_URL, job->url) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L) != CURLE_OK ||
        (form && curl_easy_setopt(easy, CURLOPT_POSTFIELDS, form) != CURLE_OK) ||
        curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, form ? 0L : 1L) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_MAX_RECV_SPEED_LARGE, rate_bytes_s) != CURLE_OK)
        return transfer_fail("it does not take an option", err);
    return 0;
}
