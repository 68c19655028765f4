/*
 * case_run.h: one run of a case: its events in some order, in some partitions and batches, folded
 * in memory (trial.h), and what came of them.
 *
 *     struct case_outcome outcome = {0};
 *     case_run(&file, test, &schedule, &outcome);
 *     case_outcome_release(&outcome);
 */
#ifndef FANFOLD_CLI_CASE_RUN_H
#define FANFOLD_CLI_CASE_RUN_H

#include "cli/cases.h"

struct case_step {
    size_t event, partition;
    bool ends_batch; /* so does a step in another partition behind it */
};

struct case_schedule {
    const char *how; /* for a person: "each event twice" */
    const char *const *partitions;
    size_t partition_count;
    struct case_step *steps;
    size_t count;
};

struct case_outcome {
    struct case_pairs rows;   /* key → RFC 8785 JSON, by key in byte order */
    struct case_pairs expire; /* key → time, likewise */
    struct case_pairs parked; /* id → reason, likewise; of one id several: "…; and …" */
    struct str stopped;       /* why the view stopped; {NULL,0}: it did not */
    uint64_t refused;         /* events that the store refused: they are parked or skipped */
    struct arena arena;
};

void case_run(const struct case_file *file, const struct test_case *test,
              const struct case_schedule *schedule, struct case_outcome *outcome);
void case_outcome_release(struct case_outcome *outcome);

#endif
