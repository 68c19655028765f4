/*
 * sim_store.c: see sim_store.h.
 */
#include "sim_store.h"
#include "base/error.h"
#include <assert.h>
#include <fanfold/ram_store.h>
#include <stdio.h>
#include <stdlib.h>

struct sim_request {
    struct batch *batch; /* NULL: a load */
    enum naive_view view;
    store_commit_fn *committed;
    store_load_fn *loaded;
    store_read_fn *read;
    struct row_list names; /* of a read */
    struct row *rows;
    void *arg;
    unsigned due; /* server turn at which it arrives; then: at which its answer does */
    bool done;
    struct commit_result result;
    enum store_status status;
    struct task_state state;
};

static struct sim_link *link_of(struct store *store)
{
    return (struct sim_link *)store;
}

enum naive_view sim_view_of(const char *name)
{
    int view = 0;
    while (strcmp(name, naive_names[view]) != 0)
        view++;
    return (enum naive_view)view;
}

/* --- batches --------------------------------------------------------------------------- */

static struct str keep(struct batch *batch, struct str text)
{
    return str_is(text) ? arena_copy(&batch->changes.arena, text) : text;
}

/* Outlives the worker that made the batch. */
static struct batch *batch_copy(const struct batch *from)
{
    struct batch *copy = must_calloc(1, sizeof *copy);
    *copy = (struct batch){.view = naive_names[sim_view_of(from->view)],
                           .partition = SCRIPT_PARTITION,
                           .definition = from->definition ? "{}" : NULL,
                           .from = from->from,
                           .to = from->to,
                           .record = from->record,
                           .has_time = from->has_time,
                           .time_ms = from->time_ms,
                           .tally = from->tally};
    for (size_t i = 0; i < from->changes.count; i++) {
        const struct change *change = &from->changes.at[i];
        copy->changes.event = change->event;
        changes_add(&copy->changes, change->op, change->flags, change->structure,
                    keep(copy, change->key), keep(copy, change->field), keep(copy, change->value));
    }
    for (size_t i = 0; i < from->parked_count; i++) {
        struct parked_event *event = batch_park(copy);
        *event = from->parked[i];
        event->key = keep(copy, event->key);
        event->reason = keep(copy, event->reason);
        event->id = keep(copy, event->id);
        event->source = keep(copy, event->source);
        event->type = keep(copy, event->type);
        event->payload = keep(copy, event->payload);
    }
    return copy;
}

static void batch_free(struct batch *batch)
{
    if (!batch)
        return;
    batch_release(batch);
    free(batch);
}

/* --- server ---------------------------------------------------------------------------- */

struct sim_server *sim_server_new(void)
{
    struct sim_server *server = must_calloc(1, sizeof *server);
    server->ram = ram_store_new();
    return server;
}

void sim_server_free(struct sim_server *server)
{
    for (size_t i = 0; i < server->done_count; i++)
        batch_free(server->done[i]);
    for (size_t i = 0; i < server->late_count; i++)
        batch_free(server->late[i].batch);
    free(server->done);
    free(server->late);
    store_free(server->ram);
    free(server);
}

static void take_result(void *arg, const struct commit_result *result)
{
    *(struct commit_result *)arg = *result;
}

static void take_state(void *arg, enum store_status status, struct task_state *state,
                       const struct error *error)
{
    (void)error;
    assert(status == STORE_OK);
    struct task_state *taken = arg;
    *taken = *state;
    state->waiting = (struct map){0};
}

struct task_state sim_server_state(struct sim_server *server, enum naive_view view)
{
    struct task_state state = {0};
    store_load(server->ram, naive_names[view], SCRIPT_PARTITION, take_state, &state);
    ram_store_turn(server->ram);
    return state;
}

/* Takes the batch over. */
static struct commit_result carry_out(struct sim_server *server, struct batch *batch)
{
    struct commit_result result;
    store_commit(server->ram, batch, take_result, &result);
    ram_store_turn(server->ram);
    if (result.outcome != COMMIT_OK) {
        batch_free(batch);
        return result;
    }
    if (server->done_count == server->done_cap) {
        server->done_cap = server->done_cap ? server->done_cap * 2 : 64;
        server->done = must_realloc(server->done, server->done_cap * sizeof *server->done);
    }
    server->done[server->done_count++] = batch;
    server->committed(server->arg, batch);
    return result;
}

static void carry_out_late(struct sim_server *server, struct batch *batch, unsigned turns)
{
    if (server->late_count == server->late_cap) {
        server->late_cap = server->late_cap ? server->late_cap * 2 : 8;
        server->late = must_realloc(server->late, server->late_cap * sizeof *server->late);
    }
    server->late[server->late_count++] = (struct sim_late){batch, server->turn + turns};
}

void sim_server_turn(struct sim_server *server)
{
    server->turn++;
    size_t kept = 0;
    for (size_t i = 0; i < server->late_count; i++) {
        struct sim_late late = server->late[i];
        if (late.due > server->turn)
            server->late[kept++] = late;
        else if (carry_out(server, late.batch).outcome == COMMIT_OK)
            server->late_committed++;
        else
            server->late_harmless++;
    }
    server->late_count = kept;
}

size_t sim_server_roll_back(struct sim_server *server, size_t count)
{
    if (count > server->done_count)
        count = server->done_count;
    store_free(server->ram);
    server->ram = ram_store_new();
    for (size_t i = 0; i < count; i++)
        batch_free(server->done[--server->done_count]);
    for (size_t i = 0; i < server->done_count; i++) {
        struct commit_result result;
        store_commit(server->ram, server->done[i], take_result, &result);
        ram_store_turn(server->ram);
        assert(result.outcome == COMMIT_OK);
    }
    server->undone += count > 0;
    return count;
}

/* --- link ------------------------------------------------------------------------------ */

static struct sim_request *add(struct sim_link *link, void *arg)
{
    if (link->count == link->cap) {
        link->cap = link->cap ? link->cap * 2 : 8;
        link->queue = must_realloc(link->queue, link->cap * sizeof *link->queue);
    }
    struct sim_request *request = &link->queue[link->count++];
    *request = (struct sim_request){.arg = arg, .due = link->server->turn};
    request->done = !link->up;
    request->status = STORE_UNKNOWN;
    request->result.outcome = COMMIT_UNKNOWN;
    return request;
}

/* Which of both it is, the store does not keep apart. */
static bool is_partition(const char *partition)
{
    return strcmp(partition, SCRIPT_PARTITION) == 0 || strcmp(partition, SCRIPT_RECORDED) == 0;
}

static void load(struct store *store, const char *view, const char *partition, store_load_fn *done,
                 void *arg)
{
    assert(is_partition(partition));
    struct sim_request *request = add(link_of(store), arg);
    request->view = sim_view_of(view);
    request->loaded = done;
}

static void commit(struct store *store, const struct batch *batch, store_commit_fn *done, void *arg)
{
    struct sim_link *link = link_of(store);
    assert(!link->dead && is_partition(batch->partition));
    struct sim_request *request = add(link, arg);
    request->view = sim_view_of(batch->view);
    request->committed = done;
    if (!request->done)
        request->batch = batch_copy(batch);
}

static void read_rows(struct store *store, const struct row_request *asked, store_read_fn *done,
                      void *arg)
{
    struct sim_link *link = link_of(store);
    assert(!link->dead && is_partition(asked->partition));
    struct sim_request *request = add(link, arg);
    request->view = sim_view_of(asked->view);
    request->read = done;
    for (size_t i = 0; i < asked->count; i++)
        row_list_add(&request->names, &asked->rows[i]);
    assert(request->names.count == asked->count);
}

static bool answered(struct sim_link *link);

static void link_free(struct store *store)
{
    struct sim_link *link = link_of(store);
    sim_link_kill(link, SIM_LOST);
    while (answered(link))
        ;
    free(link->queue);
    free(link);
}

struct sim_link *sim_link_new(struct sim_server *server)
{
    static const struct store_ops ops = {
        .load = load, .commit = commit, .read = read_rows, .free = link_free};
    struct sim_link *link = must_calloc(1, sizeof *link);
    *link = (struct sim_link){.store = {&ops}, .server = server, .up = true, .patience = 6};
    return link;
}

static void take_rows(void *arg, enum store_status status, const struct row *rows,
                      const struct position *at, const struct error *error)
{
    struct sim_request *request = arg;
    (void)error;
    assert(status == STORE_OK);
    request->state.position = *at;
    request->rows = must_calloc(request->names.count, sizeof *request->rows);
    for (size_t i = 0; i < request->names.count; i++) {
        request->rows[i] = rows[i];
        request->rows[i].text.at = must_strndup(rows[i].text.at, rows[i].text.len);
    }
}

static void carry_out_read(struct sim_server *server, struct sim_request *request)
{
    const struct row_request asked = {.view = naive_names[request->view],
                                      .partition = SCRIPT_PARTITION,
                                      .rows = request->names.at,
                                      .count = request->names.count};
    store_read(server->ram, &asked, take_rows, request);
    ram_store_turn(server->ram);
}

static void arrive(struct sim_link *link, struct sim_request *request)
{
    struct batch *batch = request->batch;
    request->done = true;
    if (batch) {
        request->batch = NULL;
        request->state.position = batch->to; /* for note() */
        request->result = carry_out(link->server, batch);
    } else if (request->read) {
        carry_out_read(link->server, request);
        request->status = STORE_OK;
        link->server->reads++;
    } else {
        request->state = sim_server_state(link->server, request->view);
        request->status = STORE_OK;
    }
}

/* The connection dies with what is on it. */
static void drop(struct sim_link *link, enum sim_fate fate)
{
    for (size_t i = 0; i < link->count; i++) {
        struct sim_request *request = &link->queue[i];
        struct batch *batch = request->batch;
        request->batch = NULL;
        if (batch && fate == SIM_CARRIED_OUT)
            carry_out(link->server, batch);
        else if (batch && fate == SIM_LATE)
            carry_out_late(link->server, batch, link->patience);
        else
            batch_free(batch);
        task_state_release(&request->state);
        request->state = (struct task_state){0};
        request->done = true;
        request->due = link->server->turn;
        request->status = STORE_UNKNOWN;
        request->result = (struct commit_result){.outcome = COMMIT_UNKNOWN};
    }
}

void sim_link_cut(struct sim_link *link, enum sim_fate fate)
{
    drop(link, fate);
    link->up = false;
    link->up_at = link->server->turn + 2;
}

void sim_link_kill(struct sim_link *link, enum sim_fate fate)
{
    if (!link->dead)
        drop(link, fate);
    link->up = false;
    link->dead = true;
}

bool sim_link_reconnects(struct sim_link *link)
{
    if (link->up || link->dead || link->server->turn < link->up_at)
        return false;
    return link->up = true;
}

/* The fault that was asked for meets this request. True: the request goes its usual way. */
static bool hit(struct sim_link *link, struct sim_request *request)
{
    enum sim_fault fault = link->fault;
    bool lasts = fault == SIM_FAILED || fault == SIM_FROZEN;
    if (fault == SIM_NONE || (fault == SIM_FAILED_LOAD) != (request->batch == NULL) ||
        (lasts && request->view != NAIVE_LAST))
        return true;
    if (!lasts || --link->patience == 0)
        link->fault = SIM_NONE;
    link->felt[fault]++;
    switch (fault) {
    case SIM_LOST_REPLY:
        sim_link_cut(link, SIM_CARRIED_OUT);
        return false;
    case SIM_LOST_REQUEST:
        sim_link_cut(link, SIM_LOST);
        return false;
    case SIM_LATE_REQUEST:
        sim_link_cut(link, SIM_LATE);
        return false;
    case SIM_DOUBLE:
        carry_out_late(link->server, batch_copy(request->batch), link->patience);
        return true;
    case SIM_SLOW_REPLY:
        arrive(link, request);
        request->due = link->server->turn + link->patience;
        return false;
    case SIM_SLOW_REQUEST:
        request->due = link->server->turn + link->patience;
        return false;
    case SIM_FAILED:
    case SIM_FROZEN:
        batch_free(request->batch);
        request->batch = NULL;
        request->done = true;
        request->result.outcome = fault == SIM_FAILED ? COMMIT_FAILED : COMMIT_FROZEN;
        snprintf(request->result.reason, sizeof request->result.reason, "the script says so");
        return false;
    case SIM_FAILED_LOAD:
        request->done = true;
        request->status = STORE_FAILED;
        link->server->failed_loads++;
        return false;
    case SIM_NONE:
    case SIM_FAULTS:
        break;
    }
    return true;
}

bool sim_link_execute(struct sim_link *link)
{
    bool any = false;
    for (size_t i = 0; i < link->count; i++) {
        struct sim_request *request = &link->queue[i];
        if (request->done)
            continue;
        if (request->due > link->server->turn)
            break;
        any = true;
        if (hit(link, request))
            arrive(link, request);
    }
    return any;
}

static void note(struct sim_link *link, const struct sim_request *request)
{
    const struct position *at = &request->state.position;
    if (request->read)
        return;
    uint64_t *told = &link->told[request->view];
    if (request->loaded) {
        if (request->status == STORE_OK)
            *told = at->epoch[0] ? at->offset + 1 : 0;
        return;
    }
    enum commit_outcome outcome = request->result.outcome;
    link->server->answers[outcome]++;
    if ((outcome == COMMIT_OK || outcome == COMMIT_ALREADY) && at->offset >= *told)
        *told = at->offset + 1;
}

/* The oldest answer, if it is there. The callback may ask for more. */
static void read_release(struct sim_request *request)
{
    for (size_t i = 0; request->rows && i < request->names.count; i++)
        free((char *)request->rows[i].text.at);
    free(request->rows);
    row_list_release(&request->names);
}

static bool answered(struct sim_link *link)
{
    if (link->count == 0 || !link->queue[0].done || link->queue[0].due > link->server->turn)
        return false;
    struct sim_request request = link->queue[0];
    memmove(&link->queue[0], &link->queue[1], --link->count * sizeof link->queue[0]);
    note(link, &request);
    struct error error;
    error_set(&error, ERROR_UNAVAILABLE, "the script says so");
    if (request.read)
        request.read(request.arg, request.status, request.status == STORE_OK ? request.rows : NULL,
                     &request.state.position, &error);
    else if (request.loaded)
        request.loaded(request.arg, request.status,
                       request.status == STORE_OK ? &request.state : NULL, &error);
    else
        request.committed(request.arg, &request.result);
    task_state_release(&request.state);
    read_release(&request);
    return true;
}

/* Only those that are there now: their callbacks may ask for more. */
bool sim_link_answer(struct sim_link *link)
{
    size_t count = link->count;
    bool any = false;
    while (count-- > 0 && answered(link))
        any = true;
    return any;
}
