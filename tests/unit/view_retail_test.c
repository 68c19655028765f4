/*
 * view_retail_test.c: real invoices, folded by the views of tests/data/retail, give what a naive
 * fold in Python gives. view_retail_test [EVENTS EXPECTED]: other events than the sample.
 */
#include "view_fixture.h"

#include <base/jsonfile.h>
#include <base/map.h>
#include <stdio.h>

#define RETAIL FANFOLD_TEST_DATA "/retail/"

static const char *const view_files[] = {
    RETAIL "views/products.json",  RETAIL "views/days.json",   RETAIL "views/countries.json",
    RETAIL "views/customers.json", RETAIL "views/orders.json",
};
#define VIEWS (sizeof(view_files) / sizeof(view_files[0]))

static const char *events_file = RETAIL "sample.ndjson";
static const char *expected_file = RETAIL "sample-expected.json";

/* All rows: a cell is a field of a hash or a member of a set. */
struct rows {
    struct map cells; /* "key\nfield" → index, plus 1 */
    struct buf *values;
    size_t count;
};

static struct buf *cell(struct rows *rows, struct str key, struct str field)
{
    struct buf name = {0};
    uint64_t *slot;

    buf_add(&name, key);
    buf_add_byte(&name, '\n');
    buf_add(&name, field);
    slot = map_put(&rows->cells, buf_str(&name));
    buf_release(&name);
    if (*slot == 0) {
        rows->values = must_realloc(rows->values, (rows->count + 1) * sizeof(*rows->values));
        rows->values[rows->count++] = (struct buf){0};
        *slot = rows->count;
    }
    return &rows->values[*slot - 1];
}

static void apply(struct rows *rows, const struct changes *changes)
{
    for (size_t i = 0; i < changes->count; i++) {
        const struct change *change = &changes->at[i];
        struct buf *value = cell(rows, change->key, change->field);
        long long total = value->len ? atoll(buf_text(value)) : 0;
        buf_clear(value);
        if (change->op == CHANGE_HASH_ADD)
            buf_add_i64(value, total + atoll(change->value.at));
        else if (change->op == CHANGE_HASH_SET)
            buf_add(value, change->value);
        else
            assert_int_equal(change->op, CHANGE_SET_INCLUDE);
    }
}

static void load_views(struct view **views)
{
    struct faults faults = {0};

    for (size_t i = 0; i < VIEWS; i++) {
        views[i] = view_load(view_files[i], &faults);
        fixture_print(&faults);
        assert_non_null(views[i]);
    }
    views_check(views, VIEWS, NULL, &faults);
    fixture_print(&faults);
    assert_int_equal(faults.errors + faults.warnings, 0);
    faults_release(&faults);
}

static void fold_line(struct view **views, struct str line, struct rows *rows)
{
    struct arena arena = {0}, scratch = {0};
    struct publish_defaults defaults = {0};
    struct cloudevent event;
    struct changes changes = {0};
    struct error error;

    if (!cloudevent_from_line(line, &defaults, (struct str){NULL, 0}, &arena, &event, &error))
        fail_msg("%s", error.text);
    for (size_t i = 0; i < VIEWS; i++)
        if (view_fold(views[i], &event, NULL, &changes, &scratch, &error) == FOLD_PARK)
            fail_msg("%s", error.text);
    apply(rows, &changes);
    changes_release(&changes);
    arena_release(&scratch);
    arena_release(&arena);
}

static size_t fold_file(struct rows *rows)
{
    struct view *views[VIEWS];
    FILE *file = fopen(events_file, "r");
    char *line = NULL;
    size_t room = 0, events = 0;
    ssize_t len;

    assert_non_null(file);
    load_views(views);
    for (; (len = getline(&line, &room, file)) > 0; events++)
        fold_line(views, (struct str){line, (size_t)len}, rows);
    for (size_t i = 0; i < VIEWS; i++)
        view_free(views[i]);
    free(line);
    fclose(file);
    return events;
}

/* One cell is as expected: a number or a text. Returns 1, to be counted. */
static size_t check_cell(struct rows *rows, const char *prefix, const char *key, const char *field,
                         const cJSON *expected)
{
    struct buf name = {0}, value = {0};
    const uint64_t *slot;

    buf_printf(&name, "%s%s\n%s", prefix, key, field);
    if (cJSON_IsNumber(expected))
        buf_add_i64(&value, (int64_t)expected->valuedouble);
    else
        buf_add(&value, str_of(expected->valuestring));
    slot = map_get(&rows->cells, buf_str(&name));
    if (!slot)
        fail_msg("no %s", buf_text(&name));
    assert_string_equal(buf_text(&rows->values[*slot - 1]), buf_text(&value));
    buf_release(&name);
    buf_release(&value);
    return 1;
}

/* {key: {field: value, …}, …}: one hash a key. */
static size_t check_hashes(struct rows *rows, const char *prefix, const cJSON *expected)
{
    const cJSON *row, *field;
    size_t cells = 0;

    cJSON_ArrayForEach(row, expected) cJSON_ArrayForEach(field, row) cells +=
        check_cell(rows, prefix, row->string, field->string, field);
    return cells;
}

static void test_retail(void **state)
{
    struct rows rows = {0};
    struct faults faults = {0};
    size_t events = fold_file(&rows), cells = 0;
    cJSON *expected = jsonfile_load(expected_file, &faults);
    const cJSON *country;

    (void)state;
    fixture_print(&faults);
    assert_non_null(expected);
    assert_int_equal(events, cJSON_GetObjectItem(expected, "events")->valueint);
    cells += check_hashes(&rows, "product:", cJSON_GetObjectItem(expected, "products"));
    cells += check_hashes(&rows, "day:", cJSON_GetObjectItem(expected, "days"));
    cells += check_hashes(&rows, "order:", cJSON_GetObjectItem(expected, "orders"));
    cJSON_ArrayForEach(country, cJSON_GetObjectItem(expected, "revenue_by_country")) cells +=
        check_cell(&rows, "revenue-by-country", "", country->string, country);
    /* what is left is customers, so there are no other rows */
    assert_int_equal(rows.count - cells,
                     cJSON_GetObjectItem(expected, "distinct_customers")->valueint);
    for (size_t i = 0; i < rows.count; i++)
        buf_release(&rows.values[i]);
    free(rows.values);
    map_release(&rows.cells);
    cJSON_Delete(expected);
    faults_release(&faults);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_retail)};

    if (argc == 3) {
        events_file = argv[1];
        expected_file = argv[2];
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
