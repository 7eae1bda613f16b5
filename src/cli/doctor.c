// SPDX-License-Identifier: MIT

// doctor: prints what host/doctor.c found.

#include "cli/cli.h"

#include <stdio.h>
#include <string.h>
#include "host/doctor.h"

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

int doctor_run(struct cli *cli, struct error *err)
{
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
