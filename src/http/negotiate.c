// SPDX-License-Identifier: MIT
#include "http/negotiate.h"

#include <string.h>
#include "base/macros.h"

#define WEIGHT_MAX   1000
#define WEIGHT_LEAST 1 // of what is not asked for, but not refused

static const char *const words[] = {
    [HTTP_PLAIN] = "identity",
    [HTTP_GZIP] = "gzip",
    [HTTP_BROTLI] = "br",
};
_Static_assert(ELEMENTS(words) == HTTP_CODINGS, "every coding has a word");

const char *http_coding_word(enum http_coding coding)
{
    return words[coding];
}

// ---- lists ------------------------------------------------------------------------------------

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

static struct http_text trim(struct http_text text)
{
    for (; text.n > 0 && is_space(text.bytes[0]); text.bytes++)
        text.n--;
    while (text.n > 0 && is_space(text.bytes[text.n - 1]))
        text.n--;
    return text;
}

// Takes what is before the next `mark`, without the spaces around it. False: there is no more.
static bool take(struct http_text *ret, struct http_text *rest, char mark)
{
    if (!rest->bytes)
        return false;
    const char *end = memchr(rest->bytes, mark, rest->n);
    size_t      n = end ? (size_t)(end - rest->bytes) : rest->n;
    *ret = trim((struct http_text){ rest->bytes, n });
    *rest = end ? (struct http_text){ end + 1, rest->n - n - 1 } : (struct http_text){ 0 };
    return true;
}

static bool is_word(struct http_text text, const char *word)
{
    if (text.n != strlen(word))
        return false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.bytes[i];
        if ((c >= 'A' && c <= 'Z' ? c + 32 : c) != word[i])
            return false;
    }
    return true;
}

// "0", "1", and up to three digits behind a point. -1: it is not one.
static int parse_weight(struct http_text text)
{
    int weight = 0;

    if (text.n == 0 || text.n > 5 || (text.n > 1 && text.bytes[1] != '.'))
        return -1;
    for (size_t i = 0; i < 5; i++) {
        char c = i < text.n ? text.bytes[i] : '0';
        if (i == 1)
            continue;
        if (c < '0' || c > '9')
            return -1;
        weight = weight * 10 + (c - '0');
    }
    return weight <= WEIGHT_MAX ? weight : -1;
}

// What the parameters of a member of a list say; of those the weight alone is understood.
static int weight_of(struct http_text parameters)
{
    struct http_text one;

    while (take(&one, &parameters, ';'))
        if (one.n > 2 && (one.bytes[0] == 'q' || one.bytes[0] == 'Q') && one.bytes[1] == '=')
            return MAX(parse_weight((struct http_text){ one.bytes + 2, one.n - 2 }), 0);
    return WEIGHT_MAX;
}

int http_weight(struct http_text list, const char *word)
{
    struct http_text member, name;

    while (take(&member, &list, ','))
        if (take(&name, &member, ';') && is_word(name, word))
            return weight_of(member);
    return -1;
}

// ---- codings ----------------------------------------------------------------------------------

static int coding_weight(struct http_text list, enum http_coding coding)
{
    int weight = http_weight(list, words[coding]);

    if (weight < 0)
        weight = http_weight(list, "*");
    return coding == HTTP_PLAIN && weight < 0 ? WEIGHT_LEAST : weight;
}

enum http_coding http_choose_coding(struct http_text accept_encoding, unsigned there)
{
    enum http_coding chosen = HTTP_PLAIN;
    int              best = coding_weight(accept_encoding, HTTP_PLAIN);

    for (int i = HTTP_PLAIN + 1; i < HTTP_CODINGS; i++) {
        int weight = there & 1u << i ? coding_weight(accept_encoding, (enum http_coding)i) : 0;
        if (weight > 0 && weight >= best) {
            chosen = (enum http_coding)i;
            best = weight;
        }
    }
    return chosen;
}

bool http_accepts_page(struct http_text accept)
{
    return http_weight(accept, "text/html") > 0;
}

// ---- tags -------------------------------------------------------------------------------------

// Those of ours hold no comma.
bool http_has_tag(struct http_text if_none_match, const char *tag)
{
    struct http_text one;
    size_t           n_tag = strlen(tag);

    while (take(&one, &if_none_match, ',')) {
        if (one.n == 1 && one.bytes[0] == '*')
            return true;
        if (one.n > 2 && memcmp(one.bytes, "W/", 2) == 0)
            one = (struct http_text){ one.bytes + 2, one.n - 2 };
        if (one.n == n_tag && memcmp(one.bytes, tag, n_tag) == 0)
            return true;
    }
    return false;
}
