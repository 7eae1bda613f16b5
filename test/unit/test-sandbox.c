// SPDX-License-Identifier: MIT
#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "files/sandbox.h"

#define OTHER_FD 20

// Each is done in a child that is locked in, by the system call itself: the library may do other
// things first. What comes back is its exit code.
static int do_nothing(void)
{
    return 0;
}

static int do_read(void)
{
    char byte = 0;

    return pread(STDIN_FILENO, &byte, 1, 3) == 1 && byte == '3' ? 0 : 1;
}

static int do_write(void)
{
    return write(STDOUT_FILENO, "out", 3) == 3 ? 0 : 1;
}

static int do_memory(void)
{
    char *bytes = malloc(8 << 20);

    if (!bytes)
        return 1;
    memset(bytes, 1, 8 << 20);
    bytes = realloc(bytes, 16 << 20);
    free(bytes);
    return bytes ? 0 : 1;
}

static int do_open(void)
{
    return (int)syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY);
}

static int do_open_self(void)
{
    return (int)syscall(SYS_open, "/proc/self/mem", O_RDWR);
}

static int do_stat(void)
{
    struct stat st;

    return (int)syscall(SYS_newfstatat, AT_FDCWD, "/etc", &st, 0);
}

static int do_read_other(void)
{
    char byte;

    return (int)syscall(SYS_pread64, OTHER_FD, &byte, 1, 0);
}

static int do_write_other(void)
{
    return (int)syscall(SYS_write, STDERR_FILENO, "x", 1);
}

static int do_read_moving(void)
{
    char byte;

    return (int)syscall(SYS_read, STDIN_FILENO, &byte, 1);
}

static int do_socket(void)
{
    return (int)syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
}

static int do_fork(void)
{
    return (int)syscall(SYS_fork);
}

static int do_clone(void)
{
    return (int)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0);
}

static int do_exec(void)
{
    char *const words[] = { NULL };

    return (int)syscall(SYS_execve, "/bin/true", words, words);
}

static int do_kill(void)
{
    return (int)syscall(SYS_kill, getppid(), 0);
}

static int do_ptrace(void)
{
    return (int)syscall(SYS_ptrace, PTRACE_TRACEME, 0, NULL, NULL);
}

static int do_code(void)
{
    return syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                   0) == -1;
}

static int do_code_later(void)
{
    static _Alignas(4096) char page[4096];

    return (int)syscall(SYS_mprotect, page, sizeof page, PROT_READ | PROT_EXEC);
}

static int do_limits(void)
{
    struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

    return (int)syscall(SYS_prlimit64, 0, RLIMIT_CPU, &limit, NULL);
}

static int do_sleep(void)
{
    return (int)syscall(SYS_pause);
}

static int do_other_abi(void)
{
    long r;

    __asm__ volatile("int $0x80" : "=a"(r) : "a"(20L) : "memory"); // getpid of 32 bits
    return (int)r;
}

static const struct {
    const char *name;
    int (*act)(void);
    bool is_allowed;
} acts[] = {
    { "nothing", do_nothing, true },
    { "reading the archive", do_read, true },
    { "writing to the pipe", do_write, true },
    { "memory", do_memory, true },
    { "opening a file", do_open, false },
    { "opening its memory", do_open_self, false },
    { "looking at a file", do_stat, false },
    { "reading another descriptor", do_read_other, false },
    { "writing to another descriptor", do_write_other, false },
    { "moving in the archive", do_read_moving, false },
    { "a socket", do_socket, false },
    { "a process", do_fork, false },
    { "a thread", do_clone, false },
    { "another program", do_exec, false },
    { "a signal", do_kill, false },
    { "tracing", do_ptrace, false },
    { "memory that runs", do_code, false },
    { "memory that runs later", do_code_later, false },
    { "other limits", do_limits, false },
    { "waiting", do_sleep, false },
    { "calls of another ABI", do_other_abi, false },
};

// Never returns. 100: it could not be locked in.
static void be_child(const struct unit_dir *dir, int (*act)(void))
{
    struct error err = { 0 };
    int          ends[2];

    int archive = openat(dir->fd, "archive", O_RDONLY);
    if (archive < 0 || pipe(ends) < 0 || dup2(archive, STDIN_FILENO) < 0 ||
        dup2(ends[1], STDOUT_FILENO) < 0 || dup2(archive, OTHER_FD) < 0 || sandbox_enter(&err) < 0)
        _exit(100);
    _exit(act());
}

static void test_what_is_left(void **state)
{
    struct unit_dir *dir = *state;

    unit_write(dir->fd, "archive", "0123456789");
    for (size_t i = 0; i < ELEMENTS(acts); i++) {
        int   status = 0;
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
            be_child(dir, acts[i].act);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        bool is_fine = acts[i].is_allowed ? WIFEXITED(status) && WEXITSTATUS(status) == 0
                                          : WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
        if (!is_fine)
            fail_msg("%s: status %x", acts[i].name, (unsigned)status);
    }
}

// As others see them while it waits for its pipe to be read.
static void test_its_limits(void **state)
{
    struct unit_dir *dir = *state;
    struct rlimit    limit;
    char             byte;
    int              ends[2], status = 0;

    unit_write(dir->fd, "archive", "x");
    assert_return_code(pipe(ends), errno);
    pid_t pid = fork();
    if (pid == 0) {
        static const char block[1 << 20]; // more than a pipe holds
        struct error      err = { 0 };
        if (dup2(openat(dir->fd, "archive", O_RDONLY), STDIN_FILENO) < 0 ||
            dup2(ends[1], STDOUT_FILENO) < 0 || sandbox_enter(&err) < 0)
            _exit(100);
        for (;;)
            if (write(STDOUT_FILENO, block, sizeof block) < 0)
                _exit(0);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &byte, 1), 1); // it is locked in
    static const struct {
        int      what;
        uint64_t want;
    } limits[] = {
        { RLIMIT_AS, SANDBOX_IS_SANITIZED ? RLIM_INFINITY : SANDBOX_MEMORY_BYTES },
        { RLIMIT_CPU, SANDBOX_CPU_S },
        { RLIMIT_FSIZE, 0 },
        { RLIMIT_NOFILE, 0 },
        { RLIMIT_CORE, 0 },
    };
    for (size_t i = 0; i < ELEMENTS(limits); i++) {
        assert_return_code(prlimit(pid, (__rlimit_resource_t)limits[i].what, NULL, &limit), errno);
        assert_int_equal(limit.rlim_cur, limits[i].want);
    }
    char path[32], status_text[4096] = "";
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(read(fd, status_text, sizeof status_text - 1) > 0);
    assert_non_null(strstr(status_text, "NoNewPrivs:\t1"));
    assert_non_null(strstr(status_text, "Seccomp:\t2"));
    assert_return_code(kill(pid, SIGKILL), errno);
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_left, unit_dir_setup, unit_dir_teardown),
        cmocka_unit_test_setup_teardown(test_its_limits, unit_dir_setup, unit_dir_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
