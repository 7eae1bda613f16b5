// SPDX-License-Identifier: MIT
#include "content/cfgtext.h"
#include "content/cvars.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    struct cfg_reader  reader = cfg_reader_of(bytes, n_bytes);
    struct cfg_command command;
    struct cfg_bytes   look = cfg_look_at_bytes(bytes, n_bytes);
    uint32_t           line = 1;
    size_t             n_lines = 1;

    for (size_t i = 0; i < n_bytes; i++)
        n_lines += bytes[i] == '\n';
    if (look.first_line > n_lines || look.n_lines > n_lines || !look.first_line != !look.n_lines)
        abort();
    while (cfg_next(&command, &reader)) {
        size_t n_text = 0;
        if (command.n_words == 0 || command.n_words > CFG_WORDS_MAX || command.line < line ||
            command.line > n_lines)
            abort();
        line = command.line;
        for (size_t i = 0; i < command.n_words; i++)
            n_text += strlen(command.words[i]) + 1;
        if (n_text > sizeof command.text)
            abort();
        (void)cvar_kind_of(command.words[0]);
    }
    return 0;
}
