// SPDX-License-Identifier: MIT
#include "host/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include "base/fd.h"
#include "base/protocol.h"
#include "base/sockets.h"

#define LOCK_TRIES   300
#define LOCK_WAIT_NS 100000000L // between two tries

const struct host_paths host_paths_installed = {
    .data_dir = PROTOCOL_DATA_DIR,
    .host_dir = PROTOCOL_HOST_DIR,
    .mounted_dir = PROTOCOL_MOUNTED_DIR,
    .broker_socket = PROTOCOL_BROKER_SOCKET,
    .log_socket = PROTOCOL_LOG_SOCKET,
    .doctor_socket = PROTOCOL_DOCTOR_SOCKET,
    .bus_address = "unix:path=/run/dbus/system_bus_socket",
    .proc_net_dir = SOCKETS_DIR,
    .wants_dir = "/etc/systemd/system",
    .settings_file = "/etc/left4me/left4me.conf",
    .steamcmd_link = "/etc/left4me/steamcmd",
};

int host_open_data_dir(int *ret, const struct host_paths *paths, const char *path,
                       struct error *err)
{
    AUTO_FD data = open(paths->data_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (data < 0 && errno == ENOENT)
        return error_set(err, ERROR_UNAVAILABLE,
                         "%s does not exist: install the package left4me, then run "
                         "'systemd-tmpfiles --create'",
                         paths->data_dir);
    if (data < 0)
        return error_sys(err, errno, "opening %s", paths->data_dir);
    if (fd_open_dir(ret, data, path, err) == 0)
        return 0;
    // What tmpfiles.d makes is not somebody's, so its absence is no "not found".
    if (err->kind == ERROR_NOT_FOUND && !strchr(path, '/'))
        return error_set(err, ERROR_UNAVAILABLE,
                         "%s/%s does not exist: run 'systemd-tmpfiles --create'", paths->data_dir,
                         path);
    return -1;
}

int host_lock(int dir_fd, const char *what, struct error *err)
{
    static const struct timespec pause = { .tv_nsec = LOCK_WAIT_NS };

    for (int i = 0; i < LOCK_TRIES; i++) {
        if (flock(dir_fd, LOCK_EX | LOCK_NB) == 0)
            return 0;
        if (errno != EWOULDBLOCK && errno != EINTR)
            return error_sys(err, errno, "locking %s", what);
        (void)nanosleep(&pause, NULL); // woken early only means one more try
    }
    return error_set(err, ERROR_BUSY, "another command is working on %s: try again later", what);
}
