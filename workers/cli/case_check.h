/*
 * case_check.h: runs a case as given and compares with what it expects; then in other ways, which
 * must give the same:
 *   - duplicated: each event twice in a row, and all events again. A duplicate does not count;
 *   - split: in one batch, and in two, divided behind each event in turn;
 *   - interleaved: in several partitions, whose events keep their order but mix in several ways.
 *     Only for a view whose verbs commute. Over several exchanges these are the partitions. Over
 *     one, the first events go to the first partition, and so on, so that events that `newest`
 *     finds at equal times are decided as given: by partition, then by offset. What has the source
 *     and id of an earlier event follows it: the duplicate window is a partition's.
 * A view that stops is not varied: what stands before the stop depends on where batches end.
 *
 *     struct case_result result;
 *     case_check(&file, &file.cases[i], &result);
 *     case_result_print(stdout, &result);
 *     case_result_release(&result);
 */
#ifndef FANFOLD_CLI_CASE_CHECK_H
#define FANFOLD_CLI_CASE_CHECK_H

#include "cli/case_run.h"
#include <stdio.h>

enum case_kind { CASE_GIVEN, CASE_DUPLICATED, CASE_SPLIT, CASE_INTERLEAVED, CASE_KIND_COUNT };

extern const char *const case_kind_names[CASE_KIND_COUNT];

enum case_what { CASE_ROW, CASE_PARKED, CASE_EXPIRE, CASE_STOPS };

/* In one thing, JSON texts; empty: there is none. */
struct case_difference {
    enum case_what what;
    struct str key; /* of a row; else {NULL,0} */
    struct str expected, found;
};

struct case_differences {
    struct case_difference *at;
    size_t count, cap;
};

/* The runs of one kind. */
struct case_finding {
    size_t runs, failed;
    const char *not_run;                 /* why there were none; NULL */
    const char *how;                     /* the first that failed; NULL: none did */
    struct case_differences differences; /* of that one */
};

struct case_result {
    const struct test_case *test;
    bool good;
    struct case_finding findings[CASE_KIND_COUNT];
    struct arena arena;
};

void case_check(const struct case_file *file, const struct test_case *test,
                struct case_result *result);
/* What is wrong, for a person. */
void case_result_print(FILE *out, const struct case_result *result);
void case_result_release(struct case_result *result);

/* case_compare.c: appends what differs. */
void case_compare_expected(struct arena *arena, const struct test_case *test,
                           const struct case_outcome *found, struct case_differences *out);
void case_compare_runs(struct arena *arena, const struct case_outcome *given,
                       const struct case_outcome *found, struct case_differences *out);

#endif
