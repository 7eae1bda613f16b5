// SPDX-License-Identifier: MIT
#include "web/metrics.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "store/count.h"
#include "store/setting.h"
#include "web/fields.h"
#include "web/guard.h"
#include "web/hub.h"

static const uint64_t limits_us[METRICS_BUCKETS] = { 500,   1000,   2500,   5000,    10000,
                                                     25000, 100000, 500000, 2500000, 10000000 };

void metrics_add(struct metrics *metrics, const struct visit *visit, int status, uint64_t n_bytes)
{
    uint64_t us = visit_now_us() - visit->begun_us;

    metrics->by_class[status / 100 % 6]++;
    metrics->n_bytes += n_bytes;
    if (visit->is_stream)
        return;
    for (size_t i = 0; i < METRICS_BUCKETS; i++)
        metrics->buckets[i] += us <= limits_us[i];
    metrics->total_us += us;
    metrics->n_timed++;
}

// ---- text -------------------------------------------------------------------------------------

static void tell(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void tell_number(FILE *out, const char *name, const char *type, const char *help,
                        double value)
{
    tell(out, name, type, help);
    fprintf(out, "%s %.17g\n", name, value);
}

static void tell_requests(FILE *out, const struct metrics *metrics)
{
    static const char name[] = "left4me_http_requests_total";

    tell(out, name, "counter", "Requests that are over; 0xx: the client left before the answer.");
    for (size_t i = 0; i < ELEMENTS(metrics->by_class); i++)
        fprintf(out, "%s{code=\"%zuxx\"} %" PRIu64 "\n", name, i, metrics->by_class[i]);
    tell_number(out, "left4me_http_sent_bytes_total", "counter", "Bytes of answers.",
                (double)metrics->n_bytes);
}

static void tell_times(FILE *out, const struct metrics *metrics)
{
    static const char name[] = "left4me_http_request_duration_seconds";

    tell(out, name, "histogram", "From the head of a request to the end of its answer.");
    for (size_t i = 0; i < METRICS_BUCKETS; i++)
        fprintf(out, "%s_bucket{le=\"%g\"} %" PRIu64 "\n", name, (double)limits_us[i] / 1e6,
                metrics->buckets[i]);
    fprintf(out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, metrics->n_timed);
    fprintf(out, "%s_sum %.6f\n", name, (double)metrics->total_us / 1e6);
    fprintf(out, "%s_count %" PRIu64 "\n", name, metrics->n_timed);
}

// ---- this process -----------------------------------------------------------------------------

static double resident_bytes(void)
{
    FILE         *file = fopen("/proc/self/statm", "re");
    unsigned long all = 0, resident = 0;
    int           n = file ? fscanf(file, "%lu %lu", &all, &resident) : 0;

    if (file)
        (void)fclose(file); // it was only read
    return n == 2 ? (double)resident * (double)sysconf(_SC_PAGESIZE) : 0;
}

static double open_fds(void)
{
    DIR     *dir = opendir("/proc/self/fd");
    unsigned n = 0;

    while (dir && readdir(dir))
        n++;
    if (dir)
        (void)closedir(dir);  // likewise
    return n > 3 ? n - 3 : 0; // "." and "..", and the directory itself
}

static void tell_process(FILE *out)
{
    struct rusage usage = { 0 };
    struct rlimit fds = { 0 };

    (void)getrusage(RUSAGE_SELF, &usage); // neither fails
    (void)getrlimit(RLIMIT_NOFILE, &fds);
    tell_number(out, "process_cpu_seconds_total", "counter", "Time of a processor.",
                (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                    (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
    tell_number(out, "process_resident_memory_bytes", "gauge", "Memory.", resident_bytes());
    tell_number(out, "process_open_fds", "gauge", "Descriptors.", open_fds());
    tell_number(out, "process_max_fds", "gauge", "Descriptors that there may be.",
                (double)fds.rlim_cur);
}

// ---- what there is ----------------------------------------------------------------------------

static int tell_jobs(FILE *out, struct database *db, struct error *err)
{
    uint64_t n[JOB_STATES];

    if (count_jobs(n, db, err) < 0)
        return -1;
    tell(out, "left4me_jobs", "gauge", "Jobs, as long as they are kept.");
    for (int i = 0; i < JOB_STATES; i++)
        fprintf(out, "left4me_jobs{state=\"%s\"} %" PRIu64 "\n", job_state_word((enum job_state)i),
                n[i]);
    return 0;
}

static int tell_servers(FILE *out, struct database *db, struct error *err)
{
    uint64_t n[LIVE_STATES];

    if (count_servers(n, db, err) < 0)
        return -1;
    tell(out, "left4me_servers", "gauge", "Servers, as they were last seen.");
    for (int i = 0; i < LIVE_STATES; i++)
        fprintf(out, "left4me_servers{state=\"%s\"} %" PRIu64 "\n",
                live_state_word((enum live_state)i), n[i]);
    return 0;
}

static int tell_all(FILE *out, const struct metrics *metrics, struct web *web, struct error *err)
{
    uint64_t n_players = 0, n_bytes = 0;

    tell(out, "left4me_build_info", "gauge", "The version of left4me.");
    fprintf(out, "left4me_build_info{version=\"" PROJECT_VERSION "\"} 1\n");
    tell_process(out);
    tell_number(out, "left4me_http_connections", "gauge", "Connections of clients.",
                http_server_connections(web->server));
    tell_requests(out, metrics);
    tell_times(out, metrics);
    tell_number(out, "left4me_event_streams", "gauge", "Those who listen to events.",
                hub_readers(web->hub));
    if (tell_jobs(out, web->db, err) < 0 || tell_servers(out, web->db, err) < 0 ||
        count_players(&n_players, web->db, err) < 0 || count_bytes(&n_bytes, web->db, err) < 0)
        return -1;
    tell_number(out, "left4me_players", "gauge", "People who play, where it is known.",
                (double)n_players);
    tell_number(out, "left4me_database_bytes", "gauge", "The file of the database.",
                (double)n_bytes);
    return 0;
}

// ---- answering --------------------------------------------------------------------------------

static int check_access(struct web *web, struct http_exchange *exchange, struct error *err)
{
    struct api_request request = { .web = web, .exchange = exchange };
    bool               is_open = false;

    if (setting_is(&is_open, web->db, SETTING_METRICS_OPEN, "on", err) < 0)
        return -1;
    if (is_open)
        return 0;
    if (guard_identify(&request, err) < 0)
        return -1;
    return request.user.role == ROLE_ADMIN
               ? 0
               : error_set(err, ERROR_DENIED, "only an admin may do this");
}

static void answer_text(const struct metrics *metrics, struct web *web,
                        struct http_exchange *exchange, struct error *err)
{
    AUTO(freep) char *text = NULL;
    size_t            n = 0;
    FILE             *out = open_memstream(&text, &n);
    int               r = out ? tell_all(out, metrics, web, err) : -1;

    if (out && fclose(out) == 0 && r == 0)
        http_exchange_answer(exchange, 200, "text/plain; version=0.0.4; charset=utf-8", text, n);
    else
        fields_answer_error(exchange, 503, "unavailable", "there is nothing to be told right now");
}

void metrics_answer(const struct metrics *metrics, struct web *web, struct http_exchange *exchange)
{
    enum http_method method = http_exchange_request(exchange)->method;
    struct error     err = { 0 };

    if (method != HTTP_GET && method != HTTP_HEAD) {
        http_exchange_add(exchange, "Allow", "GET, HEAD");
        fields_answer_error(exchange, 405, "invalid", "this cannot be done with it");
    } else if (check_access(web, exchange, &err) == 0) {
        answer_text(metrics, web, exchange, &err);
    } else if (err.kind == ERROR_DENIED) {
        fields_answer_error(exchange, 401, "denied", "only an admin may do this, or his token");
    } else {
        fields_answer_error(exchange, error_kind_info(err.kind)->http_status,
                            error_kind_info(err.kind)->word, "it cannot be told right now");
    }
}
