// SPDX-License-Identifier: MIT

// inside: what a server or a builder that was taken over would try, in one static program.
//
//     inside TOKEN WORD [ARGUMENT...]
//
// Every attempt is one line: "TOKEN WORD what: blocked: reason", "… done: what was gained" or
// "… note: …". A line "TOKEN end" closes the list. The same source is built for x86-64 and for
// i386, since the filters of system calls are separate ones.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/if_packet.h>
#include <linux/io_uring.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define ELEMENTS(a) (sizeof(a) / sizeof *(a))
#define PATIENCE_MS 2000

static const char *token, *word;

static void say(const char *what, const char *verdict, const char *format, ...)
{
    char    text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    printf("%s %s %s: %s: %s\n", token, word, what, verdict, text);
    fflush(stdout);
}

// The result of a system call: what is not an error is a success of the attack.
static void tell(const char *what, long result)
{
    if (result < 0)
        say(what, "blocked", "%s", strerrorname_np(errno));
    else
        say(what, "done", "%ld", result);
}

// ---- files --------------------------------------------------------------------------------------

static void attack_read(int argc, char **argv)
{
    char bytes[64];

    for (int i = 0; i < argc; i++) {
        int fd = open(argv[i], O_RDONLY | O_NONBLOCK);
        if (fd < 0) {
            say(argv[i], "blocked", "%s", strerrorname_np(errno));
            continue;
        }
        ssize_t n = read(fd, bytes, sizeof bytes);
        if (n < 0 && errno == EISDIR) {
            DIR *dir = fdopendir(fd);
            int  n_entries = 0;
            while (dir && readdir(dir))
                n_entries++;
            say(argv[i], n_entries > 2 ? "done" : "blocked", "a directory of %d entries",
                n_entries - 2);
            continue;
        }
        if (n < 0)
            say(argv[i], "blocked", "reading: %s", strerrorname_np(errno));
        else
            say(argv[i], "done", "%zd bytes", n);
        close(fd);
    }
}

static void attack_write(int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        int fd = open(argv[i], O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK, 0644);
        tell(argv[i], fd < 0 ? -1 : write(fd, "x", 1));
        close(fd);
    }
}

static int make_file(const char *path, off64_t n_bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_LARGEFILE, 0644);
    int result = fd < 0 ? -1 : n_bytes ? ftruncate64(fd, n_bytes) : 0;

    close(fd);
    return result;
}

static int make_socket(const char *path)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    int                fd = socket(AF_UNIX, SOCK_STREAM, 0);

    strncpy(at.sun_path, path, sizeof at.sun_path - 1);
    int result = bind(fd, (struct sockaddr *)&at, sizeof at);
    close(fd);
    return result;
}

static int make_deep(int depth)
{
    int result = 0;

    while (depth-- > 0 && result == 0)
        result = mkdir("deep", 0755) < 0 || chdir("deep") < 0 ? -1 : 0;
    return result;
}

// Leaves in a directory what is unpleasant to look at, and takes its place: ends far below it.
static void attack_traps(int argc, char **argv)
{
    static const char *const names[] = { "e\33[2J\33]0;owned\a", "line\n\r\t\177end",
                                         "back\\slash\"quote",   "\377\376",
                                         "c1\302\233m",          "\342\200\256txt" };
    char                     longest[256] = "";

    if (argc < 1 || (mkdir(argv[0], 0755) < 0 && errno != EEXIST) || chdir(argv[0]) < 0)
        return;
    tell("fifo", mkfifo("fifo", 0666));
    tell("socket", make_socket("socket"));
    tell("shadow", symlink("/etc/shadow", "shadow"));
    tell("etc", symlink("/etc", "etc"));
    tell("giant", make_file("giant", (off64_t)1 << 40));
    for (size_t i = 0; i < ELEMENTS(names); i++)
        tell("name", make_file(names[i], 0));
    memset(longest, 'n', sizeof longest - 1);
    tell("longest", make_file(longest, 0));
    tell("closed", mkdir("closed", 0));
    // In place of files of the game.
    tell("replaced by a link",
         unlink("../cfg/skill1.cfg") < 0 ? -1 : symlink("/etc/shadow", "../cfg/skill1.cfg"));
    tell("replaced by a fifo",
         unlink("../cfg/skill2.cfg") < 0 ? -1 : mkfifo("../cfg/skill2.cfg", 0666));
    tell("deep", make_deep(80));
}

static unsigned long n_scanned;

static void scan_file(const char *path, const char *marker)
{
    static char bytes[1 << 20];
    int         fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);

    if (fd < 0)
        return;
    ssize_t n = read(fd, bytes, sizeof bytes);
    n_scanned++;
    if (n > 0 && memmem(bytes, (size_t)n, marker, strlen(marker)))
        say(path, "done", "the marker is readable");
    close(fd);
}

// Looks into every file below `path` that it may read. In /proc only what leads out of it.
static void scan(const char *path, const char *marker, unsigned depth)
{
    static const char *const skipped[] = { "/sys", "/usr", "/proc/sys", "/proc/kcore" };
    char                     below[4096];
    struct stat              st;

    for (size_t i = 0; i < ELEMENTS(skipped); i++)
        if (strcmp(path, skipped[i]) == 0)
            return;
    DIR *dir = depth < 24 ? opendir(path) : NULL;
    if (!dir)
        return;
    for (const struct dirent *entry; (entry = readdir(dir));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(below, sizeof below, "%s/%s", strcmp(path, "/") == 0 ? "" : path, entry->d_name);
        if (strstr(entry->d_name, marker))
            say(below, "done", "the marker is visible");
        if (lstat(below, &st) < 0)
            continue;
        if (S_ISDIR(st.st_mode) && strcmp(entry->d_name, "task") != 0)
            scan(below, marker, depth + 1);
        else if (S_ISREG(st.st_mode) && strcmp(entry->d_name, "pagemap") != 0)
            scan_file(below, marker);
    }
    closedir(dir);
}

// The marker comes reversed, or we would find it in our own arguments.
static void attack_scan(int argc, char **argv)
{
    char   marker[64] = "";
    size_t n = argc > 0 ? strlen(argv[0]) : 0;

    for (size_t i = 0; i < n && i < sizeof marker - 1; i++)
        marker[i] = argv[0][n - 1 - i];
    for (int i = 1; i < argc; i++)
        scan(argv[i], marker, 0);
    say("all of it", "note", "%lu files were readable", n_scanned);
}

static void attack_roots(int argc, char **argv)
{
    char        path[512];
    struct stat mine, st;
    DIR        *dir = opendir("/proc");

    (void)argc;
    (void)argv;
    stat("/", &mine);
    for (const struct dirent *entry; dir && (entry = readdir(dir));) {
        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        snprintf(path, sizeof path, "/proc/%s/root/", entry->d_name);
        if (stat(path, &st) == 0 && (st.st_ino != mine.st_ino || st.st_dev != mine.st_dev))
            say(path, "done", "another root");
    }
    // The classic way out of a chroot needs the right to make one.
    mkdir("/tmp/jail", 0700);
    int fd = open("/", O_RDONLY | O_DIRECTORY);
    if (chroot("/tmp/jail") < 0) {
        say("chroot", "blocked", "%s", strerrorname_np(errno));
    } else {
        int up = fchdir(fd);
        for (int i = 0; i < 64 && up == 0; i++)
            up = chdir("..");
        say("chroot", "done", "in and out again");
    }
    close(fd);
    tell("open /..", stat("/../var/lib/left4me", &st));
    tell("open_by_handle_at", syscall(SYS_open_by_handle_at, AT_FDCWD, "", 0));
}

// ---- processes ----------------------------------------------------------------------------------

static void attack_processes(int argc, char **argv)
{
    char path[300], comm[64];
    DIR *dir = opendir("/proc");

    (void)argc;
    (void)argv;
    for (const struct dirent *entry; dir && (entry = readdir(dir));) {
        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        snprintf(path, sizeof path, "/proc/%s/comm", entry->d_name);
        int     fd = open(path, O_RDONLY);
        ssize_t n = fd < 0 ? 0 : read(fd, comm, sizeof comm - 1);
        comm[n > 0 ? n - 1 : 0] = '\0';
        close(fd);
        say(entry->d_name, "note", "%s", comm);
    }
}

// Everything that reaches into another process by its number.
static void attack_process(int argc, char **argv)
{
    char         what[96], path[64], bytes[8];
    struct iovec local = { bytes, sizeof bytes }, remote = { (void *)0x400000, sizeof bytes };

    for (int i = 0; i < argc; i++) {
        pid_t pid = atoi(argv[i]);
#define NAMED(text) (snprintf(what, sizeof what, "%d %s", (int)pid, text), what)
        tell(NAMED("kill"), kill(pid, SIGCONT));
        tell(NAMED("tgkill"), syscall(SYS_tgkill, pid, pid, SIGCONT));
        siginfo_t info = { .si_code = SI_QUEUE };
        tell(NAMED("sigqueue"), syscall(SYS_rt_sigqueueinfo, pid, SIGCONT, &info));
        tell(NAMED("ptrace"), ptrace(PTRACE_ATTACH, pid, NULL, NULL));
        tell(NAMED("seize"), ptrace(PTRACE_SEIZE, pid, NULL, NULL));
        tell(NAMED("vm_readv"), process_vm_readv(pid, &local, 1, &remote, 1, 0));
        tell(NAMED("vm_writev"), process_vm_writev(pid, &local, 1, &remote, 1, 0));
        int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
        tell(NAMED("pidfd"), pidfd);
        tell(NAMED("getfd"), syscall(SYS_pidfd_getfd, pidfd, 0, 0));
        for (const char *const *file =
                 (const char *const[]){ "mem", "environ", "maps", "auxv", NULL };
             *file; file++) {
            snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, *file);
            int fd = open(path, O_RDONLY);
            tell(NAMED(*file), fd);
            close(fd);
        }
        tell(NAMED("setpriority"), setpriority(PRIO_PROCESS, (id_t)pid, 19));
        tell(NAMED("prlimit"), prlimit(pid, RLIMIT_NOFILE, NULL, &(struct rlimit){ 0, 0 }));
        tell(NAMED("affinity"),
             syscall(SYS_sched_setaffinity, pid, sizeof(unsigned long), &(unsigned long){ 1 }));
    }
}

static void attack_killall(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    say("kill -1", "note", "now");
    tell("setpriority of the user", setpriority(PRIO_USER, getuid(), 19));
    kill(-1, SIGKILL);
}

// ---- system calls -------------------------------------------------------------------------------

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

// As a child's exit code, so that a namespace that was entered is left again.
static void tell_unshare(const char *what, int flag)
{
    pid_t pid = fork();
    int   status = 0;

    if (pid == 0)
        _exit(unshare(flag) == 0 ? 0 : errno);
    waitpid(pid, &status, 0);
    errno = WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
    tell(what, errno ? -1 : 0);
}

static void tell_clone(const char *what, unsigned long flags)
{
    long pid = syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);

    if (pid == 0)
        _exit(0);
    int saved = errno;
    if (pid > 0)
        waitpid((pid_t)pid, NULL, 0);
    errno = saved;
    tell(what, pid);
}

static void attack_namespaces(int argc, char **argv)
{
    static const struct {
        const char *name;
        int         flag;
    } kinds[] = {
        { "user", CLONE_NEWUSER },     { "mount", CLONE_NEWNS }, { "pid", CLONE_NEWPID },
        { "net", CLONE_NEWNET },       { "ipc", CLONE_NEWIPC },  { "uts", CLONE_NEWUTS },
        { "cgroup", CLONE_NEWCGROUP },
    };
    char what[64];

    (void)argc;
    (void)argv;
    for (size_t i = 0; i < ELEMENTS(kinds); i++) {
        snprintf(what, sizeof what, "unshare %s", kinds[i].name);
        tell_unshare(what, kinds[i].flag);
        snprintf(what, sizeof what, "clone %s", kinds[i].name);
        tell_clone(what, (unsigned long)kinds[i].flag);
    }
    struct {
        uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
    } clone3 = { .flags = CLONE_NEWUSER, .exit_signal = SIGCHLD };
    long pid = syscall(SYS_clone3, &clone3, sizeof clone3);
    if (pid == 0)
        _exit(0);
    tell("clone3 user", pid);
    int fd = open("/proc/self/ns/mnt", O_RDONLY);
    tell("setns", setns(fd, 0));
    close(fd);
}

static void attack_mounts(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    tell("mount tmpfs", mount("x", "/tmp", "tmpfs", 0, NULL));
    tell("mount proc", mount("x", "/tmp", "proc", 0, NULL));
    tell("bind", mount("/usr", "/tmp", NULL, MS_BIND, NULL));
    tell("remount", mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL));
    tell("umount", umount2("/srv/game", MNT_DETACH));
    tell("umount proc", umount2("/proc/sys", MNT_DETACH));
    tell("pivot_root", syscall(SYS_pivot_root, "/tmp", "/tmp"));
    tell("open_tree", syscall(SYS_open_tree, AT_FDCWD, "/usr", 1));
    tell("fsopen", syscall(SYS_fsopen, "tmpfs", 0));
    tell("fspick", syscall(SYS_fspick, AT_FDCWD, "/usr", 0));
    tell("move_mount", syscall(SYS_move_mount, AT_FDCWD, "/usr", AT_FDCWD, "/tmp", 0));
    tell("mount_setattr", syscall(SYS_mount_setattr, AT_FDCWD, "/", 0, (uint64_t[4]){ 0 }, 32));
    tell("swapon", syscall(SYS_swapon, "/srv/game/x", 0));
    tell("quotactl", syscall(SYS_quotactl, 0x800001 << 8, "/dev/null", 0, NULL));
}

static void attack_kernel(int argc, char **argv)
{
    struct {
        uint32_t a[16];
    } attr = { { 1, 4, 4, 1 } };
    uint64_t perf[16] = { (uint64_t)128 << 32 };

    (void)argc;
    (void)argv;
    tell("bpf map", syscall(SYS_bpf, 0, &attr, sizeof attr));
    tell("bpf prog", syscall(SYS_bpf, 5, &attr, sizeof attr));
    tell("perf_event_open", syscall(SYS_perf_event_open, perf, 0, -1, -1, 0));
    tell("userfaultfd", syscall(SYS_userfaultfd, O_CLOEXEC));
    tell("init_module", syscall(SYS_init_module, "x", 1, ""));
    tell("finit_module", syscall(SYS_finit_module, 0, "", 0));
    tell("delete_module", syscall(SYS_delete_module, "overlay", O_NONBLOCK));
    tell("kexec_load", syscall(SYS_kexec_load, 0, 0, NULL, 0));
    tell("reboot", syscall(SYS_reboot, 0xfee1dead, 672274793, 0, NULL)); // 0: CAD off
    tell("syslog", syscall(SYS_syslog, 3, (char[64]){ 0 }, 64));
    tell("acct", syscall(SYS_acct, "/tmp/acct"));
    tell("settime", syscall(SYS_clock_settime, 0, (long[4]){ 0 }));
    tell("adjtimex", syscall(SYS_adjtimex, (char[512]){ [0] = 1 }));
    tell("sethostname", syscall(SYS_sethostname, "x", 1));
    tell("iopl", syscall(SYS_iopl, 3));
    tell("ioperm", syscall(SYS_ioperm, 0x80, 1, 1));
    tell("fanotify", syscall(SYS_fanotify_init, 0, 0));
    tell("personality", syscall(SYS_personality, 0x0040000));
    tell("io_uring", syscall(SYS_io_uring_setup, 4, &(struct io_uring_params){ 0 }));
    tell("add_key", syscall(SYS_add_key, "user", "x", "x", 1, -3));
    tell("request_key", syscall(SYS_request_key, "user", "x", NULL, -3));
    tell("keyctl", syscall(SYS_keyctl, 0, -4, 1));
    tell("nice", setpriority(PRIO_PROCESS, 0, -20));
    tell("realtime", sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){ 1 }));
    tell("sysctl", open("/proc/sys/kernel/core_pattern", O_WRONLY));
    tell("sysctl net", open("/proc/sys/net/ipv4/ip_forward", O_WRONLY));
    tell("sysrq", open("/proc/sysrq-trigger", O_WRONLY));
    tell("sysfs", open("/sys/kernel/uevent_helper", O_WRONLY));
    tell("oom adjust", open("/proc/1/oom_score_adj", O_WRONLY) < 0
                           ? -1
                           : write(open("/proc/1/oom_score_adj", O_WRONLY), "-1000", 5));
    tell("kmsg", open("/dev/kmsg", O_WRONLY));
    tell("mem", open("/dev/mem", O_RDONLY));
}

// A setuid file by the one door that no filter of arguments sees: the ring opens the file itself.
static long uring_open(const char *path, mode_t mode)
{
    struct io_uring_params params = { 0 };
    int                    fd = (int)syscall(SYS_io_uring_setup, 1, &params);

    if (fd < 0)
        return -1;
    size_t n = params.sq_off.array + params.sq_entries * sizeof(uint32_t);
    char  *ring =
        mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, IORING_OFF_SQ_RING);
    struct io_uring_sqe *sqe = mmap(NULL, sizeof *sqe, PROT_READ | PROT_WRITE,
                                    MAP_SHARED | MAP_POPULATE, fd, (off_t)IORING_OFF_SQES);
    if (ring == MAP_FAILED || (void *)sqe == MAP_FAILED)
        return -1;
    *sqe = (struct io_uring_sqe){ .opcode = IORING_OP_OPENAT,
                                  .fd = AT_FDCWD,
                                  .addr = (uint64_t)(uintptr_t)path,
                                  .len = mode,
                                  .open_flags = O_WRONLY | O_CREAT };
    ((uint32_t *)(void *)(ring + params.sq_off.array))[0] = 0;
    __atomic_store_n((uint32_t *)(void *)(ring + params.sq_off.tail), 1, __ATOMIC_RELEASE);
    return syscall(SYS_io_uring_enter, fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0);
}

static void tell_mode(const char *what, const char *path, long result)
{
    struct stat st;
    int         saved = errno;

    if (stat(path, &st) == 0 && st.st_mode & (S_ISUID | S_ISGID) && !S_ISDIR(st.st_mode))
        say(what, "done", "mode %o", (unsigned)st.st_mode);
    else
        say(what, "blocked", "%s", result < 0 ? strerrorname_np(saved) : "the bits are not set");
    unlink(path);
}

// In the directory given: files that would run as somebody else, or be a way to a device.
static void attack_setid(int argc, char **argv)
{
    char path[256];

    snprintf(path, sizeof path, "%s/setid-%d", argc > 0 ? argv[0] : ".", (int)sizeof(long) * 8);
#define FRESH() close(open(path, O_WRONLY | O_CREAT, 0755))
    FRESH();
    tell_mode("chmod", path, chmod(path, 04755));
    FRESH();
    tell_mode("chmod group", path, chmod(path, 02755));
    FRESH();
    tell_mode("fchmodat2", path, syscall(SYS_fchmodat2, AT_FDCWD, path, 06755, 0));
    tell_mode("open", path, open(path, O_WRONLY | O_CREAT, 06755));
    tell_mode("creat", path, syscall(SYS_creat, path, 06755));
    struct {
        uint64_t flags, mode, resolve;
    } how = { O_WRONLY | O_CREAT, 06755, 0 };
    tell_mode("openat2", path, syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how));
    tell_mode("mknod file", path, mknod(path, S_IFREG | 06755, 0));
    tell_mode("io_uring", path, uring_open(path, 06755));
    tell("character device", mknod(path, S_IFCHR | 0666, makedev(1, 1)));
    unlink(path);
    tell("block device", mknod(path, S_IFBLK | 0666, makedev(8, 0)));
    unlink(path);
    FRESH();
    // Version 2 of a file capability: everything, effective.
    static const uint8_t capability[20] = { 1, 0, 0, 2, 0xff, 0xff, 0xff, 0xff };
    tell("file capability", syscall(SYS_setxattr, path, "security.capability", capability, 20, 0));
    tell("chown", chown(path, 0, 0));
    unlink(path);
}

static void attack_rights(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    tell("setuid", setuid(0));
    tell("setresuid", syscall(SYS_setresuid, 0, 0, 0));
    tell("setgid", setgid(0));
    tell("setgroups", setgroups(1, &(gid_t){ 0 }));
    struct {
        uint32_t version;
        int      pid;
    } head = { 0x20080522, 0 };
    uint32_t all[6] = { ~0u, ~0u, ~0u, ~0u, ~0u, ~0u };
    tell("capset", syscall(SYS_capset, &head, all));
    FILE *status = fopen("/proc/self/status", "r");
    char  line[256];
    while (status && fgets(line, sizeof line, status))
        if (strncmp(line, "Cap", 3) == 0 || strncmp(line, "NoNewPrivs", 10) == 0 ||
            strncmp(line, "Seccomp:", 8) == 0) {
            line[strcspn(line, "\n")] = '\0';
            say("status", "note", "%s", line);
        }
}

static void attack_cgroup(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    tell("mkdir", mkdir("/sys/fs/cgroup/attack", 0755));
    int fd = open("/sys/fs/cgroup/cgroup.procs", O_WRONLY);
    tell("procs", fd < 0 ? -1 : write(fd, "0", 1));
    fd = open("/sys/fs/cgroup/../cgroup.procs", O_WRONLY);
    tell("parent", fd < 0 ? -1 : write(fd, "0", 1));
    fd = open("/sys/fs/cgroup/memory.max", O_WRONLY);
    tell("limit", fd < 0 ? -1 : write(fd, "max", 3));
    FILE *self = fopen("/proc/self/cgroup", "r");
    char  line[256] = "";
    if (self && fgets(line, sizeof line, self))
        line[strcspn(line, "\n")] = '\0';
    say("own", "note", "%s", line);
}

// ---- sockets of this machine --------------------------------------------------------------------

static socklen_t unix_address(struct sockaddr_un *ret, const char *path)
{
    *ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
    size_t n = strlen(path);
    memcpy(ret->sun_path, path, n < sizeof ret->sun_path ? n : sizeof ret->sun_path - 1);
    if (*path == '@')
        ret->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + (*path != '@'));
}

static void attack_unix(int argc, char **argv)
{
    static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM };

    for (int i = 0; i < argc; i++) {
        struct sockaddr_un address;
        socklen_t          n = unix_address(&address, argv[i]);
        int                reason = 0;
        bool               is_done = false;
        for (size_t t = 0; t < ELEMENTS(types); t++) {
            int fd = socket(AF_UNIX, types[t], 0);
            if (fd < 0 || connect(fd, (struct sockaddr *)&address, n) < 0)
                reason = reason && errno == EPROTOTYPE ? reason : errno;
            else
                is_done = true;
            close(fd);
        }
        errno = reason;
        tell(argv[i], is_done ? 0 : -1);
    }
}

// Writes a journal entry as if it came from somewhere else.
static void attack_journal(int argc, char **argv)
{
    struct sockaddr_un address;
    char               text[512];

    int       n = snprintf(text, sizeof text, "MESSAGE=%s\n%s\n", argc > 0 ? argv[0] : "forged",
                     argc > 1 ? argv[1] : "PRIORITY=0");
    socklen_t n_address = unix_address(&address, "/run/systemd/journal/socket");
    int       fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    tell("native", sendto(fd, text, (size_t)n, 0, (struct sockaddr *)&address, n_address));
    n_address = unix_address(&address, "/run/systemd/journal/dev-log");
    tell("syslog", sendto(fd, "<0>forged", 9, 0, (struct sockaddr *)&address, n_address));
    n_address = unix_address(&address, "/run/systemd/journal/stdout");
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    tell("stdout", connect(fd, (struct sockaddr *)&address, n_address));
}

// Holds an abstract socket for a while: other servers must not meet us there.
static void attack_abstract(int argc, char **argv)
{
    struct sockaddr_un address;
    int                fd = socket(AF_UNIX, SOCK_STREAM, 0);
    socklen_t          n = unix_address(&address, argv[0]);

    (void)argc;
    if (bind(fd, (struct sockaddr *)&address, n) < 0 || listen(fd, 4) < 0) {
        tell("listen", -1);
        return;
    }
    say("listen", "note", "ready");
    struct pollfd waiting = { .fd = fd, .events = POLLIN };
    if (poll(&waiting, 1, 1000 * (argc > 1 ? atoi(argv[1]) : 5)) > 0)
        say("accept", "done", "somebody came");
}

static void attack_families(int argc, char **argv)
{
    static const struct {
        const char *name;
        int         family, type, protocol;
    } rows[] = {
        { "packet", AF_PACKET, SOCK_RAW, 0 },
        { "raw", AF_INET, SOCK_RAW, IPPROTO_ICMP },
        { "raw6", AF_INET6, SOCK_RAW, IPPROTO_ICMPV6 },
        { "vsock", 40, SOCK_STREAM, 0 },
        { "alg", 38, SOCK_SEQPACKET, 0 },
        { "bluetooth", 31, SOCK_RAW, 1 },
        { "key", 15, SOCK_RAW, 2 },
        { "tipc", 30, SOCK_RDM, 0 },
        { "can", 29, SOCK_RAW, 1 },
        { "rds", 21, SOCK_SEQPACKET, 0 },
        { "xdp", 44, SOCK_RAW, 0 },
        { "sctp", AF_INET, SOCK_STREAM, IPPROTO_SCTP },
        { "dccp", AF_INET, 6, IPPROTO_DCCP },
    };

    (void)argc;
    (void)argv;
    for (size_t i = 0; i < ELEMENTS(rows); i++) {
        int fd = socket(rows[i].family, rows[i].type, rows[i].protocol);
        tell(rows[i].name, fd);
        close(fd);
    }
}

static int netlink_ask(int protocol, void *message, size_t n)
{
    char               answer[4096];
    struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
    int                fd = socket(AF_NETLINK, SOCK_RAW, protocol);

    if (fd < 0 || sendto(fd, message, n, 0, (struct sockaddr *)&kernel, sizeof kernel) < 0)
        return -1;
    struct pollfd waiting = { .fd = fd, .events = POLLIN };
    if (poll(&waiting, 1, PATIENCE_MS) <= 0 || recv(fd, answer, sizeof answer, 0) <= 0)
        return errno = ETIMEDOUT, -1;
    const struct nlmsghdr *head = (const void *)answer;
    if (head->nlmsg_type != NLMSG_ERROR)
        return 0;
    const struct nlmsgerr *error = NLMSG_DATA(head);
    errno = -error->error;
    return error->error ? -1 : 0;
}

static void attack_netlink(int argc, char **argv)
{
    struct {
        struct nlmsghdr  head;
        struct ifinfomsg info;
    } link = {
        { sizeof link, RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK, 1, 0 },
        { .ifi_index = 1, .ifi_change = IFF_UP },
    };

    (void)argc;
    (void)argv;
    tell("set loopback down", netlink_ask(NETLINK_ROUTE, &link, sizeof link));

    struct {
        struct nlmsghdr head;
        struct nfgenmsg gen;
    } begin = {
        { sizeof begin, NFNL_MSG_BATCH_BEGIN, NLM_F_REQUEST, 1, 0 },
        { .res_id = htons(NFNL_SUBSYS_NFTABLES) },
    };
    struct {
        struct nlmsghdr head;
        struct nfgenmsg gen;
    } drop = {
        { sizeof drop, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELTABLE, NLM_F_REQUEST | NLM_F_ACK, 2,
          0 },
        { .nfgen_family = 0 },
    };
    struct {
        struct nlmsghdr head;
        struct nfgenmsg gen;
    } end = {
        { sizeof end, NFNL_MSG_BATCH_END, NLM_F_REQUEST, 3, 0 },
        { .res_id = htons(NFNL_SUBSYS_NFTABLES) },
    };
    char batch[sizeof begin + sizeof drop + sizeof end];
    memcpy(batch, &begin, sizeof begin);
    memcpy(batch + sizeof begin, &drop, sizeof drop);
    memcpy(batch + sizeof begin + sizeof drop, &end, sizeof end);
    tell("flush ruleset", netlink_ask(NETLINK_NETFILTER, batch, sizeof batch));
}

// ---- the network --------------------------------------------------------------------------------

static long now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static socklen_t inet_address(struct sockaddr_storage *ret, const char *text, int port)
{
    struct sockaddr_in6 *six = (void *)ret;
    struct sockaddr_in  *four = (void *)ret;
    char                 copy[64];
    char                *scope;

    memset(ret, 0, sizeof *ret);
    snprintf(copy, sizeof copy, "%s", text);
    if ((scope = strchr(copy, '%')))
        *scope++ = '\0';
    if (inet_pton(AF_INET, copy, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons((uint16_t)port);
        return sizeof *four;
    }
    six->sin6_family = AF_INET6;
    six->sin6_port = htons((uint16_t)port);
    if (scope)
        six->sin6_scope_id = if_nametoindex(scope);
    return inet_pton(AF_INET6, copy, &six->sin6_addr) == 1 ? sizeof *six : 0;
}

// Asks "ping", wants any answer. -1 with errno: refused or silent.
static long converse(int fd, bool is_connected, const struct sockaddr_storage *to, socklen_t n_to)
{
    char          answer[64];
    struct pollfd waiting = { .fd = fd, .events = POLLIN };

    if ((is_connected
             ? send(fd, "ping\n", 5, MSG_NOSIGNAL)
             : sendto(fd, "ping\n", 5, MSG_NOSIGNAL, (const struct sockaddr *)to, n_to)) < 0)
        return -1;
    if (poll(&waiting, 1, PATIENCE_MS) <= 0)
        return errno = ETIMEDOUT, -1;
    ssize_t n = recv(fd, answer, sizeof answer, 0);
    return n == 0 ? (errno = ECONNRESET, -1) : n;
}

static void flow(const char *how, const char *address, int port)
{
    struct sockaddr_storage to;
    socklen_t               n_to = inet_address(&to, address, port);
    char                    what[128];
    bool                    is_tcp = strncmp(how, "tcp", 3) == 0;
    int                     kind = is_tcp ? SOCK_STREAM : SOCK_DGRAM;
    long                    started = now_ms(), result = -1;

    snprintf(what, sizeof what, "%s %s", how, address);
    int fd = socket(to.ss_family, kind, strcmp(how, "tcp-multipath") == 0 ? 262 : 0);
    if (n_to == 0 || fd < 0) {
        tell(what, -1);
        return;
    }
    struct timeval patience = { PATIENCE_MS / 1000, 0 };
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &(int){ 1 }, sizeof(int));
    if (strcmp(how, "tcp-fastopen") == 0)
        result = sendto(fd, "ping\n", 5, MSG_FASTOPEN | MSG_NOSIGNAL, (struct sockaddr *)&to, n_to);
    else if (strcmp(how, "udp-unconnected") == 0)
        result = converse(fd, false, &to, n_to);
    else if (connect(fd, (struct sockaddr *)&to, n_to) == 0)
        result = converse(fd, true, &to, n_to);
    int saved = errno == EINPROGRESS || errno == EAGAIN ? ETIMEDOUT : errno;
    close(fd);
    if (result < 0)
        say(what, "blocked", "%s after %ld ms", strerrorname_np(saved), now_ms() - started);
    else
        say(what, "done", "after %ld ms", now_ms() - started);
}

// HOW ADDRESS PORT, again and again; all at once, since some only time out.
static void attack_flow(int argc, char **argv)
{
    for (int i = 0; i + 2 < argc; i += 3)
        if (fork() == 0) {
            flow(argv[i], argv[i + 1], atoi(argv[i + 2]));
            _exit(0);
        }
    while (wait(NULL) > 0)
        ;
}

// Binds `from`, which need not be an address of this machine.
static void forge(const char *what, const char *from, int from_port, const char *to, int to_port)
{
    struct sockaddr_storage ours, theirs;
    socklen_t               n_ours = inet_address(&ours, from, from_port);
    socklen_t               n_theirs = inet_address(&theirs, to, to_port);
    int                     fd = socket(AF_INET6, SOCK_DGRAM, 0);

    setsockopt(fd, IPPROTO_IPV6, 78 /* IPV6_FREEBIND */, &(int){ 1 }, sizeof(int));
    if (bind(fd, (struct sockaddr *)&ours, n_ours) < 0)
        tell(what, -1);
    else
        tell(what, sendto(fd, "ping\n", 5, MSG_NOSIGNAL, (struct sockaddr *)&theirs, n_theirs));
    close(fd);
}

// PUBLIC PRIVATE: a packet from the second to the first, and then what looks like the reply to it.
static void attack_forge(int argc, char **argv)
{
    if (argc < 2)
        return;
    forge("a source that is another's", argv[1], 5353, argv[0], 9999);
    forge("what looks like a reply", argv[0], 9999, argv[1], 5353);
}

// ADDRESS N: a datagram to each of N ports, as fast as it goes: "done" if none was refused.
static void attack_flood(int argc, char **argv)
{
    struct sockaddr_storage to;
    int fd = socket(AF_INET, SOCK_DGRAM, 0), n = argc > 1 ? atoi(argv[1]) : 0, n_refused = 0;

    for (int port = 1; port <= n; port++) {
        socklen_t n_to = inet_address(&to, argv[0], port);
        while (sendto(fd, "x", 1, 0, (struct sockaddr *)&to, n_to) < 0) {
            if (errno == ECONNREFUSED) // of an earlier one
                continue;
            n_refused++;
            break;
        }
    }
    close(fd);
    say("flows", n_refused ? "blocked" : "done", "%d of %d were refused", n_refused, n);
}

// What root has as many of as this user: it made the namespace in which it counts.
static void attack_quotas(int argc, char **argv)
{
    struct rlimit limit = { 0 };

    (void)argc, (void)argv;
    tell("inotify", syscall(SYS_inotify_init1, 0));
#ifdef SYS_inotify_init
    tell("inotify, old", syscall(SYS_inotify_init));
#endif
    tell("fanotify", syscall(SYS_fanotify_init, 0, 0));
    getrlimit(RLIMIT_SIGPENDING, &limit);
    say("pending signals", limit.rlim_cur > 1024 ? "done" : "blocked", "%llu",
        (unsigned long long)limit.rlim_cur);
    getrlimit(RLIMIT_MSGQUEUE, &limit);
    say("message queues", limit.rlim_cur > 0 ? "done" : "blocked", "%llu",
        (unsigned long long)limit.rlim_cur);
}

// More of what a unit limits: each is what only root may do.
static void attack_limits(int argc, char **argv)
{
    static const struct {
        const char *name;
        int         resource;
    } rows[] = {
        { "file size", RLIMIT_FSIZE },    { "open files", RLIMIT_NOFILE },
        { "core", RLIMIT_CORE },          { "locked memory", RLIMIT_MEMLOCK },
        { "priority", RLIMIT_NICE },      { "real time", RLIMIT_RTPRIO },
        { "signals", RLIMIT_SIGPENDING }, { "message queues", RLIMIT_MSGQUEUE },
    };
    struct rlimit64 limit;

    (void)argc, (void)argv;
    for (size_t i = 0; i < ELEMENTS(rows); i++) {
        getrlimit64(rows[i].resource, &limit);
        if (limit.rlim_max == RLIM64_INFINITY) {
            say(rows[i].name, "done", "there is no limit");
            continue;
        }
        limit.rlim_max++;
        tell(rows[i].name, setrlimit64(rows[i].resource, &limit));
    }
    tell("nice", setpriority(PRIO_PROCESS, 0, -20));
    tell("nice of the group", setpriority(PRIO_PGRP, 0, -20));
    tell("best effort, first", syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 0));
    tell("real time disk", syscall(SYS_ioprio_set, 1, 0, 1 << 13 | 0));
    tell("fifo", sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){ 1 }));
    tell("round robin", sched_setscheduler(0, SCHED_RR, &(struct sched_param){ 1 }));
    uint64_t deadline[6] = { 48 | (uint64_t)6 << 32, 0, 0, 5000000, 10000000, 10000000 };
    tell("deadline", syscall(SYS_sched_setattr, 0, deadline, 0));
    int fd = open("/proc/self/oom_score_adj", O_WRONLY);
    tell("never killed", fd < 0 ? -1 : write(fd, "-1000", 5));
    close(fd);
}

// ---- files that others share --------------------------------------------------------------------

#define ALTERED "altered\n"

static int alter_write(const char *path)
{
    int fd = open(path, O_WRONLY);

    return fd < 0 ? -1 : (int)write(fd, ALTERED, sizeof ALTERED - 1);
}

static int alter_append(const char *path)
{
    int fd = open(path, O_WRONLY | O_APPEND);

    return fd < 0 ? -1 : (int)write(fd, ALTERED, sizeof ALTERED - 1);
}

static int alter_truncate(const char *path)
{
    return open(path, O_WRONLY | O_TRUNC) < 0 ? -1 : 0;
}

static int alter_truncate_by_name(const char *path)
{
    return truncate(path, 3);
}

static int alter_map(const char *path)
{
    int   fd = open(path, O_RDWR);
    char *bytes = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (bytes == MAP_FAILED)
        return -1;
    memcpy(bytes, ALTERED, 4);
    return msync(bytes, 4096, MS_SYNC);
}

// What was mapped to be read, changed behind the back of its protection.
static int alter_map_read_only(const char *path)
{
    int   fd = open(path, O_RDONLY), memory = open("/proc/self/mem", O_RDWR);
    char *bytes = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

    if (bytes == MAP_FAILED)
        return -1;
    if (pwrite(memory, ALTERED, 4, (off_t)(uintptr_t)bytes) == 4)
        return 0;
    if (mprotect(bytes, 4096, PROT_READ | PROT_WRITE) < 0)
        return -1;
    memcpy(bytes, ALTERED, 4);
    return msync(bytes, 4096, MS_SYNC);
}

static int alter_map_private(const char *path)
{
    int   fd = open(path, O_RDONLY);
    char *bytes = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

    if (bytes == MAP_FAILED)
        return -1;
    memcpy(bytes, ALTERED, 4);
    return msync(bytes, 4096, MS_SYNC);
}

// Opened to be read, opened again to be written by the name in /proc.
static int alter_reopen(const char *path)
{
    char link[64];
    int  fd = open(path, O_RDONLY);

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    return alter_write(link);
}

static int alter_copy_range(const char *path)
{
    int from = open("source", O_RDONLY), to = open(path, O_WRONLY);

    return (int)copy_file_range(from, NULL, to, NULL, 4, 0);
}

static int alter_clone(const char *path)
{
    int from = open("source", O_RDONLY), to = open(path, O_WRONLY);

    return ioctl(to, _IOW(0x94, 9, int), from); // FICLONE
}

static int alter_splice(const char *path)
{
    int pipes[2], to = open(path, O_WRONLY);

    if (to < 0 || pipe(pipes) < 0 || write(pipes[1], ALTERED, 4) < 0)
        return -1;
    return (int)splice(pipes[0], NULL, to, NULL, 4, 0);
}

static int alter_punch(const char *path)
{
    int fd = open(path, O_WRONLY);

    return fd < 0 ? -1 : fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4);
}

static int alter_mode(const char *path)
{
    return chmod(path, 0777);
}

static int alter_times(const char *path)
{
    return utimensat(AT_FDCWD, path, (struct timespec[2]){ { 1, 0 }, { 1, 0 } }, 0);
}

static int alter_owner(const char *path)
{
    return chown(path, getuid(), getgid());
}

static int alter_attribute(const char *path)
{
    return setxattr(path, "user.altered", "x", 1, 0);
}

// By a descriptor that is open to be read only: immutable, and then others.
static int alter_flags(const char *path)
{
    int fd = open(path, O_RDONLY), flags = 0x10, weak = 0x40 | 0x80; // IMMUTABLE; NODUMP, NOATIME

    return ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0 ? 0 : ioctl(fd, FS_IOC_SETFLAGS, &weak);
}

static int alter_link(const char *path)
{
    char name[256];

    snprintf(name, sizeof name, "%s-link", path);
    return link(path, name) < 0 ? -1 : alter_write(name);
}

static int alter_replace(const char *path)
{
    int fd = open("new", O_WRONLY | O_CREAT, 0644);

    return fd < 0 || write(fd, ALTERED, sizeof ALTERED - 1) < 0 ? -1 : rename("new", path);
}

static int alter_rename(const char *path)
{
    char name[256];

    snprintf(name, sizeof name, "%s-renamed", path);
    return rename(path, name) < 0 ? -1 : alter_write(name);
}

static int alter_exchange(const char *path)
{
    int fd = open("other", O_WRONLY | O_CREAT, 0644);

    if (fd < 0 || write(fd, ALTERED, sizeof ALTERED - 1) < 0)
        return -1;
    return renameat2(AT_FDCWD, "other", AT_FDCWD, path, RENAME_EXCHANGE) < 0 ? -1
                                                                             : alter_write("other");
}

static int alter_remove(const char *path)
{
    return unlink(path);
}

static int alter_uring(const char *path)
{
    return (int)uring_open(path, 0644);
}

// DIRECTORY: changes the files in it, each in the way that its name says.
static void attack_alter(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*alter)(const char *path);
    } ways[] = {
        { "write", alter_write },
        { "append", alter_append },
        { "truncate", alter_truncate },
        { "truncate-by-name", alter_truncate_by_name },
        { "map", alter_map },
        { "map-read-only", alter_map_read_only },
        { "map-private", alter_map_private },
        { "reopen", alter_reopen },
        { "copy-range", alter_copy_range },
        { "clone", alter_clone },
        { "splice", alter_splice },
        { "punch", alter_punch },
        { "mode", alter_mode },
        { "times", alter_times },
        { "owner", alter_owner },
        { "attribute", alter_attribute },
        { "flags", alter_flags },
        { "link", alter_link },
        { "replace", alter_replace },
        { "rename", alter_rename },
        { "exchange", alter_exchange },
        { "remove", alter_remove },
        { "uring", alter_uring },
    };

    if (argc < 1 || chdir(argv[0]) < 0)
        return;
    for (size_t i = 0; i < ELEMENTS(ways); i++)
        tell(ways[i].name, ways[i].alter(ways[i].name));
}

// Keeps one connection and talks over it every 100 ms: "done" for each answer.
static void attack_hold(int argc, char **argv)
{
    struct sockaddr_storage to;
    socklen_t               n_to = inet_address(&to, argv[0], argc > 1 ? atoi(argv[1]) : 0);
    int                     fd = socket(to.ss_family, SOCK_STREAM, 0);

    if (connect(fd, (struct sockaddr *)&to, n_to) < 0) {
        tell("connect", -1);
        return;
    }
    say("connect", "done", "held");
    for (int i = 0; i < (argc > 2 ? atoi(argv[2]) : 20); i++) {
        long result = converse(fd, true, &to, n_to);
        tell("talk", result);
        if (result < 0)
            return;
        usleep(100000);
    }
}

static void listen_on(const char *how, const char *address, int port)
{
    struct sockaddr_storage at;
    socklen_t               n_at = inet_address(&at, address, port);
    char                    what[128];
    int                     protocol = strcmp(how, "multipath") == 0 ? 262 : 0;
    int                     kind = strcmp(how, "udp") == 0 ? SOCK_DGRAM : SOCK_STREAM;

    snprintf(what, sizeof what, "%s %s %d", how, address, port);
    int fd = socket(at.ss_family, kind, protocol);
    if (fd < 0) {
        tell(what, -1);
        return;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &(int){ 1 }, sizeof(int));
    if (strcmp(how, "unbound") != 0 && bind(fd, (struct sockaddr *)&at, n_at) < 0)
        tell(what, -1);
    else
        tell(what, kind == SOCK_DGRAM ? 0 : listen(fd, 1));
    close(fd);
}

static void attack_listen(int argc, char **argv)
{
    for (int i = 0; i + 2 < argc; i += 3)
        listen_on(argv[i], argv[i + 1], atoi(argv[i + 2]));
}

// Listens where it has bound nothing, on a port of the kernel's choice, and waits for somebody.
static void attack_answer(int argc, char **argv)
{
    struct sockaddr_in6 at = { 0 };
    socklen_t           n_at = sizeof at;
    int                 fd = socket(AF_INET6, SOCK_STREAM, 0);

    if (listen(fd, 1) < 0 || getsockname(fd, (struct sockaddr *)&at, &n_at) < 0) {
        tell("listen", -1);
        return;
    }
    say("port", "note", "%d", ntohs(at.sin6_port));
    struct pollfd waiting = { .fd = fd, .events = POLLIN };
    if (poll(&waiting, 1, 1000 * (argc > 0 ? atoi(argv[0]) : 5)) > 0)
        tell("accept", accept(fd, NULL, NULL));
    else
        say("accept", "blocked", "nobody came");
}

// As many children as there may be; they end with us.
static void attack_fork(int argc, char **argv)
{
    int n = 0, max = argc > 0 ? atoi(argv[0]) : 1000;

    while (n < max) {
        pid_t pid = fork();
        if (pid < 0)
            break;
        if (pid == 0) {
            sleep(20);
            _exit(0);
        }
        n++;
    }
    say("children", n < max ? "blocked" : "done", "%d before %s", n,
        n < max ? strerrorname_np(errno) : "the end");
    signal(SIGTERM, SIG_IGN);
    kill(0, SIGTERM);
}

// Takes so many MiB of memory, and uses them.
static void attack_leak(int argc, char **argv)
{
    size_t n = (argc > 0 ? (size_t)atoi(argv[0]) : 100) << 20;
    char  *bytes = malloc(n);

    for (size_t at = 0; bytes && at < n; at += 4096)
        *(volatile char *)(bytes + at) = 1;
    say("memory", bytes ? "done" : "blocked", "%zu bytes", n);
}

// Wants all of a processor for some seconds.
static void attack_spin(int argc, char **argv)
{
    long end = now_ms() + 1000 * (argc > 0 ? atoi(argv[0]) : 5);

    say("spinning", "note", "now");
    while (now_ms() < end)
        ;
}

static const struct {
    const char *word;
    void (*run)(int argc, char **argv);
} attacks[] = {
    { "read", attack_read },           { "write", attack_write },
    { "scan", attack_scan },           { "roots", attack_roots },
    { "processes", attack_processes }, { "process", attack_process },
    { "killall", attack_killall },     { "namespaces", attack_namespaces },
    { "mounts", attack_mounts },       { "kernel", attack_kernel },
    { "setid", attack_setid },         { "rights", attack_rights },
    { "cgroup", attack_cgroup },       { "unix", attack_unix },
    { "journal", attack_journal },     { "abstract", attack_abstract },
    { "families", attack_families },   { "netlink", attack_netlink },
    { "flow", attack_flow },           { "hold", attack_hold },
    { "listen", attack_listen },       { "fork", attack_fork },
    { "spin", attack_spin },           { "forge", attack_forge },
    { "flood", attack_flood },         { "quotas", attack_quotas },
    { "traps", attack_traps },         { "limits", attack_limits },
    { "alter", attack_alter },         { "leak", attack_leak },
    { "answer", attack_answer },
};

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    token = argv[1];
    word = argv[2];
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
    for (size_t i = 0; i < ELEMENTS(attacks); i++)
        if (strcmp(attacks[i].word, word) == 0) {
            if (strcmp(word, "fork") == 0)
                setpgid(0, 0); // its signal must not meet the game
            attacks[i].run(argc - 3, argv + 3);
            printf("%s end\n", token);
            return 0;
        }
    printf("%s %s: no such attack\n%s end\n", token, word, token);
    return 2;
}
