/*
 * store_read_test.c: rows as a fold reads them, the same from either store (row.h, store.h).
 */
#include "base/error.h"
#include "support/store_twin.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define ROWS 64

struct answer {
    bool done;
    enum store_status status;
    struct position at;
    size_t count;
    enum row_state states[ROWS];
    char *texts[ROWS];
    struct error error;
};

static bool is_done(void *arg)
{
    return ((struct answer *)arg)->done;
}

static void on_read(void *arg, enum store_status status, const struct row *rows,
                    const struct position *at, const struct error *error)
{
    struct answer *answer = arg;
    assert_false(answer->done);
    answer->done = true;
    answer->status = status;
    assert_int_equal(status == STORE_OK, rows != NULL);
    if (error)
        answer->error = *error;
    if (!rows)
        return;
    answer->at = *at;
    for (size_t i = 0; i < answer->count; i++) {
        answer->states[i] = rows[i].state;
        answer->texts[i] = must_strndup(rows[i].text.at, rows[i].text.len);
    }
}

static void ask(struct twin *twin, const struct row_name *names, size_t count,
                struct answer *answer)
{
    const struct row_request request = {
        .view = TWIN_VIEW, .partition = TWIN_PARTITION, .rows = names, .count = count};
    *answer = (struct answer){.count = count};
    assert_true(count <= ROWS);
    store_read(twin->store, &request, on_read, answer);
    assert_false(answer->done); /* never from inside the call */
}

static void forget(struct answer *answer)
{
    for (size_t i = 0; i < answer->count; i++)
        free(answer->texts[i]);
}

static void read_rows(struct twin *twin, const struct row_name *names, size_t count,
                      struct answer *answer)
{
    ask(twin, names, count, answer);
    twin_until(twin, is_done, answer, "the answer to a read");
    assert_int_equal(answer->status, STORE_OK);
    assert_true(position_eq(&answer->at, &twin->position));
}

/* One row. */
static void row_is(struct twin *twin, enum structure structure, const char *key,
                   enum row_state state, const char *text)
{
    struct answer answer;
    const struct row_name name = {structure, str_of(key)};
    read_rows(twin, &name, 1, &answer);
    if (answer.states[0] != state)
        fail_msg("%s: state %d, not %d (%s)", key, answer.states[0], state, answer.texts[0]);
    if (state == ROW_THERE)
        assert_string_equal(answer.texts[0], text);
    if (state == ROW_FOREIGN)
        assert_non_null(strstr(answer.texts[0], text));
    forget(&answer);
}

static void commit_all(struct twin *twin, struct batch *batch)
{
    assert_int_equal(twin_commit(twin, batch).outcome, COMMIT_OK);
    batch_release(batch);
}

static void fill(struct twin *twin)
{
    struct batch batch = {0};
    twin_begin(twin, &batch);
    twin_change(&batch, 0, CHANGE_HASH_SET, 0, STRUCTURE_HASH, "h", "b", "x \"y\"");
    twin_change(&batch, 0, CHANGE_HASH_ADD, 0, STRUCTURE_HASH, "h", "a", "-5");
    twin_change(&batch, 0, CHANGE_HASH_SET, 0, STRUCTURE_HASH, "h", "Z", "");
    twin_change(&batch, 0, CHANGE_COUNTER_ADD, 0, STRUCTURE_COUNTER, "c", NULL, "12");
    twin_change(&batch, 0, CHANGE_SET_INCLUDE, 0, STRUCTURE_SET, "s", "m10", NULL);
    twin_change(&batch, 0, CHANGE_SET_INCLUDE, 0, STRUCTURE_SET, "s", "m9", NULL);
    twin_change(&batch, 0, CHANGE_SET_INCLUDE, 0, STRUCTURE_SET, "s", "\xc3\xa4", NULL);
    twin_change(&batch, 0, CHANGE_JSON_PUT, 0, STRUCTURE_JSON, "j", NULL, "{\"a\":[1,null]}");
    commit_all(twin, &batch);
}

static void each_structure(void **state)
{
    struct twin *twin = *state;
    static const struct row_name names[] = {
        {STRUCTURE_HASH, {"h", 1}},    {STRUCTURE_HASH, {"none", 4}}, {STRUCTURE_COUNTER, {"c", 1}},
        {STRUCTURE_SET, {"s", 1}},     {STRUCTURE_JSON, {"j", 1}},    {STRUCTURE_SET, {"no", 2}},
        {STRUCTURE_COUNTER, {"n", 1}}, {STRUCTURE_JSON, {"nj", 2}},
    };
    static const char *const texts[] = {"{\"Z\":\"\",\"a\":\"-5\",\"b\":\"x \\\"y\\\"\"}",
                                        NULL,
                                        "12",
                                        "[\"m10\",\"m9\",\"\xc3\xa4\"]",
                                        "{\"a\":[1,null]}",
                                        NULL,
                                        NULL,
                                        NULL};
    struct answer answer;
    read_rows(twin, names, 8, &answer); /* before there is a position */
    for (int i = 0; i < 8; i++)
        assert_int_equal(answer.states[i], ROW_ABSENT);
    forget(&answer);
    fill(twin);
    read_rows(twin, names, 8, &answer);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(answer.states[i], texts[i] ? ROW_THERE : ROW_ABSENT);
        if (texts[i])
            assert_string_equal(answer.texts[i], texts[i]);
    }
    forget(&answer);
}

static void on_commit(void *arg, const struct commit_result *result)
{
    *(enum commit_outcome *)arg = result->outcome;
}

/* A read sees the commits that were asked for before it, and none that was asked for after. */
static void in_order_with_commits(void **state)
{
    struct twin *twin = *state;
    struct batch batch = {0};
    struct answer first, second;
    struct position before, between;
    enum commit_outcome outcome = COMMIT_UNKNOWN;
    const struct row_name name = {STRUCTURE_COUNTER, STR("c")};
    fill(twin);
    before = twin->position;
    ask(twin, &name, 1, &first);
    twin_begin(twin, &batch);
    twin_change(&batch, 0, CHANGE_COUNTER_ADD, 0, STRUCTURE_COUNTER, "c", NULL, "1");
    between = batch.to;
    store_commit(twin->store, &batch, on_commit, &outcome);
    ask(twin, &name, 1, &second);
    twin_until(twin, is_done, &second, "the answer to a read");
    assert_true(first.done);
    assert_int_equal(outcome, COMMIT_OK);
    assert_string_equal(first.texts[0], "12");
    assert_string_equal(second.texts[0], "13");
    assert_true(position_eq(&first.at, &before));
    assert_true(position_eq(&second.at, &between));
    forget(&first);
    forget(&second);
    batch_release(&batch);
}

static void entries(struct twin *twin, enum change_op op, enum structure structure, int count)
{
    char field[16];
    for (int done = 0; done < count;) {
        struct batch batch = {0};
        twin_begin(twin, &batch);
        for (int end = done + 4000; done < end && done < count; done++) {
            snprintf(field, sizeof field, "f%05d", done);
            twin_change(&batch, 0, op, 0, structure, "big", field,
                        op == CHANGE_HASH_SET ? "1" : NULL);
        }
        commit_all(twin, &batch);
    }
}

static void so_many_entries(void **state)
{
    struct twin *twin = *state;
    static const struct {
        enum change_op put, drop;
        enum structure structure;
    } kinds[] = {{CHANGE_HASH_SET, CHANGE_HASH_REMOVE, STRUCTURE_HASH},
                 {CHANGE_SET_INCLUDE, CHANGE_SET_EXCLUDE, STRUCTURE_SET}};
    for (int i = 0; i < 2; i++) {
        struct batch batch = {0};
        struct answer answer;
        const struct row_name name = {kinds[i].structure, STR("big")};
        entries(twin, kinds[i].put, kinds[i].structure, ROW_ENTRIES_MAX + 1);
        row_is(twin, kinds[i].structure, "big", ROW_LARGE, NULL);
        twin_begin(twin, &batch);
        twin_change(&batch, 0, kinds[i].drop, 0, kinds[i].structure, "big", "f00000", NULL);
        commit_all(twin, &batch);
        read_rows(twin, &name, 1, &answer);
        assert_int_equal(answer.states[0], ROW_THERE);
        assert_true(strlen(answer.texts[0]) > 9 * ROW_ENTRIES_MAX);
        forget(&answer);
        twin_begin(twin, &batch);
        twin_change(&batch, 0, CHANGE_DELETE, 0, kinds[i].structure, "big", NULL, NULL);
        commit_all(twin, &batch);
    }
}

/* size: of the whole row. */
static void put_document(struct twin *twin, const char *key, size_t size)
{
    struct batch batch = {0};
    char *text = must_alloc(size + 1);
    memset(text, 'x', size);
    text[0] = text[size - 1] = '"';
    text[size] = '\0';
    twin_begin(twin, &batch);
    twin_change(&batch, 0, CHANGE_JSON_PUT, 0, STRUCTURE_JSON, key, NULL, text);
    commit_all(twin, &batch);
    free(text);
}

static void so_many_bytes(void **state)
{
    struct twin *twin = *state;
    struct batch batch = {0};
    struct answer answer;
    const struct row_name name = {STRUCTURE_JSON, STR("doc")};
    put_document(twin, "doc", ROW_BYTES_MAX + 1);
    row_is(twin, STRUCTURE_JSON, "doc", ROW_LARGE, NULL);
    put_document(twin, "doc", ROW_BYTES_MAX);
    read_rows(twin, &name, 1, &answer);
    assert_int_equal(answer.states[0], ROW_THERE);
    assert_int_equal(strlen(answer.texts[0]), ROW_BYTES_MAX);
    forget(&answer);

    char *value = must_calloc(1, ROW_BYTES_MAX + 1);
    memset(value, 'x', ROW_BYTES_MAX - 1);
    for (int more = 0; more < 2; more++) {
        value[ROW_BYTES_MAX - 1] = more ? 'x' : '\0'; /* and one byte for the field's name */
        twin_begin(twin, &batch);
        twin_change(&batch, 0, CHANGE_HASH_SET, 0, STRUCTURE_HASH, "wide", "f", value);
        assert_int_equal(twin_commit(twin, &batch).outcome, COMMIT_OK);
        const struct row_name wide = {STRUCTURE_HASH, STR("wide")};
        read_rows(twin, &wide, 1, &answer);
        assert_int_equal(answer.states[0], more ? ROW_LARGE : ROW_THERE);
        forget(&answer);
    }
    free(value);
    batch_release(&batch);
}

/* An answer has an end; who asks again gets the rest. */
static void in_portions(void **state)
{
    struct twin *twin = *state;
    struct row_name names[20];
    char keys[20][8];
    size_t left = 20, rounds = 0;
    for (size_t i = 0; i < left; i++) {
        snprintf(keys[i], sizeof keys[i], "d%zu", i);
        names[i] = (struct row_name){STRUCTURE_JSON, str_of(keys[i])};
        put_document(twin, keys[i], 200000 + i);
    }
    for (; left; rounds++) {
        struct answer answer;
        size_t kept = 0;
        read_rows(twin, names, left, &answer);
        assert_int_not_equal(answer.states[0], ROW_UNREAD);
        for (size_t i = 0; i < left; i++)
            if (answer.states[i] == ROW_UNREAD) {
                names[kept++] = names[i];
            } else {
                assert_int_equal(answer.states[i], ROW_THERE);
                assert_int_equal(strlen(answer.texts[i]), 200000 + atoi(names[i].key.at + 1));
            }
        left = kept;
        forget(&answer);
    }
    assert_in_range(rounds, twin->server ? 4 : 1, twin->server ? 10 : 1);
}

static void foreign_rows(void **state)
{
    struct twin *twin = *state;
    fill(twin);
    row_is(twin, STRUCTURE_SET, "h", ROW_FOREIGN, "h is");
    row_is(twin, STRUCTURE_HASH, "c", ROW_FOREIGN, "c is");
    row_is(twin, STRUCTURE_COUNTER, "s", ROW_FOREIGN, "s is");
    row_is(twin, STRUCTURE_JSON, "h", ROW_FOREIGN, "h is");
    twin_plant(twin, STRUCTURE_COUNTER, "c", "12x");
    row_is(twin, STRUCTURE_COUNTER, "c", ROW_FOREIGN, "c holds no integer");
    twin_plant(twin, STRUCTURE_JSON, "j", "{\"a\":");
    row_is(twin, STRUCTURE_JSON, "j", ROW_FOREIGN, "j holds no JSON document");
    twin_plant(twin, STRUCTURE_HASH, "x", "\xff\xfe");
    row_is(twin, STRUCTURE_HASH, "x", ROW_FOREIGN, "x holds text that is not UTF-8");
    twin_plant(twin, STRUCTURE_SET, "y", "\xc0\x80");
    row_is(twin, STRUCTURE_SET, "y", ROW_FOREIGN, "y holds text that is not UTF-8");
}

/* A read that the server refuses, and one without an answer. */
static void redis_says_no(void **state)
{
    struct twin *twin = *state;
    struct answer answer;
    const struct row_name name = {STRUCTURE_HASH, STR("h")};
    fill(twin);
    twin_ask(twin, "ACL SETUSER default resetkeys ~fanfold:*");
    ask(twin, &name, 1, &answer);
    twin_until(twin, is_done, &answer, "the answer to a read");
    twin_ask(twin, "ACL SETUSER default allkeys");
    assert_int_equal(answer.status, STORE_FAILED);
    assert_int_equal(answer.error.kind, ERROR_PERMISSION);
    assert_non_null(strstr(answer.error.text, "NOPERM"));

    ask(twin, &name, 1, &answer);
    twin_ask(twin, "CLIENT KILL TYPE normal");
    twin_until(twin, is_done, &answer, "the answer to a read");
    if (answer.status == STORE_OK)
        forget(&answer); /* it came first */
    else
        assert_int_equal(answer.status, STORE_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(each_structure),
        BOTH(in_order_with_commits),
        BOTH(so_many_entries),
        BOTH(so_many_bytes),
        BOTH(in_portions),
        BOTH(foreign_rows),
        {"redis: redis_says_no", redis_says_no, twin_setup_redis, twin_teardown, NULL},
    };
    return cmocka_run_group_tests(tests, twin_server_start, twin_server_stop);
}
