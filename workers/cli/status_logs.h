/*
 * status_logs.h: how far each log with several partitions is recorded.
 *
 *     struct logs_status logs = {0};
 *     logs_status_read(&logs, &config, &probes);
 *     logs_status_print(&logs);     or  logs_status_json(&logs)
 *     logs_status_release(&logs);
 */
#ifndef FANFOLD_CLI_STATUS_LOGS_H
#define FANFOLD_CLI_STATUS_LOGS_H

#include "base/config.h"
#include "cli/freshness.h"

struct log_status {
    const struct log_config *log;
    bool known;        /* false: the broker did not say, or the partitions are not declared */
    uint64_t end;      /* one more than the last offset of the log */
    uint64_t recorded; /* one more than the last offset that was copied */
    bool has_recorder; /* somebody records now */
};

struct logs_status {
    struct log_status *at;
    size_t count;
};

void logs_status_read(struct logs_status *logs, const struct config *config, struct probes *probes);
/* A line for each. */
void logs_status_print(const struct logs_status *logs);
/* [{"exchange", "partitions", "recorded", "end" (offsets), "lag", "recorder"}]; null: not known, or
 * there is none. */
cJSON *logs_status_json(const struct logs_status *logs);
void logs_status_release(struct logs_status *logs);

#endif
