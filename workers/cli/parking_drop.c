/*
 * parking_drop.c: fanfold parked drop. Each step names what is parked at that moment; when somebody
 * else was faster, the parked set is read again.
 */
#include "base/clock.h"
#include "cli/parking.h"
#include "cli/say.h"
#include "cli/terminal.h"
#include "cli/unparking.h"

#include <event2/event.h>
#include <stdlib.h>

#define STEP_EVENTS_MAX 1000

struct drop {
    const struct parking *parking;
    const char *partition;
    struct redis_reader *reader;
    struct event_base *base;
    struct unparking *unparking;
    struct parked_list list;
    struct task_state state;
    struct unpark step;
    bool unsure; /* the answer to the step was lost */
    uint64_t *dropped, *waiting;
    struct buf *json;
};

static bool is_picked(const struct parking *parking, const struct parked_event *event)
{
    return parking_is_meant(parking, event) &&
           (!event->waits || parking->waiting || parking->has_offset);
}

static void report(const struct drop *drop, const struct parked_event *event)
{
    ++*drop->dropped;
    if (drop->parking->json) {
        if (drop->json->len)
            buf_add_byte(drop->json, ',');
        parking_json(drop->json, drop->partition, event);
        buf_add_byte(drop->json, '}');
        return;
    }
    printf("%s offset %llu", drop->partition, (unsigned long long)event->offset);
    fputs(drop->parking->dry_run ? " would be dropped: " : " dropped: ", stdout);
    terminal_print(stdout, str_is(event->id) ? event->id : STR("(no id)"), 0, 0);
    fputs(", ", stdout);
    terminal_print(stdout, event->reason, 0, 0);
    putchar('\n');
}

static void add(struct drop *drop, const struct parked_event *event)
{
    struct buf record = {0};
    dropped_record(&record, event, drop->parking->reason, clock_wall_ms());
    uint32_t index = unpark_add(&drop->step, UNPARK_DROPPED, event);
    drop->step.entries[index].record = arena_copy(&drop->step.changes.arena, buf_str(&record));
    buf_release(&record);
}

static void pick(struct drop *drop)
{
    const struct parking *parking = drop->parking;
    unpark_clear(&drop->step);
    for (size_t i = 0; i < drop->list.count && drop->step.count < STEP_EVENTS_MAX &&
                       *drop->dropped + drop->step.count < parking->limit;
         i++)
        if (is_picked(parking, &drop->list.at[i]))
            add(drop, &drop->list.at[i]);
}

static bool load(struct drop *drop, struct error *error)
{
    const char *view = view_name(drop->parking->view);
    struct parked_list list;
    struct task_state state = {0};
    if (!redis_reader_task(drop->reader, view, drop->partition, &state, error) ||
        !redis_reader_parked(drop->reader, view, drop->partition, &list, error))
        return false;
    for (size_t i = 0; drop->unsure && i < drop->step.count; i++)
        if (!parked_list_find(&list, drop->step.entries[i].offset))
            report(drop, parked_list_find(&drop->list, drop->step.entries[i].offset));
    drop->unsure = false;
    parked_list_release(&drop->list);
    drop->list = list;
    drop->state = state;
    return true;
}

static bool commit(struct drop *drop, struct error *error)
{
    struct commit_result result;
    drop->step.view = view_name(drop->parking->view);
    drop->step.partition = drop->partition;
    drop->step.epoch = drop->state.position.epoch;
    if (!drop->unparking)
        drop->unparking = unparking_open(drop->base, &drop->parking->config.redis, error);
    if (!drop->unparking)
        return false;
    unparking_commit(drop->unparking, &drop->step, &result);
    switch (result.outcome) {
    case COMMIT_OK:
        for (size_t i = 0; i < drop->step.count; i++)
            report(drop, parked_list_find(&drop->list, drop->step.entries[i].offset));
        return true;
    case COMMIT_CONFLICT:
        return true;
    case COMMIT_UNKNOWN:
        drop->unsure = true;
        if (!unparking_wait(drop->unparking, error))
            return false;
        redis_reader_close(drop->reader);
        drop->reader = redis_reader_open(&drop->parking->config.redis, error);
        return drop->reader;
    default:
        return unparking_fault(&result, error);
    }
}

/* Those that are left under the keys that are meant, or that the dry run leaves. */
static void count_waiting(const struct drop *drop, struct str key)
{
    for (size_t i = 0; str_is(key) && i < drop->list.count; i++) {
        const struct parked_event *event = &drop->list.at[i];
        bool goes = drop->parking->dry_run && is_picked(drop->parking, event);
        *drop->waiting += event->waits && !goes && str_is(event->key) && str_eq(event->key, key);
    }
}

static bool drop_all(struct drop *drop, struct arena *arena, struct error *error)
{
    struct str key = drop->parking->key;
    for (;;) {
        if (!load(drop, error))
            return false;
        pick(drop);
        if (drop->parking->has_offset && drop->step.count && str_is(drop->step.entries[0].key))
            key = arena_copy(arena, drop->step.entries[0].key);
        if (drop->step.count == 0)
            break;
        if (drop->parking->dry_run) {
            for (size_t i = 0; i < drop->step.count; i++)
                report(drop, parked_list_find(&drop->list, drop->step.entries[i].offset));
            break;
        }
        if (!commit(drop, error))
            return false;
    }
    count_waiting(drop, key);
    return true;
}

static bool drop_task(struct drop *drop, struct error *error)
{
    struct arena arena = {0};
    drop->base = event_base_new();
    drop->reader = redis_reader_open(&drop->parking->config.redis, error);
    bool good = drop->reader && drop_all(drop, &arena, error);
    arena_release(&arena);
    unparking_close(drop->unparking);
    redis_reader_close(drop->reader);
    parked_list_release(&drop->list);
    unpark_release(&drop->step);
    event_base_free(drop->base);
    return good;
}

static void summary(const struct parking *parking, uint64_t dropped, uint64_t waiting,
                    struct buf *json)
{
    const char *view = view_name(parking->view);
    if (parking->json) {
        printf("{\"view\":\"%s\",\"dry_run\":%s,\"dropped\":[%s],\"waiting\":%llu}\n", view,
               parking->dry_run ? "true" : "false", buf_text(json), (unsigned long long)waiting);
        return;
    }
    fflush(stdout);
    if (!dropped)
        say("view %s: no such failing event is parked", view);
    else if (parking->dry_run)
        say("nothing was changed; %llu would be dropped", (unsigned long long)dropped);
    else
        say("dropped %llu", (unsigned long long)dropped);
    if (dropped && waiting)
        say("%llu that wait%s behind stay%s parked until `fanfold parked retry %s`",
            (unsigned long long)waiting, waiting == 1 ? "s" : "", waiting == 1 ? "s" : "", view);
}

/* The partitions of one log have the offsets of its intake. */
static bool has_several_logs(const struct parking *parking)
{
    for (size_t i = 1; i < parking->task_count; i++)
        if (parking->tasks[i].log != parking->tasks[0].log)
            return true;
    return false;
}

int parking_drop(const struct parking *parking)
{
    uint64_t dropped = 0, waiting = 0;
    struct buf json = {0};
    struct error error;
    bool good = true;
    if (parking->has_offset && has_several_logs(parking)) {
        error_set(&error, ERROR_USAGE,
                  "view %s has several logs; say with --partition which one --offset is of",
                  view_name(parking->view));
        return say_usage("parked", &error);
    }
    for (size_t i = 0; good && i < parking->task_count; i++) {
        struct drop drop = {.parking = parking,
                            .partition = parking->tasks[i].partition,
                            .dropped = &dropped,
                            .waiting = &waiting,
                            .json = &json};
        good = drop_task(&drop, &error);
    }
    if (good)
        summary(parking, dropped, waiting, &json);
    else if (dropped)
        say("dropped %llu, then stopped", (unsigned long long)dropped);
    buf_release(&json);
    if (!good)
        return say_error(&error);
    return dropped ? 0 : ERROR_NO;
}
