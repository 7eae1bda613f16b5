// SPDX-License-Identifier: MIT
#include "content/findings.h"

#include <string.h>
#include "base/macros.h"

// Sources: FACTS of the engine as they stand in docs/explain.md, with how certain each of them is.
static const struct finding_info infos[FINDING_CODE_COUNT] = {
    [FINDING_EXEC] = { "exec", FINDING_FACT, "runs {}", NULL },
    [FINDING_SEARCH_PATH] = { "search-path", FINDING_FACT, "the game looks in {}", NULL },
    [FINDING_ADDON_ON] = { "addon-on", FINDING_FACT, "{} is on", NULL },
    [FINDING_ADDON_OFF] = { "addon-off", FINDING_FACT, "{} is off", NULL },
    [FINDING_PACK_BROKEN] = { "pack-broken", FINDING_ERROR, "the game cannot load this pack: {}",
                              "download it again, or remove it" },
    [FINDING_PACK_LINK] = { "pack-is-link", FINDING_NOTE,
                            "it is a symbolic link, which is not followed here: what the game "
                            "loads from it is not known",
                            "put the add-on itself here" },
    [FINDING_PACK_TWICE] = { "pack-twice", FINDING_NOTE,
                             "it holds {} under names that differ in case alone; the first is used",
                             "tell its author" },
    [FINDING_MISSION_BROKEN] = { "mission-broken", FINDING_WARNING,
                                 "a campaign in it cannot be read: {}",
                                 "download it again, or tell its author" },
    [FINDING_CFG_BYTES] = { "config-not-ascii", FINDING_ERROR,
                            "it has bytes that are not ASCII{}; they can hang or crash the game, "
                            "even in comments",
                            "write it in plain ASCII, and save it without a byte order mark" },
    [FINDING_CFG_HIDDEN] = { "cvar-hidden", FINDING_WARNING,
                             "'{}' does nothing: the console does not know this variable",
                             "write 'sm_cvar {}', which needs SourceMod" },
    [FINDING_CFG_CHEAT] = { "cvar-cheat", FINDING_WARNING,
                            "'{}' does nothing: the variable is refused while sv_cheats is 0",
                            "write 'sm_cvar {}', which needs SourceMod" },
    [FINDING_MISPLACED] = { "misplaced", FINDING_WARNING, "the game does not look here",
                            "move it to {}" },
    [FINDING_NESTED] = { "nested", FINDING_WARNING,
                         "the directory is in one of the same name, where the game does not look",
                         "move what is in it one level up" },
    [FINDING_WRAPPED] = { "wrapped", FINDING_WARNING,
                          "the game does not look here: '{}' is one directory too much",
                          "move what is in '{}' one level up" },
    [FINDING_PACK_PLACE] = { "misplaced-pack", FINDING_WARNING,
                             "the game does not load add-ons from here", "move it to {}" },
    [FINDING_PACK_DIR] = { "pack-is-directory", FINDING_WARNING,
                           "it is called like an add-on and is a directory, which is not loaded",
                           "pack it, or put what is in it into left4dead2" },
    [FINDING_PACK_WORKSHOP] = { "pack-in-workshop", FINDING_NOTE,
                                "whether a dedicated server loads add-ons from workshop/ is not "
                                "certain",
                                "put it into left4dead2/addons itself" },
    [FINDING_PACK_CASE] = { "pack-name-case", FINDING_NOTE,
                            "its name has capital letters, which the game may look for in vain on "
                            "Linux",
                            "rename it in lower case" },
    [FINDING_PACK_BYTES] = { "pack-name-bytes", FINDING_WARNING,
                             "its name is not plain ASCII, which the game may not find",
                             "rename it with letters, digits, '-' and '_'" },
    [FINDING_PACK_DOTS] = { "pack-name-dots", FINDING_NOTE,
                            "its name has more than one dot, which the game is known to stumble "
                            "over on Linux",
                            "rename it with one dot, before vpk" },
    [FINDING_ARCHIVE] = { "archive", FINDING_WARNING, "the game does not open archives",
                          "unpack it" },
    [FINDING_MAP_PLACE] = { "misplaced-map", FINDING_WARNING,
                            "the game looks for maps in maps/ alone", "move it to {}" },
    [FINDING_PLUGIN_PLACE] = { "misplaced-plugin", FINDING_WARNING,
                               "SourceMod does not load plug-ins from here", "move it to {}" },
    [FINDING_PLUGIN_SOURCE] = { "plugin-source", FINDING_NOTE,
                                "it is the source of a plug-in, which SourceMod does not load",
                                "compile it, or move it to left4dead2/addons/sourcemod/scripting" },
    [FINDING_WINDOWS_LIBRARY] = { "windows-library", FINDING_NOTE,
                                  "it is a library for Windows, and there is none for Linux beside "
                                  "it",
                                  "install the Linux version, which ends in .so" },
    [FINDING_PACK_OFF] = { "pack-off", FINDING_NOTE,
                           "left4dead2/addonlist.txt switches this add-on off",
                           "set it to 1 there, or remove the line" },
    [FINDING_CFG_BYTES_IDLE] = { "config-not-ascii-idle", FINDING_NOTE,
                                 "it has bytes that are not ASCII{}; nothing is known to run it, "
                                 "but "
                                 "where it is run, they can hang or crash the game",
                                 "write it in plain ASCII, and save it without a byte order mark" },
    [FINDING_EXEC_MISSING] = { "exec-missing", FINDING_NOTE, "it runs '{}', and no layer has that",
                               "remove the line, or add left4dead2/cfg/{}" },
    [FINDING_UNREADABLE] = { "unreadable", FINDING_WARNING, "it cannot be read, or not all of it",
                             "look at its owner and mode; what is said here is not complete" },
    [FINDING_CUT] = { "too-large", FINDING_WARNING, "it is too large to be looked at as a whole",
                      "what is said here is not complete" },
};

const struct finding_info *finding_info(uint32_t code)
{
    return code < FINDING_CODE_COUNT && infos[code].word ? &infos[code] : NULL;
}

const char *finding_severity_word(enum finding_severity severity)
{
    static const char *const words[] = {
        [FINDING_FACT] = "fact",
        [FINDING_NOTE] = "note",
        [FINDING_WARNING] = "warning",
        [FINDING_ERROR] = "error",
    };

    _Static_assert(ELEMENTS(words) == FINDING_SEVERITY_COUNT, "every severity has a word");
    return words[severity];
}

const char *finding_fill(char ret[FINDING_TEXT_MAX], const char *sentence, const char *text)
{
    size_t n = 0;

    while (*sentence && n + 1 < FINDING_TEXT_MAX) {
        if (strncmp(sentence, "{}", 2) != 0) {
            ret[n++] = *sentence++;
            continue;
        }
        size_t n_text = MIN(strlen(text), FINDING_TEXT_MAX - 1 - n);
        memcpy(ret + n, text, n_text);
        n += n_text;
        sentence += 2;
    }
    ret[n] = '\0';
    return ret;
}
