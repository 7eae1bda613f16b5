// SPDX-License-Identifier: MIT
#include "pak/kv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define KV_CHUNK_NODES 256u

struct chunk {
    struct chunk  *next;
    size_t         n_used;
    struct kv_node nodes[KV_CHUNK_NODES];
};

struct kv {
    char                 *strings; // every key and value, NUL-terminated
    struct chunk         *chunks;
    size_t                n_nodes;
    const struct kv_node *root;
};

enum token { TOKEN_END, TOKEN_OPEN, TOKEN_CLOSE, TOKEN_WORD };

struct parser {
    struct kv     *kv;
    const uint8_t *cursor;
    const uint8_t *end;
    unsigned       line;
    char          *string; // where the next string of kv->strings goes
    const char    *word;   // of the last TOKEN_WORD
};

static int fail(const struct parser *parser, struct error *err, const char *what)
{
    return error_set(err, ERROR_INVALID, "line %u: %s", parser->line, what);
}

// --- words ------------------------------------------------------------------------------------

static void skip_blank(struct parser *parser)
{
    while (parser->cursor < parser->end) {
        uint8_t byte = *parser->cursor;
        bool    is_comment =
            byte == '/' && parser->end - parser->cursor > 1 && parser->cursor[1] == '/';

        if (is_comment) {
            const uint8_t *stop =
                memchr(parser->cursor, '\n', (size_t)(parser->end - parser->cursor));
            parser->cursor = stop ? stop : parser->end;
            continue;
        }
        if (byte > ' ')
            return;
        parser->line += byte == '\n';
        parser->cursor++;
    }
}

static char unescaped(uint8_t byte)
{
    switch (byte) {
    case 'n':
        return '\n';
    case 't':
        return '\t';
    case '\\':
    case '"':
        return (char)byte;
    default:
        return '\0';
    }
}

// The cursor is behind the opening quote. Unknown escapes stay as they are: people write C:\path.
static int take_quoted(struct parser *parser, struct error *err)
{
    parser->word = parser->string;
    while (parser->cursor < parser->end) {
        uint8_t byte = *parser->cursor++;

        if (byte == '"') {
            *parser->string++ = '\0';
            return 0;
        }
        if (byte == '\0')
            return fail(parser, err, "a NUL byte in a string");
        if (byte == '\\' && parser->cursor < parser->end && unescaped(*parser->cursor)) {
            *parser->string++ = unescaped(*parser->cursor++);
            continue;
        }
        parser->line += byte == '\n';
        *parser->string++ = (char)byte;
    }
    return fail(parser, err, "the text ends inside a quoted string");
}

static void take_bare(struct parser *parser)
{
    parser->word = parser->string;
    while (parser->cursor<parser->end && * parser->cursor> ' ' && *parser->cursor != '"' &&
           *parser->cursor != '{' && *parser->cursor != '}')
        *parser->string++ = (char)*parser->cursor++;
    *parser->string++ = '\0';
}

// At a '[': reads over a conditional.
static int skip_conditional(struct parser *parser, struct error *err)
{
    const uint8_t *stop = memchr(parser->cursor, ']', (size_t)(parser->end - parser->cursor));

    if (!stop || memchr(parser->cursor, '\n', (size_t)(stop - parser->cursor)))
        return fail(parser, err, "a conditional without its ']'");
    parser->cursor = stop + 1;
    return 0;
}

static int take_token(enum token *ret, struct parser *parser, struct error *err)
{
    for (;;) {
        skip_blank(parser);
        if (parser->cursor == parser->end || *parser->cursor != '[')
            break;
        if (skip_conditional(parser, err) < 0)
            return -1;
    }

    if (parser->cursor == parser->end) {
        *ret = TOKEN_END;
        return 0;
    }
    if (*parser->cursor == '{' || *parser->cursor == '}') {
        *ret = *parser->cursor++ == '{' ? TOKEN_OPEN : TOKEN_CLOSE;
        return 0;
    }

    *ret = TOKEN_WORD;
    if (*parser->cursor != '"') {
        take_bare(parser);
        return 0;
    }
    parser->cursor++;
    return take_quoted(parser, err);
}

// --- the tree ---------------------------------------------------------------------------------

// NULL: err says why.
static struct kv_node *node_new(struct parser *parser, struct error *err)
{
    struct kv *kv = parser->kv;

    if (kv->n_nodes == KV_NODES_MAX) {
        fail(parser, err, "too many keys");
        return NULL;
    }
    if (!kv->chunks || kv->chunks->n_used == KV_CHUNK_NODES) {
        struct chunk *chunk = calloc(1, sizeof *chunk);
        if (!chunk) {
            error_sys(err, ENOMEM, "allocating KeyValues");
            return NULL;
        }
        chunk->next = kv->chunks;
        kv->chunks = chunk;
    }

    kv->n_nodes++;
    return &kv->chunks->nodes[kv->chunks->n_used++];
}

// The open blocks: in each, where the next node is to be linked.
struct blocks {
    const struct kv_node **tail[KV_DEPTH_MAX + 1];
    size_t                 depth;
};

// A word was read as a key: takes what belongs to it and links the node.
static int take_pair(struct parser *parser, struct blocks *blocks, struct error *err)
{
    enum token token;

    if (*parser->word == '#')
        return fail(parser, err, "#include and #base are not allowed");

    struct kv_node *node = node_new(parser, err);
    if (!node)
        return -1;

    node->key = parser->word;
    if (take_token(&token, parser, err) < 0)
        return -1;
    if (token == TOKEN_END || token == TOKEN_CLOSE)
        return fail(parser, err, "a key without a value");

    *blocks->tail[blocks->depth] = node;
    blocks->tail[blocks->depth] = &node->next;
    if (token == TOKEN_WORD) {
        node->value = parser->word;
        return 0;
    }
    if (blocks->depth == KV_DEPTH_MAX)
        return fail(parser, err, "blocks are nested too deeply");
    blocks->tail[++blocks->depth] = &node->first;
    return 0;
}

static int parse_all(struct parser *parser, struct error *err)
{
    const struct kv_node *root = NULL;
    struct blocks         blocks = { .tail = { &root } };
    enum token            token;

    for (;;) {
        if (take_token(&token, parser, err) < 0)
            return -1;

        switch (token) {
        case TOKEN_WORD:
            if (take_pair(parser, &blocks, err) < 0)
                return -1;
            break;
        case TOKEN_OPEN:
            return fail(parser, err, "a block without a key");
        case TOKEN_CLOSE:
            if (blocks.depth == 0)
                return fail(parser, err, "a '}' too many");
            blocks.depth--;
            break;
        case TOKEN_END:
            if (blocks.depth)
                return fail(parser, err, "the text ends inside a block");
            parser->kv->root = root;
            return 0;
        }
    }
}

int kv_parse(struct kv **ret, const uint8_t *bytes, size_t n_bytes, struct error *err)
{
    if (n_bytes > KV_BYTES_MAX)
        return error_set(err, ERROR_INVALID, "longer than %u bytes", KV_BYTES_MAX);

    AUTO(kv_freep)
    struct kv *kv = calloc(1, sizeof *kv);
    if (!kv)
        return error_sys(err, ENOMEM, "allocating KeyValues");

    // Each string but the last has a delimiter in the text, in whose place its NUL goes.
    kv->strings = malloc(n_bytes + 1);
    if (!kv->strings)
        return error_sys(err, ENOMEM, "allocating KeyValues");

    static const uint8_t byte_order_mark[] = { 0xef, 0xbb, 0xbf };
    bool                 has_mark = n_bytes >= sizeof byte_order_mark &&
                    memcmp(bytes, byte_order_mark, sizeof byte_order_mark) == 0;
    struct parser parser = {
        .kv = kv,
        .cursor = has_mark ? bytes + sizeof byte_order_mark : bytes,
        .end = bytes + n_bytes,
        .line = 1,
        .string = kv->strings,
    };
    if (parse_all(&parser, err) < 0)
        return -1;

    *ret = TAKE(kv);
    return 0;
}

struct kv *kv_free(struct kv *kv)
{
    if (!kv)
        return NULL;

    while (kv->chunks) {
        struct chunk *chunk = kv->chunks;
        kv->chunks = chunk->next;
        free(chunk);
    }
    free(kv->strings);
    free(kv);
    return NULL;
}

void kv_freep(struct kv **kv)
{
    *kv = kv_free(*kv);
}

// --- look-ups ---------------------------------------------------------------------------------

const struct kv_node *kv_root(const struct kv *kv)
{
    return kv->root;
}

const struct kv_node *kv_find(const struct kv_node *node, const char *key)
{
    while (node && strcasecmp(node->key, key) != 0)
        node = node->next;
    return node;
}

const char *kv_find_value(const struct kv_node *node, const char *key)
{
    const struct kv_node *found = kv_find(node, key);

    return found ? found->value : NULL;
}
