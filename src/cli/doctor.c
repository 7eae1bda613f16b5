// SPDX-License-Identifier: MIT

// doctor: prints what host/doctor.c found.

#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/fd.h"
#include "host/broker.h"
#include "host/doctor.h"

#define PART_BYTES_MAX   65536u
#define ANSWER_BYTES_MAX (256u << 10)

static void print_finding(const struct doctor_finding *finding)
{
    AUTO(buffer_done) struct buffer text = { 0 };

    buffer_printf(&text, "%-5s %-15s ", doctor_verdict_word(finding->verdict), finding->name);
    output_escaped(&text, finding->words);
    if (*finding->remedy)
        buffer_printf(&text, "\n      %-15s -> %s", "", finding->remedy);
    buffer_add_string(&text, "\n");
    output_flush(&text);
}

static json_t *finding_json(const struct doctor_finding *finding)
{
    return json_pack("{s:s, s:s, s:o, s:o}", "check", finding->name, "verdict",
                     doctor_verdict_word(finding->verdict), "found",
                     output_text_json(finding->words, strlen(finding->words)), "remedy",
                     *finding->remedy ? json_string(finding->remedy) : json_null());
}

// ---- what another one found --------------------------------------------------------------------

static int read_answer(struct buffer *ret, int fd, struct error *err)
{
    char    part[PART_BYTES_MAX];
    ssize_t n;

    while ((n = read(fd, part, sizeof part)) > 0 && ret->n + (size_t)n <= ANSWER_BYTES_MAX)
        buffer_add(ret, part, (size_t)n);
    if (n < 0)
        return error_sys(err, errno, "reading what left4me-doctor says");
    if (n > 0)
        return error_set(err, ERROR_INVALID, "left4me-doctor says too much");
    return buffer_check(ret, err);
}

// The page's sandbox hides most of the machine from us; the service sees it.
static int run_by_service(const struct host_paths *paths, struct error *err)
{
    AUTO_FD                         fd = -1;
    AUTO(buffer_done) struct buffer answer = { 0 };

    if (broker_connect(&fd, paths->doctor_socket, "left4me-doctor", err) < 0 ||
        read_answer(&answer, fd, err) < 0)
        return -1;
    AUTO(json_decrefp) json_t *json = json_loadb(answer.bytes, answer.n, 0, NULL);
    if (!json_is_array(json_object_get(json, "checks")))
        return error_set(err, ERROR_UNAVAILABLE,
                         "left4me-doctor ended without an answer: see 'journalctl -u "
                         "left4me-doctor@*'");
    bool is_healthy = json_is_true(json_object_get(json, "healthy"));
    if (output_json(TAKE(json), err) < 0)
        return -1;
    return is_healthy ? 0 : 1;
}

// ---- the command -------------------------------------------------------------------------------

int doctor_run(struct cli *cli, struct error *err)
{
    if (cli->is_by_service)
        return run_by_service(cli->paths, err);

    struct doctor_finding      findings[DOCTOR_CHECKS_MAX];
    size_t                     n = doctor_examine(findings, cli->paths);
    size_t                     n_verdicts[] = { 0, 0, 0 };
    AUTO(json_decrefp) json_t *array = json_array();

    for (size_t i = 0; i < n; i++) {
        n_verdicts[findings[i].verdict]++;
        if (!cli->is_json)
            print_finding(&findings[i]);
        else if (json_array_append_new(array, finding_json(&findings[i])) < 0)
            return error_set(err, ERROR_NO_SPACE, "no memory to tell what was found");
    }
    if (!cli->is_json)
        printf("%zu checks are well, %zu warn, %zu fail\n", n_verdicts[DOCTOR_OK],
               n_verdicts[DOCTOR_WARNING], n_verdicts[DOCTOR_FAULT]);
    else if (output_json(
                 json_pack("{s:b, s:O}", "healthy", n_verdicts[DOCTOR_FAULT] == 0, "checks", array),
                 err) < 0)
        return -1;
    return n_verdicts[DOCTOR_FAULT] == 0 ? 0 : 1;
}
