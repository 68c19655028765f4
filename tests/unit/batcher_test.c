/*
 * batcher_test.c: what becomes of each event of a task: folded, ignored, duplicate, parked,
 * waiting, skipped, stop; and the position after it.
 */
#include "event/upcast.h"
#include "worker/batcher.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define ADDS \
    "\"exchange\":\"x\",\"on\":{\"t\":[{\"hash\":\"a:{subject}\",\"add\":{\"n\":\"/data/n\"}}]}"
#define SETS \
    "\"exchange\":\"x\",\"on\":{\"t\":[{\"hash\":\"s:{subject}\",\"set\":{\"n\":\"/data/n\"}}]}"

struct bench {
    struct view *view;
    struct batcher batcher;
    struct batch batch;
    struct arena arena;
    struct error error;
    struct upcast_rules upcast;
};

static struct bench *bench_new(const char *members)
{
    struct bench *bench = must_calloc(1, sizeof *bench);
    char text[512];
    snprintf(text, sizeof text, "{\"view\":\"v\",%s}", members);
    struct faults faults = {0};
    bench->view = view_parse("v.json", str_of(text), &faults);
    faults_print(&faults, stderr);
    assert_non_null(bench->view);
    batcher_init(&bench->batcher, bench->view, "x.log.0", "1.e");
    batcher_open(&bench->batcher, &bench->batch);
    return bench;
}

static void bench_free(struct bench *bench)
{
    batch_release(&bench->batch);
    batcher_release(&bench->batcher);
    arena_release(&bench->arena);
    upcast_rules_release(&bench->upcast);
    view_free(bench->view);
    free(bench);
}

static bool feed(struct bench *bench, uint64_t offset, enum window_answer duplicate,
                 const char *line)
{
    struct publish_defaults none = {0};
    struct cloudevent event;
    arena_clear(&bench->arena);
    if (!cloudevent_from_line(str_of(line), &none, STR("made"), &bench->arena, &event,
                              &bench->error))
        fail_msg("%s", bench->error.text);
    upcast_apply(&bench->upcast, &event, &bench->arena);
    struct delivery delivery = {.offset = offset,
                                .fingerprint = offset * 7,
                                .duplicate = duplicate,
                                .event = &event,
                                .body = event.data_bytes};
    return batcher_fold(&bench->batcher, &delivery, &bench->batch, &bench->error) == BATCHER_TOOK;
}

#define EVENT(type, subject, data)                                             \
    "{\"specversion\":\"1.0\",\"id\":\"i\",\"source\":\"/s\",\"type\":\"" type \
    "\",\"subject\":\"" subject "\",\"time\":\"2026-01-02T03:04:05Z\",\"data\":" data "}"

static void counts_and_advances(void **state)
{
    (void)state;
    struct bench *bench = bench_new(ADDS);
    assert_string_equal(bench->batch.from.epoch, "");
    assert_true(feed(bench, 0, WINDOW_NEW, EVENT("t", "a", "{\"n\":5}")));
    assert_true(feed(bench, 1, WINDOW_NEW, EVENT("other", "a", "{}")));
    assert_true(feed(bench, 3, WINDOW_DUPLICATE, EVENT("t", "a", "{\"n\":5}")));
    batcher_close(&bench->batcher, &bench->batch);
    assert_int_equal(bench->batch.changes.count, 1);
    assert_int_equal(bench->batch.tally.folded, 1);
    assert_int_equal(bench->batch.tally.ignored, 1);
    assert_int_equal(bench->batch.tally.duplicates, 1);
    assert_string_equal(bench->batch.to.epoch, "1.e");
    assert_int_equal(bench->batch.to.offset, 3);
    assert_int_equal(bench->batch.to.fingerprint, 21);
    assert_int_equal(bench->batch.to.park_revision, 0);
    assert_true(bench->batch.has_time);
    assert_int_equal(bench->batch.time_ms, 1767323045000);

    batcher_open(&bench->batcher, &bench->batch);
    assert_string_equal(bench->batch.from.epoch, "1.e");
    assert_int_equal(bench->batch.from.offset, 3);
    bench_free(bench);
}

static void parked_event_holds_back_its_key(void **state)
{
    (void)state;
    struct bench *bench = bench_new(SETS);
    assert_true(feed(bench, 0, WINDOW_NEW, EVENT("t", "a", "{}")));        /* fails */
    assert_true(feed(bench, 1, WINDOW_NEW, EVENT("t", "a", "{\"n\":1}"))); /* waits */
    assert_true(feed(bench, 2, WINDOW_NEW, EVENT("t", "b", "{\"n\":2}"))); /* other key */
    assert_true(feed(bench, 3, WINDOW_NEW, EVENT("other", "a", "{}")));    /* not this view's */
    batcher_close(&bench->batcher, &bench->batch);
    assert_int_equal(bench->batch.parked_count, 2);
    assert_false(bench->batch.parked[0].waits);
    assert_true(bench->batch.parked[0].payload.len > 0);
    assert_true(bench->batch.parked[1].waits);
    assert_false(str_is(bench->batch.parked[1].payload));
    assert_int_equal(bench->batch.changes.count, 1);
    assert_int_equal(bench->batch.tally.parked, 2);
    uint64_t revision = bench->batch.to.park_revision;
    assert_true(revision > 0);

    batcher_open(&bench->batcher, &bench->batch); /* and in the next batch */
    assert_true(feed(bench, 4, WINDOW_NEW, EVENT("t", "a", "{\"n\":1}")));
    batcher_close(&bench->batcher, &bench->batch);
    assert_int_equal(bench->batch.parked_count, 1);
    assert_true(bench->batch.to.park_revision > revision);
    bench_free(bench);
}

/* The park revision after events 0 (refused, or not) and 1 (fails), as one batch or as two. */
static uint64_t revision_after(const char *members, bool refused, bool divided)
{
    struct bench *bench = bench_new(members);
    if (refused)
        batcher_refuse(&bench->batcher, 0, "beyond 2^53");
    assert_true(feed(bench, 0, WINDOW_NEW, EVENT("t", "a", "{\"n\":1}")));
    if (divided)
        batcher_open(&bench->batcher, &bench->batch);
    assert_true(feed(bench, 1, WINDOW_NEW, EVENT("t", "b", "{}")));
    batcher_close(&bench->batcher, &bench->batch);
    uint64_t revision = bench->batch.to.park_revision;
    bench_free(bench);
    return revision;
}

/* Two workers with the same revision at one offset have parked the same events. */
static void park_revision_says_what_is_parked(void **state)
{
    (void)state;
    assert_int_equal(revision_after(SETS, true, false), revision_after(SETS, true, true));
    assert_int_not_equal(revision_after(SETS, true, false), revision_after(SETS, false, false));
    assert_int_not_equal(revision_after(SETS ",\"on_error\":\"skip\"", true, false),
                         revision_after(SETS ",\"on_error\":\"skip\"", false, false));
}

static void nothing_waits_where_verbs_commute(void **state)
{
    (void)state;
    struct bench *bench = bench_new(ADDS);
    assert_true(feed(bench, 0, WINDOW_NEW, EVENT("t", "a", "{}")));
    assert_true(feed(bench, 1, WINDOW_NEW, EVENT("t", "a", "{\"n\":1}")));
    assert_int_equal(bench->batch.parked_count, 1);
    assert_int_equal(bench->batch.changes.count, 1);
    bench_free(bench);
}

static void reused_id_parks(void **state)
{
    (void)state;
    struct bench *bench = bench_new(ADDS);
    assert_true(feed(bench, 0, WINDOW_REUSED, EVENT("t", "a", "{\"n\":1}")));
    assert_true(feed(bench, 1, WINDOW_REUSED, EVENT("other", "a", "{}")));
    assert_int_equal(bench->batch.parked_count, 1);
    assert_true(str_starts(bench->batch.parked[0].reason, STR("id reused")));
    assert_int_equal(bench->batcher.tally.ignored, 1);
    bench_free(bench);
}

/* A retry does not read the window again: it knows a reused id by the reason alone. */
static void reused_id_is_known_behind_a_parked_event(void **state)
{
    (void)state;
    struct bench *bench = bench_new(SETS);
    assert_true(feed(bench, 0, WINDOW_NEW, EVENT("t", "a", "{}")));
    assert_true(feed(bench, 1, WINDOW_REUSED, EVENT("t", "a", "{\"n\":1}")));
    assert_int_equal(bench->batch.parked_count, 2);
    assert_false(bench->batch.parked[1].waits);
    assert_true(str_eq(bench->batch.parked[1].reason, STR(BATCHER_ID_REUSED)));
    bench_free(bench);
}

static void refused_event_parks_when_folded_again(void **state)
{
    (void)state;
    struct bench *bench = bench_new(ADDS);
    assert_true(feed(bench, 7, WINDOW_NEW, EVENT("t", "a", "{\"n\":1}")));
    assert_true(feed(bench, 8, WINDOW_NEW, EVENT("t", "a", "{\"n\":2}")));
    uint64_t refused = batch_event_offset(&bench->batch, bench->batch.changes.at[1].event);
    assert_int_equal(refused, 8);
    batcher_refuse(&bench->batcher, refused, "too large");
    struct task_state stored = {0}; /* nothing was committed */
    batcher_reset(&bench->batcher, &stored);
    batcher_open(&bench->batcher, &bench->batch);
    assert_true(feed(bench, 7, WINDOW_NEW, EVENT("t", "a", "{\"n\":1}")));
    assert_true(feed(bench, 8, WINDOW_NEW, EVENT("t", "a", "{\"n\":2}")));
    assert_int_equal(bench->batch.changes.count, 1);
    assert_int_equal(bench->batch.parked_count, 1);
    assert_true(str_eq(bench->batch.parked[0].reason, STR("too large")));

    struct task_state later = {.position = {.epoch = "1.e", .offset = 8}};
    batcher_reset(&bench->batcher, &later);
    assert_int_equal(bench->batcher.refusal_count, 0);
    bench_free(bench);
}

static void on_error_skip_and_stop(void **state)
{
    (void)state;
    struct bench *bench = bench_new("\"on_error\":\"skip\"," ADDS);
    assert_true(feed(bench, 0, WINDOW_NEW, EVENT("t", "a", "{}")));
    assert_int_equal(bench->batcher.tally.skipped, 1);
    assert_int_equal(bench->batch.parked_count, 0);
    bench_free(bench);

    bench = bench_new("\"on_error\":\"stop\"," ADDS);
    assert_false(feed(bench, 5, WINDOW_NEW, EVENT("t", "a", "{}")));
    assert_non_null(strstr(bench->error.text, "offset 5"));
    assert_string_equal(bench->batcher.position.epoch, ""); /* it did not move */
    bench_free(bench);
}

static void what_cannot_be_decoded(void **state)
{
    (void)state;
    struct bench *bench = bench_new(ADDS);
    struct cloudevent known = {.id = STR("x.log.0/1"), .source = STR("/x"), .type = STR("other")};
    struct delivery delivery = {
        .offset = 1, .event = &known, .decode_fault = "byte 3: no JSON", .body = STR("xx")};
    assert_int_equal(batcher_fold(&bench->batcher, &delivery, &bench->batch, &bench->error),
                     BATCHER_TOOK);
    assert_int_equal(bench->batcher.tally.ignored, 1); /* another view's type */
    known.type = (struct str){"", 0};
    delivery.offset = 2;
    assert_int_equal(batcher_fold(&bench->batcher, &delivery, &bench->batch, &bench->error),
                     BATCHER_TOOK);
    assert_int_equal(bench->batch.parked_count, 1); /* it may be meant for this view */
    assert_true(str_eq(bench->batch.parked[0].payload, STR("xx")));
    bench_free(bench);
}

/* Moves an amount that is kept under one subject to the sum of all. */
#define READS                                                                                    \
    "\"exchange\":\"x\",\"on\":{\"t\":[{\"hash\":\"h:{subject}\",\"add\":{\"n\":\"/data/n\"}}]," \
    "\"r\":[{\"with\":{\"h\":{\"hash\":\"h:{subject}\"}},\"counter\":\"c:all\",\"add\":\"@h/"    \
    "n?\"}]}"

static void know(struct bench *bench, const char *key, const char *json)
{
    const struct row_name name = {STRUCTURE_HASH, str_of(key)};
    const struct row row = {json ? ROW_THERE : ROW_ABSENT, str_of(json)};
    batcher_row(&bench->batcher, &name, &row);
}

/* It parks as it was published, in the views of what it would have become, and holds back its key.
 */
static void what_cannot_be_upcast(void **state)
{
    (void)state;
    struct bench *bench = bench_new(SETS);
    struct faults faults = {0};
    cJSON *rules = cJSON_Parse("[{\"type\":\"old\",\"rename\":{\"/data/m\":\"/data/n\"},"
                               "\"to\":{\"type\":\"t\"}},{\"type\":\"t\",\"dataschema\":\"no\","
                               "\"to\":{\"type\":\"other\"}}]");
    assert_true(upcast_rules_read(rules, "f.json", "", &bench->upcast, &faults));
    cJSON_Delete(rules);
    assert_true(feed(bench, 0, WINDOW_NEW, EVENT("old", "a", "{\"m\":1}")));
    assert_true(feed(bench, 1, WINDOW_NEW, EVENT("old", "b", "{\"m\":1,\"n\":2}"))); /* fails */
    assert_true(feed(bench, 2, WINDOW_NEW, EVENT("t", "b", "{\"n\":2}")));           /* waits */
    assert_true(
        feed(bench, 3, WINDOW_NEW,
             "{\"specversion\":\"1.0\",\"id\":\"i\",\"type\":\"t\",\"dataschema\":\"no\"}"));
    batcher_close(&bench->batcher, &bench->batch);
    assert_int_equal(bench->batch.tally.folded, 1);
    assert_int_equal(bench->batch.tally.ignored, 1);
    assert_int_equal(bench->batch.parked_count, 2);
    const struct parked_event *parked = &bench->batch.parked[0];
    assert_true(str_eq(parked->type, STR("old")));
    assert_true(str_eq(parked->reason, STR("upcast of old: rename \"/data/n\": is there already")));
    assert_true(str_eq(parked->payload, STR("{\"m\":1,\"n\":2}")));
    assert_true(bench->batch.parked[1].waits);
    bench_free(bench);
}

/* The events of one batch: b is changed in it, a and c are not. */
static void rows_are_read_before_they_are_folded(void **state)
{
    (void)state;
    struct bench *bench = bench_new(READS);
    assert_true(feed(bench, 0, WINDOW_NEW, EVENT("t", "b", "{\"n\":5}")));
    assert_false(feed(bench, 1, WINDOW_NEW, EVENT("r", "a", "{}")));
    assert_int_equal(bench->batcher.position.offset, 0); /* it was not taken */
    assert_int_equal(bench->batch.changes.count, 1);
    const struct row_list *unread = batcher_unread(&bench->batcher);
    assert_int_equal(unread->count, 1);
    assert_true(str_eq(unread->at[0].key, STR("h:a")));
    assert_false(batcher_must_send(&bench->batcher));
    know(bench, "h:a", "{\"n\":\"7\"}");
    know(bench, "h:c", NULL);
    assert_true(feed(bench, 1, WINDOW_NEW, EVENT("r", "a", "{}")));
    assert_true(feed(bench, 2, WINDOW_NEW, EVENT("r", "c", "{}")));
    assert_int_equal(bench->batch.changes.count, 2);
    assert_true(str_eq(bench->batch.changes.at[1].value, STR("7")));
    bench_free(bench);
}

static void a_changed_row_is_read_behind_its_batch(void **state)
{
    (void)state;
    struct bench *bench = bench_new(READS);
    know(bench, "h:a", "{\"n\":\"7\"}");
    know(bench, "h:b", "{\"n\":\"1\"}");
    assert_true(feed(bench, 0, WINDOW_NEW, EVENT("t", "b", "{\"n\":5}")));
    assert_true(feed(bench, 1, WINDOW_NEW, EVENT("r", "a", "{}")));
    assert_false(feed(bench, 2, WINDOW_NEW, EVENT("r", "b", "{}")));
    assert_true(batcher_must_send(&bench->batcher));

    batcher_close(&bench->batcher, &bench->batch);
    batcher_open(&bench->batcher, &bench->batch);
    assert_false(feed(bench, 2, WINDOW_NEW, EVENT("r", "b", "{}")));
    assert_false(batcher_must_send(&bench->batcher));
    know(bench, "h:b", "{\"n\":\"6\"}");
    assert_true(feed(bench, 2, WINDOW_NEW, EVENT("r", "b", "{}")));
    assert_true(str_eq(bench->batch.changes.at[0].value, STR("6")));
    assert_true(feed(bench, 3, WINDOW_NEW, EVENT("r", "a", "{}"))); /* still known */

    struct task_state elsewhere = {.position = {.epoch = "1.e", .offset = 2}};
    batcher_reset(&bench->batcher, &elsewhere);
    batcher_open(&bench->batcher, &bench->batch);
    assert_false(feed(bench, 3, WINDOW_NEW, EVENT("r", "a", "{}")));
    bench_free(bench);
}

static void look_ahead(struct bench *bench, const char *line)
{
    struct publish_defaults none = {0};
    struct cloudevent event;
    struct arena arena = {0};
    struct error error;
    assert_true(cloudevent_from_line(str_of(line), &none, STR("made"), &arena, &event, &error));
    batcher_look_ahead(&bench->batcher, &event);
    arena_release(&arena);
}

static void what_comes_later_is_read_too(void **state)
{
    (void)state;
    struct bench *bench = bench_new(READS);
    assert_true(feed(bench, 0, WINDOW_NEW, EVENT("t", "b", "{\"n\":5}")));
    assert_false(feed(bench, 1, WINDOW_NEW, EVENT("r", "a", "{}")));
    look_ahead(bench, EVENT("r", "b", "{}")); /* the open batch changes it */
    look_ahead(bench, EVENT("r", "c", "{}"));
    look_ahead(bench, EVENT("t", "d", "{}"));
    look_ahead(bench, EVENT("r", "a", "{}"));
    const struct row_list *unread = batcher_unread(&bench->batcher);
    assert_int_equal(unread->count, 2);
    assert_true(str_eq(unread->at[1].key, STR("h:c")));
    assert_int_equal(bench->batch.changes.count, 1);
    bench_free(bench);
}

static void rows_do_not_fill_the_memory(void **state)
{
    (void)state;
    struct bench *bench = bench_new(READS);
    struct buf json = {0};
    buf_add(&json, STR("{\"n\":\"1\",\"x\":\""));
    memset(buf_room(&json, 1000000), 'x', 1000000);
    json.len += 1000000;
    buf_add(&json, STR("\"}"));
    for (int i = 0; i < 18; i++) {
        char key[16];
        snprintf(key, sizeof key, "h:%d", i);
        know(bench, key, buf_text(&json));
    }
    assert_true(feed(bench, 0, WINDOW_NEW, EVENT("r", "1", "{}")));
    assert_false(feed(bench, 1, WINDOW_NEW, EVENT("r", "a", "{}")));
    assert_true(batcher_must_send(&bench->batcher));
    batcher_close(&bench->batcher, &bench->batch);
    batcher_open(&bench->batcher, &bench->batch);
    assert_int_equal(bench->batcher.rows.bytes, 0);
    assert_false(feed(bench, 1, WINDOW_NEW, EVENT("r", "1", "{}")));
    assert_false(batcher_must_send(&bench->batcher));
    buf_release(&json);
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_and_advances),
        cmocka_unit_test(parked_event_holds_back_its_key),
        cmocka_unit_test(park_revision_says_what_is_parked),
        cmocka_unit_test(nothing_waits_where_verbs_commute),
        cmocka_unit_test(reused_id_parks),
        cmocka_unit_test(reused_id_is_known_behind_a_parked_event),
        cmocka_unit_test(refused_event_parks_when_folded_again),
        cmocka_unit_test(on_error_skip_and_stop),
        cmocka_unit_test(what_cannot_be_decoded),
        cmocka_unit_test(what_cannot_be_upcast),
        cmocka_unit_test(rows_are_read_before_they_are_folded),
        cmocka_unit_test(a_changed_row_is_read_behind_its_batch),
        cmocka_unit_test(what_comes_later_is_read_too),
        cmocka_unit_test(rows_do_not_fill_the_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
