/*
 * partitions_test.c: the names of a log's parts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/partitions.h"

static struct log_config log_of(int partitions)
{
    return (struct log_config){.exchange = (char *)"shop.events", .partitions = partitions};
}

static void assert_name(char *found, const char *expected)
{
    assert_string_equal(found, expected);
    free(found);
}

/* The set that is part of the lock's name. */
static void set_of(const struct log_config *log, char set[64])
{
    char *queue = log_recorder_queue(log);
    assert_memory_equal(queue, "shop.events.recorder.", 21);
    snprintf(set, 64, "%s", queue + 21);
    free(queue);
}

static void assert_same_set(const struct log_config *a, const struct log_config *b, bool same)
{
    char of_a[64], of_b[64];
    set_of(a, of_a);
    set_of(b, of_b);
    assert_int_equal(strcmp(of_a, of_b) == 0, same);
    if (a->partitions == b->partitions)
        assert_int_equal(log_same_key(a, b), same);
}

static void a_direct_log_has_its_intake(void **state)
{
    (void)state;
    struct log_config log = log_of(1);
    assert_false(log_is_recorded(&log));
    assert_name(log_intake(&log), "shop.events.log.0");
    assert_name(log_partition(&log, 0), "shop.events.log.0");
}

static void a_recorded_log_has_a_set(void **state)
{
    (void)state;
    struct log_config log = log_of(16);
    assert_true(log_is_recorded(&log));
    assert_name(log_intake(&log), "shop.events.log.0");
    assert_name(log_partition(&log, 0), "shop.events.part.16.0");
    assert_name(log_partition(&log, 15), "shop.events.part.16.15");
    assert_name(log_part_key(&log, 15), "16.15");
    assert_name(log_part_exchange(&log), "shop.events.part");
    assert_name(log_recorder_queue(&log), "shop.events.recorder.16");
}

/* The plain subject has a name without a digest, said or not; anything else has one. */
static void a_set_is_named_after_what_divides(void **state)
{
    (void)state;
    struct log_config plain = log_of(4), said = log_of(4), order = log_of(4), ruled = log_of(4),
                      other = log_of(4), more = log_of(5), unused = log_of(4);
    said.partition_by = (char *)"/subject";
    order.partition_by = (char *)"/data/order";
    ruled.read.subject = (char *)"/data/order";
    other.read.subject = (char *)"/data/item";
    unused.read.type = (char *)"/data/kind";
    assert_same_set(&plain, &said, true);
    assert_same_set(&plain, &unused, true);
    assert_same_set(&plain, &order, false);
    assert_same_set(&plain, &ruled, false);
    assert_same_set(&order, &ruled, false);
    assert_same_set(&ruled, &other, false);
    assert_same_set(&plain, &more, false);
    assert_true(log_same_key(&plain, &more));
    char set[64];
    set_of(&order, set);
    assert_int_equal(strlen(set), strlen("4-01234567"));
    assert_memory_equal(set, "4-", 2);
}

static void streams_of_former_sets_are_known(void **state)
{
    (void)state;
    struct log_config log = log_of(4), direct = log_of(1);
    const char *ours[] = {"shop.events.log.0", "shop.events.part.4.0", "shop.events.part.7.3",
                          "shop.events.part.4-01234567.2"};
    const char *others[] = {"shop.events",       "shop.events.log.1",      "shop.event.log.0",
                            "shop.events.parts", "shop.events.recorder.4", ""};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        assert_true(log_has_partition(&log, ours[i]));
        assert_true(log_has_partition(&direct, ours[i]));
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(log_has_partition(&log, others[i]));
}

static void lists_have_all_partitions(void **state)
{
    (void)state;
    struct log_config logs[] = {log_of(1), log_of(3)};
    const char *expected[] = {"shop.events.log.0", "shop.events.part.3.0", "shop.events.part.3.1",
                              "shop.events.part.3.2"};
    struct partition_list list = {0};
    partition_list_add_all(&list, logs, 2);
    assert_int_equal(list.count, 4);
    for (size_t i = 0; i < list.count; i++)
        assert_string_equal(list.at[i], expected[i]);
    partition_list_release(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_direct_log_has_its_intake),
        cmocka_unit_test(a_recorded_log_has_a_set),
        cmocka_unit_test(a_set_is_named_after_what_divides),
        cmocka_unit_test(streams_of_former_sets_are_known),
        cmocka_unit_test(lists_have_all_partitions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
