// SPDX-License-Identifier: MIT
#include "faults.h"

#include "base/fd.h"
#include "base/number.h"
#include "path.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool read_word(char word[FAULTS_WORD_MAX], const char *path)
{
    FILE *file = fopen(path, "re");

    *word = '\0';
    if (!file)
        return false;
    if (!fgets(word, FAULTS_WORD_MAX, file))
        *word = '\0';
    fclose(file);
    word[strcspn(word, " \t\r\n")] = '\0';
    return *word;
}

// Writes "WORD:N-1" back; where that is not possible, the count is kept in the installation.
static void write_count(const struct session *session, const char *path, const char *word,
                        unsigned count)
{
    char beside[PATH_MAX];

    FILE *file = fopen(path, "r+e");
    if (file) {
        fprintf(file, "%s:%u\n%*s", word, count, 8, "");
        fclose(file);
        return;
    }
    path_join(beside, session->install_dir, "steamapps/sim-fail");
    file = fopen(beside, "we");
    if (!file)
        return;
    fprintf(file, "%s:%u\n", word, count);
    fclose(file);
}

void faults_next(char word[FAULTS_WORD_MAX], const struct session *session)
{
    char         path[PATH_MAX], beside[PATH_MAX];
    struct error err;
    uint32_t     count;

    path_join(path, session->root, "fail");
    path_join(beside, session->install_dir, "steamapps/sim-fail");
    if (!read_word(word, path))
        return;
    char counted[FAULTS_WORD_MAX];
    if (strchr(word, ':') && read_word(counted, beside))
        memcpy(word, counted, sizeof counted);

    char *colon = strchr(word, ':');
    if (!colon)
        return;
    *colon = '\0';
    if (number_parse_u32(&count, colon + 1, 1, 1000, &err) < 0)
        *word = '\0'; // 0 are left
    else
        write_count(session, path, word, count - 1);
}

void faults_wait(const struct session *session)
{
    char gate[PATH_MAX], gone[PATH_MAX];

    path_join(gate, session->root, "gate");
    path_join(gone, session->root, "gone-on");
    if (access(gone, F_OK) == 0 || (mkfifo(gate, 0600) < 0 && errno != EEXIST))
        return;
    printf("[sim] waits at %s\n", gate);
    (void)fflush(stdout);
    int   fd = open(gate, O_RDONLY | O_CLOEXEC); // until somebody opens it to write
    FILE *file = fopen(gone, "we");
    if (file)
        fclose(file);
    (void)fd_close(fd);
}
