/*
 * cases_given.h: what the parts of cases.h's reader share. Private to them.
 */
#ifndef FANFOLD_CLI_CASES_GIVEN_H
#define FANFOLD_CLI_CASES_GIVEN_H

#include "base/jsonfile.h"
#include "cli/cases.h"

struct case_reader {
    struct case_file *file;
    struct faults *faults;
};

void case_fault(struct case_reader *reader, const char *place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* "a list", "the number 7", "nothing". */
const char *case_found(struct case_reader *reader, const struct json *node);
/* place + "/" + name, escaped; the caller frees it. */
char *case_place(const char *place, struct str name);

/* The events of a case: `given` as it stands at place. */
void case_given_read(struct case_reader *reader, const char *place, const struct json *given,
                     struct test_case *test);

#endif
