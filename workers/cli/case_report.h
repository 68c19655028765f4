/*
 * case_report.h: the results of `fanfold test` for programs: JUnit's XML, which build servers read,
 * and JSON.
 *
 *     struct junit junit = {0};
 *     junit_case(&junit, &file, &result); …  junit_suite(&junit, &file);        file by file
 *     junit_write(&junit, "report.xml", &error);
 *     junit_release(&junit);
 */
#ifndef FANFOLD_CLI_CASE_REPORT_H
#define FANFOLD_CLI_CASE_REPORT_H

#include "cli/case_check.h"
#include <cjson/cJSON.h>

struct junit {
    struct buf suites, cases; /* of all files; of the one at hand */
    size_t all, all_failed, count, failed;
};

void junit_case(struct junit *junit, const struct case_file *file,
                const struct case_result *result);
/* The file's cases are complete. */
void junit_suite(struct junit *junit, const struct case_file *file);
bool junit_write(const struct junit *junit, const char *path, struct error *error);
void junit_release(struct junit *junit);

/* {"name", "good", "runs": [{"kind", "runs", "failed", "not_run", "how", "differences": [{"what",
 * "key", "expected", "found"}, …]}, …]} */
cJSON *case_result_json(const struct case_result *result);

#endif
