// SPDX-License-Identifier: MIT
#include "pak/kv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "pak/bytes.h"

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
    char                  fault[ERROR_MESSAGE_MAX];
};

enum token { TOKEN_END, TOKEN_OPEN, TOKEN_CLOSE, TOKEN_WORD };

struct parser {
    struct kv     *kv;
    const uint8_t *text, *cursor, *end;
    bool           is_plain;
    char          *string; // where the next string of kv->strings goes
    const char    *word;   // of the last TOKEN_WORD
};

// Lines are counted when somebody wants to know.
static int fail(const struct parser *parser, struct error *err, const char *what)
{
    unsigned line = 1;

    for (const uint8_t *byte = parser->text; byte < parser->cursor; byte++)
        line += *byte == '\n';
    return error_set(err, ERROR_INVALID, "line %u: %s", line, what);
}

// --- words ------------------------------------------------------------------------------------

static void skip_blank(struct parser *parser)
{
    const uint8_t *cursor = parser->cursor, *end = parser->end;

    for (;;) {
        while (cursor < end && *cursor <= ' ')
            cursor++;
        if (end - cursor < 2 || cursor[0] != '/' || cursor[1] != '/')
            break;
        cursor = memchr(cursor, '\n', (size_t)(end - cursor));
        if (!cursor)
            cursor = end;
    }
    parser->cursor = cursor;
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

// Copies what is an ordinary part of a word in quotes, or of a bare one, eight bytes at a time:
// there is room for that behind the last string. Returns how many were.
static size_t copy_words(char *string, const uint8_t *cursor, const uint8_t *end, bool is_quoted)
{
    const uint8_t *start = cursor;

    for (; end - cursor >= (ptrdiff_t)sizeof(uint64_t); cursor += sizeof(uint64_t)) {
        uint64_t word = bytes_word(cursor);
        uint64_t stops = BYTES_ARE(word, '"');
        stops |= is_quoted ? BYTES_ARE(word, '\\') | BYTES_ZERO(word)
                           : BYTES_ARE(word, '{') | BYTES_ARE(word, '}') | BYTES_BELOW(word, '!');
        memcpy(string + (cursor - start), cursor, sizeof word);
        if (stops)
            return (size_t)(cursor - start) + (size_t)__builtin_ctzll(stops) / 8;
    }
    return (size_t)(cursor - start);
}

// The cursor is behind the opening quote. Unknown escapes stay as they are: people write C:\path.
static int take_quoted(struct parser *parser, struct error *err)
{
    const uint8_t *cursor = parser->cursor, *end = parser->end;
    char          *string = parser->string;

    parser->word = string;
    for (;;) {
        size_t n = copy_words(string, cursor, end, true);
        cursor += n;
        string += n;
        if (cursor == end || *cursor == '"' || *cursor == '\0')
            break;
        uint8_t byte = *cursor++;
        if (byte == '\\' && !parser->is_plain && cursor < end && unescaped(*cursor))
            byte = (uint8_t)unescaped(*cursor++);
        *string++ = (char)byte;
    }

    parser->cursor = cursor;
    if (cursor == end)
        return fail(parser, err, "the text ends inside a quoted string");
    if (*cursor == '\0')
        return fail(parser, err, "a NUL byte in a string");
    *string++ = '\0';
    parser->cursor++;
    parser->string = string;
    return 0;
}

static void take_bare(struct parser *parser)
{
    const uint8_t *cursor = parser->cursor, *end = parser->end;
    char          *string = parser->string;

    parser->word = string;
    size_t n = copy_words(string, cursor, end, false);
    cursor += n;
    string += n;
    while (cursor<end && * cursor> ' ' && *cursor != '"' && *cursor != '{' && *cursor != '}')
        *string++ = (char)*cursor++;
    *string++ = '\0';
    parser->cursor = cursor;
    parser->string = string;
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
        struct chunk *chunk = malloc(sizeof *chunk);
        if (!chunk) {
            error_sys(err, ENOMEM, "allocating KeyValues");
            return NULL;
        }
        chunk->next = kv->chunks;
        chunk->n_used = 0;
        kv->chunks = chunk;
    }

    struct kv_node *node = &kv->chunks->nodes[kv->chunks->n_used++];
    *node = (struct kv_node){ 0 };
    kv->n_nodes++;
    return node;
}

// The open blocks: in each, where the next node is to be linked.
struct blocks {
    const struct kv_node **tail[KV_DEPTH_MAX + 1];
    size_t                 depth;
};

static bool is_directive(const char *key)
{
    return *key == '#' && (strcasecmp(key, "#include") == 0 || strcasecmp(key, "#base") == 0);
}

// A word was read as a key: takes what belongs to it and links the node.
static int take_pair(struct parser *parser, struct blocks *blocks, struct error *err)
{
    enum token token;

    if (blocks->depth == 0 && is_directive(parser->word))
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

// What was read stands in parser->kv->root, also when this fails.
static int parse_all(struct parser *parser, struct error *err)
{
    struct blocks blocks = { .tail = { &parser->kv->root } };
    enum token    token;

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
            return 0;
        }
    }
}

static const uint8_t *skip_mark(const uint8_t *bytes, size_t n_bytes)
{
    static const uint8_t mark[] = { 0xef, 0xbb, 0xbf };
    bool                 has_mark = n_bytes >= sizeof mark && memcmp(bytes, mark, sizeof mark) == 0;

    return bytes + (has_mark ? sizeof mark : 0);
}

int kv_read(struct kv **ret, const uint8_t *bytes, size_t n_bytes, unsigned flags,
            struct error *err)
{
    if (n_bytes > KV_BYTES_MAX)
        return error_set(err, ERROR_INVALID, "longer than %u bytes", KV_BYTES_MAX);

    AUTO(kv_freep)
    struct kv *kv = calloc(1, sizeof *kv);
    if (!kv)
        return error_sys(err, ENOMEM, "allocating KeyValues");

    // Each string but the last has a delimiter in the text, in whose place its NUL goes.
    kv->strings = malloc(n_bytes + 1 + sizeof(uint64_t));
    if (!kv->strings)
        return error_sys(err, ENOMEM, "allocating KeyValues");

    struct error  fault;
    struct parser parser = {
        .kv = kv,
        .text = bytes,
        .cursor = skip_mark(bytes, n_bytes),
        .end = bytes + n_bytes,
        .is_plain = flags & KV_PLAIN,
        .string = kv->strings,
    };
    if (parse_all(&parser, &fault) < 0) {
        if (fault.kind != ERROR_INVALID || !(flags & KV_TOLERANT)) {
            *err = fault;
            return -1;
        }
        memcpy(kv->fault, fault.message, sizeof kv->fault);
    }

    *ret = TAKE(kv);
    return 0;
}

int kv_parse(struct kv **ret, const uint8_t *bytes, size_t n_bytes, struct error *err)
{
    return kv_read(ret, bytes, n_bytes, 0, err);
}

const char *kv_fault(const struct kv *kv)
{
    return *kv->fault ? kv->fault : NULL;
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
