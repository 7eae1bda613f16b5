// SPDX-License-Identifier: MIT
#include "host/quota.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "base/number.h"

#define MOUNTINFO "/proc/self/mountinfo"
#define OPTION    "prjquota" // in force; xfs says 'pqnoenforce' when it only counts
#define ID_MAX    24u

bool quota_line_is_of(const char *line, uint64_t mount)
{
    char         word[ID_MAX];
    uint64_t     id = 0;
    struct error ignored; // a line that begins with no number is nobody's
    size_t       n = strcspn(line, " ");

    if (n >= sizeof word)
        return false;
    memcpy(word, line, n);
    word[n] = '\0';
    return number_parse_u64(&id, word, 0, UINT64_MAX, &ignored) == 0 && id == mount;
}

bool quota_line_has_projects(const char *line)
{
    const char *fields = strstr(line, " - "); // file system, source, options; blanks are escaped
    const char *options = fields ? strrchr(fields + 3, ' ') : NULL;

    while (options) {
        size_t n = strcspn(++options, ",\n");
        if (n == sizeof OPTION - 1 && strncmp(options, OPTION, n) == 0)
            return true;
        options = options[n] == ',' ? options + n : NULL;
    }
    return false;
}

static void file_closep(FILE **file)
{
    if (*file)
        (void)fclose(*file); // only read
}

int quota_is_on(bool *ret, const char *path, struct error *err)
{
    AUTO(file_closep) FILE *file = NULL;
    AUTO(freep) char       *line = NULL;
    struct statx            stx;
    size_t                  size = 0;

    // By its number: below a btrfs, and where mounts hide each other, a device says too little.
    if (statx(AT_FDCWD, path, AT_NO_AUTOMOUNT, STATX_MNT_ID, &stx) < 0)
        return error_sys(err, errno, "looking at %s", path);
    file = fopen(MOUNTINFO, "re");
    if (!file)
        return error_sys(err, errno, "opening " MOUNTINFO);
    while (getline(&line, &size, file) > 0)
        if (quota_line_is_of(line, stx.stx_mnt_id)) {
            *ret = quota_line_has_projects(line);
            return 0;
        }
    return error_set(err, ERROR_NOT_FOUND, "how %s is mounted is not known", path);
}
