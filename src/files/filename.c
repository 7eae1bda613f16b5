// SPDX-License-Identifier: MIT
#include "files/filename.h"

#include <string.h>
#include <strings.h>
#include "base/text.h"

#define SHOW_MAX 121u // bytes of a name in a message, the NUL included

static int refuse(struct error *err, const char *path, const char *why)
{
    char shown[SHOW_MAX];

    (void)text_sanitize(shown, sizeof shown, path, strlen(path));
    return error_set(err, ERROR_INVALID, "'%s' %s", shown, why);
}

// ---- paths ------------------------------------------------------------------------------------

static bool is_dots(const char *name, size_t n)
{
    return (n == 1 && name[0] == '.') || (n == 2 && name[0] == '.' && name[1] == '.');
}

bool filename_is_hidden(const char *name)
{
    return strncmp(name, FILENAME_HIDDEN_PREFIX, strlen(FILENAME_HIDDEN_PREFIX)) == 0;
}

static int check_component(const char *path, const char *name, size_t n, bool is_strict,
                           struct error *err)
{
    if (n == 0)
        return refuse(err, path, "has an empty component: names are separated by one slash");
    if (n > FILENAME_BYTES_MAX)
        return refuse(err, path, "has a name of more than 255 bytes");
    if (is_dots(name, n))
        return refuse(err, path, "has a component '.' or '..'");
    if (!is_strict)
        return 0;
    if (!text_is_plain(name, n))
        return refuse(err, path, "has a name that is not UTF-8, or holds control characters");
    if (filename_is_hidden(name))
        return refuse(err, path,
                      "has a name that begins with '" FILENAME_HIDDEN_PREFIX
                      "', which is reserved");
    return 0;
}

static int check_path(const char *path, bool is_strict, struct error *err)
{
    const char *name = path;
    unsigned    depth = 0;

    if (!*path)
        return error_set(err, ERROR_INVALID, "the path is empty");
    if (strnlen(path, FILENAME_PATH_MAX + 1) > FILENAME_PATH_MAX)
        return refuse(err, path, "is a path of more than 1024 bytes");
    for (;;) {
        size_t n = strcspn(name, "/");
        if (check_component(path, name, n, is_strict, err) < 0)
            return -1;
        if (++depth > FILENAME_DEPTH_MAX)
            return refuse(err, path, "is too deep: 32 names are the limit");
        if (!name[n])
            return 0;
        name += n + 1;
    }
}

int filename_check(const char *path, struct error *err)
{
    return check_path(path, true, err);
}

int filename_check_old(const char *path, struct error *err)
{
    return check_path(path, false, err);
}

// ---- warnings ---------------------------------------------------------------------------------

// Source: Microsoft, "Naming Files, Paths, and Namespaces".
static bool is_device(const char *name, size_t n)
{
    static const char *const devices[] = { "con", "prn", "aux", "nul" };
    size_t                   stem = MIN(n, strcspn(name, "."));

    for (size_t i = 0; i < ELEMENTS(devices); i++)
        if (stem == 3 && strncasecmp(name, devices[i], 3) == 0)
            return true;
    return stem == 4 && name[3] >= '1' && name[3] <= '9' &&
           (strncasecmp(name, "com", 3) == 0 || strncasecmp(name, "lpt", 3) == 0);
}

const char *filename_warning(const char *path)
{
    bool is_ascii = true;

    for (const char *name = path; *name;) {
        size_t n = strcspn(name, "/");
        if (strcspn(name, "<>:\"|?*\\") < n)
            return "has a character that Windows does not allow in a name";
        if (n > 0 && (name[n - 1] == '.' || name[n - 1] == ' '))
            return "has a name that ends with a dot or a space, which Windows drops";
        if (is_device(name, n))
            return "has a name that Windows keeps for a device";
        for (size_t i = 0; i < n; i++)
            is_ascii = is_ascii && (unsigned char)name[i] < 0x80;
        name += n + (name[n] == '/');
    }
    return is_ascii ? NULL : "has a name that is not ASCII, which the game may not find";
}

// ---- archives ---------------------------------------------------------------------------------

// 0x80 to 0xFF. Source: Unicode's mapping table CP437.TXT.
static const uint16_t cp437[128] = {
    0x00c7, 0x00fc, 0x00e9, 0x00e2, 0x00e4, 0x00e0, 0x00e5, 0x00e7, 0x00ea, 0x00eb, 0x00e8, 0x00ef,
    0x00ee, 0x00ec, 0x00c4, 0x00c5, 0x00c9, 0x00e6, 0x00c6, 0x00f4, 0x00f6, 0x00f2, 0x00fb, 0x00f9,
    0x00ff, 0x00d6, 0x00dc, 0x00a2, 0x00a3, 0x00a5, 0x20a7, 0x0192, 0x00e1, 0x00ed, 0x00f3, 0x00fa,
    0x00f1, 0x00d1, 0x00aa, 0x00ba, 0x00bf, 0x2310, 0x00ac, 0x00bd, 0x00bc, 0x00a1, 0x00ab, 0x00bb,
    0x2591, 0x2592, 0x2593, 0x2502, 0x2524, 0x2561, 0x2562, 0x2556, 0x2555, 0x2563, 0x2551, 0x2557,
    0x255d, 0x255c, 0x255b, 0x2510, 0x2514, 0x2534, 0x252c, 0x251c, 0x2500, 0x253c, 0x255e, 0x255f,
    0x255a, 0x2554, 0x2569, 0x2566, 0x2560, 0x2550, 0x256c, 0x2567, 0x2568, 0x2564, 0x2565, 0x2559,
    0x2558, 0x2552, 0x2553, 0x256b, 0x256a, 0x2518, 0x250c, 0x2588, 0x2584, 0x258c, 0x2590, 0x2580,
    0x03b1, 0x00df, 0x0393, 0x03c0, 0x03a3, 0x03c3, 0x00b5, 0x03c4, 0x03a6, 0x0398, 0x03a9, 0x03b4,
    0x221e, 0x03c6, 0x03b5, 0x2229, 0x2261, 0x00b1, 0x2265, 0x2264, 0x2320, 0x2321, 0x00f7, 0x2248,
    0x00b0, 0x2219, 0x00b7, 0x221a, 0x207f, 0x00b2, 0x25a0, 0x00a0,
};

// 0x80 to 0x9F; 0 is undefined, above them it is Latin-1. Source: Unicode's CP1252.TXT.
static const uint16_t cp1252[32] = {
    0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017d, 0,      0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178,
};

static uint16_t decode(uint8_t byte, enum filename_charset charset)
{
    uint16_t code = byte;

    if (byte >= 0x80 && charset == FILENAME_CP437)
        code = cp437[byte - 0x80];
    else if (byte >= 0x80 && byte < 0xa0)
        code = cp1252[byte - 0x80];
    return code ? code : 0xfffd;
}

// UTF-8 of what is below U+10000.
static size_t encode(char ret[3], uint16_t code)
{
    if (code < 0x80) {
        ret[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        ret[0] = (char)(0xc0 | code >> 6);
        ret[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    ret[0] = (char)(0xe0 | code >> 12);
    ret[1] = (char)(0x80 | (code >> 6 & 0x3f));
    ret[2] = (char)(0x80 | (code & 0x3f));
    return 3;
}

static bool is_utf8(const uint8_t *bytes, size_t n)
{
    for (size_t i = 0, length; i < n; i += length) {
        length = text_character(bytes + i, n - i);
        if (length == 0)
            return false;
    }
    return true;
}

// The bytes as UTF-8 text with slashes, in room for `room` bytes and a NUL. False: there is more.
static bool to_text(char *ret, size_t room, const uint8_t *bytes, size_t n,
                    enum filename_charset charset)
{
    bool   is_foreign = !is_utf8(bytes, n);
    size_t done = 0;

    for (size_t i = 0; i < n; i++) {
        char   character[3] = { bytes[i] == '\\' ? '/' : (char)bytes[i] };
        size_t length = 1;
        if (is_foreign && bytes[i] != '\\')
            length = encode(character, decode(bytes[i], charset));
        if (done + length > room)
            return false;
        memcpy(ret + done, character, length);
        done += length;
    }
    ret[done] = '\0';
    return true;
}

// Takes out "." and what is empty.
static void tidy(char *path)
{
    char *to = path;

    for (const char *from = path; *from;) {
        size_t n = strcspn(from, "/");
        if (n > 0 && !(n == 1 && *from == '.')) {
            if (to > path)
                *to++ = '/';
            memmove(to, from, n);
            to += n;
        }
        from += n + (from[n] == '/');
    }
    *to = '\0';
}

static bool is_drive(const char *path)
{
    char letter = (char)(path[0] | 0x20);

    return letter >= 'a' && letter <= 'z' && path[1] == ':' && (path[2] == '/' || !path[2]);
}

static bool leads_up(const char *path)
{
    for (; *path; path += strspn(path, "/")) {
        size_t n = strcspn(path, "/");
        if (n == 2 && path[0] == '.' && path[1] == '.')
            return true;
        path += n;
    }
    return false;
}

int filename_from_archive(char ret[FILENAME_PATH_MAX + 1], const void *bytes, size_t n,
                          enum filename_charset charset, struct error *err)
{
    char path[4 * FILENAME_PATH_MAX + 1]; // with room for what tidy() takes out

    if (n == 0)
        return error_set(err, ERROR_INVALID, "the archive has an entry without a name");
    if (memchr(bytes, '\0', n))
        return error_set(err, ERROR_INVALID, "the archive has a name with a NUL byte in it");
    if (!to_text(path, sizeof path - 1, bytes, n, charset))
        return error_set(err, ERROR_INVALID, "the archive has a path of more than %zu bytes",
                         sizeof path - 1);
    if (path[0] == '/' || is_drive(path))
        return refuse(err, path, "of the archive is an absolute path");
    if (leads_up(path))
        return refuse(err, path, "of the archive leads out of its directory");
    tidy(path);
    if (*path && filename_check(path, err) < 0)
        return error_prefix(err, "a path of the archive");
    memcpy(ret, path, strlen(path) + 1);
    return 0;
}
