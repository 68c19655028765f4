/*
 * redis_reader_test.c: rows, keys, positions and workers read from a private Redis.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/redis_server.h"
#include <fanfold/redis_reader.h>
#include <hiredis/hiredis.h>

struct fixture {
    struct redis_server server;
    redisContext *plain;
    struct redis_reader *reader;
    struct error error;
    struct buf json, keys;
};

static struct redis_reader *open_reader(const char *text, struct error *error)
{
    struct uri uri;
    assert_true(uri_parse_redis(text, &uri, error));
    struct redis_reader *reader = redis_reader_open(&uri, error);
    uri_release(&uri);
    return reader;
}

static int group_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    redis_server_start(&f->server, NULL);
    f->plain = redisConnect("127.0.0.1", f->server.port);
    f->reader = open_reader(f->server.uri, &f->error);
    assert_non_null(f->reader);
    *state = f;
    return 0;
}

static int group_teardown(void **state)
{
    struct fixture *f = *state;
    redisFree(f->plain);
    redis_reader_close(f->reader);
    redis_reader_close(NULL);
    redis_server_stop(&f->server);
    buf_release(&f->json);
    buf_release(&f->keys);
    free(f);
    return 0;
}

static void run(struct fixture *f, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    redisReply *reply = redisvCommand(f->plain, format, args);
    va_end(args);
    assert_non_null(reply);
    assert_int_not_equal(reply->type, REDIS_REPLY_ERROR);
    freeReplyObject(reply);
}

static int test_setup(void **state)
{
    run(*state, "FLUSHALL");
    return 0;
}

/* ---- rows ---- */

static const char *row(struct fixture *f, enum structure structure, const char *key)
{
    buf_clear(&f->json);
    f->error = (struct error){0};
    if (!redis_reader_row(f->reader, structure, str_of(key), &f->json, &f->error))
        assert_int_equal(f->json.len, 0);
    return buf_text(&f->json);
}

static void test_hash(void **state)
{
    struct fixture *f = *state;
    run(f, "HSET stock:A on_hand 12 reserved -3 %s %s B 1", "a \"b\"", "line\nend");
    assert_string_equal(row(f, STRUCTURE_HASH, "stock:A"),
                        "{\"B\":\"1\",\"a \\\"b\\\"\":\"line\\nend\",\"on_hand\":\"12\","
                        "\"reserved\":\"-3\"}");
}

static void test_counter(void **state)
{
    struct fixture *f = *state;
    run(f, "SET orders 9007199254740992");
    assert_string_equal(row(f, STRUCTURE_COUNTER, "orders"), "9007199254740992");
    run(f, "SET orders -7");
    assert_string_equal(row(f, STRUCTURE_COUNTER, "orders"), "-7");
}

static void test_zset(void **state)
{
    struct fixture *f = *state;
    run(f, "ZADD sellers 2 b 2 a 21.5 c -0.1 d 1e21 e");
    assert_string_equal(row(f, STRUCTURE_ZSET, "sellers"),
                        "[[\"e\",1e+21],[\"c\",21.5],[\"b\",2],[\"a\",2],[\"d\",-0.1]]");
}

static void test_set(void **state)
{
    struct fixture *f = *state;
    run(f, "SADD tags pear apple Zebra %s", "\xc3\xa4pfel");
    assert_string_equal(row(f, STRUCTURE_SET, "tags"),
                        "[\"Zebra\",\"apple\",\"pear\",\"\xc3\xa4pfel\"]");
}

static void test_list(void **state)
{
    struct fixture *f = *state;
    run(f, "LPUSH latest 1 2 3");
    assert_string_equal(row(f, STRUCTURE_LIST, "latest"), "[\"3\",\"2\",\"1\"]");
}

static void test_hll(void **state)
{
    struct fixture *f = *state;
    run(f, "PFADD visitors a b c a");
    assert_string_equal(row(f, STRUCTURE_HLL, "visitors"), "3");
}

static void test_json(void **state)
{
    struct fixture *f = *state;
    run(f, "SET doc %s", "{\"a\":[1,2.5,null]}");
    assert_string_equal(row(f, STRUCTURE_JSON, "doc"), "{\"a\":[1,2.5,null]}");
}

/* RFC 3629: cut short, overlong, surrogate, beyond U+10FFFF; and the last character that there is.
 */
static void test_texts_that_are_not_utf8(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *bytes, *json;
    } cases[] = {
        {"\xff", "[{\"base64\":\"/w==\"}]"},
        {"ab\xc3", "[{\"base64\":\"YWLD\"}]"},
        {"\xc0\xaf", "[{\"base64\":\"wK8=\"}]"},
        {"\xe0\x80\xaf", "[{\"base64\":\"4ICv\"}]"},
        {"\xed\xa0\x80", "[{\"base64\":\"7aCA\"}]"},
        {"\xf0\x80\x80\xaf", "[{\"base64\":\"8ICArw==\"}]"},
        {"\xf4\x90\x80\x80", "[{\"base64\":\"9JCAgA==\"}]"},
        {"\xf4\x8f\xbf\xbf", "[\"\xf4\x8f\xbf\xbf\"]"},
        {"\xed\x9f\xbf", "[\"\xed\x9f\xbf\"]"},
        {"", "[\"\"]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        run(f, "DEL l");
        run(f, "LPUSH l %s", cases[i].bytes);
        assert_string_equal(row(f, STRUCTURE_LIST, "l"), cases[i].json);
    }
    run(f, "HSET h %s %s", "\xff", "\xfe");
    assert_string_equal(row(f, STRUCTURE_HASH, "h"), "{\"base64:/w==\":{\"base64\":\"/g==\"}}");
}

static void test_missing_rows(void **state)
{
    struct fixture *f = *state;
    for (int structure = 0; structure < STRUCTURE_COUNT; structure++) {
        assert_string_equal(row(f, (enum structure)structure, "no:such"), "");
        assert_int_equal(f->error.kind, ERROR_NO);
        assert_string_equal(f->error.text, "there is no row \"no:such\"");
    }
}

static void test_rows_of_another_type(void **state)
{
    struct fixture *f = *state;
    static const char *const what[STRUCTURE_COUNT] = {
        "a hash", "a counter", "a zset", "a set", "a list", "an HLL", "a JSON document"};
    run(f, "LPUSH l x");
    run(f, "SADD s x");
    run(f, "SET t %s", "{no JSON, no number");
    static const char *const keys[] = {"l", "s", "t"};
    static const char *const types[] = {"list", "set", "string"};
    for (size_t k = 0; k < 3; k++)
        for (int structure = 0; structure < STRUCTURE_COUNT; structure++) {
            if (strcmp(what[structure] + 2, types[k]) == 0)
                continue;
            char expected[128];
            snprintf(expected, sizeof expected, "\"%s\" is a %s, not %s", keys[k], types[k],
                     what[structure]);
            assert_string_equal(row(f, (enum structure)structure, keys[k]), "");
            assert_int_equal(f->error.kind, ERROR_NO);
            assert_string_equal(f->error.text, expected);
        }
}

static void test_infinite_score(void **state)
{
    struct fixture *f = *state;
    run(f, "ZADD z inf a 1 b");
    assert_string_equal(row(f, STRUCTURE_ZSET, "z"), "");
    assert_string_equal(f->error.text,
                        "\"z\" is a zset with an infinite score, not a zset that Fanfold made");
}

/* ---- keys ---- */

static void add_key(void *arg, struct str key)
{
    struct fixture *f = arg;
    buf_add(&f->keys, key);
    buf_add_byte(&f->keys, '|');
}

static const char *keys(struct fixture *f, const char *prefix, size_t limit)
{
    buf_clear(&f->keys);
    assert_true(redis_reader_keys(f->reader, prefix, limit, add_key, f, &f->error));
    return buf_text(&f->keys);
}

static void test_keys(void **state)
{
    struct fixture *f = *state;
    run(f, "MSET stock:B 1 stock:A 1 stock:C 1 stocks 1 other 1");
    assert_string_equal(keys(f, "stock:", 10), "stock:A|stock:B|stock:C|");
    assert_string_equal(keys(f, "stock:", 2), "stock:A|stock:B|");
    assert_string_equal(keys(f, "stock:", 0), "");
    assert_string_equal(keys(f, "none:", 10), "");
}

static void test_prefix_is_no_pattern(void **state)
{
    struct fixture *f = *state;
    run(f, "MSET a*1 1 ab1 1 a?1 1 a[b]1 1 %s 1 a]1 1 a^1 1 a-1 1", "a\\1");
    assert_string_equal(keys(f, "a*", 10), "a*1|");
    assert_string_equal(keys(f, "a?", 10), "a?1|");
    assert_string_equal(keys(f, "a[b]", 10), "a[b]1|");
    assert_string_equal(keys(f, "a\\", 10), "a\\1|");
    assert_string_equal(keys(f, "a]", 10), "a]1|");
    assert_string_equal(keys(f, "a^", 10), "a^1|");
    assert_string_equal(keys(f, "a-", 10), "a-1|");
}

/* More than one SCAN gives: still the first ones. */
static void test_first_of_many_keys(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 5000; i++)
        assert_int_equal(redisAppendCommand(f->plain, "SET k%04d 1", i), REDIS_OK);
    for (int i = 0; i < 5000; i++) {
        redisReply *reply;
        assert_int_equal(redisGetReply(f->plain, (void **)&reply), REDIS_OK);
        freeReplyObject(reply);
    }
    assert_string_equal(keys(f, "k", 3), "k0000|k0001|k0002|");
    keys(f, "k", 10000);
    assert_int_equal(f->keys.len, 5000 * strlen("k0000|"));
}

/* ---- tasks and workers ---- */

static void test_task(void **state)
{
    struct fixture *f = *state;
    struct task_state task;
    run(f, "HSET fanfold:cursor:stock log.0 %s log.0/time %s log.0/tally %s",
        "1.cafe 17 18446744073709551615 3", "1970-01-01T00:00:07.000Z",
        "folded=12 ignored=1 duplicates=2 parked=3 skipped=4");
    assert_true(redis_reader_task(f->reader, "stock", "log.0", &task, &f->error));
    assert_string_equal(task.position.epoch, "1.cafe");
    assert_true(task.position.offset == 17 && task.position.fingerprint == UINT64_MAX);
    assert_int_equal(task.position.park_revision, 3);
    assert_true(task.has_time && task.time_ms == 7000);
    assert_int_equal(task.tally.folded, 12);
    assert_int_equal(task.tally.skipped, 4);
    assert_int_equal(task.waiting.count, 0);
}

static void test_task_without_position(void **state)
{
    struct fixture *f = *state;
    struct task_state task;
    memset(&task, 0xff, sizeof task);
    assert_true(redis_reader_task(f->reader, "stock", "log.0", &task, &f->error));
    assert_string_equal(task.position.epoch, "");
    assert_false(task.has_time);
    assert_int_equal(task.tally.folded, 0);
}

static void test_task_that_is_none(void **state)
{
    struct fixture *f = *state;
    struct task_state task = {.time_ms = 5};
    run(f, "HSET fanfold:cursor:stock log.0 garbage");
    assert_false(redis_reader_task(f->reader, "stock", "log.0", &task, &f->error));
    assert_int_equal(f->error.kind, ERROR_CONFIG);
    assert_non_null(strstr(f->error.text, "fanfold:cursor:stock"));
    assert_int_equal(task.time_ms, 5);
    run(f, "SET fanfold:cursor:other text");
    assert_false(redis_reader_task(f->reader, "other", "log.0", &task, &f->error));
    assert_int_equal(f->error.kind, ERROR_CONFIG);
    assert_non_null(strstr(f->error.text, "WRONGTYPE"));
}

static void assert_prints(cJSON *object, const char *expected)
{
    assert_non_null(object);
    char *text = cJSON_PrintUnformatted(object);
    assert_string_equal(text, expected);
    free(text);
    cJSON_Delete(object);
}

static void test_workers(void **state)
{
    struct fixture *f = *state;
    assert_prints(redis_reader_workers(f->reader, &f->error), "{}");
    run(f, "HSET fanfold:workers a %s dead %s broken %s odd 7",
        "{\"until\":9000000000000,\"views\":[\"*\"],\"rate\":7}", "{\"until\":1000,\"views\":[]}",
        "{\"until\":");
    assert_prints(redis_reader_workers(f->reader, &f->error),
                  "{\"a\":{\"until\":9000000000000,\"views\":[\"*\"],\"rate\":7}}");
}

static void test_leases(void **state)
{
    struct fixture *f = *state;
    assert_prints(redis_reader_leases(f->reader, &f->error), "{}");
    run(f, "HSET fanfold:leases %s %s %s %s %s garbage", "stock log.0", "9000000000000 host:7 x",
        "old log.0", "1000 host:7", "odd log.0");
    assert_prints(redis_reader_leases(f->reader, &f->error), "{\"stock log.0\":\"host:7 x\"}");
    run(f, "SET fanfold:workers text");
    assert_null(redis_reader_workers(f->reader, &f->error));
    assert_int_equal(f->error.kind, ERROR_CONFIG);
}

/* ---- connecting ---- */

static void assert_refuses(const char *uri, enum error_kind kind, const char *text)
{
    struct error error = {0};
    assert_null(open_reader(uri, &error));
    assert_int_equal(error.kind, kind);
    assert_non_null(strstr(error.text, text));
}

static void test_connecting(void **state)
{
    struct fixture *f = *state;
    char uri[128], where[64];
    snprintf(where, sizeof where, "Redis at 127.0.0.1:%d: ", f->server.port);
    assert_refuses("redis://127.0.0.1:1/0", ERROR_UNAVAILABLE,
                   "Redis at 127.0.0.1:1: Connection refused");
    assert_refuses("redis+unix:///no/such/socket", ERROR_UNAVAILABLE, "Redis at /no/such/socket: ");
    assert_refuses("rediss://127.0.0.1/0", ERROR_CONFIG, "TLS");
    snprintf(uri, sizeof uri, "redis://127.0.0.1:%d/4000", f->server.port);
    assert_refuses(uri, ERROR_CONFIG, "there is no database 4000");
    snprintf(uri, sizeof uri, "redis://:secret@127.0.0.1:%d/0", f->server.port);
    assert_refuses(uri, ERROR_PERMISSION, where);
}

static void test_socket_and_database(void **state)
{
    struct fixture *f = *state;
    char uri[128];
    snprintf(uri, sizeof uri, "redis+unix://%s/redis.sock?db=3", f->server.folder);
    struct redis_reader *reader = open_reader(uri, &f->error);
    assert_non_null(reader);
    run(f, "SELECT 3");
    run(f, "SET there 1");
    run(f, "SELECT 0");
    assert_true(redis_reader_row(reader, STRUCTURE_COUNTER, STR("there"), &f->json, &f->error));
    assert_string_equal(row(f, STRUCTURE_COUNTER, "there"), "");
    redis_reader_close(reader);
}

static void test_login(void **state)
{
    struct fixture *f = *state;
    char uri[128];
    run(f, "ACL SETUSER ann on >secret ~stock:* +hgetall");
    snprintf(uri, sizeof uri, "redis://ann:wrong@127.0.0.1:%d/0", f->server.port);
    assert_refuses(uri, ERROR_PERMISSION, "WRONGPASS");
    snprintf(uri, sizeof uri, "redis://ann:secret@127.0.0.1:%d/0", f->server.port);
    struct redis_reader *reader = open_reader(uri, &f->error);
    assert_non_null(reader);
    run(f, "HSET stock:A a 1");
    buf_clear(&f->json);
    assert_true(redis_reader_row(reader, STRUCTURE_HASH, STR("stock:A"), &f->json, &f->error));
    assert_false(redis_reader_row(reader, STRUCTURE_HASH, STR("other"), &f->json, &f->error));
    assert_int_equal(f->error.kind, ERROR_PERMISSION);
    assert_non_null(strstr(f->error.text, "NOPERM"));
    redis_reader_close(reader);

    run(f, "CONFIG SET requirepass secret");
    reader = open_reader(f->server.uri, &f->error);
    assert_non_null(reader);
    assert_false(redis_reader_row(reader, STRUCTURE_HASH, STR("stock:A"), &f->json, &f->error));
    assert_int_equal(f->error.kind, ERROR_PERMISSION);
    redis_reader_close(reader);
    run(f, "CONFIG SET requirepass %s", "");
}

static void test_server_that_goes_away(void **state)
{
    (void)state;
    struct redis_server server;
    struct error error;
    struct buf json = {0};
    redis_server_start(&server, NULL);
    struct redis_reader *reader = open_reader(server.uri, &error);
    assert_non_null(reader);
    redis_server_stop(&server);
    for (int i = 0; i < 3; i++) {
        error = (struct error){0};
        assert_false(redis_reader_row(reader, STRUCTURE_HASH, STR("k"), &json, &error));
        assert_int_equal(error.kind, ERROR_UNAVAILABLE);
    }
    assert_null(redis_reader_leases(reader, &error));
    redis_reader_close(reader);
    buf_release(&json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_hash, test_setup),
        cmocka_unit_test_setup(test_counter, test_setup),
        cmocka_unit_test_setup(test_zset, test_setup),
        cmocka_unit_test_setup(test_set, test_setup),
        cmocka_unit_test_setup(test_list, test_setup),
        cmocka_unit_test_setup(test_hll, test_setup),
        cmocka_unit_test_setup(test_json, test_setup),
        cmocka_unit_test_setup(test_texts_that_are_not_utf8, test_setup),
        cmocka_unit_test_setup(test_missing_rows, test_setup),
        cmocka_unit_test_setup(test_rows_of_another_type, test_setup),
        cmocka_unit_test_setup(test_infinite_score, test_setup),
        cmocka_unit_test_setup(test_keys, test_setup),
        cmocka_unit_test_setup(test_prefix_is_no_pattern, test_setup),
        cmocka_unit_test_setup(test_first_of_many_keys, test_setup),
        cmocka_unit_test_setup(test_task, test_setup),
        cmocka_unit_test_setup(test_task_without_position, test_setup),
        cmocka_unit_test_setup(test_task_that_is_none, test_setup),
        cmocka_unit_test_setup(test_workers, test_setup),
        cmocka_unit_test_setup(test_leases, test_setup),
        cmocka_unit_test_setup(test_connecting, test_setup),
        cmocka_unit_test_setup(test_socket_and_database, test_setup),
        cmocka_unit_test_setup(test_login, test_setup),
        cmocka_unit_test_setup(test_server_that_goes_away, test_setup),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
