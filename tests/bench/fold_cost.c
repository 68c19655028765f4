/*
 * fold_cost.c: what an event costs a worker without servers: decode, the window of duplicates, fold
 * into all views, and the commit's request, in batches as large as the worker's get.
 *
 *     fold_cost WORKLOAD STAGE [EVENTS [ROUNDS]]
 *
 * WORKLOAD: sums or shop (workload.h). STAGE: decode, window, fold, encode, or all of them. Prints
 * a line of JSON, with the median of the rounds in microseconds an event (meter.h). Under callgrind
 * with --instr-atstart=no --collect-atstart=no exactly the stage is counted (instructions.py).
 */
#include "bench/meter.h"
#include "bench/workload.h"
#include "store/commit_request.h"
#include "worker/batcher.h"
#include <stdio.h>
#include <stdlib.h>

#define PARTITION  "shop.events.log.0"
#define WINDOW_MAX 65536 /* the default of `dedupe_window` */
#define ROUNDS_MAX 101

#ifdef __clang__
#define COMPILER __VERSION__ /* says its name */
#else
#define COMPILER "gcc " __VERSION__
#endif

static const char *const stage_names[STAGE_COUNT] = {"all", "decode", "window", "fold", "encode"};

/* What a view's task has. */
struct lane {
    struct batcher batcher;
    struct batch batch;
    struct commit_request request;
};

struct bench {
    struct workload workload;
    struct meter meter;
    struct arena arena;
    struct window *window;
    struct lane lanes[WORKLOAD_VIEWS_MAX];
    size_t folded, batches, bytes; /* of a round */
};

static void encode(struct bench *bench, struct lane *lane)
{
    static const char sha[] = "0123456789abcdef0123456789abcdef01234567";
    meter_on(&bench->meter, STAGE_ENCODE);
    batcher_close(&lane->batcher, &lane->batch);
    free(commit_request_build(&lane->request, &lane->batch, sha));
    batcher_open(&lane->batcher, &lane->batch);
    meter_off(&bench->meter, STAGE_ENCODE);
    bench->batches++;
    bench->bytes += lane->request.resp.len;
}

static void decode(struct bench *bench, const struct message *message, struct cloudevent *event)
{
    static const struct read_rules read;
    static const struct upcast_rules upcast;
    static const struct decoder decoder = {
        .partition = PARTITION, .read = &read, .upcast = &upcast};
    struct error error;
    meter_on(&bench->meter, STAGE_DECODE);
    arena_clear(&bench->arena);
    bool ok = cloudevent_decode(&decoder, message, &bench->arena, event, &error);
    meter_off(&bench->meter, STAGE_DECODE);
    if (!ok) {
        fprintf(stderr, "offset %llu: %s\n", (unsigned long long)message->offset, error.text);
        exit(1);
    }
}

static enum window_answer see(struct bench *bench, uint64_t offset, const struct cloudevent *event)
{
    meter_on(&bench->meter, STAGE_WINDOW);
    enum window_answer answer =
        window_see(bench->window, offset, cloudevent_key(event), cloudevent_content(event));
    meter_off(&bench->meter, STAGE_WINDOW);
    return answer;
}

static void fold(struct bench *bench, const struct delivery *delivery)
{
    struct error error;
    meter_on(&bench->meter, STAGE_FOLD);
    for (size_t i = 0; i < bench->workload.view_count; i++)
        batcher_fold(&bench->lanes[i].batcher, delivery, &bench->lanes[i].batch, &error);
    meter_off(&bench->meter, STAGE_FOLD);
    for (size_t i = 0; i < bench->workload.view_count; i++)
        if (batch_is_full(&bench->lanes[i].batch))
            encode(bench, &bench->lanes[i]);
}

static void run_event(struct bench *bench, const struct message *message)
{
    struct cloudevent event;
    decode(bench, message, &event);
    struct delivery delivery = {.offset = message->offset,
                                .duplicate = see(bench, message->offset, &event),
                                .event = &event,
                                .body = message->body};
    fold(bench, &delivery);
}

/* The window holds a quarter of the events at most: most of them meet a full one, as for a worker
 * that has run for some time. */
static void begin_round(struct bench *bench)
{
    size_t width = bench->workload.count / 4;
    bench->window = window_new(width < WINDOW_MAX ? width : WINDOW_MAX);
    bench->folded = bench->batches = bench->bytes = 0;
    bench->meter.ns = 0;
    for (size_t i = 0; i < bench->workload.view_count; i++) {
        struct lane *lane = &bench->lanes[i];
        batcher_init(&lane->batcher, bench->workload.views[i], PARTITION, "1.9f86d081884c7d65");
        batcher_open(&lane->batcher, &lane->batch);
    }
}

/* Every event was folded or ignored by every view, or what was measured is not what was meant. */
static void end_round(struct bench *bench)
{
    for (size_t i = 0; i < bench->workload.view_count; i++) {
        struct lane *lane = &bench->lanes[i];
        const struct tally *tally = &lane->batcher.tally;
        bench->folded += tally->folded;
        if (tally->folded + tally->ignored != bench->workload.count) {
            fprintf(stderr, "%s: not all events were folded\n", view_name(lane->batcher.view));
            exit(1);
        }
        batcher_release(&lane->batcher);
    }
    window_free(bench->window);
}

static double run_round(struct bench *bench)
{
    begin_round(bench);
    CALLGRIND_START_INSTRUMENTATION;
    meter_on(&bench->meter, STAGE_ALL);
    for (size_t i = 0; i < bench->workload.count; i++)
        run_event(bench, bench->workload.messages[i]);
    for (size_t i = 0; i < bench->workload.view_count; i++)
        encode(bench, &bench->lanes[i]);
    meter_off(&bench->meter, STAGE_ALL);
    CALLGRIND_STOP_INSTRUMENTATION;
    end_round(bench);
    return (double)bench->meter.ns / 1000 / (double)bench->workload.count;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, by_size);
    return values[count / 2];
}

static void release(struct bench *bench)
{
    for (size_t i = 0; i < bench->workload.view_count; i++) {
        batch_release(&bench->lanes[i].batch);
        commit_request_release(&bench->lanes[i].request);
    }
    workload_release(&bench->workload);
    arena_release(&bench->arena);
}

static enum stage stage_of(const char *name)
{
    enum stage stage = STAGE_ALL;
    while (stage < STAGE_COUNT && strcmp(name, stage_names[stage]) != 0)
        stage++;
    return stage;
}

int main(int argc, char **argv)
{
    size_t events = argc > 3 ? strtoull(argv[3], NULL, 10) : 200000;
    size_t rounds = argc > 4 ? strtoull(argv[4], NULL, 10) : 7;
    double us[ROUNDS_MAX];
    struct bench bench = {.meter.stage = argc > 2 ? stage_of(argv[2]) : STAGE_COUNT};
    if (argc > 5 || bench.meter.stage == STAGE_COUNT || !events || !rounds || rounds > ROUNDS_MAX ||
        !workload_make(&bench.workload, argv[1], events)) {
        fprintf(stderr,
                "usage: fold_cost sums|shop all|decode|window|fold|encode [EVENTS [ROUNDS]]\n");
        return 2;
    }
    for (size_t i = 0; i < rounds; i++)
        us[i] = run_round(&bench);
    printf("{\"workload\": \"%s\", \"stage\": \"%s\", \"compiler\": \"%s\", \"callgrind\": %d, "
           "\"events\": %zu, \"body_bytes\": %zu, \"folded\": %zu, \"batches\": %zu, "
           "\"request_bytes\": %zu, \"us_per_event\": %.4f}\n",
           argv[1], argv[2], COMPILER, METER_CALLGRIND && RUNNING_ON_VALGRIND, events,
           bench.workload.body_bytes / events, bench.folded, bench.batches, bench.bytes,
           median(us, rounds));
    release(&bench);
    return 0;
}
