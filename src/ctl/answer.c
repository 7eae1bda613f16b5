// SPDX-License-Identifier: MIT
#include "ctl/answer.h"

#include <string.h>

static enum error_kind kind_of(const char *word)
{
    for (int kind = ERROR_INVALID; kind < ERROR_KIND_COUNT; kind++)
        if (strcmp(error_kind_info((enum error_kind)kind)->word, word) == 0)
            return (enum error_kind)kind;
    return ERROR_FAILED;
}

static bool is_space(char c)
{
    return c == '\n' || c == ' ' || c == '\r' || c == '\t';
}

json_t *answer_last(const char *bytes, size_t n)
{
    json_t      *last = NULL;
    json_error_t at;

    for (;;) {
        while (n > 0 && is_space(*bytes)) {
            bytes++;
            n--;
        }
        json_t *next = n ? json_loadb(bytes, n, JSON_DISABLE_EOF_CHECK, &at) : NULL;
        if (!next)
            return last;
        json_decref(last);
        last = next;
        bytes += MIN((size_t)at.position, n);
        n -= MIN((size_t)at.position, n);
    }
}

bool answer_take_error(struct error *err, const json_t *document)
{
    const json_t *error = json_object_get(document, "error");
    const char   *kind = json_string_value(json_object_get(error, "kind"));
    const char   *message = json_string_value(json_object_get(error, "message"));

    if (!kind || !message)
        return false;
    (void)error_adopt(err, (int)kind_of(kind), 0, message, strlen(message));
    return true;
}

bool answer_is_success(const struct ctl_end *end)
{
    // Whoever was stopped may have been done before it heard.
    return (end->cause == CTL_ENDED || end->cause == CTL_STOPPED) && end->code == 0;
}

int answer_raise(const struct ctl_end *end, const json_t *document, struct error *err)
{
    switch (end->cause) {
    case CTL_TOO_LONG:
        return error_set(err, ERROR_TIMEOUT, "l4d2ctl did not come to an end within %u s",
                         end->limits.time_ms / 1000);
    case CTL_TOO_LARGE:
        return error_set(err, ERROR_FAILED, "the answer of l4d2ctl is longer than %llu KiB",
                         (unsigned long long)(end->limits.output_bytes / 1024));
    case CTL_STOPPED:
    case CTL_ENDED:
        break;
    }
    if (answer_take_error(err, document))
        return -1;
    if (end->code < 0)
        return error_set(err, ERROR_FAILED, "l4d2ctl was ended by signal %d", end->signal);
    return error_set(err, ERROR_FAILED, "l4d2ctl ended with code %d and did not say why",
                     end->code);
}

int answer_read(json_t **ret, const struct ctl_end *end, struct error *err)
{
    json_t *document = answer_last(end->output, end->n_output);

    if (!answer_is_success(end)) {
        (void)answer_raise(end, document, err);
        json_decref(document);
        return -1;
    }
    if (!document)
        return error_set(err, ERROR_FAILED, "l4d2ctl gave no answer");
    *ret = document;
    return 0;
}
