// SPDX-License-Identifier: MIT

// settings: what admins decide for all, and whether anybody is there to decide.

#include <inttypes.h>
#include <stdio.h>
#include "store/setting.h"
#include "web/api.h"

static int setup_run(struct api_request *request, struct error *err)
{
    bool has_any = false;

    if (user_has_any_password(&has_any, request->web->db, err) < 0)
        return -1;
    return api_answer(request, 200, json_pack("{s:b}", "needed", (int)!has_any), err);
}

// ---- reading ----------------------------------------------------------------------------------

static json_t *value_json(struct database *db, enum setting setting, struct error *err)
{
    char    text[SETTING_TEXT_MAX];
    int64_t number;

    if (setting_info(setting)->words)
        return setting_text(text, db, setting, err) < 0 ? NULL : json_string(text);
    return setting_number(&number, db, setting, err) < 0 ? NULL : json_integer(number);
}

// All of them. NULL and an error.
static json_t *settings_json(struct database *db, struct error *err)
{
    json_t *json = json_object();

    for (int i = 0; i < SETTING_COUNT; i++) {
        json_t *value = value_json(db, (enum setting)i, err);
        if (!value || json_object_set_new(json, setting_info((enum setting)i)->key, value) < 0) {
            json_decref(json);
            if (value)
                (void)error_set(err, ERROR_NO_SPACE, "out of memory");
            return NULL;
        }
    }
    return json;
}

static int settings_run(struct api_request *request, struct error *err)
{
    json_t *json = settings_json(request->web->db, err);

    return json ? api_answer(request, 200, json, err) : -1;
}

// ---- changing ---------------------------------------------------------------------------------

static int set(struct api_request *request, const char *key, const json_t *value, struct error *err)
{
    enum setting setting;
    char         text[SETTING_TEXT_MAX] = "";

    if (setting_of(&setting, key, err) < 0)
        return error_set(err, ERROR_INVALID, "the request holds a field that is not known");
    const struct setting_info *info = setting_info(setting);
    if (info->words && json_is_string(value) && json_string_length(value) < sizeof text)
        (void)snprintf(text, sizeof text, "%s", json_string_value(value)); // it fits
    else if (!info->words && json_is_integer(value))
        (void)snprintf(text, sizeof text, "%" PRId64, (int64_t)json_integer_value(value));
    return setting_set(request->web->db, setting, text, api_now_unix_s(), err) < 0
               ? api_about(request, info->key)
               : 0;
}

static int set_all(struct api_request *request, struct error *err)
{
    const char *key;
    json_t     *value;

    json_object_foreach(request->body, key, value)
    {
        if (set(request, key, value, err) < 0)
            return -1;
    }
    return setting_check(request->web->db, err);
}

static int settings_change_run(struct api_request *request, struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    AUTO(json_decrefp) json_t                *before = NULL;
    AUTO(json_decrefp) json_t                *after = NULL;
    struct database                          *db = request->web->db;

    if (transaction_begin(&transaction, db, err) < 0 || !(before = settings_json(db, err)) ||
        set_all(request, err) < 0 || !(after = settings_json(db, err)) ||
        api_audit(request, "settings.change", "settings", json_incref(before), json_incref(after),
                  err) < 0 ||
        api_commit(request, &transaction, err) < 0)
        return -1;
    return api_answer(request, 200, json_incref(after), err);
}

static const struct route routes[] = {
    { HTTP_GET, "/setup", API_ANYBODY, TOKEN_READ, setup_run },
    { HTTP_GET, "/settings", API_ADMIN, TOKEN_ADMIN, settings_run },
    { HTTP_PATCH, "/settings", API_ADMIN, TOKEN_ADMIN, settings_change_run, .body = API_JSON },
};

const struct route_table setting_routes = { routes, ELEMENTS(routes) };
