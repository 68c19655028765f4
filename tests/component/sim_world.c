/*
 * sim_world.c: see sim_world.h.
 */
#include "sim_world.h"
#include "base/error.h"
#include "sim_clock.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define TURN_MS      100
#define IDLE_MS      1000
#define ROUNDS_LIMIT 20000 /* to settle after the last fault: longer is a worker that hangs */

const char *const sim_kind_names[KINDS] = {
    [SIM_NONE] = "nothing",
    [SIM_LOST_REPLY] = "lost reply",
    [SIM_LOST_REQUEST] = "lost request",
    [SIM_LATE_REQUEST] = "late request of a lost connection",
    [SIM_DOUBLE] = "doubled request",
    [SIM_SLOW_REPLY] = "slow reply",
    [SIM_SLOW_REQUEST] = "slow request",
    [SIM_FAILED] = "commit refused by the server",
    [SIM_FROZEN] = "commit while frozen",
    [SIM_FAILED_LOAD] = "load refused by the server",
    [KIND_CRASH_CARRIED] = "crash, sent batches carried out",
    [KIND_CRASH_LOST] = "crash, sent batches lost",
    [KIND_CRASH_LATE] = "crash, sent batches carried out late",
    [KIND_DRAIN] = "drain and restart",
    [KIND_CUT_REDIS] = "connection to Redis cut",
    [KIND_ROLL_BACK] = "Redis goes back",
    [KIND_RESTART] = "Redis restarts and goes back",
    [KIND_CUT_LOG] = "connection to the broker cut",
    [KIND_NO_BROKER] = "broker away",
    [KIND_RIVAL] = "two workers on one task",
    [KIND_PAUSE] = "paused worker wakes up",
};

void sim_world_fail(struct sim_world *world, const char *format, ...)
{
    if (world->failure.len)
        return;
    char text[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    buf_printf(&world->failure, "step %u: %s", world->step, text);
}

/* --- truth ----------------------------------------------------------------------------- */

struct sim_truth *sim_truth_new(const struct script *script, const struct script_records *records)
{
    struct sim_truth *truth = must_calloc(1, sizeof *truth);
    truth->script = script;
    truth->records = records;
    for (int v = 0; v < NAIVE_VIEWS; v++)
        truth->pictures[v] = must_calloc(script->count + 1, sizeof *truth->pictures[v]);
    truth->fingerprints = must_calloc(script->count, sizeof *truth->fingerprints);
    return truth;
}

void sim_truth_free(struct sim_truth *truth)
{
    for (int v = 0; v < NAIVE_VIEWS; v++) {
        for (size_t i = 0; i <= truth->script->count; i++)
            free(truth->pictures[v][i]);
        free(truth->pictures[v]);
    }
    free(truth->fingerprints);
    free(truth);
}

static const char *picture(struct sim_truth *truth, enum naive_view view, size_t count)
{
    char **kept = &truth->pictures[view][count];
    if (!*kept) {
        struct buf text = {0};
        naive_picture(&text, view, truth->script, count);
        *kept = must_strdup(buf_text(&text));
        buf_release(&text);
    }
    return *kept;
}

/* The index of the event at that offset; count: there is none. */
static size_t event_at(const struct script *script, uint64_t offset)
{
    size_t low = 0, high = script->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (script->at[middle].offset < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low < script->count && script->at[low].offset == offset ? low : script->count;
}

/* The lines in which the two differ first. */
static void tell_difference(struct sim_world *world, enum naive_view view, const char *found,
                            const char *right)
{
    const char *a = found, *b = right;
    while (*a && *a == *b)
        a++, b++;
    while (a > found && a[-1] != '\n')
        a--, b--;
    sim_world_fail(world, "%s: found \"%.*s\", right is \"%.*s\"", naive_names[view],
                   (int)(strcspn(a, "\n") < 600 ? strcspn(a, "\n") : 600), a,
                   (int)(strcspn(b, "\n") < 600 ? strcspn(b, "\n") : 600), b);
}

static void look(struct sim_world *world, enum naive_view view)
{
    const struct script *script = world->truth->script;
    struct task_state state = sim_server_state(world->server, view);
    size_t index = event_at(script, state.position.offset);
    if (index == script->count) {
        sim_world_fail(world, "%s stands at offset %llu, where no event is", naive_names[view],
                       (unsigned long long)state.position.offset);
    } else {
        struct buf found = {0};
        store_picture(&found, world->server->ram, view, &state);
        const char *right = picture(world->truth, view, index + 1);
        if (strcmp(buf_text(&found), right) != 0)
            tell_difference(world, view, buf_text(&found), right);
        buf_release(&found);
    }
    task_state_release(&state);
}

/* --- what is looked at all the while --------------------------------------------------- */

static void on_committed(void *arg, const struct batch *batch)
{
    struct sim_world *world = arg;
    size_t index = event_at(world->truth->script, batch->to.offset);
    if (index < world->truth->script->count) {
        uint64_t *known = &world->truth->fingerprints[index];
        if (*known && *known != batch->to.fingerprint)
            sim_world_fail(world, "another fingerprint than before at offset %llu",
                           (unsigned long long)batch->to.offset);
        *known = batch->to.fingerprint;
    }
    if ((batch->to.park_revision > batch->from.park_revision) != (batch->parked_count > 0))
        sim_world_fail(world, "%zu events parked, but the park revision goes from %llu to %llu",
                       batch->parked_count, (unsigned long long)batch->from.park_revision,
                       (unsigned long long)batch->to.park_revision);
    if (++world->commits % world->look_every == 0)
        look(world, sim_view_of(batch->view));
}

static void on_acknowledged(void *arg, void *worker_arg, void *feed, uint64_t offset)
{
    struct sim_world *world = arg;
    const struct sim_worker *worker = worker_arg;
    for (int v = 0; v < NAIVE_VIEWS; v++)
        if (worker->tasks[v]->feed == feed && worker->link->told[v] < offset + 1)
            sim_world_fail(world, "offset %llu is acknowledged, but not committed in %s",
                           (unsigned long long)offset, naive_names[v]);
}

/* --- workers --------------------------------------------------------------------------- */

static struct sim_worker *worker_new(struct sim_world *world)
{
    return sim_worker_new(world->views, world->server, &world->log, world->budget);
}

static void worker_free(struct sim_world *world, int w, enum sim_fate fate)
{
    struct sim_worker *worker = world->workers[w];
    if (!worker)
        return;
    for (int fault = 0; fault < SIM_FAULTS; fault++)
        world->felt[fault] += worker->link->felt[fault];
    world->moved += worker->moved;
    sim_worker_crash(worker, fate);
    world->workers[w] = NULL;
}

/* The first one has a successor; a rival has none. */
static void replace(struct sim_world *world, int w)
{
    if (w == 0)
        world->workers[w] = worker_new(world);
}

struct sim_world *sim_world_new(struct sim_truth *truth, struct sim_views *views, uint64_t seed)
{
    struct sim_world *world = must_calloc(1, sizeof *world);
    *world = (struct sim_world){.truth = truth,
                                .views = views,
                                .log = {.script = truth->script,
                                        .records = truth->records,
                                        .visible = truth->script->count,
                                        .acknowledged = on_acknowledged,
                                        .arg = world},
                                .server = sim_server_new(),
                                .burst = 1,
                                .rival_burst = 2,
                                .budget = 1024 * 1024,
                                .look_every = 1};
    world->server->committed = on_committed;
    world->server->arg = world;
    sim_clock_reset(seed);
    world->workers[0] = worker_new(world);
    return world;
}

void sim_world_free(struct sim_world *world)
{
    for (int w = 0; w < SIM_WORKERS; w++)
        worker_free(world, w, SIM_LOST);
    sim_server_free(world->server);
    buf_release(&world->failure);
    free(world);
}

/* --- faults ---------------------------------------------------------------------------- */

/* delay > 1: its first commit takes as many turns to arrive, so that others overtake it. */
static void add_rival(struct sim_world *world, unsigned delay)
{
    for (int w = 0; w < SIM_WORKERS; w++) {
        if (world->workers[w])
            continue;
        world->workers[w] = worker_new(world);
        if (delay > 1)
            sim_world_strike(world, w, SIM_SLOW_REQUEST, delay);
        return;
    }
}

static void restart_redis(struct sim_world *world)
{
    for (int w = 0; w < SIM_WORKERS; w++)
        if (world->workers[w])
            sim_link_cut(world->workers[w]->link, SIM_LOST);
}

void sim_world_strike(struct sim_world *world, int w, int kind, unsigned amount)
{
    struct sim_worker *worker = world->workers[w];
    if (!worker)
        return;
    worker->link->patience = amount;
    if (kind < SIM_FAULTS) {
        worker->link->fault = (enum sim_fault)kind; /* counted when it meets a request */
        return;
    }
    bool felt = true;
    switch (kind) {
    case KIND_CRASH_CARRIED:
    case KIND_CRASH_LOST:
    case KIND_CRASH_LATE:
        worker_free(world, w,
                    kind == KIND_CRASH_CARRIED ? SIM_CARRIED_OUT
                    : kind == KIND_CRASH_LOST  ? SIM_LOST
                                               : SIM_LATE);
        replace(world, w);
        break;
    case KIND_DRAIN:
        sim_worker_drain(worker);
        break;
    case KIND_CUT_REDIS:
        sim_link_cut(worker->link, SIM_CARRIED_OUT);
        break;
    case KIND_ROLL_BACK:
        felt = sim_server_roll_back(world->server, amount) > 0;
        break;
    case KIND_RESTART:
        felt = sim_server_roll_back(world->server, amount) > 0;
        restart_redis(world);
        break;
    case KIND_NO_BROKER:
        world->log.refuses = amount;
        felt = script_log_cut(&world->log, worker);
        break;
    case KIND_CUT_LOG:
        felt = script_log_cut(&world->log, worker);
        break;
    case KIND_PAUSE:
        worker->paused_until = world->server->turn + amount;
        add_rival(world, 1);
        break;
    case KIND_RIVAL:
        add_rival(world, amount);
        break;
    }
    world->felt[kind] += felt;
}

/* --- time ------------------------------------------------------------------------------ */

static void next_step(struct sim_world *world)
{
    world->step++;
    if (world->plan.step == world->step)
        sim_world_strike(world, 0, world->plan.kind, world->plan.amount);
}

bool sim_world_is_spent(const struct sim_world *world)
{
    return world->step >= world->plan.step;
}

static void look_at_worker(struct sim_world *world, const struct sim_worker *worker)
{
    for (int v = 0; v < NAIVE_VIEWS; v++)
        if (worker->tasks[v]->status == TASK_STOPPED)
            sim_world_fail(world, "%s stopped: %s", naive_names[v], worker->tasks[v]->reason);
}

void sim_world_round(struct sim_world *world)
{
    bool any = false;
    for (int w = 0; w < SIM_WORKERS; w++) {
        if (!world->workers[w])
            continue;
        for (int step = 0; step < SIM_STEPS; step++) {
            next_step(world);
            any |= sim_worker_step(world->workers[w], (enum sim_step)step,
                                   w ? world->rival_burst : world->burst);
            look_at_worker(world, world->workers[w]);
        }
        if (world->workers[w]->draining && sim_worker_is_drained(world->workers[w])) {
            worker_free(world, w, SIM_LOST);
            replace(world, w);
        }
    }
    sim_server_turn(world->server);
    sim_clock_pass(any ? TURN_MS : IDLE_MS);
}

static bool stands_at(struct sim_world *world, enum naive_view view, uint64_t offset)
{
    struct task_state state = sim_server_state(world->server, view);
    bool there = state.position.epoch[0] && state.position.offset == offset;
    task_state_release(&state);
    return there;
}

bool sim_world_is_settled(const struct sim_world *world)
{
    uint64_t end = world->log.script->at[world->log.visible - 1].offset;
    if (world->server->late_count)
        return false;
    for (int w = 0; w < SIM_WORKERS; w++)
        if (world->workers[w] && (sim_worker_is_paused(world->workers[w]) ||
                                  world->workers[w]->link->fault != SIM_NONE ||
                                  !sim_worker_rests_at(world->workers[w], end)))
            return false;
    for (int v = 0; v < NAIVE_VIEWS; v++)
        if (!stands_at((struct sim_world *)world, (enum naive_view)v, end))
            return false;
    return true;
}

void sim_world_finish(struct sim_world *world)
{
    world->log.visible = world->log.script->count;
    world->plan.step = 0;
    for (int w = 0; w < SIM_WORKERS; w++)
        if (world->workers[w])
            world->workers[w]->link->fault = SIM_NONE;
    for (int i = 0; i < ROUNDS_LIMIT && !sim_world_is_settled(world); i++) {
        if (world->failure.len)
            return;
        sim_world_round(world);
    }
    if (!sim_world_is_settled(world))
        sim_world_fail(world,
                       "no end: after %d more turns the workers do not rest at the end of "
                       "the log",
                       ROUNDS_LIMIT);
    for (int v = 0; v < NAIVE_VIEWS; v++)
        look(world, (enum naive_view)v);
}
