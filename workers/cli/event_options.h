/*
 * event_options.h: the flags that say of an event what a line does not; `publish` and `try` share
 * them.
 */
#ifndef FANFOLD_CLI_EVENT_OPTIONS_H
#define FANFOLD_CLI_EVENT_OPTIONS_H

#include "cli/options.h"
#include <fanfold/cloudevent.h>

#define EVENT_OPTION_TYPE                                                           \
    {                                                                               \
        't', "type", "TYPE", "type of the events whose line does not say one", NULL \
    }
#define EVENT_OPTION_SUBJECT                                                          \
    {                                                                                 \
        's', "subject", "SUBJECT", "subject, likewise: what the event is about", NULL \
    }
#define EVENT_OPTION_SOURCE                                                          \
    {                                                                                \
        0, "source", "SOURCE", "source, likewise; without it /fanfold/publish", NULL \
    }
#define EVENT_OPTION_TIME                                                            \
    {                                                                                \
        0, "time", "TIME", "time, likewise: RFC 3339, as 2026-01-31T09:05:07Z", NULL \
    }
#define EVENT_OPTION_CORRELATION_ID                                 \
    {                                                               \
        0, "correlation-id", "ID", "correlation id, likewise", NULL \
    }
#define EVENT_OPTION_HEADER                                                         \
    {                                                                               \
        'H', "header", "NAME=VALUE", "an extension of the events; repeatable", NULL \
    }

/* The headers are must_alloc'd: free((void *)defaults->headers). */
bool event_options_read(const struct options *options, struct publish_defaults *defaults,
                        struct error *error);

#endif
