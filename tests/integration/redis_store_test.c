/*
 * redis_store_test.c: what only the Redis store does: servers that refuse, vanish, forget or are
 * not what they should be. Each case has a private server.
 */
#include "support/store_twin.h"

#include "store/redis_store_private.h"
#include <arpa/inet.h>
#include <event2/event.h>
#include <sys/socket.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

static void counted(struct batch *batch, struct twin *twin)
{
    twin_begin(twin, batch);
    twin_change(batch, 0, CHANGE_COUNTER_ADD, 0, STRUCTURE_COUNTER, "n", NULL, "1");
}

static void commit_is_in(struct twin *twin)
{
    struct batch batch = {0};
    counted(&batch, twin);
    assert_int_equal(twin_commit(twin, &batch).outcome, COMMIT_OK);
    batch_release(&batch);
}

/* What stands in Redis is what the README says. */
static void own_keys(void **state)
{
    (void)state;
    struct redis_server server;
    redis_server_start(&server, NULL);
    struct twin *twin = twin_new(&server);
    struct batch batch = {0};
    twin_begin(twin, &batch);
    batch.to.offset = 12;
    batch.to.fingerprint = 34;
    batch.to.park_revision = 1;
    batch.has_time = true;
    batch.time_ms = 1769850307000;
    batch.tally = (struct tally){.folded = 3, .parked = 1};
    struct parked_event *parked = batch_park(&batch);
    *parked = (struct parked_event){.offset = 11,
                                    .key = STR("ale"),
                                    .reason = STR("/data/quantity is \"x\""),
                                    .id = STR("e1"),
                                    .source = STR("/till"),
                                    .type = STR("order.placed"),
                                    .payload = STR("{}"),
                                    .parked_at_ms = 1769850307000};
    assert_int_equal(twin_commit(twin, &batch).outcome, COMMIT_OK);
    assert_string_equal(twin_ask(twin, "HGET fanfold:cursor:shop shop.events.log.0"),
                        "1.abcdef 12 34 1");
    assert_string_equal(twin_ask(twin, "HGET fanfold:cursor:shop shop.events.log.0/time"),
                        "2026-01-31T09:05:07.000Z");
    assert_string_equal(twin_ask(twin, "HGET fanfold:cursor:shop shop.events.log.0/tally"),
                        "folded=3 ignored=0 duplicates=0 parked=1 skipped=0");
    assert_string_equal(
        twin_ask(twin, "HGET fanfold:parked:shop:shop.events.log.0 11"),
        "{\"reason\":\"/data/quantity is \\\"x\\\"\",\"key\":\"ale\",\"waits\":false,"
        "\"id\":\"e1\",\"source\":\"/till\",\"type\":\"order.placed\","
        "\"at\":\"2026-01-31T09:05:07.000Z\"}");
    assert_string_equal(twin_ask(twin, "HGET fanfold:parked-payload:shop:shop.events.log.0 11"),
                        "{}");
    assert_string_equal(twin_ask(twin, "HGET fanfold:waiting:shop:shop.events.log.0 ale"), "1");
    assert_string_equal(twin_ask(twin, "DBSIZE"), "4"); /* nothing is left of the scratch keys */
    batch_release(&batch);
    twin_free(twin);
    redis_server_stop(&server);
}

static void own_keys_of_another_type(void **state)
{
    (void)state;
    struct redis_server server;
    redis_server_start(&server, NULL);
    struct twin *twin = twin_new(&server);
    struct batch batch = {0};
    twin_ask(twin, "SET fanfold:parked:shop:shop.events.log.0 x");
    counted(&batch, twin);
    batch_park(&batch)->reason = STR("why");
    struct commit_result result = twin_commit(twin, &batch);
    assert_int_equal(result.outcome, COMMIT_FOREIGN);
    assert_non_null(strstr(result.reason, "fanfold:parked:shop"));
    assert_string_equal(twin_ask(twin, "EXISTS n fanfold:cursor:shop"), "0");
    twin_ask(twin, "SET fanfold:cursor:shop x");
    result = twin_commit(twin, &batch);
    assert_int_equal(result.outcome, COMMIT_FOREIGN);
    assert_non_null(strstr(result.reason, "fanfold:cursor:shop"));
    batch_release(&batch);
    twin_free(twin);
    redis_server_stop(&server);
}

static void frozen(void **state)
{
    (void)state;
    struct redis_server server;
    redis_server_start(&server, NULL);
    struct twin *twin = twin_new(&server);
    struct batch batch = {0};
    counted(&batch, twin);
    twin_hold(twin, 30000, "");
    struct commit_result result = twin_commit(twin, &batch);
    assert_int_equal(result.outcome, COMMIT_FROZEN);
    assert_false(result.has_limit);
    twin_hold(twin, 3600000, ""); /* as if the clock had gone back by an hour */
    assert_int_equal(twin_commit(twin, &batch).outcome, COMMIT_OK);
    twin_ask(twin, "DEL n fanfold:cursor:shop");
    twin->position = (struct position){0};
    counted(&batch, twin);
    assert_string_equal(twin_ask(twin, "EXISTS n"), "0");
    twin_ask(twin, "HSET fanfold:cursor:shop switching x shop.events.log.0/hold %s", "1 ");
    assert_int_equal(twin_commit(twin, &batch).outcome, COMMIT_FROZEN);
    twin_ask(twin, "HDEL fanfold:cursor:shop switching"); /* the hold has run out in 1970 */
    assert_int_equal(twin_commit(twin, &batch).outcome, COMMIT_OK);
    assert_string_equal(twin_ask(twin, "HGET fanfold:cursor:shop epoch"), "1.abcdef");
    assert_string_equal(twin_ask(twin, "HGET fanfold:cursor:shop definition"), "{}");
    batch_release(&batch);
    twin_free(twin);
    redis_server_stop(&server);
}

/* A text under an hll's key that PFADD would refuse, after other rows were written. */
static void hll_texts(void **state)
{
    (void)state;
    static const char *const texts[] = {"SET u HYLL", "SET u \"\"", "SET u HYLL\x02___________",
                                        "SETRANGE u 0 abcabcabcabcabcabc"};
    struct redis_server server;
    redis_server_start(&server, NULL);
    struct twin *twin = twin_new(&server);
    struct batch batch = {0};
    for (size_t i = 0; i < 4; i++) {
        twin_ask(twin, "DEL u");
        if (i == 1)
            twin_ask(twin, "SET u %s", "");
        else
            twin_ask(twin, texts[i]);
        twin_begin(twin, &batch);
        twin_change(&batch, 0, CHANGE_HLL_COUNT, 0, STRUCTURE_HLL, "u", "ann", NULL);
        assert_int_equal(twin_commit(twin, &batch).outcome, COMMIT_FOREIGN);
    }
    /* A dense one with the header of a dense one but another size. */
    twin_ask(twin, "SET u %b", "HYLL\0___________", (size_t)16);
    assert_int_equal(twin_commit(twin, &batch).outcome, COMMIT_FOREIGN);
    /* A real dense one. */
    twin_ask(twin, "DEL u");
    twin_ask(twin, "CONFIG SET hll-sparse-max-bytes 0");
    twin_ask(twin, "PFADD u bob");
    assert_string_equal(twin_ask(twin, "STRLEN u"), "12304");
    assert_int_equal(twin_commit(twin, &batch).outcome, COMMIT_OK);
    assert_string_equal(twin_ask(twin, "PFCOUNT u"), "2");
    batch_release(&batch);
    twin_free(twin);
    redis_server_stop(&server);
}

static void past_expiry(void **state)
{
    (void)state;
    struct redis_server server;
    redis_server_start(&server, NULL);
    struct twin *twin = twin_new(&server);
    struct batch batch = {0};
    counted(&batch, twin);
    twin_change(&batch, 0, CHANGE_EXPIRE, 0, STRUCTURE_COUNTER, "n", NULL, "1000");
    assert_int_equal(twin_commit(twin, &batch).outcome, COMMIT_OK);
    assert_string_equal(twin_ask(twin, "EXISTS n"), "0");
    batch_release(&batch);
    twin_free(twin);
    redis_server_stop(&server);
}

/* Out of memory: refused as a whole, then, with memory again, in. */
static void out_of_memory(void **state)
{
    (void)state;
    struct redis_server server;
    redis_server_start(&server, NULL);
    struct twin *twin = twin_new(&server);
    struct batch batch = {0};
    commit_is_in(twin);
    twin_ask(twin, "CONFIG SET maxmemory 1");
    counted(&batch, twin);
    twin_change(&batch, 0, CHANGE_LIST_PUSH, 0, STRUCTURE_LIST, "l", NULL, "e");
    struct commit_result result = twin_commit(twin, &batch);
    assert_int_equal(result.outcome, COMMIT_FAILED);
    assert_non_null(strstr(result.reason, "OOM"));
    assert_string_equal(twin_ask(twin, "GET n"), "1");
    twin_ask(twin, "CONFIG SET maxmemory 0");
    assert_int_equal(twin_commit(twin, &batch).outcome, COMMIT_OK);
    assert_string_equal(twin_ask(twin, "GET n"), "2");
    batch_release(&batch);
    twin_free(twin);
    redis_server_stop(&server);
}

/* A primary that becomes a replica under the worker: nothing is in; the connection says why it
 * stays away; as a primary again it is used again. */
static void becomes_a_replica(void **state)
{
    (void)state;
    struct redis_server server;
    redis_server_start(&server, NULL);
    struct twin *twin = twin_new(&server);
    struct batch batch = {0};
    commit_is_in(twin);
    twin_ask(twin, "REPLICAOF 127.0.0.1 1");
    counted(&batch, twin);
    struct commit_result result = twin_commit(twin, &batch);
    assert_int_equal(result.outcome, COMMIT_FAILED);
    assert_non_null(strstr(result.reason, "READONLY"));
    twin_until_down(twin, "replica");
    assert_string_equal(twin_ask(twin, "GET n"), "1");
    twin_ask(twin, "REPLICAOF NO ONE");
    twin_until_up(twin);
    assert_int_equal(twin_commit(twin, &batch).outcome, COMMIT_OK);
    batch_release(&batch);
    twin_free(twin);
    redis_server_stop(&server);
}

static void connection_killed(void **state)
{
    (void)state;
    struct redis_server server;
    redis_server_start(&server, NULL);
    struct twin *twin = twin_new(&server);
    struct batch batch = {0};
    struct task_state loaded;
    commit_is_in(twin);
    twin_ask(twin, "CLIENT KILL TYPE normal SKIPME yes");
    counted(&batch, twin);
    assert_int_equal(twin_commit(twin, &batch).outcome, COMMIT_UNKNOWN);
    twin_until_down(twin, "connection lost");
    assert_int_equal(twin_load(twin, &loaded), STORE_UNKNOWN);
    twin_until_up(twin);
    assert_int_equal(twin_load(twin, &loaded), STORE_OK);
    assert_true(position_eq(&loaded.position, &batch.from));
    task_state_release(&loaded);
    assert_int_equal(twin_commit(twin, &batch).outcome, COMMIT_OK);
    batch_release(&batch);
    twin_free(twin);
    redis_server_stop(&server);
}

struct tail {
    int answers, unknown;
};

static void on_tail(void *arg, const struct commit_result *result)
{
    struct tail *tail = arg;
    tail->answers++;
    tail->unknown += result->outcome == COMMIT_UNKNOWN;
}

static bool five(void *arg)
{
    return ((struct tail *)arg)->answers == 5;
}

/* The server dies with a pipeline under way: each commit is answered exactly once. */
static void server_killed(void **state)
{
    (void)state;
    struct redis_server server;
    redis_server_start(&server, NULL);
    struct twin *twin = twin_new(&server);
    struct batch batch = {0};
    struct tail tail = {0};
    redis_server_kill(&server);
    for (int i = 0; i < 5; i++) {
        counted(&batch, twin);
        store_commit(twin->store, &batch, on_tail, &tail);
    }
    twin_until(twin, five, &tail, "five answers");
    assert_int_equal(tail.unknown, 5);
    twin_until_down(twin, "cannot connect");
    assert_false(redis_store_is_up(twin->redis));
    int told = twin->downs;
    assert_int_equal(twin_commit(twin, &batch).outcome, COMMIT_UNKNOWN);
    redis_server_again(&server);
    twin_until_up(twin);
    assert_true(told <= 2); /* each reason once, not each try */
    assert_int_equal(twin_commit(twin, &batch).outcome, COMMIT_OK);
    assert_int_equal(tail.answers, 5);
    batch_release(&batch);
    twin_free(twin);
    redis_server_stop(&server);
}

static void down_at_start(void **state)
{
    (void)state;
    struct redis_server server;
    redis_server_start(&server, NULL);
    redis_server_kill(&server);
    struct twin *twin = twin_new_at(server.uri);
    twin_until_down(twin, "Connection refused");
    assert_int_equal(twin->why.kind, ERROR_UNAVAILABLE);
    redis_server_again(&server);
    twin_until_up(twin);
    assert_int_equal(twin->ups, 1);
    commit_is_in(twin);
    twin_free(twin);
    redis_server_stop(&server);
}

struct doorkeeper {
    int fd, seen;
};

/* Lets everybody in and shows them out. */
static bool four_tries(void *arg)
{
    struct doorkeeper *keeper = arg;
    int guest = accept4(keeper->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (guest >= 0) {
        keeper->seen++;
        close(guest);
    }
    return keeper->seen == 4;
}

/* It tries again and again, and says why once. */
static void a_reason_is_told_once(void **state)
{
    (void)state;
    struct doorkeeper keeper = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)};
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof(address);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(keeper.fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(getsockname(keeper.fd, (struct sockaddr *)&address, &length), 0);
    assert_int_equal(listen(keeper.fd, 8), 0);
    char uri[64];
    snprintf(uri, sizeof(uri), "redis://127.0.0.1:%d/0", ntohs(address.sin_port));
    struct twin *twin = twin_new_at(uri);
    twin_until(twin, four_tries, &keeper, "four tries");
    twin_until_down(twin, "connection lost");
    assert_int_equal(twin->downs, 1);
    twin_free(twin);
    close(keeper.fd);
}

static void scripts_flushed(void **state)
{
    (void)state;
    struct redis_server server;
    redis_server_start(&server, NULL);
    struct twin *twin = twin_new(&server);
    struct batch batch = {0};
    commit_is_in(twin);
    twin_ask(twin, "SCRIPT FLUSH");
    counted(&batch, twin);
    assert_int_equal(twin_commit(twin, &batch).outcome, COMMIT_UNKNOWN);
    twin_until_down(twin, "NOSCRIPT");
    twin_until_up(twin);
    assert_int_equal(twin_commit(twin, &batch).outcome, COMMIT_OK);
    assert_string_equal(twin_ask(twin, "GET n"), "2");
    batch_release(&batch);
    twin_free(twin);
    redis_server_stop(&server);
}

/* A command that may not be run any more is known before anything is written (Redis 7); a commit
 * that was torn all the same, which the script has marked, stays loud. */
static void torn(void **state)
{
    (void)state;
    struct redis_server server;
    redis_server_start(&server, NULL);
    struct twin *twin = twin_new(&server);
    struct batch batch = {0};
    twin_ask(twin, "ACL SETUSER ops on >ops ~* +@all");
    twin_ask(twin, "AUTH ops ops");
    twin_ask(twin, "ACL SETUSER default -lpush");
    counted(&batch, twin);
    twin_change(&batch, 0, CHANGE_LIST_PUSH, 0, STRUCTURE_LIST, "l", NULL, "e");
    struct commit_result result = twin_commit(twin, &batch);
    assert_int_equal(result.outcome, COMMIT_FAILED);
    assert_non_null(strstr(result.reason, "LPUSH"));
    twin_ask(twin, "ACL SETUSER default +lpush");
    assert_int_equal(twin_commit(twin, &batch).outcome, COMMIT_OK);
    twin_ask(twin, "HSET fanfold:cursor:shop shop.events.log.0/torn ERR");
    /* It stays torn for whoever comes next. */
    batch.from = batch.to;
    batch.to.offset++;
    result = twin_commit(twin, &batch);
    assert_int_equal(result.outcome, COMMIT_FOREIGN);
    assert_non_null(strstr(result.reason, "folded again"));
    twin_ask(twin, "HDEL fanfold:cursor:shop shop.events.log.0/torn");
    /* Without the permission for the position nothing is in, and it is said so. */
    twin_ask(twin, "ACL SETUSER default -hset");
    counted(&batch, twin);
    result = twin_commit(twin, &batch);
    assert_int_equal(result.outcome, COMMIT_FAILED);
    assert_string_equal(twin_ask(twin, "GET n"), "1");
    batch_release(&batch);
    twin_free(twin);
    redis_server_stop(&server);
}

struct unsuitable {
    const char *options[10];
    const char *uri; /* "%d" is the port; NULL: the server's */
    const char *text;
    enum error_kind kind;
};

static void unsuitable_servers(void **state)
{
    (void)state;
    static const struct unsuitable cases[] = {
        {{"--maxmemory-policy", "allkeys-lru"}, NULL, "noeviction", ERROR_CONFIG},
        {{"--cluster-enabled", "yes"}, NULL, "cluster", ERROR_CONFIG},
        {{"--replicaof", "127.0.0.1", "1"}, NULL, "replica", ERROR_UNAVAILABLE},
        {{"--requirepass", "s3cret"}, NULL, "password", ERROR_PERMISSION},
        {{"--requirepass", "s3cret"}, "redis://:wrong@127.0.0.1:%d/0", "refused", ERROR_PERMISSION},
        {{"--user", "w", "on", ">pw", "~*", "+@all", "-pfadd"},
         "redis://w:pw@127.0.0.1:%d/0",
         "ACL SETUSER w +pfadd",
         ERROR_PERMISSION},
        {{"--user", "w", "on", ">pw", "~*", "+@all", "-evalsha"},
         "redis://w:pw@127.0.0.1:%d/0",
         "ACL SETUSER w +evalsha",
         ERROR_PERMISSION},
        {{"--user", "w", "on", ">pw", "~*", "+@all", "-script|load"},
         "redis://w:pw@127.0.0.1:%d/0",
         "ACL SETUSER w +script|load",
         ERROR_PERMISSION},
        {{"--user", "w", "on", ">pw", "~rows:*", "+@all"},
         "redis://w:pw@127.0.0.1:%d/0",
         "~fanfold:*",
         ERROR_PERMISSION},
        {{"--databases", "1"}, "redis://127.0.0.1:%d/5", "SELECT", ERROR_UNAVAILABLE},
        {{NULL}, "rediss://127.0.0.1:%d/0", "stunnel", ERROR_CONFIG},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct redis_server server;
        char uri[128];
        redis_server_start(&server, cases[i].options);
        const char *format = cases[i].uri ? cases[i].uri : "redis://127.0.0.1:%d/0";
        const char *at = strstr(format, "%d");
        snprintf(uri, sizeof(uri), "%.*s%d%s", (int)(at - format), format, server.port, at + 2);
        struct twin *twin = twin_new_at(uri);
        twin_until_down(twin, cases[i].text);
        assert_int_equal(twin->why.kind, cases[i].kind);
        assert_null(strstr(twin->why.text, "s3cret"));
        assert_null(strstr(twin->why.text, "wrong@"));
        assert_int_equal(twin->ups, 0);
        twin_free(twin);
        redis_server_stop(&server);
    }
}

static void logins(void **state)
{
    (void)state;
    static const char *const options[] = {"--requirepass", "s3cret", "--user", "w", "on",
                                          ">pw",           "~*",     "+@all",  NULL};
    struct redis_server server;
    char uri[160];
    redis_server_start(&server, options);
    const char *const users[] = {":s3cret@", "w:pw@"};
    for (size_t i = 0; i < 2; i++) {
        snprintf(uri, sizeof(uri), "redis://%s127.0.0.1:%d/3", users[i], server.port);
        struct twin *twin = twin_new_at(uri);
        twin_until_up(twin);
        if (i == 0)
            commit_is_in(twin);
        twin_free(twin);
    }
    redis_server_stop(&server);
}

static void unix_socket(void **state)
{
    (void)state;
    struct redis_server server;
    char uri[160];
    redis_server_start(&server, NULL);
    snprintf(uri, sizeof(uri), "redis+unix://%s/redis.sock?db=1", server.folder);
    struct twin *twin = twin_new_at(uri);
    twin_until_up(twin);
    commit_is_in(twin);
    twin_free(twin);
    redis_server_stop(&server);
}

/* Freed while it connects, sets up, or waits to try again. */
static void freed_at_any_time(void **state)
{
    (void)state;
    struct redis_server server;
    redis_server_start(&server, NULL);
    for (int turns = 0; turns < 12; turns++) {
        struct twin *twin = twin_new_at(server.uri);
        for (int i = 0; i < turns; i++)
            event_base_loop(twin->base, EVLOOP_NONBLOCK);
        twin_free(twin);
    }
    redis_server_stop(&server);
}

/* Stored as a position, but none. */
static void unreadable_position(void **state)
{
    (void)state;
    struct redis_server server;
    redis_server_start(&server, NULL);
    struct twin *twin = twin_new(&server);
    struct task_state loaded;
    twin_ask(twin, "HSET fanfold:cursor:shop shop.events.log.0 nonsense");
    assert_int_equal(twin_load(twin, &loaded), STORE_FAILED);
    twin_ask(twin, "DEL fanfold:cursor:shop");
    twin_ask(twin, "SET fanfold:cursor:shop x");
    assert_int_equal(twin_load(twin, &loaded), STORE_FAILED);
    twin_free(twin);
    redis_server_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(own_keys),
        cmocka_unit_test(own_keys_of_another_type),
        cmocka_unit_test(frozen),
        cmocka_unit_test(hll_texts),
        cmocka_unit_test(past_expiry),
        cmocka_unit_test(out_of_memory),
        cmocka_unit_test(becomes_a_replica),
        cmocka_unit_test(connection_killed),
        cmocka_unit_test(server_killed),
        cmocka_unit_test(down_at_start),
        cmocka_unit_test(a_reason_is_told_once),
        cmocka_unit_test(scripts_flushed),
        cmocka_unit_test(torn),
        cmocka_unit_test(unsuitable_servers),
        cmocka_unit_test(logins),
        cmocka_unit_test(unix_socket),
        cmocka_unit_test(freed_at_any_time),
        cmocka_unit_test(unreadable_position),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
