// SPDX-License-Identifier: MIT
#include "host/owned.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include "base/macros.h"

// What we say ourselves on the command line of the game, and what to use instead.
static const struct owned_word owned_arguments[] = {
    { "-port", "use the key port" },
    { "+port", "use the key port" },
    { "-hostport", "use the key port" },
    { "+hostport", "use the key port" },
    { "-clientport", "use the key client_port" },
    { "+clientport", "use the key client_port" },
    { "-tv_port", "use the key tv_port" },
    { "+tv_port", "use the key tv_port" },
    { "+hostname", "use the key hostname" },
    { "-hostname", "use the key hostname" },
    { "+rcon_password", "use the key rcon_password" },
    { "-rcon_password", "use the key rcon_password" },
    { "+servercfgfile",
      "this engine ignores it and always runs cfg/server.cfg: use the key config" },
    { "-servercfgfile",
      "this engine ignores it and always runs cfg/server.cfg: use the key config" },
    { "-game", "it is always left4dead2: leave it out" },
    { "-console", "it is always there: leave it out" },
    { "-strictportbind", "it is always there: leave it out" },
    { "-norestart", "systemd restarts the server: leave it out" },
    { "-autorestart", "systemd restarts the server: leave it out" },
    { "-autoupdate", "use 'l4d2ctl install' to update the game" },
    { "-steam_dir", "use 'l4d2ctl install' to update the game" },
    { "-steamcmd_script", "use 'l4d2ctl install' to update the game" },
    { "-ip", "a server listens on every address: leave it out" },
    { "+ip", "a server listens on every address: leave it out" },
    { "-fork", "an instance is one process: make another instance" },
    { "-pidfile", "systemd knows the process: leave it out" },
};

const struct owned_word *owned_argument(const char *text)
{
    for (size_t i = 0; i < ELEMENTS(owned_arguments); i++)
        if (strcasecmp(text, owned_arguments[i].word) == 0)
            return &owned_arguments[i];
    return NULL;
}

// Settings that the end of server.cfg sets for good.
static const struct owned_word owned_settings[] = {
    { "hostname", "use the key hostname" },
    { "rcon_password", "use the key rcon_password" },
    { "log", "logging is always on: leave it out" },
    { "sv_logecho", "logging is always on: leave it out" },
};

// The sentence for a command that begins at `text` and is not the user's to give, or NULL.
static const char *owned_command(const char *text, size_t n)
{
    size_t start = 0, end;

    while (start < n && strchr(" \t\"", text[start]))
        start++;
    for (end = start; end < n && !strchr(" \t\"", text[end]);)
        end++;
    for (size_t i = 0; i < ELEMENTS(owned_settings); i++)
        if (strlen(owned_settings[i].word) == end - start &&
            strncasecmp(text + start, owned_settings[i].word, end - start) == 0)
            return owned_settings[i].instead;
    return NULL;
}

const char *owned_setting(const char *text, size_t n)
{
    bool   is_quoted = false;
    size_t start = 0;

    for (size_t i = 0; i <= n; i++) {
        bool is_comment = !is_quoted && i + 1 < n && text[i] == '/' && text[i + 1] == '/';
        if (i == n || is_comment || (text[i] == ';' && !is_quoted)) {
            const char *instead = owned_command(text + start, i - start);
            if (instead || i == n || is_comment)
                return instead;
            start = i + 1;
        } else if (text[i] == '"') {
            is_quoted = !is_quoted;
        }
    }
    return NULL;
}
