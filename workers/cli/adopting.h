/*
 * adopting.h: another definition comes into force without a replay: `adopt` and `setup`.
 */
#ifndef FANFOLD_CLI_ADOPTING_H
#define FANFOLD_CLI_ADOPTING_H

#include "worker/definition.h"
#include <fanfold/redis_reader.h>

/* Do both fold this log by other partitions? */
bool adopting_moves(const struct log_config *live, const struct log_config *next);
/* epoch: of the live one, as it was seen. ERROR_NO: generation_adopt. */
bool adopting_commit(struct redis_reader *reader, const char *view, const char *epoch,
                     const struct definition *live, const struct definition *next,
                     struct error *error);

#endif
