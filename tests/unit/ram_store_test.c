/*
 * ram_store_test.c: what is the RAM store's own: turns, the lists of rows and of parked events.
 * What it shares with Redis is in integration/store_conformance_test.c.
 */
#include <fanfold/ram_store.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct log {
    struct store *store;
    struct buf text;
    int answers;
};

static void begin(struct batch *batch, const char *view, const char *partition)
{
    batch_clear(batch);
    batch->view = view;
    batch->partition = partition;
    batch->definition = "{}";
    batch->from = (struct position){0};
    batch->to = (struct position){"1.a", 5, 6, 0};
}

static void on_commit(void *arg, const struct commit_result *result)
{
    struct log *log = arg;
    buf_printf(&log->text, "%d ", result->outcome);
    log->answers++;
}

static void on_load_after(void *arg, enum store_status status, struct task_state *state,
                          const struct error *error)
{
    (void)error;
    struct log *log = arg;
    buf_printf(&log->text, "load %d %s", status, state->position.epoch);
    log->answers++;
}

/* Asks again from inside an answer. */
static void on_commit_then_load(void *arg, const struct commit_result *result)
{
    struct log *log = arg;
    on_commit(arg, result);
    store_load(log->store, "v", "p", on_load_after, log);
}

static void answers_wait_for_the_turn(void **state)
{
    (void)state;
    struct batch batch = {0};
    struct log log = {.store = ram_store_new()};
    begin(&batch, "v", "p");
    store_commit(log.store, &batch, on_commit_then_load, &log);
    assert_int_equal(log.answers, 0);
    assert_int_equal(ram_store_turn(log.store), 1);
    assert_string_equal(buf_text(&log.text), "0 ");
    assert_int_equal(ram_store_turn(log.store), 1);
    assert_string_equal(buf_text(&log.text), "0 load 0 1.a");
    assert_int_equal(ram_store_turn(log.store), 0);
    store_load(log.store, "v", "p", on_load_after, &log);
    store_free(log.store);
    assert_int_equal(log.answers, 3);
    buf_release(&log.text);
    batch_release(&batch);
}

static void on_row(void *arg, struct str key, struct str json, int64_t expire_at_ms)
{
    struct log *log = arg;
    buf_printf(&log->text, "%.*s=%.*s@%d ", STRF(key), STRF(json), (int)expire_at_ms);
}

static void rows_are_listed_in_byte_order(void **state)
{
    (void)state;
    struct batch batch = {0};
    struct log log = {.store = ram_store_new()};
    begin(&batch, "v", "p");
    changes_add(&batch.changes, CHANGE_COUNTER_ADD, 0, STRUCTURE_COUNTER, STR("b"), (struct str){0},
                STR("1"));
    changes_add(&batch.changes, CHANGE_COUNTER_ADD, 0, STRUCTURE_COUNTER, STR("a"), (struct str){0},
                STR("2"));
    changes_add(&batch.changes, CHANGE_EXPIRE, 0, STRUCTURE_COUNTER, STR("a"), (struct str){0},
                STR("77"));
    changes_add(&batch.changes, CHANGE_SET_INCLUDE, 0, STRUCTURE_SET, STR("B"), STR("\xff"),
                (struct str){0});
    changes_add(&batch.changes, CHANGE_SET_INCLUDE, 0, STRUCTURE_SET, STR("gone"), STR("x"),
                (struct str){0});
    changes_add(&batch.changes, CHANGE_SET_EXCLUDE, 0, STRUCTURE_SET, STR("gone"), STR("x"),
                (struct str){0});
    store_commit(log.store, &batch, on_commit, &log);
    ram_store_each_row(log.store, on_row, &log);
    assert_string_equal(buf_text(&log.text), "B=[{\"base64\":\"/w==\"}]@0 a=2@77 b=1@0 ");
    store_free(log.store);
    buf_release(&log.text);
    batch_release(&batch);
}

static void on_parked(void *arg, const char *view, const char *partition,
                      const struct parked_event *event)
{
    struct log *log = arg;
    buf_printf(&log->text, "%s/%s/%d:%.*s ", view, partition, (int)event->offset,
               STRF(event->reason));
}

static void park_two(struct store *store, struct log *log, const char *view, const char *partition)
{
    struct batch batch = {0};
    begin(&batch, view, partition);
    *batch_park(&batch) = (struct parked_event){.offset = 9, .reason = STR("late")};
    *batch_park(&batch) = (struct parked_event){.offset = 3, .reason = STR("early")};
    store_commit(store, &batch, on_commit, log);
    batch_release(&batch);
}

static void parked_events_are_listed_by_view_partition_offset(void **state)
{
    (void)state;
    struct log log = {.store = ram_store_new()};
    park_two(log.store, &log, "w", "p0");
    park_two(log.store, &log, "v", "p1");
    park_two(log.store, &log, "v", "p0");
    ram_store_each_parked(log.store, on_parked, &log);
    assert_string_equal(
        buf_text(&log.text),
        "v/p0/3:early v/p0/9:late v/p1/3:early v/p1/9:late w/p0/3:early w/p0/9:late ");
    store_free(log.store);
    buf_release(&log.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_wait_for_the_turn),
        cmocka_unit_test(rows_are_listed_in_byte_order),
        cmocka_unit_test(parked_events_are_listed_by_view_partition_offset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
