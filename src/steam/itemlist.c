// SPDX-License-Identifier: MIT
#include "steam/itemlist.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/text.h"

#define SEPARATORS " \t\r\n\v\f,;"
#define ID_MAX     INT64_MAX // what JSON can hold

static const char *const hosts[] = { "steamcommunity.com/", "www.steamcommunity.com/" };
static const char *const pages[] = { "sharedfiles/filedetails", "workshop/filedetails" };

static const char not_a_number[] = "is neither the number of an item nor a link to one";
static const char out_of_range[] = "is not the number of an item: it is too large, or 0";
static const char other_link[] = "is not a link to an item of the Workshop";
static const char no_id[] = "is a link without the number of an item, 'id=…'";
static const char two_ids[] = "is a link with two numbers";
static const char too_many[] = "is one item too many: a list has at most 1000";
_Static_assert(ITEMLIST_ITEMS_MAX == 1000, "the sentence says so");

// A word of the list, and a place in it that cannot pass the end.
struct word {
    const char *at, *end;
};

static bool word_skip(struct word *word, const char *prefix)
{
    size_t n = strlen(prefix);

    if ((size_t)(word->end - word->at) < n || strncasecmp(word->at, prefix, n) != 0)
        return false;
    word->at += n;
    return true;
}

static bool word_skip_any(struct word *word, const char *const *prefixes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (word_skip(word, prefixes[i]))
            return true;
    return false;
}

// NULL, or why the digits are no number of an item.
static const char *read_id(uint64_t *ret, struct word digits)
{
    uint64_t id = 0;

    if (digits.at == digits.end)
        return not_a_number;
    for (const char *c = digits.at; c < digits.end; c++)
        if (*c < '0' || *c > '9')
            return not_a_number;
    for (const char *c = digits.at; c < digits.end; c++)
        if (__builtin_mul_overflow(id, 10u, &id) ||
            __builtin_add_overflow(id, (uint64_t)(*c - '0'), &id) || id > ID_MAX)
            return out_of_range;
    if (id == 0)
        return out_of_range;
    *ret = id;
    return NULL;
}

// A NUL separates nothing, it is part of a word that is wrong.
static bool is_one_of(char c, const char *set)
{
    return c && strchr(set, c);
}

static struct word word_until(struct word *rest, const char *ends)
{
    struct word part = { rest->at, rest->at };

    while (part.end < rest->end && !is_one_of(*part.end, ends))
        part.end++;
    rest->at = part.end < rest->end ? part.end + 1 : part.end;
    return part;
}

// The parameters behind '?', without a fragment.
static const char *read_query(uint64_t *ret, struct word query)
{
    uint64_t id = 0;

    while (query.at < query.end) {
        struct word parameter = word_until(&query, "&");
        uint64_t    found = 0;
        if (!word_skip(&parameter, "id="))
            continue;
        const char *why = read_id(&found, parameter);
        if (why)
            return why == not_a_number ? no_id : why;
        if (id && id != found)
            return two_ids;
        id = found;
    }
    if (!id)
        return no_id;
    *ret = id;
    return NULL;
}

static const char *read_link(uint64_t *ret, struct word word)
{
    static const char *const schemes[] = { "https://", "http://" };

    (void)word_skip_any(&word, schemes, ELEMENTS(schemes)); // also without
    if (!word_skip_any(&word, hosts, ELEMENTS(hosts)) ||
        !word_skip_any(&word, pages, ELEMENTS(pages)))
        return other_link;
    (void)word_skip(&word, "/"); // also without
    struct word before_fragment = word_until(&word, "#");
    if (!word_skip(&before_fragment, "?"))
        return before_fragment.at == before_fragment.end ? no_id : other_link;
    return read_query(ret, before_fragment);
}

static const char *read_word(uint64_t *ret, struct word word)
{
    static const char *const beginnings[] = { "http://", "https://", "steamcommunity.com/",
                                              "www.steamcommunity.com/" };
    struct word              rest = word;

    if (word_skip_any(&rest, beginnings, ELEMENTS(beginnings)))
        return read_link(ret, word);
    return read_id(ret, word);
}

// ---- the list ---------------------------------------------------------------------------------

static void add_fault(struct itemlist *list, uint32_t line, struct word word, const char *why)
{
    if (list->n_faults < ITEMLIST_FAULTS_MAX) {
        struct itemlist_fault *fault = &list->faults[list->n_faults];
        fault->line = line;
        fault->why = why;
        (void)text_sanitize(fault->token, sizeof fault->token, word.at,
                            (size_t)(word.end - word.at));
    }
    list->n_faults++;
}

static bool has_id(const struct itemlist *list, uint64_t id)
{
    for (size_t i = 0; i < list->n; i++)
        if (list->ids[i] == id)
            return true;
    return false;
}

static void take_word(struct itemlist *list, uint32_t line, struct word word)
{
    uint64_t    id = 0;
    const char *why = read_word(&id, word);

    if (!why && has_id(list, id))
        return;
    if (!why && list->n == ITEMLIST_ITEMS_MAX)
        why = too_many;
    if (why)
        add_fault(list, line, word, why);
    else
        list->ids[list->n++] = id;
}

static void take_line(struct itemlist *list, uint32_t line, struct word rest)
{
    while (rest.at < rest.end && *rest.at != '#') {
        struct word word = { rest.at, rest.at };
        while (word.end < rest.end && !is_one_of(*word.end, SEPARATORS))
            word.end++;
        if (word.at < word.end)
            take_word(list, line, word);
        rest.at = word.end < rest.end ? word.end + 1 : word.end;
    }
}

int itemlist_parse(struct itemlist *ret, const char *bytes, size_t n_bytes, struct error *err)
{
    struct itemlist list = { 0 };
    struct word     rest = { bytes, bytes + n_bytes };

    if (n_bytes > ITEMLIST_BYTES_MAX)
        return error_set(err, ERROR_INVALID, "the list of items is larger than %u bytes",
                         ITEMLIST_BYTES_MAX);
    list.ids = calloc(ITEMLIST_ITEMS_MAX, sizeof *list.ids);
    if (!list.ids)
        return error_sys(err, ENOMEM, "reading the list of items");
    (void)word_skip(&rest, "\xef\xbb\xbf"); // a mark of Windows' editors
    for (uint32_t line = 1; rest.at < rest.end; line++)
        take_line(&list, line, word_until(&rest, "\n"));
    *ret = list;
    return 0;
}

void itemlist_done(struct itemlist *list)
{
    free(list->ids);
    *list = (struct itemlist){ 0 };
}

int itemlist_check(const struct itemlist *list, struct error *err)
{
    const struct itemlist_fault *first = &list->faults[0];

    if (list->n_faults == 0)
        return 0;
    (void)error_set(err, ERROR_INVALID, "line %u: '%s' %s", first->line, first->token, first->why);
    if (list->n_faults > 1) {
        char  *end = err->message + strlen(err->message);
        size_t room = sizeof err->message - (size_t)(end - err->message);
        (void)snprintf(end, room, ", and %zu more", list->n_faults - 1); // truncation is fine
    }
    return -1;
}
