/*
 * base_test.c: arena, buf, error, hash, log, map, uri.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/map.h"
#include "base/uri.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static void test_arena(void **state)
{
    (void)state;
    struct arena arena = {0};
    char *pieces[200];
    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        pieces[i] = arena_alloc(&arena, i * 37);
        assert_int_equal((uintptr_t)pieces[i] % 8, 0);
        memset(pieces[i], (int)i, i * 37);
    }
    for (size_t i = 0; i < COUNT_OF(pieces); i++)
        for (size_t j = 0; j < i * 37; j++)
            assert_int_equal((unsigned char)pieces[i][j], i);
    assert_true(arena.used >= 199 * 200 / 2 * 37);

    struct str copy = arena_copy(&arena, STR("abc"));
    assert_true(str_eq(copy, STR("abc")));
    assert_false(str_is(arena_copy(&arena, (struct str){0})));
    assert_true(str_is(arena_copy(&arena, STR(""))));
    struct str text = arena_printf(&arena, "%s-%d", "x", 5);
    assert_int_equal(text.len, 3);
    assert_string_equal(text.at, "x-5");
    text = arena_int(&arena, INT64_MIN);
    assert_int_equal(text.len, 20);
    assert_string_equal(text.at, "-9223372036854775808");

    arena_clear(&arena);
    assert_int_equal(arena.used, 0);
    struct arena_block *kept = arena.head;
    assert_non_null(kept);
    arena_alloc(&arena, 100);
    assert_ptr_equal(arena.head, kept);
    memset(arena_alloc(&arena, 5000000), 1, 5000000);
    arena_clear(&arena);
    assert_null(arena.head); /* a giant block is not kept */
    arena_alloc(&arena, 0);
    arena_release(&arena);
    arena_release(&arena);
    arena_clear(&arena);
}

static void test_buf(void **state)
{
    (void)state;
    struct buf b = {0};
    assert_true(str_is(buf_str(&b)));
    assert_string_equal(buf_text(&b), "");
    buf_add_u64(&b, UINT64_MAX);
    buf_add_byte(&b, ' ');
    buf_add_i64(&b, INT64_MIN);
    buf_add_byte(&b, ' ');
    buf_add_u64(&b, 0);
    assert_string_equal(buf_text(&b), "18446744073709551615 -9223372036854775808 0");
    buf_clear(&b);
    for (int i = 0; i < 1000; i++)
        buf_printf(&b, "%03d,", i);
    assert_int_equal(b.len, 4000);
    assert_memory_equal(buf_text(&b) + 3996, "999,", 5);
    buf_clear(&b);
    buf_add_json_string(&b, STR("a\"\\/\b\t\n\f\r\x0b\x1f\x7f ä\0"));
    assert_string_equal(buf_text(&b), "\"a\\\"\\\\/\\b\\t\\n\\f\\r\\u000b\\u001f\x7f ä\\u0000\"");
    buf_release(&b);
    assert_int_equal(b.cap, 0);
    for (size_t i = 1; i < 300; i++) {
        buf_add_byte(&b, 'x');
        assert_true(b.cap > b.len); /* room for the NUL */
        assert_int_equal(b.len, i);
    }
    buf_release(&b);
}

/* Cut or not, a reason ends with a whole character. */
static void test_error_ends_with_a_whole_character(void **state)
{
    (void)state;
    static const struct {
        const char *character;
        size_t bytes;
    } cases[] = {{"\u00f6", 2}, {"\u20ac", 3}, {"\U0001f600", 4}};
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        for (size_t shift = 0; shift < 8; shift++) {
            struct buf text = {0};
            struct error set = {0}, prefixed = {0};
            buf_add(&text, (struct str){"xxxxxxxx", shift});
            while (text.len < 2 * sizeof set.text)
                buf_add(&text, str_of(cases[i].character));
            error_set(&set, ERROR_NO, "%s", buf_text(&text));
            assert_in_range(strlen(set.text), sizeof set.text - 4, sizeof set.text - 1);
            assert_int_equal((strlen(set.text) - shift) % cases[i].bytes, 0);
            error_prefix(&set, "ab");
            assert_int_equal((strlen(set.text) - strlen("ab: ") - shift) % cases[i].bytes, 0);
            error_set(&prefixed, ERROR_NO, "abcdefg");
            error_prefix(&prefixed, "%s", buf_text(&text));
            size_t len = (size_t)(strstr(prefixed.text, ": ") - prefixed.text);
            assert_int_equal((len - shift) % cases[i].bytes, 0);
            char fit[64];
            error_fit(fit, sizeof fit, buf_text(&text));
            assert_in_range(strlen(fit), sizeof fit - 4, sizeof fit - 1);
            assert_int_equal((strlen(fit) - shift) % cases[i].bytes, 0);
            error_fit(fit, sizeof fit, "whole");
            assert_string_equal(fit, "whole");
            buf_release(&text);
        }
}

static void test_error(void **state)
{
    (void)state;
    struct error error = {0};
    assert_false(error_set(&error, ERROR_CONFIG, "no %s", "x"));
    assert_false(error_prefix(&error, "file %d", 3));
    assert_int_equal(error.kind, ERROR_CONFIG);
    assert_string_equal(error.text, "file 3: no x");

    char longer[3000];
    memset(longer, 'y', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    error_set(&error, ERROR_NO, "%s", longer);
    assert_int_equal(strlen(error.text), sizeof error.text - 1);
    error_prefix(&error, "here");
    assert_int_equal(strlen(error.text), sizeof error.text - 1);
    assert_memory_equal(error.text, "here: yyy", 9);
    error_prefix(&error, "%s", longer);
    assert_true(strlen(error.text) < sizeof error.text);
}

/* SipHash-1-3 of 00 01 02 … with the key 00 … 0f and 16 bytes of output, as OpenSSL 3 computes it:
 *     openssl mac -macopt hexkey:000102030405060708090a0b0c0d0e0f -macopt c-rounds:1
 *         -macopt d-rounds:3 -macopt size:16 -in FILE SIPHASH
 * Of every length, so each count of bytes behind the last word is among them; at every alignment.
 */
static void test_hash(void **state)
{
    (void)state;
    static const char *const hexes[] = {
        "e77ebcb22788a5befd62db6add303001", "fc6f370460d3eda85e0573cc2b2ff063",
        "75787f090569839b855bc9548c6aea95", "6bc5ccfa1edcf79f4823187712ebd743",
        "0c784e71ac2b285a9f8e92e78fbf2c25", "f328db89345b620c795229a42695843e",
        "dcd03d29f743e7100951b0e83985a6f8", "1084b923f2aae0c3a62f2ec80848ab77",
        "aa12fee1d5e3dab4724f16ab35f9c799", "81ddb8042cf33994f4720e0094137c42",
        "4faa541d5d498e89ba0ea4c387b22fb4", "723b9af3554491dbb1d6633dfc6e0c4e",
        "e53f92859e4819a8dc0695739fea8c65", "b2f858c7c9ea801d53d603596d657844",
        "87e76268dbc9227226b0ca665f64e378", "c17e5505b2bd526c2921cdec1e7e0109",
        "d0a8d95715518eebb513b0f83d9e1793", "234126f93fbb668d975112e8febdf7ec",
        "ef42f03db78f704d023c449f16b7092b", "abf76238c20af161b2314b4d5526bce9",
        "3c2c2f11bb90cf0be335ca9b2e91e9b7", "2a7a680f22a02a92f45149d20fece0ef",
        "c9a8d130231dd43e42e6456957f83779", "1d127b84405ceab99fd8775a9be6c559",
        "9e4bf837bcfd92cace09d2061a84d04a", "39031a965d73b4af5a274d18f973b1d2",
        "7f4d0a1209d67e4ed06f7538e1cfad64", "e61ee240fbdcce38969f4cd24927dd93",
        "4c3ba2b37b0fdd8cfa5e95c189b29414", "e06fd4ca066fecdd54068a5ad8896f86",
        "5ca84c34139c6580a88af24990720706", "42ea961c5b3c858b17c3e550dfa79010",
        "406c44dee67857b2943160f30c7417d3", "c5f57bae1320fcf4b4e868e71d56c66b",
        "04bf737a5b676be7c3de05017df4bff9", "5163c9c03f1907ea1044ed5c30727b4f",
        "37a110f002718edad24b3f9ee453f140", "b9877e381aedd3da08c33e75ff23ac10",
        "7c5004005ec5da4c5ac9440e5c723193", "81b8243783dbc646ca9d0cd82abdb46c",
        "505720543eb9b413d50b3cfad9eef938", "945f594de72411e4d335be874456d8f3",
        "37923b3e371777b21170bf9d7e62f602", "3ad4e7c85764964611eb0a6c4d62de56",
        "cd91396c44af4f5185578d9dd9803f0a", "fe28158e727b868f3903c9acda64a258",
        "40cc10b8288ce5f0bc3ac0b68a0eebc8", "6f1490f540699a3cd4974420ecc92737",
        "d505f1b75e1a84a603c43583b2ed0308", "491573cfd72bb4682b7ca5880e1c8d6f",
        "3ed69cfe45ab403f2fd2ad959ba27666", "8be839ef1b20b57c83ba7eb6a8c22b6a",
        "1409186ab42231fedee18162cf1cb4ca", "2bf3ccc24ab672cf151fb8d2f3f3069b",
        "b9b93a2882d6025cdb8c56fa13f7537b", "d97cca3694fb206db8bd1f3650c33322",
        "94ec2e19a40be41af3940d6b30c49384", "4b41603f209a045be140a341a3dffe10",
        "23fbcb309f1cf094890755ab1b426569", "e7d9b65690918a2b232f2f5c12c8300e",
        "ade83cf7e7f3847b36fa4b54b00dce61", "0610c5f2ee571c8ac80cbfe538bdf1c7",
        "271d5d00fbdb5d155d9dcea97cb40218", "4c5800e34efe426f079f6b0aa75260ad",
        "1253def24b4aa5364ec8a759ba6a66c2",
    };
    char bytes[COUNT_OF(hexes) + 8];
    for (size_t start = 0; start < 8; start++)
        for (size_t len = 0; len < COUNT_OF(hexes); len++) {
            for (size_t i = 0; i < len; i++)
                bytes[start + i] = (char)i;
            struct hash128 hash = hash128((struct str){bytes + start, len});
            char hex[2 * HASH_HEX_LEN + 1];
            hash_hex(__builtin_bswap64(hash.lo), hex);
            hash_hex(__builtin_bswap64(hash.hi), hex + HASH_HEX_LEN);
            assert_string_equal(hex, hexes[len]);
            assert_true(hash64((struct str){bytes + start, len}) == hash.lo);
        }
}

static void add_text_and_length(struct buf *buf, struct str text)
{
    for (int i = 0; i < 8; i++)
        buf_add_byte(buf, (char)(text.len >> 8 * i));
    buf_add(buf, text);
}

/* Texts of all lengths behind one another: each begins at any place within a word. */
static void test_hash_of_pieces(void **state)
{
    (void)state;
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    struct buf whole = {0};
    for (size_t a = 0; a <= 17; a++)
        for (size_t b = 0; b <= 17; b++) {
            struct str texts[] = {{letters, a}, {letters + 3, b}, STR("c")};
            buf_clear(&whole);
            for (size_t i = 0; i < COUNT_OF(texts); i++)
                add_text_and_length(&whole, texts[i]);
            struct hash128 one = hash128_of(texts, COUNT_OF(texts));
            struct hash128 other = hash128(buf_str(&whole));
            assert_true(one.lo == other.lo && one.hi == other.hi);
        }
    buf_release(&whole);
}

static void test_hash_of_several(void **state)
{
    (void)state;
    struct hash128 one = hash128_of((struct str[]){STR("ab"), STR("c")}, 2);
    struct hash128 two = hash128_of((struct str[]){STR("a"), STR("bc")}, 2);
    struct hash128 whole = hash128(STR("\2\0\0\0\0\0\0\0ab\1\0\0\0\0\0\0\0c"));
    assert_true(one.lo != two.lo && one.hi != two.hi);
    assert_true(one.lo == whole.lo && one.hi == whole.hi);
    assert_true(hash_mix(1, 2) != hash_mix(2, 1));
    assert_true(hash_mix(0, 0) != 0);
    char hex[HASH_HEX_LEN + 1];
    hash_hex(0xab, hex);
    assert_string_equal(hex, "00000000000000ab");
}

/* What log_info and log_debug write to standard error; the caller frees it. */
static char *logged(const char *message)
{
    char *text = must_calloc(1, 256);
    FILE *file = tmpfile();
    assert_non_null(file);
    int kept = dup(STDERR_FILENO);
    dup2(fileno(file), STDERR_FILENO);
    log_info("%s", message);
    log_debug("%s", message);
    dup2(kept, STDERR_FILENO);
    close(kept);
    rewind(file);
    text[fread(text, 1, 255, file)] = '\0';
    fclose(file);
    return text;
}

static void test_log(void **state)
{
    (void)state;
    setenv("JOURNAL_STREAM", "8:1", 1);
    char *text = logged("two\nlines");
    assert_string_equal(text, "<6>two lines\n");
    free(text);

    log_set_level(LOG_LEVEL_DEBUG);
    text = logged("x");
    assert_string_equal(text, "<6>x\n<7>x\n");
    free(text);

    log_set_level(LOG_LEVEL_ERROR);
    text = logged("x");
    assert_string_equal(text, "");
    free(text);

    log_set_level(LOG_LEVEL_INFO);
    unsetenv("JOURNAL_STREAM");
    text = logged("x");
    assert_string_equal(text + strlen("2026-01-31T09:05:07.000Z"), " info: x\n");
    free(text);
}

#define NAMES 2000

static struct str name_of(char out[16], int i)
{
    return (struct str){out, (size_t)snprintf(out, 16, "name-%d", i)};
}

static void test_map(void **state)
{
    (void)state;
    struct map m = {0};
    char name[16];
    assert_null(map_get(&m, STR("x")));
    assert_false(map_remove(&m, STR("x")));
    for (int i = 0; i < NAMES; i++) {
        uint64_t *slot = map_put(&m, name_of(name, i));
        assert_int_equal(*slot, 0);
        *slot = (uint64_t)i + 1;
    }
    assert_int_equal(*map_put(&m, STR("name-7")), 8);
    assert_int_equal(m.count, NAMES);

    for (int i = 0; i < NAMES; i += 3)
        assert_true(map_remove(&m, name_of(name, i)));
    assert_false(map_remove(&m, STR("name-3")));
    for (int i = 0; i < NAMES; i++) {
        uint64_t *slot = map_get(&m, name_of(name, i));
        assert_int_equal(slot ? *slot : 0, i % 3 ? i + 1 : 0);
    }

    size_t cursor = 0, seen = 0;
    uint64_t value, sum = 0;
    for (struct str key; map_next(&m, &cursor, &key, &value); seen++)
        sum += value;
    assert_int_equal(seen, m.count);
    uint64_t expected = 0;
    for (uint64_t i = 0; i < NAMES; i++)
        expected += i % 3 ? i + 1 : 0;
    assert_int_equal(sum, expected);

    map_clear(&m);
    assert_int_equal(m.count, 0);
    assert_null(map_get(&m, STR("name-1")));
    *map_put(&m, STR("")) = 5;
    assert_int_equal(*map_get(&m, STR("")), 5);
    *map_put(&m, STR("a\0b")) = 6;
    assert_null(map_get(&m, STR("a\0c")));
    map_release(&m);
    map_release(&m);
}

static void check_safe(const struct uri *uri, const char *scheme, const char *expected)
{
    char *safe = uri_safe(uri, scheme);
    assert_string_equal(safe, expected);
    free(safe);
}

static void test_uri_amqp(void **state)
{
    (void)state;
    struct uri uri;
    struct error error;
    assert_true(uri_parse_amqp("amqp://us%40er:p%2fw:x@rabbit.example:5673/a%2fb", &uri, &error));
    assert_false(uri.tls);
    assert_string_equal(uri.host, "rabbit.example");
    assert_int_equal(uri.port, 5673);
    assert_string_equal(uri.user, "us@er");
    assert_string_equal(uri.password, "p/w:x");
    assert_string_equal(uri.vhost, "a/b");
    check_safe(&uri, "amqp", "amqp://us%40er@rabbit.example:5673/a%2fb");
    uri_release(&uri);

    /* An @ that should have been written %40 still belongs to the password. */
    assert_true(uri_parse_amqp("amqp://u:a@b@h", &uri, &error));
    assert_string_equal(uri.password, "a@b");
    assert_string_equal(uri.host, "h");
    uri_release(&uri);

    static const char *const roots[] = {"amqp://h", "amqp://h/", "amqp://h/%2f",
                                        "amqp://h:5672/%2F"};
    for (size_t i = 0; i < COUNT_OF(roots); i++) {
        assert_true(uri_parse_amqp(roots[i], &uri, &error));
        assert_string_equal(uri.vhost, "/");
        assert_int_equal(uri.port, 5672);
        assert_null(uri.user);
        assert_null(uri.password);
        check_safe(&uri, "amqp", "amqp://h:5672/%2f");
        uri_release(&uri);
    }
    assert_true(uri_parse_amqp("amqps://guest@[::1]/x", &uri, &error));
    assert_true(uri.tls);
    assert_string_equal(uri.host, "::1");
    assert_string_equal(uri.user, "guest");
    assert_null(uri.password);
    check_safe(&uri, "amqp", "amqps://guest@[::1]:5671/x");
    uri_release(&uri);
}

static void test_uri_redis(void **state)
{
    (void)state;
    struct uri uri;
    struct error error;
    assert_true(uri_parse_redis("redis://:secret@127.0.0.1/3", &uri, &error));
    assert_null(uri.user);
    assert_string_equal(uri.password, "secret");
    assert_int_equal(uri.port, 6379);
    assert_int_equal(uri.db, 3);
    assert_null(uri.vhost);
    check_safe(&uri, "redis", "redis://127.0.0.1:6379/3");
    uri_release(&uri);

    assert_true(uri_parse_redis("rediss://u:@h:7000", &uri, &error));
    assert_true(uri.tls);
    assert_int_equal(uri.db, 0);
    assert_string_equal(uri.password, "");
    check_safe(&uri, "redis", "rediss://u@h:7000/0");
    uri_release(&uri);

    assert_true(uri_parse_redis("redis+unix:///run/my%20redis.sock?db=2", &uri, &error));
    assert_null(uri.host);
    assert_string_equal(uri.path, "/run/my redis.sock");
    assert_int_equal(uri.db, 2);
    check_safe(&uri, "redis", "redis+unix:///run/my%20redis.sock?db=2");
    uri_release(&uri);
    assert_true(uri_parse_redis("redis+unix:///run/r", &uri, &error));
    uri_release(&uri);
}

/* Refused, with *uri untouched, and without a word of the address in the message. */
static void test_uri_refused(void **state)
{
    (void)state;
    static const char *const amqp[] = {
        "",
        "hunter2",
        "guest:hunter2@host",
        "http://hunter2@host/",
        "redis://hunter2@host/",
        "amqp://u:hun/hunter2@host/",
        "amqp://u:1/hunter2@host",
        "amqp://u:1/hunter2@host:5672/v",
        "amqp://u:hunter2@host:0/",
        "amqp://u:hunter2@host:65536/",
        "amqp://u:hunter2@host:/",
        "amqp://u:hunter2@host:5x/",
        "amqp://u:hunter2%@host/",
        "amqp://u:hunter2%zz@host/",
        "amqp://u:hunter2%00@host/",
        "amqp://u:hunter2@host/a/b",
        "amqp://u:hunter2@host/a%2",
        "amqp://u:hunter2@host/?x=hunter2",
        "amqp://u:hunter2@host/#x",
        "amqp://u:hunter2@[::1/",
        "amqp://u:hunter2@[::1]hunter2/",
        "amqp://u:hunter2 @host/",
        "amqp://u:hunter2\n@host/",
    };
    static const char *const redis[] = {
        "amqp://u:hunter2@host/",          "redis://u:hunter2@host/x",
        "redis://u:hunter2@host/1?db=2",   "redis://u:hunter2@host/-1",
        "redis://u:hunter2@host/99999999", "redis+unix://u:hunter2@host/path",
        "redis+unix://u:hunter2@/",        "redis+unix:///p?x=hunter2",
        "redis+unix:///p?db=hunter2",
    };
    struct uri uri = {.port = 77};
    struct error error;
    for (size_t i = 0; i < COUNT_OF(amqp); i++) {
        assert_false(uri_parse_amqp(amqp[i], &uri, &error));
        assert_null(strstr(error.text, "hun"));
        assert_int_equal(error.kind, ERROR_CONFIG);
    }
    for (size_t i = 0; i < COUNT_OF(redis); i++) {
        assert_false(uri_parse_redis(redis[i], &uri, &error));
        assert_null(strstr(error.text, "hun"));
    }
    assert_int_equal(uri.port, 77);
    assert_null(uri.host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arena),
        cmocka_unit_test(test_buf),
        cmocka_unit_test(test_error),
        cmocka_unit_test(test_error_ends_with_a_whole_character),
        cmocka_unit_test(test_hash),
        cmocka_unit_test(test_hash_of_pieces),
        cmocka_unit_test(test_hash_of_several),
        cmocka_unit_test(test_map),
        cmocka_unit_test(test_log),
        cmocka_unit_test(test_uri_amqp),
        cmocka_unit_test(test_uri_redis),
        cmocka_unit_test(test_uri_refused),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
