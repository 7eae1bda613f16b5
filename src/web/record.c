// SPDX-License-Identifier: MIT

// record: what is written into the log of changes.

#include <stdio.h>
#include "store/audit.h"
#include "web/api.h"

static char *dump(json_t *json)
{
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

    json_decref(json);
    return text;
}

// From "192.0.2.7", or "192.0.2.7, token backup".
void api_who(struct api_who *ret, const struct api_request *request)
{
    char address[SESSION_ADDRESS_MAX];

    api_address(address, request);
    ret->user = request->user.id;
    (void)snprintf(ret->name, sizeof ret->name, "%s", request->user.name);
    (void)snprintf(ret->origin, sizeof ret->origin, "%s%s%s", address,
                   request->token.id ? ", token " : "", request->token.name); // both fit
}

int api_audit_as(struct database *db, const struct api_who *who, const char *action,
                 const char *subject, json_t *before, json_t *after, struct error *err)
{
    AUTO(freep) char  *before_text = dump(before);
    AUTO(freep) char  *after_text = dump(after);
    struct audit_event event = { .time_us = api_now_us(),
                                 .user = who->user,
                                 .user_name = who->name,
                                 .origin = who->origin,
                                 .action = action,
                                 .subject = subject,
                                 .before = before_text,
                                 .after = after_text };

    return audit_add(db, &event, err);
}

int api_audit(const struct api_request *request, const char *action, const char *subject,
              json_t *before, json_t *after, struct error *err)
{
    struct api_who who;

    api_who(&who, request);
    return api_audit_as(request->web->db, &who, action, subject, before, after, err);
}
