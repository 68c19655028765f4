/*
 * row_diff.h: two rows, as redis_reader_row() or the RAM store give them, for a person:
 *
 *     changed stock:mug
 *       reserved: "2" → "3"
 *     only live stock:jug  {"on_hand":"1"}
 *     changed tagged:tea
 *       - "ada"
 *       + "ben"
 */
#ifndef FANFOLD_CLI_ROW_DIFF_H
#define FANFOLD_CLI_ROW_DIFF_H

#include "base/str.h"
#include <stdio.h>

/* what: "changed", …. Empty text: there is no such row. Objects are compared member by member,
 * arrays (sets, sorted sets, lists) by what stands in one of them only. */
void row_diff_print(FILE *out, const char *what, const char *key, struct str before,
                    struct str after);

#endif
