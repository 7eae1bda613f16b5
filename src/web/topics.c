// SPDX-License-Identifier: MIT
#include "web/topics.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "base/number.h"

#define WORD_MAX 64u

static const struct {
    const char       *word;
    bool              has_id;
    bool              has_change;
    enum change_topic change;
} kinds[] = {
    [TOPIC_SERVERS] = { "servers", false, true, CHANGE_SERVER },
    [TOPIC_BLUEPRINTS] = { "blueprints", false, true, CHANGE_BLUEPRINT },
    [TOPIC_OVERLAYS] = { "overlays", false, true, CHANGE_OVERLAY },
    [TOPIC_JOBS] = { "jobs", false, true, CHANGE_JOB },
    [TOPIC_USERS] = { "users", false, true, CHANGE_USER },
    [TOPIC_MACHINE] = { "machine", false, true, CHANGE_MACHINE },
    [TOPIC_JOB] = { "job", true, true, CHANGE_JOB },
    [TOPIC_LOG] = { "log", true, false, CHANGE_TOPICS },
    [TOPIC_PLAYERS] = { "players", true, true, CHANGE_PLAYERS },
};
_Static_assert(ELEMENTS(kinds) == TOPIC_KINDS, "every kind has its row");

// ---- words ------------------------------------------------------------------------------------

// Takes what is before the next `mark` of *rest, which is NULL behind the last one. -1: too long.
static int take_word(char ret[WORD_MAX], const char **rest, char mark)
{
    size_t n = (size_t)(strchrnul(*rest, mark) - *rest);

    if (n >= WORD_MAX)
        return -1;
    memcpy(ret, *rest, n);
    ret[n] = '\0';
    *rest = (*rest)[n] ? *rest + n + 1 : NULL;
    return 0;
}

static bool parse_id(int64_t *ret, const char *text, uint64_t min)
{
    struct error ignored;
    uint64_t     id;

    if (number_parse_u64(&id, text, min, INT64_MAX, &ignored) < 0)
        return false;
    *ret = (int64_t)id;
    return true;
}

// ---- topics -----------------------------------------------------------------------------------

static bool parse_topic(struct topic *ret, const char *word)
{
    const char *colon = strchrnul(word, ':');
    size_t      n = (size_t)(colon - word);

    for (int i = 0; i < TOPIC_KINDS; i++)
        if (strlen(kinds[i].word) == n && memcmp(kinds[i].word, word, n) == 0) {
            *ret = (struct topic){ .kind = (enum topic_kind)i };
            return kinds[i].has_id ? *colon && parse_id(&ret->id, colon + 1, 1) : !*colon;
        }
    return false;
}

static int compare(const struct topic *one, const struct topic *other)
{
    if (one->kind != other->kind)
        return one->kind < other->kind ? -1 : 1;
    return (one->id > other->id) - (one->id < other->id);
}

// Where it belongs; one that is there already is there.
static int insert(struct topics *topics, struct topic topic, struct error *err)
{
    unsigned at = 0;

    while (at < topics->n && compare(&topics->list[at], &topic) < 0)
        at++;
    if (at < topics->n && compare(&topics->list[at], &topic) == 0)
        return 0;
    if (topics->n == TOPICS_MAX)
        return error_set(err, ERROR_INVALID, "there are more than %u topics", TOPICS_MAX);
    memmove(&topics->list[at + 1], &topics->list[at], (topics->n - at) * sizeof topic);
    topics->list[at] = topic;
    topics->n++;
    return 0;
}

int topics_parse(struct topics *ret, const char *text, struct error *err)
{
    struct topics topics = { 0 };
    struct topic  topic;
    char          word[WORD_MAX];

    for (const char *rest = text; rest;) {
        if (take_word(word, &rest, ',') < 0 || !parse_topic(&topic, word))
            return error_set(err, ERROR_INVALID,
                             "the topics are a list of servers, blueprints, overlays, jobs, users, "
                             "machine, job:ID, log:ID and players:ID");
        if (insert(&topics, topic, err) < 0)
            return -1;
    }
    *ret = topics;
    return 0;
}

void topics_text(char ret[TOPICS_TEXT_MAX], const struct topics *topics)
{
    size_t n = 0;

    ret[0] = '\0';
    for (unsigned i = 0; i < topics->n; i++) {
        const struct topic *topic = &topics->list[i];
        n += (size_t)snprintf(ret + n, TOPICS_TEXT_MAX - n, "%s%s", i ? "," : "",
                              kinds[topic->kind].word); // they fit
        if (topic->id)
            n += (size_t)snprintf(ret + n, TOPICS_TEXT_MAX - n, ":%" PRId64, topic->id);
    }
}

bool topics_are(const struct topics *one, const struct topics *other)
{
    if (one->n != other->n)
        return false;
    for (unsigned i = 0; i < one->n; i++)
        if (compare(&one->list[i], &other->list[i]) != 0)
            return false;
    return true;
}

bool topics_have_changes(const struct topics *topics)
{
    for (unsigned i = 0; i < topics->n; i++)
        if (kinds[topics->list[i].kind].has_change)
            return true;
    return false;
}

bool topics_want(const struct topics *topics, enum change_topic topic, int64_t object)
{
    for (unsigned i = 0; i < topics->n; i++) {
        const struct topic *own = &topics->list[i];
        if (kinds[own->kind].change == topic && (!own->id || own->id == object))
            return true;
    }
    return false;
}

// ---- what was heard ---------------------------------------------------------------------------

static const char letters[TOPIC_KINDS] = { [TOPIC_JOB] = 'j', [TOPIC_LOG] = 'l' };

static int not_a_place(struct error *err)
{
    return error_set(err, ERROR_INVALID, "this is no place in the stream of events");
}

// The mark of the topic, or one that nobody asks for.
static struct heard_mark *mark_of(struct heard *heard, const struct topics *topics, char letter,
                                  int64_t id, struct heard_mark *none)
{
    for (unsigned i = 0; i < topics->n; i++)
        if (letters[topics->list[i].kind] == letter && topics->list[i].id == id)
            return &heard->marks[i];
    return none;
}

// "j12-873" or "l3-1732659000123456-2".
static bool parse_mark(struct heard *heard, const struct topics *topics, const char *part)
{
    struct heard_mark none, mark = { .is_known = true };
    char              word[WORD_MAX], letter = *part++;
    int64_t           id = 0, nth = 0;

    if (take_word(word, &part, '-') < 0 || !parse_id(&id, word, 1) || !part ||
        take_word(word, &part, '-') < 0 || !parse_id(&mark.at, word, 0))
        return false;
    if (letter == 'j' ? part != NULL
                      : !part || take_word(word, &part, '-') < 0 || part ||
                            !parse_id(&nth, word, 0) || nth > UINT32_MAX)
        return false;
    mark.nth = (uint32_t)nth;
    *mark_of(heard, topics, letter, id, &none) = mark;
    return true;
}

int heard_parse(struct heard *ret, const struct topics *topics, const char *text, struct error *err)
{
    struct heard heard = { .change = -1 };
    char         part[WORD_MAX];

    for (const char *rest = text; rest;) {
        if (take_word(part, &rest, '.') < 0)
            return not_a_place(err);
        if (part[0] == 'c'
                ? !parse_id(&heard.change, part + 1, 0)
                : (part[0] != 'j' && part[0] != 'l') || !parse_mark(&heard, topics, part))
            return not_a_place(err);
    }
    *ret = heard;
    return 0;
}

// Of nothing that is known it is "", which is no place.
void heard_text(char ret[HEARD_TEXT_MAX], const struct topics *topics, const struct heard *heard)
{
    size_t n = 0;

    ret[0] = '\0';
    if (heard->change >= 0 && topics_have_changes(topics))
        n += (size_t)snprintf(ret, HEARD_TEXT_MAX, "c%" PRId64, heard->change); // they fit
    for (unsigned i = 0; i < topics->n; i++) {
        const struct topic      *topic = &topics->list[i];
        const struct heard_mark *mark = &heard->marks[i];
        if (!letters[topic->kind] || !mark->is_known)
            continue;
        n += (size_t)snprintf(ret + n, HEARD_TEXT_MAX - n, "%s%c%" PRId64 "-%" PRId64, n ? "." : "",
                              letters[topic->kind], topic->id, mark->at);
        if (topic->kind == TOPIC_LOG)
            n += (size_t)snprintf(ret + n, HEARD_TEXT_MAX - n, "-%" PRIu32, mark->nth);
    }
}

int heard_mark_compare(const struct heard_mark *one, const struct heard_mark *other)
{
    if (one->at != other->at)
        return one->at < other->at ? -1 : 1;
    return (one->nth > other->nth) - (one->nth < other->nth);
}
