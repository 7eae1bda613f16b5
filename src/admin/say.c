// SPDX-License-Identifier: MIT

// say: what commands print, what they write down, and what they ask the worker for.

#include "admin/admin.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "base/text.h"
#include "store/audit.h"
#include "store/job.h"

#define WHO "root"

int64_t admin_now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now); // it is always there
    return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

int64_t admin_now_s(void)
{
    return admin_now_us() / 1000000;
}

void admin_time(char ret[ADMIN_TIME_MAX], int64_t unix_s)
{
    time_t    seconds = unix_s;
    struct tm tm;

    (void)strcpy(ret, "-"); // it fits
    if (unix_s > 0 && gmtime_r(&seconds, &tm))
        (void)strftime(ret, ADMIN_TIME_MAX, "%Y-%m-%d %H:%M", &tm); // likewise
}

// Its lines, without what a terminal would obey: names come from the database, and whoever has
// taken over the page can write anything there.
static int print_text(const char *text, struct error *err)
{
    AUTO(freep) char *line = malloc(strlen(text) + 1);

    if (!line)
        return error_set(err, ERROR_NO_SPACE, "out of memory");
    for (const char *end; (end = strchrnul(text, '\n')); text = end + 1) {
        (void)text_sanitize(line, (size_t)(end - text) + 1, text, (size_t)(end - text)); // it fits
        puts(line);
        if (!*end)
            break;
    }
    return 0;
}

// Takes `json`. `text` is what is said without --json.
int admin_say(const struct admin *admin, json_t *json, const char *text, struct error *err)
{
    AUTO(freep) char *line = json ? json_dumps(json, JSON_ENSURE_ASCII) : NULL;

    json_decref(json);
    if (!line)
        return error_set(err, ERROR_NO_SPACE, "out of memory");
    if (!admin->is_json)
        return print_text(text, err);
    puts(line);
    return 0;
}

int admin_sayf(const struct admin *admin, json_t *json, struct error *err, const char *format, ...)
{
    AUTO(freep) char *text = NULL;
    va_list           args;

    va_start(args, format);
    int n = vasprintf(&text, format, args);
    va_end(args);
    if (n < 0) {
        text = NULL;
        json_decref(json);
        return error_set(err, ERROR_NO_SPACE, "out of memory");
    }
    return admin_say(admin, json, text, err);
}

int admin_record(struct admin *admin, const char *action, const char *subject, json_t *after,
                 struct error *err)
{
    AUTO(freep) char        *text = after ? json_dumps(after, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    const struct audit_event event = { .time_us = admin_now_us(),
                                       .user_name = WHO,
                                       .origin = ADMIN_ORIGIN,
                                       .action = action,
                                       .subject = subject,
                                       .after = text };

    json_decref(after);
    admin->has_changed = true;
    return audit_add(admin->db, &event, err);
}

int admin_job_add(int64_t *ret_id, struct admin *admin, const struct admin_job *wanted,
                  struct error *err)
{
    AUTO(freep) struct job *job = calloc(1, sizeof *job);
    AUTO(freep)
    char *text =
        wanted->parameters ? json_dumps(wanted->parameters, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    bool is_new = false;
    char subject[40];

    (void)snprintf(subject, sizeof subject, "%s %" PRId64, wanted->server ? "server" : "overlay",
                   wanted->server ? wanted->server : wanted->overlay); // it fits
    if (!job || (wanted->parameters && (!text || strlen(text) >= sizeof job->parameters))) {
        json_decref(wanted->parameters);
        return error_set(err, ERROR_NO_SPACE, "there is no room for what the job is told");
    }
    (void)snprintf(job->kind, sizeof job->kind, "%s", wanted->kind); // a word of ours
    (void)snprintf(job->parameters, sizeof job->parameters, "%s", text ? text : ""); // it was asked
    (void)strcpy(job->asked_by_name, WHO);                                           // it fits
    job->server = wanted->server;
    job->overlay = wanted->overlay;
    job->created_us = admin_now_us();
    if (job_add(ret_id, &is_new, admin->db, job, err) < 0) {
        json_decref(wanted->parameters);
        return -1;
    }
    return admin_record(admin, wanted->kind, wanted->server || wanted->overlay ? subject : "",
                        wanted->parameters, err);
}
