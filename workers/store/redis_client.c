/*
 * redis_client.c: one asynchronous connection that comes back by itself; see redis_client.h.
 *
 * hiredis 0.14 has rules that crash when they are broken (FACTS 3), so everything that tears down
 * or starts anew happens in one place, on_turn(), outside of any hiredis callback:
 *   - a callback of hiredis or of our own only notes what is to be done and activates the event
 * `turn`;
 *   - a context whose connect callback got an error, or whose disconnect callback was called,
 * belongs to hiredis and is gone when that returns: only the pointer is dropped;
 *   - any other context is ours to free with redisAsyncFree(), which answers its commands with
 * NULL.
 *
 * Commands are answered in the order in which they were sent, by hiredis; those without a
 * connection wait in `orphans` for the next turn.
 */
#include "store/redis_client.h"
#include "base/clock.h"
#include <assert.h>
#include <event2/event.h>
#include <fcntl.h>
#include <hiredis/async.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <hiredis/adapters/libevent.h>

#define ANSWER_MS      30000 /* a command without an answer for so long: the connection is lost */
#define CONNECT_MS     10000
#define BACKOFF_MIN_MS 200
#define BACKOFF_MAX_MS 10000
#define STEADY_MS      10000 /* ready for so long: the next back-off starts small again */

enum state {
    STATE_DOWN,       /* waits for the retry timer, or for ever (no TLS) */
    STATE_CONNECTING, /* the kernel is at it */
    STATE_SETTING_UP, /* hooks.connected was called, its commands are under way */
    STATE_READY,
};

struct call {
    struct redis_client *client;
    redis_reply_fn *done;
    void *arg;
    int64_t sent_ms;
    struct call *next;
};

struct call_list {
    struct call *first, *last;
};

struct redis_client {
    struct event_base *base;
    struct uri uri;
    struct redis_client_hooks hooks;
    void *arg;

    enum state state;
    redisAsyncContext *context;
    struct call_list sent, orphans;

    bool connected; /* noted for on_turn(): the connect callback said yes */
    bool failed;    /* noted for on_turn(): tear down because of `why` */
    bool freeing;
    int depth; /* how many of our callbacks are on the stack */
    struct error why;
    struct error told; /* what hooks.down was last told; kind ERROR_NONE: it is up */

    struct event *turn, *retry, *watchdog;
    int64_t backoff_ms, since_ms; /* since_ms: when `state` was entered */
};

static void append(struct call_list *list, struct call *call)
{
    call->next = NULL;
    if (list->last)
        list->last->next = call;
    else
        list->first = call;
    list->last = call;
}

static struct call *shift(struct call_list *list)
{
    struct call *call = list->first;
    if (call) {
        list->first = call->next;
        if (!list->first)
            list->last = NULL;
    }
    return call;
}

static void enter(struct redis_client *client, enum state state)
{
    client->state = state;
    client->since_ms = clock_monotonic_ms();
}

static void answer(struct redis_client *client, struct call *call, const redisReply *reply)
{
    client->depth++;
    call->done(call->arg, reply);
    client->depth--;
    free(call);
}

static void want_turn(struct redis_client *client)
{
    event_active(client->turn, EV_TIMEOUT, 0);
}

static void start_timer(struct event *timer, int64_t ms)
{
    struct timeval delay = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    event_add(timer, &delay);
}

/* Notes the first reason why the connection has to go. */
static void fail(struct redis_client *client, const struct error *why)
{
    if (client->failed)
        return;
    client->failed = true;
    client->why = *why;
    want_turn(client);
}

static void fail_text(struct redis_client *client, const char *what, const char *detail)
{
    char *where = uri_safe(&client->uri, "redis");
    struct error why;
    error_set(&why, ERROR_UNAVAILABLE, "%s: %s%s%s", where, what, detail[0] ? ": " : "", detail);
    free(where);
    fail(client, &why);
}

/* Both sides of a dead network path notice it: keep-alive while idle, the user time-out while data
 * waits for its acknowledgement. Only hints: a socket that refuses one works without it. */
static void tune_socket(int fd, bool tcp)
{
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    if (!tcp)
        return;
    const int on = 1, idle_s = 15, interval_s = 5, probes = 3, user_ms = ANSWER_MS;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof(interval_s));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_ms, sizeof(user_ms));
}

/* hiredis: connected, or not; then the context is hiredis' to free. */
static void on_connect(const redisAsyncContext *context, int status)
{
    struct redis_client *client = context->data;
    if (status == REDIS_OK) {
        client->connected = true;
        want_turn(client);
        return;
    }
    client->context = NULL;
    if (!client->freeing)
        fail_text(client, "cannot connect", context->c.errstr);
}

/* hiredis: the connection ended; the context is gone when this returns. */
static void on_disconnect(const redisAsyncContext *context, int status)
{
    (void)status;
    struct redis_client *client = context->data;
    client->context = NULL;
    if (!client->freeing)
        fail_text(client, "connection lost", context->err ? context->errstr : "");
}

/* hiredis: a reply, or NULL when the context goes. Replies come in the order of the commands. */
static void on_reply(redisAsyncContext *context, void *reply, void *privdata)
{
    (void)context;
    struct call *call = privdata;
    struct redis_client *client = call->client;
    struct call *oldest = shift(&client->sent);
    assert(oldest == call);
    answer(client, oldest, reply);
}

static void connect_now(struct redis_client *client)
{
    enter(client, STATE_CONNECTING);
    redisAsyncContext *context = client->uri.path
                                     ? redisAsyncConnectUnix(client->uri.path)
                                     : redisAsyncConnect(client->uri.host, client->uri.port);
    if (!context || context->err) {
        fail_text(client, "cannot connect", context ? context->errstr : "");
        if (context)
            redisAsyncFree(context);
        return;
    }
    tune_socket(context->c.fd, !client->uri.path);
    context->data = client;
    client->context = context;
    redisLibeventAttach(context, client->base);
    redisAsyncSetConnectCallback(context, on_connect);
    redisAsyncSetDisconnectCallback(context, on_disconnect);
}

/* Says why it is down, unless that was said. */
static void tell_down(struct redis_client *client)
{
    if (client->told.kind == client->why.kind && strcmp(client->told.text, client->why.text) == 0)
        return;
    client->told = client->why;
    client->hooks.down(client->arg, &client->told);
}

/* Full jitter over the upper half: a herd of workers comes back spread out. */
static void plan_retry(struct redis_client *client, bool was_steady)
{
    if (was_steady || client->backoff_ms == 0)
        client->backoff_ms = BACKOFF_MIN_MS;
    else if (client->backoff_ms * 2 <= BACKOFF_MAX_MS)
        client->backoff_ms *= 2;
    else
        client->backoff_ms = BACKOFF_MAX_MS;
    int64_t half = client->backoff_ms / 2;
    start_timer(client->retry, half + (int64_t)(clock_random() % (uint64_t)(half + 1)));
}

/* Gives up the connection: all its commands are answered with NULL, then the reason is told. */
static void tear_down(struct redis_client *client)
{
    bool was_steady =
        client->state == STATE_READY && clock_monotonic_ms() - client->since_ms >= STEADY_MS;
    enter(client, STATE_DOWN);
    client->connected = false;
    redisAsyncContext *context = client->context;
    client->context = NULL;
    client->freeing = true; /* the callbacks of redisAsyncFree are no news */
    if (context)
        redisAsyncFree(context);
    client->freeing = false;
    client->failed = false;
    if (!client->uri.tls) /* what cannot speak TLS never connects: it would be in plain text */
        plan_retry(client, was_steady);
    tell_down(client);
}

static void answer_orphans(struct redis_client *client)
{
    struct call_list list = client->orphans;
    client->orphans = (struct call_list){0};
    for (struct call *call; (call = shift(&list));)
        answer(client, call, NULL);
}

/* libevent: what callbacks have noted. */
static void on_turn(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct redis_client *client = arg;
    if (client->failed)
        tear_down(client);
    answer_orphans(client); /* sent after those that tear_down() has answered */
    if (client->connected && client->state == STATE_CONNECTING) {
        client->connected = false;
        enter(client, STATE_SETTING_UP);
        client->hooks.connected(client->arg);
    }
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    connect_now(arg);
}

static void on_watchdog(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct redis_client *client = arg;
    int64_t now = clock_monotonic_ms();
    if (client->state == STATE_CONNECTING && now - client->since_ms > CONNECT_MS)
        fail_text(client, "cannot connect", "no answer for 10 seconds");
    else if (client->sent.first && now - client->sent.first->sent_ms > ANSWER_MS)
        fail_text(client, "connection lost", "a command had no answer for 30 seconds");
    start_timer(client->watchdog, 1000);
}

/* The retry timer also starts the first connection, so that no hook is called from inside _new().
 */
struct redis_client *redis_client_new(struct event_base *base, const struct uri *uri,
                                      const struct redis_client_hooks *hooks, void *arg)
{
    struct redis_client *client = must_calloc(1, sizeof(*client));
    client->base = base;
    client->hooks = *hooks;
    client->arg = arg;
    client->uri = uri_copy(uri);
    client->turn = event_new(base, -1, 0, on_turn, client);
    client->retry = event_new(base, -1, 0, on_retry, client);
    client->watchdog = event_new(base, -1, 0, on_watchdog, client);
    assert(client->turn && client->retry && client->watchdog);
    enter(client, STATE_DOWN);
    if (uri->tls) {
        client->failed = true;
        uri_refuse_redis_tls(uri, &client->why);
        want_turn(client);
        return client;
    }
    start_timer(client->retry, 0);
    start_timer(client->watchdog, 1000);
    return client;
}

/* Sends it when the connection is in that state. */
static void send_in(struct redis_client *client, enum state state, struct str resp,
                    redis_reply_fn *done, void *arg)
{
    struct call *call = must_alloc(sizeof(*call));
    *call = (struct call){client, done, arg, clock_monotonic_ms(), NULL};
    /* hiredis refuses while it disconnects, and does not call back then. */
    if (client->state == state && !client->failed && client->context &&
        redisAsyncFormattedCommand(client->context, on_reply, call, resp.at, resp.len) ==
            REDIS_OK) {
        append(&client->sent, call);
        return;
    }
    append(&client->orphans, call);
    want_turn(client);
}

void redis_client_send(struct redis_client *client, struct str resp, redis_reply_fn *done,
                       void *arg)
{
    send_in(client, STATE_READY, resp, done, arg);
}

void redis_client_setup(struct redis_client *client, struct str resp, redis_reply_fn *done,
                        void *arg)
{
    send_in(client, STATE_SETTING_UP, resp, done, arg);
}

void redis_client_ready(struct redis_client *client)
{
    if (client->state != STATE_SETTING_UP || client->failed)
        return;
    enter(client, STATE_READY);
    client->told = (struct error){0};
}

void redis_client_fail(struct redis_client *client, const struct error *why)
{
    if (client->state != STATE_DOWN)
        fail(client, why);
}

bool redis_client_is_ready(const struct redis_client *client)
{
    return client->state == STATE_READY && !client->failed;
}

const struct uri *redis_client_uri(const struct redis_client *client)
{
    return &client->uri;
}

void redis_client_free(struct redis_client *client)
{
    if (!client)
        return;
    assert(client->depth == 0); /* not from inside a callback */
    enter(client, STATE_DOWN);
    client->freeing = true;
    if (client->context)
        redisAsyncFree(client->context);
    while (client->orphans.first)
        answer_orphans(client);
    event_free(client->turn);
    event_free(client->retry);
    event_free(client->watchdog);
    uri_release(&client->uri);
    free(client);
}
