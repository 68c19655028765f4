/*
 * ram_store.c: the RAM twin: positions, parked events and the queue of answers. Rows: ram_commit.c.
 */
#include <fanfold/ram_store.h>

#include "base/error.h"
#include "store/ram_commit.h"
#include "store/rows.h"
#include <stdio.h>
#include <stdlib.h>

struct ram_parked {
    struct parked_event event; /* its texts are owned */
};

struct ram_task {
    char *view, *partition;
    struct task_state state;
    struct ram_parked *parked; /* by offset */
    size_t parked_count, parked_cap;
};

/* An answer that waits for ram_store_turn(). */
struct answer {
    store_load_fn *loaded;
    store_commit_fn *committed;
    store_read_fn *read;
    void *arg;
    struct task_state state; /* of a read: only the position */
    struct commit_result result;
    struct row *rows;
    struct buf texts;
};

struct ram_store {
    struct store store;
    struct ram_rows rows;
    struct ram_rows stamps; /* by view */
    struct ram_task *tasks;
    size_t task_count, task_cap;
    struct answer *answers;
    size_t answer_count, answer_cap;
};

static struct ram_store *of(struct store *store)
{
    return (struct ram_store *)store; /* store is its first member */
}

static struct ram_task *task_find(struct ram_store *ram, const char *view, const char *partition)
{
    for (size_t i = 0; i < ram->task_count; i++)
        if (strcmp(ram->tasks[i].view, view) == 0 &&
            strcmp(ram->tasks[i].partition, partition) == 0)
            return &ram->tasks[i];
    return NULL;
}

static struct ram_task *task_get(struct ram_store *ram, const char *view, const char *partition)
{
    struct ram_task *task = task_find(ram, view, partition);
    if (task)
        return task;
    if (ram->task_count == ram->task_cap) {
        ram->task_cap = ram->task_cap ? ram->task_cap * 2 : 8;
        ram->tasks = must_realloc(ram->tasks, ram->task_cap * sizeof(*ram->tasks));
    }
    task = &ram->tasks[ram->task_count++];
    *task = (struct ram_task){.view = must_strdup(view), .partition = must_strdup(partition)};
    return task;
}

static struct answer *answer_add(struct ram_store *ram, void *arg)
{
    if (ram->answer_count == ram->answer_cap) {
        ram->answer_cap = ram->answer_cap ? ram->answer_cap * 2 : 8;
        ram->answers = must_realloc(ram->answers, ram->answer_cap * sizeof(*ram->answers));
    }
    struct answer *answer = &ram->answers[ram->answer_count++];
    *answer = (struct answer){.arg = arg};
    return answer;
}

static void state_copy(struct task_state *to, const struct task_state *from)
{
    *to = *from;
    to->waiting = (struct map){0};
    to->moved = (struct moved){0}; /* here nothing moves */
    struct str key;
    uint64_t count;
    for (size_t i = 0; map_next(&from->waiting, &i, &key, &count);)
        *map_put(&to->waiting, key) = count;
}

/* The epoch of the view, which all its positions have; "": there is none yet. */
static const char *epoch_of(const struct ram_store *ram, const char *view)
{
    for (size_t i = 0; i < ram->task_count; i++)
        if (strcmp(ram->tasks[i].view, view) == 0 && ram->tasks[i].state.position.epoch[0])
            return ram->tasks[i].state.position.epoch;
    return "";
}

static void load(struct store *store, const char *view, const char *partition, store_load_fn *done,
                 void *arg)
{
    struct ram_store *ram = of(store);
    const struct ram_task *task = task_find(ram, view, partition);
    struct answer *answer = answer_add(ram, arg);
    answer->loaded = done;
    if (task)
        state_copy(&answer->state, &task->state);
    snprintf(answer->state.epoch, sizeof(answer->state.epoch), "%s", epoch_of(ram, view));
}

static struct str copy(struct str text)
{
    return str_is(text) ? (struct str){must_strndup(text.at, text.len), text.len} : text;
}

static void parked_release(struct parked_event *event)
{
    const struct str texts[] = {event->key,    event->reason, event->id,
                                event->source, event->type,   event->payload};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        free((char *)texts[i].at);
}

/* The place of the parked event with that offset, or where it would go. */
static size_t parked_place(const struct ram_task *task, uint64_t offset)
{
    size_t place = task->parked_count;
    while (place > 0 && task->parked[place - 1].event.offset >= offset)
        place--;
    return place;
}

static void park(struct ram_task *task, const struct parked_event *event)
{
    size_t place = parked_place(task, event->offset);
    bool again = place < task->parked_count && task->parked[place].event.offset == event->offset;
    if (again) {
        parked_release(&task->parked[place].event);
    } else {
        if (task->parked_count == task->parked_cap) {
            task->parked_cap = task->parked_cap ? task->parked_cap * 2 : 8;
            task->parked = must_realloc(task->parked, task->parked_cap * sizeof(*task->parked));
        }
        memmove(&task->parked[place + 1], &task->parked[place],
                (task->parked_count - place) * sizeof(*task->parked));
        task->parked_count++;
    }
    struct parked_event *kept = &task->parked[place].event;
    *kept = *event;
    kept->key = copy(event->key);
    kept->reason = copy(event->reason);
    kept->id = copy(event->id);
    kept->source = copy(event->source);
    kept->type = copy(event->type);
    kept->payload = copy(event->payload);
    if (str_is(event->key))
        ++*map_put(&task->state.waiting, event->key);
}

/* May the first position of a task have this epoch? */
static bool may_begin(const struct ram_store *ram, const struct batch *batch)
{
    const char *epoch = epoch_of(ram, batch->view);
    return epoch[0] ? strcmp(epoch, batch->to.epoch) == 0 : batch->definition != NULL;
}

/* Step (1) of the commit rule (commit.lua). True: go on. */
static bool compare(const struct ram_store *ram, const struct position *stored,
                    const struct batch *batch, struct commit_result *result)
{
    if (position_eq(stored, &batch->from) && (stored->epoch[0] || may_begin(ram, batch)))
        return true;
    *result = (struct commit_result){.outcome = COMMIT_CONFLICT};
    if (stored->epoch[0] && strcmp(stored->epoch, batch->to.epoch) == 0 &&
        stored->offset >= batch->to.offset && stored->park_revision == batch->to.park_revision) {
        result->outcome = COMMIT_ALREADY;
        return false;
    }
    struct buf text = {0};
    position_write(&text, stored);
    snprintf(result->reason, sizeof(result->reason), "%s%s",
             text.len ? "the stored position is " : "no position is stored", buf_text(&text));
    buf_release(&text);
    return false;
}

static void commit(struct store *store, const struct batch *batch, store_commit_fn *done, void *arg)
{
    struct ram_store *ram = of(store);
    struct answer *answer = answer_add(ram, arg);
    answer->committed = done;
    struct ram_task *task = task_get(ram, batch->view, batch->partition);
    struct task_state *state = &task->state;
    if (!compare(ram, &state->position, batch, &answer->result))
        return;
    ram_rows_apply(&ram->rows, ram_rows_get(&ram->stamps, str_of(batch->view)), &batch->changes,
                   &answer->result);
    if (answer->result.outcome != COMMIT_OK)
        return;
    state->position = batch->to;
    state->has_time = batch->has_time;
    state->time_ms = batch->time_ms;
    state->tally = batch->tally;
    state->record = batch->record;
    for (size_t i = 0; i < batch->parked_count; i++)
        park(task, &batch->parked[i]);
}

/* Are the row's entries within the limits of row.h? */
static bool is_readable(const struct ram_row *row)
{
    const struct ram_cells *cells = &row->cells;
    size_t bytes = 0;
    for (size_t i = 0; i < cells->count; i++)
        bytes += cells->at[i].name.len + cells->at[i].text.len;
    return cells->count <= ROW_ENTRIES_MAX && bytes <= ROW_BYTES_MAX;
}

/* Does it hold what a fold can have made? */
static bool is_own(const struct ram_row *row)
{
    const struct ram_cells *cells = &row->cells;
    struct buf json = {0};
    bool own = true;
    if (row->structure == STRUCTURE_COUNTER)
        own = rows_counter(&json, cells->at[0].text);
    else if (row->structure == STRUCTURE_JSON)
        own = rows_document(&json, cells->at[0].text);
    for (size_t i = 0; own && i < cells->count; i++)
        own = rows_is_text(cells->at[i].name) && rows_is_text(cells->at[i].text);
    buf_release(&json);
    return own;
}

/* Appends the row's text. A counter and a document are both texts to Redis, and told apart only by
 * what is in them. */
static enum row_state read_row(const struct ram_row *row, const struct row_name *name,
                               struct buf *texts)
{
    if (!row || row->cells.count == 0)
        return ROW_ABSENT;
    if (row->structure != name->structure) {
        buf_printf(texts, "%.*s is of another structure", STRF(name->key));
        return ROW_FOREIGN;
    }
    if (!is_readable(row))
        return ROW_LARGE;
    if (is_own(row)) {
        ram_row_json(row, texts);
        return ROW_THERE;
    }
    rows_foreign(texts, name);
    return ROW_FOREIGN;
}

static void read_rows(struct store *store, const struct row_request *request, store_read_fn *done,
                      void *arg)
{
    struct ram_store *ram = of(store);
    const struct ram_task *task = task_find(ram, request->view, request->partition);
    struct answer *answer = answer_add(ram, arg);
    answer->read = done;
    if (task)
        answer->state.position = task->state.position;
    answer->rows = must_calloc(request->count + 1, sizeof *answer->rows);
    size_t *ends = must_calloc(request->count + 1, sizeof *ends);
    for (size_t i = 0; i < request->count; i++) {
        const struct row_name *name = &request->rows[i];
        answer->rows[i].state =
            read_row(ram_rows_find(&ram->rows, name->key), name, &answer->texts);
        ends[i] = answer->texts.len;
    }
    const char *at = buf_text(&answer->texts);
    for (size_t i = 0, start = 0; i < request->count; start = ends[i++])
        answer->rows[i].text = (struct str){at + start, ends[i] - start};
    free(ends);
}

static void answer_give(struct answer *answer)
{
    if (answer->loaded)
        answer->loaded(answer->arg, STORE_OK, &answer->state, NULL);
    else if (answer->read)
        answer->read(answer->arg, STORE_OK, answer->rows, &answer->state.position, NULL);
    else
        answer->committed(answer->arg, &answer->result);
    task_state_release(&answer->state);
    free(answer->rows);
    buf_release(&answer->texts);
}

/* Only those that wait now: their callbacks may ask for more. */
size_t ram_store_turn(struct store *store)
{
    struct ram_store *ram = of(store);
    struct answer *answers = ram->answers;
    size_t count = ram->answer_count;
    ram->answers = NULL;
    ram->answer_count = ram->answer_cap = 0;
    for (size_t i = 0; i < count; i++)
        answer_give(&answers[i]);
    free(answers);
    return count;
}

static void task_release(struct ram_task *task)
{
    for (size_t i = 0; i < task->parked_count; i++)
        parked_release(&task->parked[i].event);
    free(task->parked);
    free(task->view);
    free(task->partition);
    task_state_release(&task->state);
}

static void ram_free(struct store *store)
{
    struct ram_store *ram = of(store);
    while (ram_store_turn(store))
        ;
    for (size_t i = 0; i < ram->task_count; i++)
        task_release(&ram->tasks[i]);
    free(ram->tasks);
    ram_rows_release(&ram->rows);
    ram_rows_release(&ram->stamps);
    free(ram->answers);
    free(ram);
}

struct store *ram_store_new(void)
{
    static const struct store_ops ops = {
        .load = load, .commit = commit, .read = read_rows, .free = ram_free};
    struct ram_store *ram = must_calloc(1, sizeof(*ram));
    ram->store.ops = &ops;
    return &ram->store;
}

bool ram_store_row(struct store *store, struct str key, struct buf *json)
{
    const struct ram_row *row = ram_rows_find(&of(store)->rows, key);
    if (!row || row->cells.count == 0)
        return false;
    ram_row_json(row, json);
    return true;
}

static int by_key(const void *a, const void *b)
{
    const struct ram_row *const *x = a, *const *y = b;
    return str_cmp((*x)->key, (*y)->key);
}

void ram_store_each_row(struct store *store,
                        void (*row)(void *arg, struct str key, struct str json,
                                    int64_t expire_at_ms),
                        void *arg)
{
    const struct ram_rows *rows = &of(store)->rows;
    struct ram_row **sorted = must_calloc(rows->count + 1, sizeof(*sorted));
    for (size_t i = 0; i < rows->count; i++)
        sorted[i] = rows->at[i];
    qsort(sorted, rows->count, sizeof(*sorted), by_key);
    struct buf json = {0};
    for (size_t i = 0; i < rows->count; i++) {
        if (sorted[i]->cells.count == 0)
            continue;
        buf_clear(&json);
        ram_row_json(sorted[i], &json);
        row(arg, sorted[i]->key, buf_str(&json), sorted[i]->expire_at_ms);
    }
    buf_release(&json);
    free(sorted);
}

static int by_task(const void *a, const void *b)
{
    const struct ram_task *const *x = a, *const *y = b;
    int order = strcmp((*x)->view, (*y)->view);
    return order ? order : strcmp((*x)->partition, (*y)->partition);
}

void ram_store_each_parked(struct store *store,
                           void (*parked)(void *arg, const char *view, const char *partition,
                                          const struct parked_event *event),
                           void *arg)
{
    struct ram_store *ram = of(store);
    struct ram_task **sorted = must_calloc(ram->task_count + 1, sizeof(*sorted));
    for (size_t i = 0; i < ram->task_count; i++)
        sorted[i] = &ram->tasks[i];
    qsort(sorted, ram->task_count, sizeof(*sorted), by_task);
    for (size_t i = 0; i < ram->task_count; i++)
        for (size_t j = 0; j < sorted[i]->parked_count; j++)
            parked(arg, sorted[i]->view, sorted[i]->partition, &sorted[i]->parked[j].event);
    free(sorted);
}

void ram_store_plant(struct store *store, struct str key, enum structure structure,
                     struct str value)
{
    struct ram_rows *rows = &of(store)->rows;
    struct ram_row *row = ram_rows_get(rows, key);
    ram_row_wipe(&rows->journal, row);
    row->structure = (uint8_t)structure;
    switch (structure) {
    case STRUCTURE_HASH:
        ram_row_put(&rows->journal, row, STR("x"), value, 0);
        break;
    case STRUCTURE_ZSET:
        ram_row_put(&rows->journal, row, STR("x"), (struct str){0}, strtod(value.at, NULL));
        break;
    case STRUCTURE_SET:
    case STRUCTURE_HLL:
        ram_row_put(&rows->journal, row, value, (struct str){0}, 0);
        break;
    case STRUCTURE_LIST:
        ram_row_push(&rows->journal, row, value);
        break;
    case STRUCTURE_COUNTER:
    case STRUCTURE_JSON:
    case STRUCTURE_COUNT:
        ram_row_put(&rows->journal, row, STR(""), value, 0);
        break;
    }
    ram_journal_forget(&rows->journal);
}
