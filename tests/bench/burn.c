/*
 * burn.c: a fold that takes 50 µs of the processor for an event, as a costly one would. It looks at
 * its own processor time, so that what others take from the machine is not counted.
 */
#include <fanfold/fold.h>

#include <time.h>

#define BURN_NS 50000

static int64_t used_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static int fold(const void *context, struct fanfold_call *call, const struct fanfold_host *host)
{
    const char *key = host->format(call, "burn:%s", host->text(call, NULL, "/subject"));
    int64_t until = used_ns() + BURN_NS;
    (void)context;
    while (used_ns() < until)
        ;
    host->hash_add(call, key, "n", host->integer(call, NULL, "/data/n"));
    host->hash_add(call, key, "events", 1);
    return FANFOLD_DONE;
}

const struct fanfold_plugin fanfold_plugin = {FANFOLD_PLUGIN_HEAD, .name = "burn", .version = "1",
                                              .fold = fold};
