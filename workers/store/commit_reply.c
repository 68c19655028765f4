/*
 * commit_reply.c: what commit.lua answered → what the worker is to do.
 */
#include "store/commit_request.h"
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>

static void set(struct commit_result *result, enum commit_outcome outcome, const char *before,
                const char *text)
{
    result->outcome = outcome;
    result->event = 0;
    struct error error;
    error_set(&error, ERROR_NO, "%s%s", before, text);
    error_fit(result->reason, sizeof(result->reason), error.text);
}

/* Errors that say "not now" or "not this connection": whether the script ran is to be asked anew.
 */
static bool is_passing(const char *text)
{
    static const char *const passing[] = {"NOSCRIPT", "LOADING",  "BUSY",  "MASTERDOWN",
                                          "NOAUTH",   "TRYAGAIN", "MOVED", "CLUSTERDOWN"};
    for (size_t i = 0; i < sizeof(passing) / sizeof(*passing); i++)
        if (strncmp(text, passing[i], strlen(passing[i])) == 0)
            return true;
    return false;
}

static const char *text_at(const redisReply *reply, size_t i)
{
    return i < reply->elements && reply->element[i]->str ? reply->element[i]->str : "";
}

/* Of the faults of all rows, the one whose change comes first in the batch: what a fold of the
 * events one by one would have met first. */
static void read_faults(const redisReply *reply, const struct wire_change *order, size_t count,
                        struct commit_result *result)
{
    const struct wire_change *first = NULL;
    for (size_t i = 1; i + 2 < reply->elements; i += 3) {
        const redisReply *place = reply->element[i], *foreign = reply->element[i + 1];
        if (place->type != REDIS_REPLY_INTEGER || foreign->type != REDIS_REPLY_INTEGER ||
            place->integer < 0 || (size_t)place->integer >= count)
            continue;
        const struct wire_change *at = &order[place->integer];
        if (first && first->change < at->change)
            continue;
        first = at;
        set(result, foreign->integer ? COMMIT_FOREIGN : COMMIT_REFUSED, "", text_at(reply, i + 2));
        result->event = at->event;
    }
    if (!first)
        set(result, COMMIT_UNKNOWN, "the commit script answered faults without a place", "");
}

static void frozen(struct commit_result *result, const char *limit)
{
    set(result, COMMIT_FROZEN, "the view is held for a switch or a comparison of generations", "");
    result->has_limit = limit[0];
    result->limit = strtoull(limit, NULL, 10);
}

static void read_answer(const redisReply *reply, const struct wire_change *order, size_t count,
                        struct commit_result *result)
{
    const char *word = text_at(reply, 0), *text = text_at(reply, 1);
    if (strcmp(word, "ok") == 0)
        set(result, COMMIT_OK, "", "");
    else if (strcmp(word, "already") == 0)
        set(result, COMMIT_ALREADY, "", "");
    else if (strcmp(word, "frozen") == 0)
        frozen(result, text);
    else if (strcmp(word, "building") == 0)
        set(result, COMMIT_FROZEN,
            "a rebuild of the view is under way, and may have folded the event: drop it when that "
            "is over, or has been cancelled; it builds generation ",
            text);
    else if (strcmp(word, "conflict") == 0)
        set(result, COMMIT_CONFLICT, text[0] ? "the stored position is " : "no position is stored",
            text);
    else if (strcmp(word, "stale") == 0)
        set(result, COMMIT_STALE, text, " has changed");
    else if (strcmp(word, "failed") == 0)
        set(result, is_passing(text) ? COMMIT_UNKNOWN : COMMIT_FAILED, "", text);
    else if (strcmp(word, "foreign") == 0)
        set(result, COMMIT_FOREIGN, "", text);
    else if (strcmp(word, "torn") == 0)
        set(result, COMMIT_FOREIGN,
            "Redis refused a command in the middle of a commit, so rows are behind the position, "
            "and "
            "the view must be folded again from the beginning. It said: ",
            text);
    else if (strcmp(word, "faults") == 0)
        read_faults(reply, order, count, result);
    else
        set(result, COMMIT_UNKNOWN, "the commit script answered what it cannot answer: ", word);
}

void commit_reply_read(const redisReply *reply, const struct wire_change *order, size_t count,
                       struct commit_result *result)
{
    if (!reply)
        set(result, COMMIT_UNKNOWN, "no connection to Redis, or it was lost before the answer", "");
    else if (reply->type == REDIS_REPLY_ERROR)
        set(result, is_passing(reply->str) ? COMMIT_UNKNOWN : COMMIT_FAILED, "", reply->str);
    else if (reply->type == REDIS_REPLY_ARRAY && reply->elements > 0)
        read_answer(reply, order, count, result);
    else
        set(result, COMMIT_UNKNOWN, "the commit script answered nothing", "");
}
