// SPDX-License-Identifier: MIT

// body: what a request says, in its body and in its query.

#include <string.h>
#include "base/number.h"
#include "base/text.h"
#include "web/api.h"

int api_check_keys(json_t *object, const char *const *fields, struct error *err)
{
    const char *key;
    json_t     *value;

    json_object_foreach(object, key, value)
    {
        bool is_known = false;
        for (size_t i = 0; fields[i]; i++)
            is_known = is_known || strcmp(fields[i], key) == 0;
        if (!is_known)
            return error_set(err, ERROR_INVALID, "the request holds a field that is not known");
    }
    return 0;
}

int api_check_fields(struct api_request *request, const char *const *fields, struct error *err)
{
    return api_check_keys(request->body, fields, err);
}

bool api_has(const struct api_request *request, const char *field)
{
    const json_t *value = json_object_get(request->body, field);

    return value && !json_is_null(value);
}

int api_text(char *ret, size_t size, size_t min, struct api_request *request, const char *field,
             struct error *err)
{
    const json_t *value = json_object_get(request->body, field);
    const char   *text = json_string_value(value);
    size_t        n = json_string_length(value);

    if (!text)
        (void)error_set(err, ERROR_INVALID, "'%s' must be a text", field);
    else if (n < min || n >= size)
        (void)error_set(err, ERROR_INVALID, "'%s' must have %zu to %zu bytes", field, min,
                        size - 1);
    else if (!text_is_plain(text, n))
        (void)error_set(err, ERROR_INVALID, "'%s' holds a control character", field);
    else {
        memcpy(ret, text, n + 1);
        return 0;
    }
    return api_about(request, field);
}

int api_number(int64_t *ret, struct api_request *request, const char *field, int64_t min,
               int64_t max, struct error *err)
{
    const json_t *value = json_object_get(request->body, field);
    json_int_t    number = json_integer_value(value);

    if (json_is_integer(value) && number >= min && number <= max) {
        *ret = number;
        return 0;
    }
    (void)error_set(err, ERROR_INVALID, "'%s' must be a number from %lld to %lld", field,
                    (long long)min, (long long)max);
    return api_about(request, field);
}

int api_bool(bool *ret, struct api_request *request, const char *field, struct error *err)
{
    const json_t *value = json_object_get(request->body, field);

    if (json_is_boolean(value)) {
        *ret = json_is_true(value);
        return 0;
    }
    (void)error_set(err, ERROR_INVALID, "'%s' must be true or false", field);
    return api_about(request, field);
}

int api_query_number(int64_t *ret, struct api_request *request, const char *name, int64_t min,
                     int64_t max, int64_t fallback, struct error *err)
{
    char     text[24];
    uint64_t number;
    int      r =
        http_query_find(text, sizeof text, http_exchange_request(request->exchange)->query, name);

    *ret = fallback;
    if (r == 0)
        return 0;
    if (r > 0 && number_parse_u64(&number, text, (uint64_t)min, (uint64_t)max, err) == 0) {
        *ret = (int64_t)number;
        return 0;
    }
    (void)error_set(err, ERROR_INVALID, "'%s' must be a number from %lld to %lld", name,
                    (long long)min, (long long)max);
    return api_about(request, name);
}

int api_query_text(char *ret, size_t size, struct api_request *request, const char *name,
                   struct error *err)
{
    int r = http_query_find(ret, size, http_exchange_request(request->exchange)->query, name);

    if (r == 0)
        *ret = '\0';
    if (r >= 0 && text_is_plain(ret, strlen(ret)))
        return 0;
    (void)error_set(err, ERROR_INVALID, "'%s' must have up to %zu bytes without control characters",
                    name, size - 1);
    return api_about(request, name);
}
