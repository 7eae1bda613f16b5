// SPDX-License-Identifier: MIT

// record: what is written into the log of changes.

#include <stdio.h>
#include "store/audit.h"
#include "web/api.h"

#define ORIGIN_MAX (SESSION_ADDRESS_MAX + TOKEN_NAME_MAX + 10u)

static char *dump(json_t *json)
{
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

    json_decref(json);
    return text;
}

// "192.0.2.7", or "192.0.2.7, token backup".
static void print_origin(char ret[ORIGIN_MAX], const struct api_request *request)
{
    char address[SESSION_ADDRESS_MAX];

    api_address(address, request);
    (void)snprintf(ret, ORIGIN_MAX, "%s%s%s", address, request->token.id ? ", token " : "",
                   request->token.name); // it fits
}

int api_audit(const struct api_request *request, const char *action, const char *subject,
              json_t *before, json_t *after, struct error *err)
{
    AUTO(freep) char  *before_text = dump(before);
    AUTO(freep) char  *after_text = dump(after);
    char               origin[ORIGIN_MAX];
    struct audit_event event = { .time_us = api_now_us(),
                                 .user = request->user.id,
                                 .user_name = request->user.name,
                                 .origin = origin,
                                 .action = action,
                                 .subject = subject,
                                 .before = before_text,
                                 .after = after_text };

    print_origin(origin, request);
    return audit_add(request->web->db, &event, err);
}
