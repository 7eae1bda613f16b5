// SPDX-License-Identifier: MIT
#include "store/setting.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>
#include "base/number.h"
#include "store/change.h"
#include "store/server.h"

#define DAYS_MAX    3650
#define OF_USER_MAX 10000

static const char *const repair_words[] = { "off", "auto" };
static const char *const switch_words[] = { "off", "on" };

#define NUMBER(key, usual, min, max)                                                               \
    {                                                                                              \
        key, usual, NULL, 0, min, max                                                              \
    }
#define WORD(key, usual, words)                                                                    \
    {                                                                                              \
        key, usual, words, ELEMENTS(words), 0, 0                                                   \
    }

static const struct setting_info settings[] = {
    [SETTING_PORT_FROM] = NUMBER("port_from", "27015", SERVER_PORT_MIN, SERVER_PORT_MAX),
    [SETTING_PORT_TO] = NUMBER("port_to", "27115", SERVER_PORT_MIN, SERVER_PORT_MAX),
    [SETTING_LOG_DAYS] = NUMBER("log_days", "30", 1, DAYS_MAX),
    [SETTING_HISTORY_DAYS] = NUMBER("history_days", "90", 1, DAYS_MAX),
    [SETTING_AUDIT_DAYS] = NUMBER("audit_days", "365", 1, DAYS_MAX),
    [SETTING_USER_SERVERS] = NUMBER("user_servers", "32", 0, OF_USER_MAX),
    [SETTING_USER_BLUEPRINTS] = NUMBER("user_blueprints", "256", 0, OF_USER_MAX),
    [SETTING_USER_OVERLAYS] = NUMBER("user_overlays", "128", 0, OF_USER_MAX),
    [SETTING_REPAIR] = WORD("repair", "off", repair_words),
    [SETTING_METRICS_OPEN] = WORD("metrics_open", "off", switch_words),
};
_Static_assert(ELEMENTS(settings) == SETTING_COUNT, "every setting has a row");

const struct setting_info *setting_info(enum setting setting)
{
    return &settings[setting];
}

int setting_of(enum setting *ret, const char *key, struct error *err)
{
    for (size_t i = 0; i < ELEMENTS(settings); i++)
        if (strcmp(settings[i].key, key) == 0) {
            *ret = (enum setting)i;
            return 0;
        }
    return error_set(err, ERROR_NOT_FOUND, "there is no setting '%s'", key);
}

// ---- values -----------------------------------------------------------------------------------

static bool is_one_of(const struct setting_info *info, const char *text)
{
    for (size_t i = 0; i < info->n_words; i++)
        if (strcmp(info->words[i], text) == 0)
            return true;
    return false;
}

static int check_value(const struct setting_info *info, const char *text, struct error *err)
{
    uint64_t number;

    if (info->words)
        return is_one_of(info, text) ? 0
                                     : error_set(err, ERROR_INVALID, "%s is '%s' or '%s'",
                                                 info->key, info->words[0], info->words[1]);
    if (number_parse_u64(&number, text, (uint64_t)info->min, (uint64_t)info->max, err) < 0)
        return error_set(err, ERROR_INVALID, "%s is a number from %" PRIi64 " to %" PRIi64,
                         info->key, info->min, info->max);
    return 0;
}

int setting_text(char ret[SETTING_TEXT_MAX], struct database *db, enum setting setting,
                 struct error *err)
{
    static const struct query query = QUERY("SELECT value FROM settings WHERE key = :key");
    AUTO(statement_done) struct statement row = { 0 };
    const struct setting_info            *info = &settings[setting];

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_text(&row, ":key", info->key);
    int r = statement_next(&row, err);
    if (r == 0)
        memcpy(ret, info->usual, strlen(info->usual) + 1);
    return r <= 0 ? r : statement_copy(&row, 0, ret, SETTING_TEXT_MAX, err);
}

int setting_number(int64_t *ret, struct database *db, enum setting setting, struct error *err)
{
    const struct setting_info *info = &settings[setting];
    char                       text[SETTING_TEXT_MAX];
    uint64_t                   number;

    assert(!info->words);
    if (setting_text(text, db, setting, err) < 0)
        return -1;
    if (number_parse_u64(&number, text, (uint64_t)info->min, (uint64_t)info->max, err) < 0)
        return error_prefix(err, "the setting %s", info->key);
    *ret = (int64_t)number;
    return 0;
}

int setting_is(bool *ret, struct database *db, enum setting setting, const char *word,
               struct error *err)
{
    char text[SETTING_TEXT_MAX];

    assert(is_one_of(&settings[setting], word));
    if (setting_text(text, db, setting, err) < 0)
        return -1;
    *ret = strcmp(text, word) == 0;
    return 0;
}

// ---- setting them -----------------------------------------------------------------------------

int setting_set(struct database *db, enum setting setting, const char *text, int64_t now_unix_s,
                struct error *err)
{
    static const struct query query =
        QUERY("INSERT OR REPLACE INTO settings (key, value, changed_unix_s) "
              "VALUES (:key, :value, :now)");
    AUTO(statement_done) struct statement row = { 0 };

    assert(database_is_writing(db));
    if (check_value(&settings[setting], text, err) < 0 ||
        statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_text(&row, ":key", settings[setting].key);
    statement_bind_text(&row, ":value", text);
    statement_bind_number(&row, ":now", now_unix_s);
    return statement_run(&row, err) < 0 ? -1 : change_note(db, CHANGE_MACHINE, 0, false, err);
}

int setting_check(struct database *db, struct error *err)
{
    int64_t from = 0, to = 0;

    if (setting_number(&from, db, SETTING_PORT_FROM, err) < 0 ||
        setting_number(&to, db, SETTING_PORT_TO, err) < 0)
        return -1;
    return from <= to
               ? 0
               : error_set(err, ERROR_INVALID, "port_to is not below port_from: %" PRIi64, from);
}
