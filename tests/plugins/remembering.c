/*
 * remembering.c: a fold that breaks the one rule that nothing can enforce: it remembers an earlier
 * event. It counts no customer twice in a row, and so depends on the order of events though its
 * verbs do not.
 */
#include <fanfold/fold.h>

#include <string.h>

static char last[64];

static int fold(const void *context, struct fanfold_call *call, const struct fanfold_host *host)
{
    const char *subject = host->text(call, NULL, "/subject");
    (void)context;
    if (strcmp(last, subject) != 0)
        host->counter_add(call, "visits", 1);
    strncpy(last, subject, sizeof last - 1);
    return FANFOLD_DONE;
}

const struct fanfold_plugin fanfold_plugin = {FANFOLD_PLUGIN_HEAD, .name = "remembering",
                                              .version = "1", .fold = fold};
