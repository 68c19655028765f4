/*
 * status_json.h: what `fanfold status --json` prints. Its members are an interface; `fanfold status
 * --help` lists them.
 */
#ifndef FANFOLD_CLI_STATUS_JSON_H
#define FANFOLD_CLI_STATUS_JSON_H

#include "cli/status_logs.h"
#include "cli/status_targets.h"

void status_json_print(const struct targets_status *targets, const struct logs_status *logs,
                       const struct probes *probes);

#endif
