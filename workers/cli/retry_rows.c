/*
 * retry_rows.c: what a retry of a view with `with` reads: rows as they stand now. unpark.lua makes
 * sure that they stand so still when the step goes in.
 */
#include "cli/retry.h"

static struct row look(void *arg, const struct row_name *name)
{
    return row_cache_look(&((struct retry *)arg)->rows, name);
}

void retry_rows_init(struct retry *retry)
{
    retry->source.look = look;
    retry->source.arg = retry;
}

void retry_rows_clear(struct retry *retry)
{
    row_cache_clear(&retry->rows);
    row_cache_sent(&retry->rows);
}

void retry_rows_release(struct retry *retry)
{
    row_cache_release(&retry->rows);
    row_list_release(&retry->source.unread);
}

void retry_rows_change(struct retry *retry, size_t from)
{
    const struct changes *changes = &retry->step.changes;
    for (size_t i = from; view_reads(retry->definition->view) && i < changes->count; i++)
        row_cache_change(&retry->rows, changes->at[i].key);
}

bool retry_rows_are_changed(const struct retry *retry)
{
    const struct row_list *unread = &retry->source.unread;
    for (size_t i = 0; i < unread->count; i++)
        if (row_cache_is_changed(&retry->rows, unread->at[i].key))
            return true;
    return false;
}

/* What came of a read. */
struct reading {
    struct retry *retry;
    size_t count;
    enum store_status status;
    struct error error;
};

static void on_read(void *arg, enum store_status status, const struct row *rows,
                    const struct position *at, const struct error *error)
{
    struct reading *reading = arg;
    struct retry *retry = reading->retry;
    (void)at;
    reading->status = status;
    if (error)
        reading->error = *error;
    for (size_t i = 0; status == STORE_OK && i < reading->count; i++) {
        const struct row_name *name = &retry->source.unread.at[i];
        if (rows[i].state == ROW_FOREIGN) {
            reading->status = STORE_FAILED;
            error_set(&reading->error, ERROR_CONFIG, "foreign data: %.*s", STRF(rows[i].text));
            return;
        }
        if (rows[i].state == ROW_UNREAD)
            continue;
        row_cache_put(&retry->rows, name, &rows[i]);
        unpark_add_read(&retry->step, name, &rows[i]);
    }
}

enum retry_end retry_rows_read(struct retry *retry, struct error *error)
{
    const struct row_list *unread = &retry->source.unread;
    struct reading reading = {.retry = retry};
    reading.count = unread->count < ROW_REQUEST_MAX ? unread->count : ROW_REQUEST_MAX;
    const struct row_request request = {.view = view_name(retry->parking->view),
                                        .partition = retry->task->partition,
                                        .rows = unread->at,
                                        .count = reading.count};
    unparking_read(retry->unparking, &request, on_read, &reading);
    row_list_clear(&retry->source.unread);
    if (reading.status == STORE_OK)
        return RETRY_DONE;
    *error = reading.error;
    return reading.status == STORE_UNKNOWN ? RETRY_UNKNOWN : RETRY_FAILED;
}
