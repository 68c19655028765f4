/*
 * task_read.c: which rows are read, and when.
 *
 * How far it looks ahead follows from how far the last look was good for: twice as many events as
 * were folded since. So the events that are decoded twice are at most a few for each one folded,
 * whatever the view reads: where all events read one row that each of them changes, it looks at
 * two; where each reads its own, at AHEAD_MAX.
 */
#include "worker/feed.h"
#include "worker/task_parts.h"
#include <assert.h>

#define AHEAD_MIN 2
#define AHEAD_MAX 500
/* Of bodies that are looked at; and of rows held, above which it looks at none. */
#define AHEAD_BYTES_MAX ((size_t)1024 * 1024)
#define ROWS_BYTES_MAX  ((size_t)4 * 1024 * 1024)

static void measure(struct task *task)
{
    uint64_t folded = task->taken - task->read_taken;
    if (folded == 0 && task->ahead)
        return; /* the same event again: it knows of further rows now, and so do those behind it */
    task->read_taken = task->taken;
    task->ahead = folded < AHEAD_MAX / 2 ? (size_t)folded * 2 : AHEAD_MAX;
    if (task->ahead < AHEAD_MIN)
        task->ahead = AHEAD_MIN;
}

static void look_ahead(struct task *task)
{
    struct arena arena = {0};
    struct cloudevent event;
    size_t bytes = 0;
    measure(task);
    for (size_t i = 1; i < task->ahead && bytes < AHEAD_BYTES_MAX; i++) {
        if (batcher_unread(&task->batcher)->count >= ROW_REQUEST_MAX ||
            task->batcher.rows.bytes > ROWS_BYTES_MAX)
            break;
        arena_clear(&arena);
        enum feed_look look = feed_look(task->feed, task->next + i, &arena, &event);
        if (look == FEED_END)
            break;
        if (look == FEED_NO_EVENT)
            continue;
        bytes += event.data_bytes.len;
        batcher_look_ahead(&task->batcher, &event);
    }
    arena_release(&arena);
}

static void take_rows(struct task *task, const struct row *rows)
{
    const struct row_list *asked = batcher_unread(&task->batcher);
    for (size_t i = 0; i < task->asked; i++) {
        if (rows[i].state == ROW_FOREIGN) {
            task_stop(task, TROUBLE_FOREIGN, "foreign data: %.*s", STRF(rows[i].text));
            return;
        }
        if (rows[i].state != ROW_UNREAD)
            batcher_row(&task->batcher, &asked->at[i], &rows[i]);
    }
    task_go_on(task);
}

static void on_read(void *arg, enum store_status status, const struct row *rows,
                    const struct position *at, const struct error *error)
{
    struct task *task = arg;
    task->reading = false;
    if (!task_is_current(task))
        return;
    switch (status) {
    case STORE_OK:
        if (position_eq(at, &task->read_at))
            take_rows(task, rows);
        else
            task_conflict(task);
        break;
    case STORE_FAILED:
        task_fail(task, trouble_of_redis(error->text), error->text);
        break;
    case STORE_UNKNOWN:
        task_fail(task, TROUBLE_REDIS, "no answer from Redis");
        break;
    }
}

void task_read(struct task *task)
{
    look_ahead(task);
    const struct row_list *unread = batcher_unread(&task->batcher);
    task->asked = unread->count < ROW_REQUEST_MAX ? unread->count : ROW_REQUEST_MAX;
    task->reading = true;
    /* It is carried out behind all batches that were sent: then the open one's `from` stands. */
    task->read_at = task->batch.from;
    const struct row_request request = {.view = task->role->name,
                                        .partition = task->partition,
                                        .row_prefix = str_of(task->role->row_prefix),
                                        .rows = unread->at,
                                        .count = task->asked};
    store_read(task->host->store, &request, on_read, task);
}
