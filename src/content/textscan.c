// SPDX-License-Identifier: MIT
#include "content/textscan.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "content/cfgtext.h"
#include "content/cvars.h"
#include "content/findings.h"
#include "content/packscan.h"
#include "content/place.h"
#include "pak/kv.h"

#define GAME_DIR          "left4dead2/"
#define LINES_MAX         200u // findings of one configuration
#define LIST_MAX          4096u
#define SEARCH_PATHS_MAX  64u
#define COMMAND_SHOWN_MAX 80u

enum textscan_kind textscan_kind_of(const char *path)
{
    const char *slash = strchr(path, '/');

    if (strcmp(path, GAME_DIR "addonlist.txt") == 0)
        return TEXTSCAN_ADDONLIST;
    if (strcmp(path, GAME_DIR "gameinfo.txt") == 0)
        return TEXTSCAN_GAMEINFO;
    if (strncmp(path, GAME_DIR "cfg/", strlen(GAME_DIR "cfg/")) == 0 &&
        place_has_suffix(path, ".cfg"))
        return TEXTSCAN_CONFIG;
    if (slash && strncmp(slash, "/missions/", strlen("/missions/")) == 0 &&
        !strchr(slash + strlen("/missions/"), '/') && place_has_suffix(path, ".txt"))
        return TEXTSCAN_MISSION;
    return TEXTSCAN_NONE;
}

struct text {
    struct index_builder *builder;
    uint32_t              node;
    const char           *path;
    const uint8_t        *bytes;
    size_t                n_bytes;
};

static int add(const struct text *text, uint32_t code, uint32_t line, const char *what,
               struct error *err)
{
    struct index_finding like = { .node = text->node, .line = line, .code = code };

    return index_builder_finding(text->builder, &like, what, err);
}

// ---- configurations ----------------------------------------------------------------------------

static int scan_bytes(const struct text *text, struct error *err)
{
    struct cfg_bytes look = cfg_look_at_bytes(text->bytes, text->n_bytes);
    char             what[64] = "";

    if (look.first_line == 0)
        return 0;
    if (look.has_mark && look.n_lines == 1)
        (void)snprintf(what, sizeof what, ": a byte order mark");
    else if (look.n_lines > 1)
        (void)snprintf(what, sizeof what, ", in %u lines", look.n_lines); // a number fits
    return add(text, FINDING_CFG_BYTES, look.first_line, what, err);
}

// "mp_gamemode versus" as it may be shown: not too long, and without bytes that are not text.
static void show_command(char ret[COMMAND_SHOWN_MAX], const struct cfg_command *command)
{
    const char *quote = strpbrk(command->words[1], " \t;") ? "\"" : "";

    (void)snprintf(ret, COMMAND_SHOWN_MAX, "%s %s%s%s", command->words[0], quote, command->words[1],
                   quote); // cut is fine
    for (char *c = ret; *c; c++)
        if ((unsigned char)*c < ' ' || (unsigned char)*c > '~')
            *c = '?';
}

static int scan_variable(const struct text *text, const struct cfg_command *command,
                         bool has_cheats, struct error *err)
{
    enum cvar_kind kind = cvar_kind_of(command->words[0]);
    char           shown[COMMAND_SHOWN_MAX];

    if (kind == CVAR_ORDINARY || (kind == CVAR_CHEAT && has_cheats))
        return 0;
    show_command(shown, command);
    return add(text, kind == CVAR_HIDDEN ? FINDING_CFG_HIDDEN : FINDING_CFG_CHEAT, command->line,
               shown, err);
}

// A line of 0 says that it is run only if it is there.
static bool is_exec(const struct cfg_command *command, uint32_t *ret_line)
{
    bool is_plain = strcasecmp(command->words[0], "exec") == 0;

    *ret_line = is_plain ? command->line : 0;
    return is_plain || strcasecmp(command->words[0], "execifexists") == 0;
}

static int scan_config(const struct text *text, struct error *err)
{
    struct cfg_reader  reader = cfg_reader_of(text->bytes, text->n_bytes);
    struct cfg_command command;
    uint32_t           n_before = index_builder_n_findings(text->builder);
    uint32_t           line = 0;
    bool               has_cheats = false;

    if (scan_bytes(text, err) < 0)
        return -1;
    while (cfg_next(&command, &reader) &&
           index_builder_n_findings(text->builder) - n_before < LINES_MAX) {
        if (command.n_words < 2) // asks for a value, or does something
            continue;
        if (strcasecmp(command.words[0], "sv_cheats") == 0)
            has_cheats = strcmp(command.words[1], "0") != 0;
        if (is_exec(&command, &line) ? add(text, FINDING_EXEC, line, command.words[1], err) < 0
                                     : scan_variable(text, &command, has_cheats, err) < 0)
            return -1;
    }
    return 0;
}

// ---- lists -------------------------------------------------------------------------------------

static int scan_addonlist(const struct text *text, struct error *err)
{
    AUTO(kv_freep) struct kv *kv = NULL;
    struct error              ignored;
    char                      folded[256];
    uint32_t                  n = 0;

    if (kv_parse(&kv, text->bytes, text->n_bytes, &ignored) < 0)
        return 0; // as the game: it is no list
    const struct kv_node *list = kv_find(kv_root(kv), "AddonList");
    for (const struct kv_node *at = list ? list->first : NULL; at && n < LIST_MAX; at = at->next) {
        if (!at->value)
            continue;
        (void)index_fold(folded, sizeof folded, at->key);
        bool is_off = strcmp(at->value, "0") == 0;
        if (add(text, is_off ? FINDING_ADDON_OFF : FINDING_ADDON_ON, ++n, folded, err) < 0)
            return -1;
    }
    return 0;
}

// Keys are words with plus signs between them: Game, game+mod.
static bool is_of_game(const char *key)
{
    for (; *key; key += strcspn(key, "+"), key += *key == '+')
        if (strcspn(key, "+") == strlen("game") && strncasecmp(key, "game", strlen("game")) == 0)
            return true;
    return false;
}

// A directory as it is called from the top of the installation, or "" for one that is elsewhere.
static void name_search_path(char *ret, size_t n_ret, const char *value)
{
    static const char *const here = "|gameinfo_path|", *const all = "|all_source_engine_paths|";
    const char *prefix = "";

    if (strncasecmp(value, here, strlen(here)) == 0) {
        value += strlen(here);
        prefix = GAME_DIR;
    } else if (strncasecmp(value, all, strlen(all)) == 0) {
        value += strlen(all);
    }
    if (strcmp(value, ".") == 0)
        value = "";
    (void)snprintf(ret, n_ret, "%s%s", prefix, value); // one that is cut is found nowhere
    for (char *c = ret; *c; c++)
        if (*c == '\\')
            *c = '/';
    for (size_t n = strlen(ret); n > 0 && ret[n - 1] == '/';)
        ret[--n] = '\0';
    if (*ret == '/' || strstr(ret, "..") || strchr(ret, ':') || strchr(ret, '|'))
        *ret = '\0';
}

static int scan_gameinfo(const struct text *text, struct error *err)
{
    AUTO(kv_freep) struct kv *kv = NULL;
    struct error              ignored;
    char                      name[256];
    uint32_t                  n = 0;

    if (kv_parse(&kv, text->bytes, text->n_bytes, &ignored) < 0)
        return 0; // the usual order holds
    const struct kv_node *info = kv_find(kv_root(kv), "GameInfo");
    const struct kv_node *system = info ? kv_find(info->first, "FileSystem") : NULL;
    const struct kv_node *paths = system ? kv_find(system->first, "SearchPaths") : NULL;
    const struct kv_node *at = paths ? paths->first : NULL;
    for (; at && n < SEARCH_PATHS_MAX; at = at->next) {
        if (!at->value || !is_of_game(at->key))
            continue;
        name_search_path(name, sizeof name, at->value);
        if (*name && add(text, FINDING_SEARCH_PATH, ++n, name, err) < 0)
            return -1;
    }
    return 0;
}

static int scan_mission(const struct text *text, struct error *err)
{
    const char *path = strchr(text->path, '/');

    return packscan_mission(text->builder, text->node, true, path ? path + 1 : text->path,
                            text->bytes, text->n_bytes, err);
}

int textscan(struct index_builder *builder, uint32_t node, enum textscan_kind kind,
             const char *path, const uint8_t *bytes, size_t n_bytes, struct error *err)
{
    static int (*const scans[TEXTSCAN_KIND_COUNT])(const struct text *text, struct error *err) = {
        [TEXTSCAN_CONFIG] = scan_config,
        [TEXTSCAN_ADDONLIST] = scan_addonlist,
        [TEXTSCAN_GAMEINFO] = scan_gameinfo,
        [TEXTSCAN_MISSION] = scan_mission,
    };
    struct text text = { builder, node, path, bytes, n_bytes };

    return scans[kind] ? scans[kind](&text, err) : 0;
}
