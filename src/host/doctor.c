// SPDX-License-Identifier: MIT
#include "host/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/magic.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "base/fd.h"
#include "base/number.h"
#include "host/overlays.h"
#include "host/quota.h"
#include "host/steamplace.h"
#include "host/units.h"

#define GIB                 (UINT64_C(1) << 30)
#define FREE_TO_INSTALL     (25 * GIB) // SteamCMD's cache, the download and the published tree
#define FREE_TO_RUN         (2 * GIB)
#define PTRACE_SCOPE_WANTED 2u
#define RMEM_MAX_WANTED     8388608u
#define FREE_INODES_SHARE   20 // one of so many
#define GROUPS_MAX          64
#define LINE_BYTES_MAX      256u
#define VERSION_PART_MAX    100000u
#define SYSTEMD_NEEDED      252u
#define SYSTEMD_BINDS_PORTS 253u // SocketBindAllow=, however Debian built it
#define SYSTEMD_HAS_PIDS    257u // PrivatePIDs=

// What the checks share.
struct doctor {
    const struct host_paths *paths;
    struct units            *units; // NULL: the bus does not answer
    char                     bus_error[ERROR_MESSAGE_MAX];
};

static enum doctor_verdict PRINTF_LIKE(3, 4)
    say(struct doctor_finding *finding, enum doctor_verdict verdict, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(finding->words, sizeof finding->words, format, args); // truncation is fine
    va_end(args);
    return verdict;
}

// The row's remedy is for the usual fault; a check that finds another one names the remedy of that.
static void advise(struct doctor_finding *finding, const char *remedy)
{
    finding->remedy = remedy;
}

static enum doctor_verdict say_no_bus(struct doctor_finding *finding, const char *why)
{
    advise(finding, "run 'systemctl start dbus.socket', or install the package dbus");
    return say(finding, DOCTOR_FAULT, "%.150s", why);
}

// ---- kernel and init system --------------------------------------------------------------------

bool doctor_version_is_at_least(const char *version, unsigned major, unsigned minor)
{
    unsigned has_major = 0, has_minor = 0;

    for (; *version >= '0' && *version <= '9' && has_major < VERSION_PART_MAX; version++)
        has_major = has_major * 10 + (unsigned)(*version - '0');
    if (*version == '.')
        for (version++; *version >= '0' && *version <= '9' && has_minor < VERSION_PART_MAX;
             version++)
            has_minor = has_minor * 10 + (unsigned)(*version - '0');
    return has_major > major || (has_major == major && has_minor >= minor);
}

static enum doctor_verdict check_kernel(const struct doctor *doctor, struct doctor_finding *finding)
{
    struct utsname name;

    (void)doctor;
    (void)uname(&name); // cannot fail
    // 5.19 is the first that takes idmapped layers.
    return say(finding, doctor_version_is_at_least(name.release, 5, 19) ? DOCTOR_OK : DOCTOR_FAULT,
               "Linux %.100s", name.release);
}

static enum doctor_verdict check_systemd(const struct doctor   *doctor,
                                         struct doctor_finding *finding)
{
    struct error err;
    char         version[UNITS_WORD_MAX];

    if (!doctor->units)
        return say_no_bus(finding, doctor->bus_error);
    if (units_version(doctor->units, version, &err) < 0)
        return say_no_bus(finding, err.message);
    if (!doctor_version_is_at_least(version, SYSTEMD_NEEDED, 0))
        return say(finding, DOCTOR_FAULT, "systemd %s", version);
    if (!doctor_version_is_at_least(version, SYSTEMD_HAS_PIDS, 0))
        return say(finding, DOCTOR_WARNING,
                   "systemd %s: weaker here, servers have no process namespace of their own "
                   "(PrivatePIDs=) and games can signal each other%s",
                   version,
                   doctor_version_is_at_least(version, SYSTEMD_BINDS_PORTS, 0)
                       ? ""
                       : "; a game's TCP ports are not limited to its own (SocketBindAllow=) where "
                         "systemd was built without BPF, as in Debian 12");
    return say(finding, DOCTOR_OK, "systemd %s", version);
}

static int read_line(char ret[LINE_BYTES_MAX], const char *path)
{
    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, ret, LINE_BYTES_MAX - 1);

    if (n < 0)
        return -1;
    ret[n] = '\0';
    ret[strcspn(ret, "\n")] = '\0';
    return 0;
}

static bool has_word(const char *text, const char *word)
{
    size_t n = strlen(word);

    for (const char *p = text; (p = strstr(p, word)); p += n)
        if ((p == text || p[-1] == ' ') && (p[n] == ' ' || p[n] == '\0'))
            return true;
    return false;
}

static enum doctor_verdict check_cgroups(const struct doctor   *doctor,
                                         struct doctor_finding *finding)
{
    static const char *const wanted[] = { "cpu", "cpuset", "io", "memory", "pids" };
    char                     line[LINE_BYTES_MAX], missing[64] = "";
    struct statfs            fs;

    (void)doctor;
    if (statfs("/sys/fs/cgroup", &fs) < 0 || fs.f_type != CGROUP2_SUPER_MAGIC ||
        read_line(line, "/sys/fs/cgroup/cgroup.controllers") < 0)
        return say(finding, DOCTOR_FAULT, "there is no unified cgroup hierarchy");
    for (size_t i = 0; i < ELEMENTS(wanted); i++)
        if (!has_word(line, wanted[i])) {
            size_t n = strlen(missing);
            (void)snprintf(missing + n, sizeof missing - n, " %s", wanted[i]); // all of them fit
        }
    if (!*missing)
        return say(finding, DOCTOR_OK, "cgroup version 2 with all controllers");
    advise(finding,
           "take cgroup_disable= off the kernel's command line; in a container, hand those "
           "controllers down to it");
    return say(finding, DOCTOR_WARNING, "without the controllers%s: those limits do nothing",
               missing);
}

static enum doctor_verdict check_namespaces(const struct doctor   *doctor,
                                            struct doctor_finding *finding)
{
    char line[LINE_BYTES_MAX];

    (void)doctor;
    if (read_line(line, "/proc/sys/user/max_user_namespaces") < 0) {
        advise(finding, "boot a kernel with user namespaces (CONFIG_USER_NS), such as Debian's");
        return say(finding, DOCTOR_FAULT, "this kernel has no user namespaces");
    }
    if (strcmp(line, "0") == 0)
        return say(finding, DOCTOR_FAULT, "user namespaces are switched off");
    return say(finding, DOCTOR_OK, "user namespaces are available");
}

// ---- users -------------------------------------------------------------------------------------

static enum doctor_verdict check_users(const struct doctor *doctor, struct doctor_finding *finding)
{
    static const char *const users[] = { "left4me", "left4me-content", "left4me-game",
                                         "left4me-build", "left4me-log" };

    (void)doctor;
    for (size_t i = 0; i < ELEMENTS(users); i++) {
        const struct passwd *user = getpwnam(users[i]);
        if (!user)
            return say(finding, DOCTOR_FAULT, "the user %s does not exist", users[i]);
        if (user->pw_uid == 0) {
            advise(finding, "give that user an id of its own: no service of ours may be root");
            return say(finding, DOCTOR_FAULT, "the user %s is root", users[i]);
        }
    }
    return say(finding, DOCTOR_OK, "all %zu users exist", ELEMENTS(users));
}

static enum doctor_verdict check_groups(const struct doctor *doctor, struct doctor_finding *finding)
{
    const struct group  *content = getgrnam("left4me-content");
    gid_t                content_gid = content ? content->gr_gid : 0;
    const struct passwd *user = getpwnam("left4me");
    gid_t                groups[GROUPS_MAX];
    int                  n = GROUPS_MAX;

    (void)doctor;
    if (!user || !content || getgrouplist("left4me", user->pw_gid, groups, &n) < 0)
        return say(finding, DOCTOR_FAULT, "the groups of left4me cannot be told");
    for (int i = 0; i < n; i++)
        if (groups[i] == content_gid)
            return say(finding, DOCTOR_OK, "left4me is in the group left4me-content");
    return say(finding, DOCTOR_FAULT, "left4me is not in the group left4me-content");
}

// ---- our own units -----------------------------------------------------------------------------

static enum doctor_verdict check_unit(const struct doctor *doctor, struct doctor_finding *finding,
                                      const char *unit)
{
    struct error err;
    char         state[UNITS_WORD_MAX];

    if (!doctor->units)
        return say_no_bus(finding, doctor->bus_error);
    if (units_active_state(doctor->units, unit, state, &err) < 0)
        return say_no_bus(finding, err.message);
    return say(finding, strcmp(state, "active") == 0 ? DOCTOR_OK : DOCTOR_FAULT, "%s is %s", unit,
               state);
}

static enum doctor_verdict check_broker(const struct doctor *doctor, struct doctor_finding *finding)
{
    return check_unit(doctor, finding, "left4me-broker.socket");
}

static enum doctor_verdict check_tidy(const struct doctor *doctor, struct doctor_finding *finding)
{
    return check_unit(doctor, finding, "left4me-tidy.socket");
}

static enum doctor_verdict check_log(const struct doctor *doctor, struct doctor_finding *finding)
{
    return check_unit(doctor, finding, "left4me-log.socket");
}

static enum doctor_verdict check_nft(const struct doctor *doctor, struct doctor_finding *finding)
{
    return check_unit(doctor, finding, "left4me-nft.service");
}

static enum doctor_verdict check_slice(const struct doctor *doctor, struct doctor_finding *finding)
{
    return check_unit(doctor, finding, "l4d2-game.slice");
}

// ---- disk --------------------------------------------------------------------------------------

static enum doctor_verdict check_dirs(const struct doctor *doctor, struct doctor_finding *finding)
{
    static const char *const below[] = { "",         "/overlays", "/sources", "/instances",
                                         "/runtime", "/builds",   "/cache" };
    char                     path[PATH_MAX];
    struct stat              st;

    for (size_t i = 0; i < ELEMENTS(below); i++) {
        (void)snprintf(path, sizeof path, "%s%s", doctor->paths->data_dir, below[i]); // short
        if (lstat(path, &st) < 0)
            return say(finding, DOCTOR_FAULT, "%.100s: %s", path, strerror(errno));
        if (!S_ISDIR(st.st_mode))
            return say(finding, DOCTOR_FAULT, "%.100s is not a directory", path);
        if (st.st_uid != 0 || (st.st_mode & 0022) != 0)
            return say(finding, DOCTOR_FAULT,
                       "%.100s can be changed by others than root (owner %u, mode %03o)", path,
                       (unsigned)st.st_uid, (unsigned)st.st_mode & 0777);
    }
    return say(finding, DOCTOR_OK, "%s and what is in it belong to root", doctor->paths->data_dir);
}

static enum doctor_verdict say_no_data(const struct doctor *doctor, struct doctor_finding *finding)
{
    int errnum = errno;

    advise(finding, "run 'systemd-tmpfiles --create'");
    return say(finding, DOCTOR_FAULT, "%s: %s", doctor->paths->data_dir, strerror(errnum));
}

static enum doctor_verdict check_filesystem(const struct doctor   *doctor,
                                            struct doctor_finding *finding)
{
    struct statfs fs;
    char          value[2];

    if (statfs(doctor->paths->data_dir, &fs) < 0)
        return say_no_data(doctor, finding);
    if (fs.f_type == OVERLAYFS_SUPER_MAGIC)
        return say(finding, DOCTOR_FAULT, "%s is on an overlayfs, which cannot carry another one",
                   doctor->paths->data_dir);
    if (getxattr(doctor->paths->data_dir, "user.left4me", value, sizeof value) < 0 &&
        errno == EOPNOTSUPP)
        return say(finding, DOCTOR_FAULT, "the file system of %s has no user extended attributes",
                   doctor->paths->data_dir);
    return say(finding, DOCTOR_OK, "%s can carry overlays", doctor->paths->data_dir);
}

// A set-id file that a game makes overlayfs copy belongs to left4me-content on the disk.
static enum doctor_verdict check_mount_flags(const struct doctor   *doctor,
                                             struct doctor_finding *finding)
{
    struct statvfs fs;

    if (statvfs(doctor->paths->data_dir, &fs) < 0)
        return say_no_data(doctor, finding);
    if (!(fs.f_flag & ST_NOSUID) || !(fs.f_flag & ST_NODEV))
        return say(finding, DOCTOR_FAULT, "%s is mounted without nosuid and nodev",
                   doctor->paths->data_dir);
    return say(finding, DOCTOR_OK, "set-id programs and devices do not work in %s",
               doctor->paths->data_dir);
}

static bool has_game(const struct doctor *doctor)
{
    struct error ignored;
    uint32_t     generation = 0;

    return overlays_current(&generation, doctor->paths, GAME_OVERLAY, &ignored) == 0 &&
           generation != 0;
}

static enum doctor_verdict check_space(const struct doctor *doctor, struct doctor_finding *finding)
{
    struct statvfs fs;

    if (statvfs(doctor->paths->data_dir, &fs) < 0)
        return say_no_data(doctor, finding);
    uint64_t free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
    double   free_gib = (double)free_bytes / (double)GIB;
    if (fs.f_files > 0 && fs.f_favail < fs.f_files / FREE_INODES_SHARE)
        return say(finding, DOCTOR_WARNING, "less than 5 %% of the inodes are free");
    if (free_bytes < FREE_TO_RUN)
        return say(finding, DOCTOR_FAULT, "only %.1f GiB are free", free_gib);
    if (!has_game(doctor) && free_bytes < FREE_TO_INSTALL)
        return say(finding, DOCTOR_WARNING,
                   "%.1f GiB are free; a first installation of the game wants 25", free_gib);
    return say(finding, DOCTOR_OK, "%.1f GiB are free", free_gib);
}

static enum doctor_verdict check_own_disk(const struct doctor   *doctor,
                                          struct doctor_finding *finding)
{
    struct stat root, data;

    if (stat("/", &root) < 0 || stat(doctor->paths->data_dir, &data) < 0)
        return say(finding, DOCTOR_WARNING, "%s cannot be looked at", doctor->paths->data_dir);
    if (root.st_dev != data.st_dev)
        return say(finding, DOCTOR_OK, "%s is a file system of its own", doctor->paths->data_dir);
    return say(finding, DOCTOR_WARNING,
               "%s shares its file system with the rest of the machine: a game that fills it fills "
               "all",
               doctor->paths->data_dir);
}

static enum doctor_verdict check_quota(const struct doctor *doctor, struct doctor_finding *finding)
{
    struct error err;
    bool         is_on = false;

    if (quota_is_on(&is_on, doctor->paths->data_dir, &err) < 0)
        return say(finding, DOCTOR_WARNING, "%.150s", err.message);
    if (!is_on)
        return say(finding, DOCTOR_WARNING,
                   "%s is mounted without project quotas: no limit can be set for what one server "
                   "writes",
                   doctor->paths->data_dir);
    return say(finding, DOCTOR_OK, "%s is mounted with project quotas", doctor->paths->data_dir);
}

// ---- what games need ---------------------------------------------------------------------------

static enum doctor_verdict check_i386(const struct doctor *doctor, struct doctor_finding *finding)
{
    (void)doctor;
    if (access("/lib/ld-linux.so.2", R_OK) < 0)
        return say(finding, DOCTOR_FAULT, "32-bit programs cannot run: no /lib/ld-linux.so.2");
    if (access("/usr/lib/i386-linux-gnu/libstdc++.so.6", R_OK) < 0 &&
        access("/usr/lib32/libstdc++.so.6", R_OK) < 0)
        return say(finding, DOCTOR_WARNING,
                   "32-bit programs can run, but there is no 32-bit "
                   "libstdc++, which plug-ins may want");
    return say(finding, DOCTOR_OK, "32-bit programs can run");
}

static enum doctor_verdict check_clock(const struct doctor *doctor, struct doctor_finding *finding)
{
    struct timex timex = { 0 };

    (void)doctor;
    if (adjtimex(&timex) < 0)
        return say(finding, DOCTOR_WARNING, "the clock cannot be asked: %s", strerror(errno));
    if (timex.status & STA_UNSYNC)
        return say(finding, DOCTOR_WARNING, "the clock is not synchronised");
    return say(finding, DOCTOR_OK, "the clock is synchronised");
}

static enum doctor_verdict check_sysctl(struct doctor_finding *finding, const char *path,
                                        const char *name, uint64_t wanted, const char *absent)
{
    struct error ignored;
    char         line[LINE_BYTES_MAX];
    uint64_t     value = 0;

    if (read_line(line, path) < 0) {
        advise(finding, absent);
        return say(finding, DOCTOR_WARNING, "there is no %s here", name);
    }
    if (number_parse_u64(&value, line, 0, UINT64_MAX, &ignored) < 0 || value < wanted)
        return say(finding, DOCTOR_WARNING, "%s is %.40s, not %" PRIu64, name, line, wanted);
    return say(finding, DOCTOR_OK, "%s is %" PRIu64, name, value);
}

static enum doctor_verdict check_ptrace(const struct doctor *doctor, struct doctor_finding *finding)
{
    (void)doctor;
    return check_sysctl(finding, "/proc/sys/kernel/yama/ptrace_scope", "kernel.yama.ptrace_scope",
                        PTRACE_SCOPE_WANTED,
                        "boot a kernel with Yama (CONFIG_SECURITY_YAMA), such as Debian's: it is "
                        "the second lock between a game and its neighbours' memory");
}

static enum doctor_verdict check_rmem(const struct doctor *doctor, struct doctor_finding *finding)
{
    (void)doctor;
    return check_sysctl(finding, "/proc/sys/net/core/rmem_max", "net.core.rmem_max",
                        RMEM_MAX_WANTED,
                        "in a container, look at it on the machine outside: it is the kernel's");
}

static enum doctor_verdict check_steamcmd(const struct doctor   *doctor,
                                          struct doctor_finding *finding)
{
    char    target[PATH_MAX];
    ssize_t n = readlink(doctor->paths->steamcmd_link, target, sizeof target - 1);

    if (n < 0)
        return say(finding, DOCTOR_WARNING, "it is not known where SteamCMD is");
    target[n] = '\0';
    struct stat st;
    if (stat(target, &st) < 0 && errno == ENOENT)
        return say(finding, DOCTOR_WARNING, "SteamCMD should be in %.120s, which is gone", target);
    struct error err;
    if (steamplace_check(target, &err) < 0 && err.errnum == 0) // it may be closed to us alone
        return say(finding, DOCTOR_WARNING, "%s", err.message);
    return say(finding, DOCTOR_OK, "SteamCMD is in %.120s", target);
}

static enum doctor_verdict check_game(const struct doctor *doctor, struct doctor_finding *finding)
{
    struct error err;
    uint32_t     generation = 0;

    if (overlays_current(&generation, doctor->paths, GAME_OVERLAY, &err) < 0) {
        advise(finding,
               err.kind == ERROR_FAILED
                   ? "see to /var/lib/left4me/overlays/1/state.json: a backup may have it whole"
                   : "run 'systemd-tmpfiles --create'");
        return say(finding, DOCTOR_FAULT, "%.150s", err.message);
    }
    if (!generation)
        return say(finding, DOCTOR_WARNING, "the game is not installed");
    return say(finding, DOCTOR_OK, "the game is generation %" PRIu32, generation);
}

// ---- the table ---------------------------------------------------------------------------------

static const struct check {
    const char *name;
    enum doctor_verdict (*run)(const struct doctor *doctor, struct doctor_finding *finding);
    const char *remedy;
} checks[] = {
    { "kernel", check_kernel,
      "run Linux 5.19 or newer: older ones cannot map the owner of an "
      "overlay's layers" },
    { "systemd", check_systemd,
      "Debian 13 has systemd 257, with which servers are best isolated; "
      "252 is the oldest that works" },
    { "cgroups", check_cgroups, "boot with systemd.unified_cgroup_hierarchy=1" },
    { "namespaces", check_namespaces, "set user.max_user_namespaces to its default" },
    { "users", check_users, "run 'systemd-sysusers', or install the package again" },
    { "groups", check_groups, "run 'systemd-sysusers', or 'usermod -aG left4me-content left4me'" },
    { "directories", check_dirs, "run 'systemd-tmpfiles --create'" },
    { "file system", check_filesystem, "put /var/lib/left4me on ext4, xfs or btrfs" },
    { "mount flags", check_mount_flags,
      "run 'systemctl enable --now var-lib-left4me.mount', or add nosuid,nodev to its line in "
      "/etc/fstab and mount it anew" },
    { "disk space", check_space, "free some space, or give /var/lib/left4me a larger disk" },
    { "own disk", check_own_disk, "give /var/lib/left4me a file system of its own" },
    { "quota", check_quota,
      "use ext4 or xfs with the mount option prjquota; ext4 also wants 'tune2fs -O project,quota "
      "-Q prjquota DEVICE' first, while it is not mounted" },
    { "broker", check_broker, "run 'systemctl enable --now left4me-broker.socket'" },
    { "directory maker", check_tidy, "run 'systemctl enable --now left4me-tidy.socket'" },
    { "log reader", check_log, "run 'systemctl enable --now left4me-log.socket'" },
    { "firewall", check_nft,
      "run 'systemctl enable --now left4me-nft.service': without it games "
      "can reach private networks" },
    { "game slice", check_slice,
      "run 'systemctl start l4d2-game.slice': the firewall knows games "
      "by it" },
    { "ptrace", check_ptrace, "run 'sysctl --system': a game could read its neighbours' memory" },
    { "UDP buffers", check_rmem, "run 'sysctl --system': bursts of packets may be lost" },
    { "32-bit", check_i386, "run 'apt install libc6-i386 lib32gcc-s1 lib32stdc++6'" },
    { "clock", check_clock, "run a time service, such as systemd-timesyncd or chrony" },
    { "SteamCMD", check_steamcmd, "unpack SteamCMD and run 'l4d2ctl install --steamcmd PATH'" },
    { "game", check_game, "run 'l4d2ctl install'" },
};
_Static_assert(ELEMENTS(checks) <= DOCTOR_CHECKS_MAX, "every check has room");

const char *doctor_verdict_word(enum doctor_verdict verdict)
{
    static const char *const words[] = {
        [DOCTOR_OK] = "ok", [DOCTOR_WARNING] = "warn", [DOCTOR_FAULT] = "fail"
    };

    return words[verdict];
}

size_t doctor_examine(struct doctor_finding *ret, const struct host_paths *paths)
{
    struct doctor doctor = { .paths = paths };
    struct error  err;

    if (units_open(&doctor.units, paths, &err) < 0)
        memcpy(doctor.bus_error, err.message, sizeof doctor.bus_error);
    for (size_t i = 0; i < ELEMENTS(checks); i++) {
        ret[i] = (struct doctor_finding){ .name = checks[i].name };
        ret[i].verdict = checks[i].run(&doctor, &ret[i]);
        if (ret[i].verdict == DOCTOR_OK)
            ret[i].remedy = "";
        else if (!ret[i].remedy)
            ret[i].remedy = checks[i].remedy;
    }
    units_close(doctor.units);
    return ELEMENTS(checks);
}
