/*
 * amqp_link.c: connecting, logging in, request and reply.
 */
#include "log/amqp_link.h"

#include "base/clock.h"
#include "log/amqp_socket.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

/* The largest frame on either side; also bounds what a broker can make us allocate for one. */
#define FRAME_MAX 131072
#define CLOSE_MS  1000

void amqp_link_allow(struct amqp_link *link, int ms)
{
    link->deadline_ms = clock_monotonic_ms() + ms;
}

static struct timeval time_left(const struct amqp_link *link)
{
    int64_t left = link->deadline_ms - clock_monotonic_ms();
    if (left < 1)
        left = 1;
    return (struct timeval){left / 1000, left % 1000 * 1000};
}

/* The kind of the broker's refusal: will it be the same next time, and whose is it to mend? */
static enum error_kind kind_of_close(int code, const char *text)
{
    switch (code) {
    case AMQP_ACCESS_REFUSED:
        return ERROR_PERMISSION;
    case AMQP_NOT_ALLOWED: /* at connection.open: the vhost is not there, or not for this user */
        return strstr(text, "refused for user") ? ERROR_PERMISSION : ERROR_CONFIG;
    case AMQP_NOT_FOUND: /* also said of a queue that is there, but down for now */
        return strstr(text, "no queue") || strstr(text, "no exchange") ? ERROR_CONFIG
                                                                       : ERROR_UNAVAILABLE;
    case AMQP_PRECONDITION_FAILED:
    case AMQP_RESOURCE_LOCKED:
    case AMQP_NOT_IMPLEMENTED:
    case AMQP_COMMAND_INVALID:
    case AMQP_CONTENT_TOO_LARGE:
        return ERROR_CONFIG;
    default:
        return ERROR_UNAVAILABLE;
    }
}

static void say_closed(struct amqp_link *link, int code, amqp_bytes_t reason, struct error *error)
{
    char text[512];
    snprintf(text, sizeof text, "%.*s", STRF(str_of_amqp(reason)));
    link->closed_by = code;
    error_set(error, kind_of_close(code, text), "%s: the broker answers %d: %s", link->where, code,
              text);
}

bool amqp_link_refused(struct amqp_link *link, const amqp_method_t *close, struct error *error)
{
    if (close->id == AMQP_CHANNEL_CLOSE_METHOD) {
        const amqp_channel_close_t *channel = close->decoded;
        say_closed(link, channel->reply_code, channel->reply_text, error);
        amqp_channel_close_ok_t ok = {0};
        if (amqp_send_method(link->state, AMQP_LINK_CHANNEL, AMQP_CHANNEL_CLOSE_OK_METHOD, &ok))
            link->healthy = false;
        return false;
    }
    const amqp_connection_close_t *connection = close->decoded;
    say_closed(link, connection->reply_code, connection->reply_text, error);
    amqp_connection_close_ok_t ok = {0};
    amqp_send_method(link->state, 0, AMQP_CONNECTION_CLOSE_OK_METHOD, &ok);
    link->healthy = false;
    return false;
}

bool amqp_link_failed(struct amqp_link *link, int status, struct error *error)
{
    link->healthy = false;
    switch (status) {
    case AMQP_STATUS_TIMEOUT:
        return error_set(error, ERROR_UNAVAILABLE, "%s: no answer in time", link->where);
    case AMQP_STATUS_HEARTBEAT_TIMEOUT:
        return error_set(error, ERROR_UNAVAILABLE, "%s: nothing heard from the broker for %d s",
                         link->where, 2 * link->heartbeat);
    case AMQP_STATUS_CONNECTION_CLOSED:
    case AMQP_STATUS_SOCKET_CLOSED:
    case AMQP_STATUS_SOCKET_ERROR:
        return error_set(error, ERROR_UNAVAILABLE, "%s: the connection was lost", link->where);
    default:
        return error_set(error, ERROR_UNAVAILABLE, "%s: %s", link->where,
                         amqp_error_string2(status));
    }
}

static bool reply_failed(struct amqp_link *link, const amqp_rpc_reply_t *reply, struct error *error)
{
    if (reply->reply_type == AMQP_RESPONSE_SERVER_EXCEPTION)
        return amqp_link_refused(link, &reply->reply, error);
    return amqp_link_failed(link, reply->library_error, error);
}

bool amqp_link_rpc(struct amqp_link *link, amqp_method_number_t request_id, void *request,
                   amqp_method_number_t reply_id, void **reply, struct error *error)
{
    struct timeval left = time_left(link);
    amqp_set_rpc_timeout(link->state, &left);
    amqp_method_number_t expected[] = {reply_id, 0};
    amqp_rpc_reply_t answer =
        amqp_simple_rpc(link->state, AMQP_LINK_CHANNEL, request_id, expected, request);
    if (answer.reply_type != AMQP_RESPONSE_NORMAL)
        return reply_failed(link, &answer, error);
    if (reply)
        *reply = answer.reply.decoded;
    return true;
}

bool amqp_link_reopen(struct amqp_link *link, struct error *error)
{
    amqp_channel_open_t request = {.out_of_band = amqp_empty_bytes};
    link->closed_by = 0;
    return amqp_link_rpc(link, AMQP_CHANNEL_OPEN_METHOD, &request, AMQP_CHANNEL_OPEN_OK_METHOD,
                         NULL, error);
}

static amqp_table_entry_t text_entry(const char *key, const char *text)
{
    amqp_table_entry_t entry = {.key = amqp_cstring_bytes(key)};
    entry.value.kind = AMQP_FIELD_KIND_UTF8;
    entry.value.value.bytes = amqp_cstring_bytes(text);
    return entry;
}

static amqp_table_entry_t true_entry(const char *key)
{
    amqp_table_entry_t entry = {.key = amqp_cstring_bytes(key)};
    entry.value.kind = AMQP_FIELD_KIND_BOOLEAN;
    entry.value.value.boolean = 1;
    return entry;
}

/* A port for TLS hangs up on plain AMQP without a word. */
static bool login_failed(struct amqp_link *link, const struct uri *uri,
                         const amqp_rpc_reply_t *reply, struct error *error)
{
    bool lost = reply->reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION &&
                (reply->library_error == AMQP_STATUS_CONNECTION_CLOSED ||
                 reply->library_error == AMQP_STATUS_SOCKET_ERROR);
    reply_failed(link, reply, error);
    if (!lost || uri->tls)
        return false;
    return error_set(error, ERROR_UNAVAILABLE,
                     "%s: the connection was lost before the login; if what listens there speaks "
                     "TLS, write amqps://",
                     link->where);
}

/* Without consumer_cancel_notify a deleted log would leave its readers waiting for ever, without
 * connection.blocked a publisher would hang in an alarm (FACTS 0.6). The library adds
 * authentication_failure_close, so a refused login is told and not just cut off. */
static bool log_in(struct amqp_link *link, const struct uri *uri, const char *name,
                   struct error *error)
{
    amqp_table_entry_t can[] = {
        true_entry("consumer_cancel_notify"),
        true_entry("connection.blocked"),
        true_entry("publisher_confirms"),
        true_entry("basic.nack"),
    };
    amqp_table_entry_t capabilities = {.key = amqp_cstring_bytes("capabilities")};
    capabilities.value.kind = AMQP_FIELD_KIND_TABLE;
    capabilities.value.value.table = (amqp_table_t){sizeof can / sizeof *can, can};
    amqp_table_entry_t entries[] = {
        text_entry("product", "fanfold"),
        text_entry("version", FANFOLD_VERSION),
        text_entry("connection_name", name),
        capabilities,
    };
    amqp_table_t properties = {sizeof entries / sizeof *entries, entries};

    struct timeval left = time_left(link);
    amqp_set_handshake_timeout(link->state, &left);
    const char *user = uri->user ? uri->user : "guest";
    const char *password = uri->password ? uri->password : strcmp(user, "guest") ? "" : "guest";
    amqp_rpc_reply_t reply = amqp_login_with_properties(link->state, uri->vhost ? uri->vhost : "/",
                                                        0, FRAME_MAX, link->heartbeat, &properties,
                                                        AMQP_SASL_METHOD_PLAIN, user, password);
    return reply.reply_type == AMQP_RESPONSE_NORMAL || login_failed(link, uri, &reply, error);
}

static bool establish(struct amqp_link *link, const struct uri *uri, const char *purpose,
                      struct error *error)
{
    struct timeval left = time_left(link);
    if (!amqp_socket_connect(link->state, uri, &left, error))
        return error_prefix(error, "%s", link->where);
    link->healthy = true;
    char name[256];
    snprintf(name, sizeof name, "fanfold %s", purpose);
    return log_in(link, uri, name, error) && amqp_link_reopen(link, error);
}

bool amqp_link_open(struct amqp_link *link, const struct uri *uri, const char *purpose,
                    struct error *error)
{
    return amqp_link_open_beating(link, uri, purpose, AMQP_LINK_HEARTBEAT, error);
}

bool amqp_link_open_beating(struct amqp_link *link, const struct uri *uri, const char *purpose,
                            int heartbeat, struct error *error)
{
    *link = (struct amqp_link){.where = uri_safe(uri, "amqp"), .heartbeat = heartbeat};
    amqp_link_allow(link, AMQP_LINK_CONNECT_MS);
    link->state = amqp_new_connection();
    if (!link->state)
        abort(); /* out of memory */
    if (establish(link, uri, purpose, error))
        return true;
    link->healthy = false; /* no good-byes in the middle of a login */
    amqp_link_close(link);
    return false;
}

void amqp_link_close(struct amqp_link *link)
{
    if (link->state && link->healthy) {
        struct timeval limit = {CLOSE_MS / 1000, CLOSE_MS % 1000 * 1000};
        amqp_set_rpc_timeout(link->state, &limit);
        amqp_connection_close(link->state, AMQP_REPLY_SUCCESS);
    }
    if (link->state)
        amqp_destroy_connection(link->state);
    free(link->where);
    *link = (struct amqp_link){0};
}
