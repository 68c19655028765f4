/*
 * trouble.h: the kinds of reasons for which a task stands still, and the way out of each, as
 * `fanfold status` shows it. What happened, with offsets and keys, stands in the task's reason.
 */
#ifndef FANFOLD_WORKER_TROUBLE_H
#define FANFOLD_WORKER_TROUBLE_H

#include "base/error.h"

enum trouble {
    TROUBLE_NONE,
    /* stops: a person must look */
    TROUBLE_LOG_ENDS,  /* the log ends before the position */
    TROUBLE_LOG_OTHER, /* its events are not those that the view was folded from */
    TROUBLE_RETENTION, /* events are gone that are still needed */
    TROUBLE_BEGINNING, /* no position, and the log does not begin at 0 */
    TROUBLE_FOREIGN,   /* a row holds what the view cannot have made */
    TROUBLE_FAILING,   /* half of the recent events cannot be folded */
    TROUBLE_EVENT,     /* one cannot, and the view says "on_error": "stop" */
    TROUBLE_POLICY,    /* Redis may evict; ends by itself when it may not any more */
    TROUBLE_STRICT,    /* a rebuild met an event that cannot be folded */
    /* back-offs: the task tries again by itself */
    TROUBLE_REDIS,      /* no connection, or no answer */
    TROUBLE_PERMISSION, /* Redis refuses a command or a key */
    TROUBLE_MEMORY,     /* Redis is full */
    TROUBLE_REPLICA,    /* Redis is read-only */
    TROUBLE_DISK,       /* Redis cannot save what it holds */
    TROUBLE_REFUSED,    /* Redis says something else than what was asked for */
    TROUBLE_CONFLICT,   /* somebody else commits */
    TROUBLE_BROKER,     /* no connection, or it was lost */
    TROUBLE_LOGIN,      /* RabbitMQ refuses the login, or a permission */
    TROUBLE_LOG_MISSING,
    /* nobody runs the task */
    TROUBLE_NO_WORKER,
    TROUBLE_NOT_TAKEN, /* yet */
    TROUBLE_NOT_SERVED,
    TROUBLE_DEFINITION, /* the workers' files have another than the one in force */
    TROUBLE_COUNT,
};

/* One word, for programs: "log_ends". */
const char *trouble_name(enum trouble trouble);
/* "" for TROUBLE_NONE. */
const char *trouble_way_out(enum trouble trouble);

/* By the error code in what Redis said. */
enum trouble trouble_of_redis(const char *text);
/* Why the log cannot be read. */
enum trouble trouble_of_log(enum error_kind kind);

#endif
