/*
 * topology.c: declares what a log needs, and nothing else. What is there stays as it is.
 */
#include <fanfold/topology.h>

#include "base/partitions.h"
#include "log/amqp_link.h"
#include "log/stream_attach.h"

#include <stdlib.h>
#include <string.h>

/* Declaring a stream in a cluster waits for its replicas. */
#define DECLARE_MS 20000

/* Did the broker refuse for this reason? Then the channel is open again. */
static bool refused_for(struct amqp_link *link, int code, struct error *error)
{
    struct error reopening;
    return link->healthy && link->closed_by == code && error->kind == ERROR_CONFIG &&
           amqp_link_reopen(link, &reopening);
}

static bool declare_exchange(struct amqp_link *link, const char *name, const char *type,
                             bool passive, struct error *error)
{
    amqp_exchange_declare_t request = {
        .exchange = amqp_cstring_bytes(name),
        .type = amqp_cstring_bytes(type),
        .passive = passive,
        .durable = 1,
    };
    return amqp_link_rpc(link, AMQP_EXCHANGE_DECLARE_METHOD, &request,
                         AMQP_EXCHANGE_DECLARE_OK_METHOD, NULL, error);
}

static bool ensure_exchange(struct amqp_link *link, const char *name, bool *declared,
                            struct error *error)
{
    *declared = false;
    if (declare_exchange(link, name, "fanout", true, error))
        return true;
    if (!refused_for(link, AMQP_NOT_FOUND, error))
        return error_prefix(error, "exchange \"%s\"", name);
    if (!declare_exchange(link, name, "fanout", false, error))
        return error_prefix(error, "exchange \"%s\"", name);
    *declared = true;
    return true;
}

static bool look_for_queue(struct amqp_link *link, const char *name, struct error *error)
{
    amqp_queue_declare_t request = {.queue = amqp_cstring_bytes(name), .passive = 1};
    return amqp_link_rpc(link, AMQP_QUEUE_DECLARE_METHOD, &request, AMQP_QUEUE_DECLARE_OK_METHOD,
                         NULL, error);
}

static amqp_table_entry_t text_argument(const char *key, const char *text)
{
    amqp_table_entry_t entry = {.key = amqp_cstring_bytes(key)};
    entry.value.kind = AMQP_FIELD_KIND_UTF8;
    entry.value.value.bytes = amqp_cstring_bytes(text);
    return entry;
}

static bool declare_stream(struct amqp_link *link, const char *name, const char *max_age,
                           struct error *error)
{
    amqp_table_entry_t arguments[2] = {text_argument("x-queue-type", "stream")};
    int count = 1;
    if (max_age)
        arguments[count++] = text_argument("x-max-age", max_age);
    amqp_queue_declare_t request = {
        .queue = amqp_cstring_bytes(name),
        .durable = 1,
        .arguments = {count, arguments},
    };
    return amqp_link_rpc(link, AMQP_QUEUE_DECLARE_METHOD, &request, AMQP_QUEUE_DECLARE_OK_METHOD,
                         NULL, error);
}

/* The broker's words for a mismatch say what it has and what it was asked for. */
static bool say_mismatch(const char *name, struct error *error)
{
    char broker[sizeof error->text];
    memcpy(broker, error->text, sizeof broker);
    if (strstr(broker, "x-max-age"))
        return error_set(error, ERROR_CONFIG,
                         "the log \"%s\" exists with another max_age; give max_age in the "
                         "configuration the value that the log has (a log is never changed): %s",
                         name, broker);
    if (strstr(broker, "x-queue-type") || strstr(broker, "'durable'"))
        return error_set(error, ERROR_CONFIG,
                         "a queue \"%s\" exists that is not a stream; a log needs this name: "
                         "remove that queue if nothing uses it: %s",
                         name, broker);
    return error_set(error, ERROR_CONFIG,
                     "the log \"%s\" cannot be declared as the configuration says; it is never "
                     "changed or replaced: %s",
                     name, broker);
}

/* Declares also what is there: the broker then compares the arguments. */
static bool ensure_stream(struct amqp_link *link, const char *name, const char *max_age,
                          bool *declared, struct error *error)
{
    bool found = look_for_queue(link, name, error);
    if (!found && !refused_for(link, AMQP_NOT_FOUND, error))
        return error_prefix(error, "queue \"%s\"", name);
    if (declare_stream(link, name, max_age, error)) {
        *declared = !found;
        return true;
    }
    if (link->closed_by == AMQP_PRECONDITION_FAILED)
        return say_mismatch(name, error);
    return error_prefix(error, "queue \"%s\"", name);
}

static bool bind_queue(struct amqp_link *link, const char *queue, const char *exchange,
                       const char *key, struct error *error)
{
    amqp_queue_bind_t request = {
        .queue = amqp_cstring_bytes(queue),
        .exchange = amqp_cstring_bytes(exchange),
        .routing_key = amqp_cstring_bytes(key),
    };
    return amqp_link_rpc(link, AMQP_QUEUE_BIND_METHOD, &request, AMQP_QUEUE_BIND_OK_METHOD, NULL,
                         error) ||
           error_prefix(error, "binding \"%s\" to the exchange \"%s\"", queue, exchange);
}

/* The broker tells the type of an exchange only in the words by which it refuses to declare it as
 * another one. What it says otherwise (no permission, say) is no matter. False: no connection. */
static bool look_for_narrow(struct amqp_link *link, const struct log_config *log,
                            const char **narrow, struct error *error)
{
    struct error said;
    if ((log->bind && log->bind[0]) ||
        declare_exchange(link, log->exchange, "fanout", false, &said))
        return true;
    if (strstr(said.text, "current is 'topic'"))
        *narrow = "topic";
    else if (strstr(said.text, "current is 'direct'"))
        *narrow = "direct";
    return amqp_link_reopen(link, error);
}

/* The broker's words for a mismatch name the exchange or the queue. */
static bool declare_part_exchange(struct amqp_link *link, const char *name, struct error *error)
{
    if (declare_exchange(link, name, "direct", false, error))
        return true;
    if (link->closed_by == AMQP_PRECONDITION_FAILED)
        error_prefix(error,
                     "an exchange \"%s\" exists that is not a durable direct one; a recorded "
                     "log needs this name",
                     name);
    return false;
}

static bool declare_lock(struct amqp_link *link, const char *name, struct error *error)
{
    amqp_table_entry_t classic = text_argument("x-queue-type", "classic");
    amqp_queue_declare_t request = {
        .queue = amqp_cstring_bytes(name),
        .durable = 1,
        .arguments = {1, &classic},
    };
    if (amqp_link_rpc(link, AMQP_QUEUE_DECLARE_METHOD, &request, AMQP_QUEUE_DECLARE_OK_METHOD, NULL,
                      error))
        return true;
    if (link->closed_by == AMQP_PRECONDITION_FAILED)
        error_prefix(error,
                     "a queue \"%s\" exists that is not a durable classic one; the recorder "
                     "of the log needs this name",
                     name);
    return false;
}

static bool ensure_part(struct amqp_link *link, const struct log_config *log, const char *exchange,
                        size_t i, size_t *declared, struct error *error)
{
    char *queue = log_partition(log, i), *key = log_part_key(log, i);
    bool is_new = false;
    bool ok = ensure_stream(link, queue, log->max_age, &is_new, error) &&
              bind_queue(link, queue, exchange, key, error);
    *declared += is_new;
    free(queue);
    free(key);
    return ok;
}

/* The first partition comes last: where it is there, all are. */
static bool ensure_parts(struct amqp_link *link, const struct log_config *log, size_t *declared,
                         struct error *error)
{
    char *exchange = log_part_exchange(log), *lock = log_recorder_queue(log);
    bool ok = declare_part_exchange(link, exchange, error) && declare_lock(link, lock, error);
    for (size_t i = (size_t)log->partitions; ok && i-- > 0;) {
        amqp_link_allow(link, DECLARE_MS);
        ok = ensure_part(link, log, exchange, i, declared, error);
    }
    free(exchange);
    free(lock);
    return ok;
}

bool topology_setup(const struct uri *uri, const struct log_config *log,
                    struct topology_result *result, struct error *error)
{
    struct amqp_link link;
    if (!amqp_link_open(&link, uri, "setup", error))
        return false;
    amqp_link_allow(&link, DECLARE_MS);
    struct topology_result done = {0};
    char *queue = log_intake(log);
    bool ok = ensure_exchange(&link, log->exchange, &done.exchange_declared, error) &&
              (done.exchange_declared || look_for_narrow(&link, log, &done.narrow, error)) &&
              ensure_stream(&link, queue, log->max_age, &done.queue_declared, error) &&
              bind_queue(&link, queue, log->exchange, log->bind ? log->bind : "", error) &&
              (!log_is_recorded(log) || ensure_parts(&link, log, &done.parts_declared, error));
    if (ok)
        *result = done;
    free(queue);
    amqp_link_close(&link);
    return ok;
}

bool topology_check(const struct uri *uri, const char *partition, struct error *error)
{
    struct amqp_link link;
    if (!amqp_link_open(&link, uri, "check", error))
        return false;
    bool ok = look_for_queue(&link, partition, error);
    if (!ok && link.closed_by == AMQP_NOT_FOUND && error->kind == ERROR_CONFIG)
        stream_missing(&link, partition, error);
    amqp_link_close(&link);
    return ok;
}

bool topology_consumers(const struct uri *uri, const char *queue, uint32_t *count,
                        struct error *error)
{
    struct amqp_link link;
    void *reply;
    amqp_queue_declare_t request = {.queue = amqp_cstring_bytes(queue), .passive = 1};
    if (!amqp_link_open(&link, uri, "status", error))
        return false;
    bool ok = amqp_link_rpc(&link, AMQP_QUEUE_DECLARE_METHOD, &request,
                            AMQP_QUEUE_DECLARE_OK_METHOD, &reply, error);
    if (ok)
        *count = ((amqp_queue_declare_ok_t *)reply)->consumer_count;
    amqp_link_close(&link);
    return ok;
}
