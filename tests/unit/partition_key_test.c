/*
 * partition_key_test.c: the key of an event, and its hash. The hashes are those of
 * tests/support/partitions.py, which knows nothing of this one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "event/partition_key.h"

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

#define HASH_EMPTY 0xefd01f60ba992926u
#define HASH_ORDER 0x491b422e3af0d9a5u /* of order-1 */

static void the_hash_is_the_one_that_is_written_down(void **state)
{
    (void)state;
    static char long_key[300];
    memset(long_key, 'x', sizeof long_key);
    const struct {
        struct str key;
        uint64_t hash;
    } cases[] = {
        {STR(""), HASH_EMPTY},
        {STR("a"), 0x82a2a958a9bece5bu},
        {STR("order-1"), HASH_ORDER},
        {STR("order-2"), 0xaaca0c2aeae39babu},
        {STR("ключ"), 0x590520d718275ed5u},
        {{long_key, sizeof long_key}, 0x08231e9ad7b58d59u},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_true(partition_hash(cases[i].key) == cases[i].hash);
    assert_true(partition_hash((struct str){NULL, 0}) == HASH_EMPTY);
}

static uint64_t hash_by(const struct log_config *log, const struct message *message)
{
    struct partition_keys keys;
    partition_keys_init(&keys, log);
    uint64_t hash = partition_keys_hash(&keys, message);
    assert_true(partition_keys_hash(&keys, message) == hash); /* it leaves nothing behind */
    partition_keys_release(&keys);
    return hash;
}

static uint64_t hash_of_body(const struct log_config *log, const char *body)
{
    struct message message = {
        .offset = 3, .exchange = STR("x"), .routing_key = STR("key"), .body = str_of(body)};
    return hash_by(log, &message);
}

static void the_key_is_the_subject(void **state)
{
    (void)state;
    const struct log_config plain = {.exchange = (char *)"x", .partitions = 4},
                            read = {.exchange = (char *)"x",
                                    .partitions = 4,
                                    .read = {.subject = (char *)"/data/order"}};
    const struct message_header binary[] = {
        {.name = STR("cloudEvents:id"), .kind = HEADER_TEXT, .text = STR("1")},
        {.name = STR("cloudEvents:source"), .kind = HEADER_TEXT, .text = STR("/s")},
        {.name = STR("cloudEvents:specversion"), .kind = HEADER_TEXT, .text = STR("1.0")},
        {.name = STR("cloudEvents:subject"), .kind = HEADER_TEXT, .text = STR("order-1")},
        {.name = STR("cloudEvents:type"), .kind = HEADER_TEXT, .text = STR("t")},
    };
    const struct message messages[] = {
        {.exchange = STR("x"), .routing_key = STR("order-1"), .body = STR("no json")},
        {.exchange = STR("x"),
         .routing_key = STR("k"),
         .headers = binary,
         .header_count = COUNT_OF(binary),
         .body = STR("")},
        {.exchange = STR("x"),
         .routing_key = STR("k"),
         .content_type = STR("application/cloudevents+json"),
         .body = STR("{\"specversion\": \"1.0\", \"id\": \"1\", \"source\": \"/s\", "
                     "\"type\": \"t\", \"subject\": \"order-1\"}")},
    };
    for (size_t i = 0; i < COUNT_OF(messages); i++)
        assert_true(hash_by(&plain, &messages[i]) == HASH_ORDER);
    assert_true(hash_of_body(&read, "{\"order\": \"order-1\"}") == HASH_ORDER);
}

static void an_event_without_a_subject_has_the_empty_key(void **state)
{
    (void)state;
    const struct log_config log = {.exchange = (char *)"x", .partitions = 4};
    const struct message messages[] = {
        {.exchange = STR("x"), .routing_key = STR(""), .body = STR("{}")},
        {.exchange = STR("x"),
         .routing_key = STR("k"),
         .content_type = STR("application/cloudevents+json"),
         .body = STR("{\"specversion\": \"1.0\", \"id\": \"1\", \"source\": \"/s\", "
                     "\"type\": \"t\"}")},
    };
    for (size_t i = 0; i < COUNT_OF(messages); i++)
        assert_true(hash_by(&log, &messages[i]) == HASH_EMPTY);
}

/* What cannot be decoded is an event nevertheless, of which the properties are known. */
static void what_cannot_be_decoded_has_its_routing_key(void **state)
{
    (void)state;
    const struct log_config log = {.exchange = (char *)"x", .partitions = 4};
    const char *bodies[] = {"{", "", "[]", "{\"specversion\": \"1.0\", \"subject\": 5}"};
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        struct message message = {.exchange = STR("x"),
                                  .routing_key = STR("order-1"),
                                  .content_type = STR("application/cloudevents+json"),
                                  .body = str_of(bodies[i])};
        assert_true(hash_by(&log, &message) == HASH_ORDER);
    }
}

static void a_pointer_finds_any_kind(void **state)
{
    (void)state;
    const struct log_config log = {
        .exchange = (char *)"x", .partitions = 4, .partition_by = (char *)"/data/k"};
    const struct {
        const char *body;
        uint64_t hash;
    } cases[] = {
        {"{\"k\": \"order-1\"}", HASH_ORDER},
        {"{\"k\": \"\"}", HASH_EMPTY},
        {"{\"k\": 12}", 0x6ed026c1db7637ccu},
        {"{\"k\": 12.0}", 0x6ed026c1db7637ccu},
        {"{\"k\": \"12\"}", 0x6ed026c1db7637ccu},
        {"{\"k\": 1.5}", 0xfe4e65760b332d12u},
        {"{\"k\": 1e3}", 0x5f6fd88abe1f08adu},
        {"{\"k\": true}", 0x4ae9b24879686fa1u},
        {"{\"k\": {\"b\": 1, \"a\": [null, \"x\"]}}", 0xd1afbea5a61423e6u},
        {"{\"k\": [1, 2]}", 0xba98488ca303d84bu},
        {"{\"k\": 100000000000000000}", 0xbb3295740e467434u}, /* as it is written */
        {"{\"k\": null}", HASH_EMPTY},
        {"{}", HASH_EMPTY},
        {"[]", HASH_EMPTY},
        {"no json", HASH_EMPTY},
        {"", HASH_EMPTY},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (hash_of_body(&log, cases[i].body) != cases[i].hash)
            fail_msg("%s", cases[i].body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_hash_is_the_one_that_is_written_down),
        cmocka_unit_test(the_key_is_the_subject),
        cmocka_unit_test(an_event_without_a_subject_has_the_empty_key),
        cmocka_unit_test(what_cannot_be_decoded_has_its_routing_key),
        cmocka_unit_test(a_pointer_finds_any_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
