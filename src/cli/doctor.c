// SPDX-License-Identifier: MIT

// doctor: prints what host/doctor.c found.

#include "cli/cli.h"

#include <stdio.h>
#include "host/doctor.h"

static void print_finding(const struct doctor_finding *finding)
{
    printf("%-5s %-12s %s\n", doctor_verdict_word(finding->verdict), finding->name, finding->words);
    if (*finding->remedy)
        printf("      %-12s -> %s\n", "", finding->remedy);
}

static json_t *finding_json(const struct doctor_finding *finding)
{
    return json_pack("{s:s, s:s, s:s, s:o}", "check", finding->name, "verdict",
                     doctor_verdict_word(finding->verdict), "found", finding->words, "remedy",
                     *finding->remedy ? json_string(finding->remedy) : json_null());
}

int doctor_run(struct cli *cli, struct error *err)
{
    struct doctor_finding findings[DOCTOR_CHECKS_MAX];
    size_t                n = doctor_examine(findings, cli->paths);
    size_t                n_verdicts[] = { 0, 0, 0 };
    json_t               *array = json_array();

    (void)err; // it has nothing to fail with: what it cannot find out is a finding
    for (size_t i = 0; i < n; i++) {
        n_verdicts[findings[i].verdict]++;
        if (cli->is_json)
            (void)json_array_append_new(array, finding_json(&findings[i])); // absent then
        else
            print_finding(&findings[i]);
    }
    if (cli->is_json)
        output_json(
            json_pack("{s:b, s:O}", "healthy", n_verdicts[DOCTOR_FAULT] == 0, "checks", array));
    else
        printf("%zu checks are well, %zu warn, %zu fail\n", n_verdicts[DOCTOR_OK],
               n_verdicts[DOCTOR_WARNING], n_verdicts[DOCTOR_FAULT]);
    json_decref(array);
    return n_verdicts[DOCTOR_FAULT] == 0 ? 0 : 1;
}
