/*
 * chain_test.c: which records of a partition are its events, whatever recorders have left there.
 */
#include "worker/chain.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum answer { CHAIN_EVENT, CHAIN_PASS, CHAIN_BROKEN };

struct step {
    uint64_t record, from, offset;
    bool mark;
    enum answer answer; /* of its last entry: CHAIN_BROKEN, if it is */
};

/* Steps of the same number are entries of one record. */
static void walk(struct chain chain, const struct step *steps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct message entry = {
            .from = steps[i].from, .offset = steps[i].offset, .mark = steps[i].mark};
        bool last = i + 1 == count || steps[i + 1].record != steps[i].record;
        enum answer answer = chain_take(&chain, &entry) ? CHAIN_EVENT : CHAIN_PASS;
        if (last && chain_is_broken(&chain, steps[i].record))
            answer = CHAIN_BROKEN;
        if (answer != steps[i].answer)
            print_error("step %zu: %d instead of %d\n", i, answer, steps[i].answer);
        assert_int_equal(answer, steps[i].answer);
    }
}

#define WALK(chain, ...)                            \
    walk(chain, (const struct step[]){__VA_ARGS__}, \
         sizeof((const struct step[]){__VA_ARGS__}) / sizeof(struct step))
#define CHAIN(...) ((struct chain){__VA_ARGS__})

static void one_after_the_other(void **state)
{
    (void)state;
    WALK(CHAIN(.whole = true), {0, 0, 3, false, CHAIN_EVENT}, {1, 4, 4, false, CHAIN_EVENT},
         {2, 5, 10004, true, CHAIN_PASS}, {3, 10005, 10010, false, CHAIN_EVENT});
}

/* Marks begin behind the last event, so they overlap. */
static void marks_in_a_row(void **state)
{
    (void)state;
    WALK(CHAIN(.whole = true), {0, 0, 3, false, CHAIN_EVENT}, {1, 4, 10003, true, CHAIN_PASS},
         {2, 4, 20003, true, CHAIN_PASS}, {3, 20004, 20004, false, CHAIN_EVENT});
}

/* Two recorders at once: each repeats what the other has appended. */
static void repeated(void **state)
{
    (void)state;
    WALK(CHAIN(.whole = true), {0, 0, 1, false, CHAIN_EVENT}, {1, 2, 2, false, CHAIN_EVENT},
         {2, 0, 1, false, CHAIN_PASS}, {3, 3, 7, false, CHAIN_EVENT}, {4, 2, 2, false, CHAIN_PASS},
         {5, 3, 7, false, CHAIN_PASS}, {6, 8, 8, false, CHAIN_EVENT});
}

/* Attached in the middle of repeated records, or before them. */
static void from_the_middle(void **state)
{
    (void)state;
    WALK(CHAIN(.start = 8, .end = 20), {9, 5, 6, false, CHAIN_EVENT},
         {10, 7, 9, false, CHAIN_EVENT}, {11, 5, 6, false, CHAIN_PASS},
         {12, 10, 10, false, CHAIN_EVENT});
}

static void too_late(void **state)
{
    (void)state;
    WALK(CHAIN(.start = 8, .end = 20), {9, 9, 9, false, CHAIN_BROKEN});
    WALK(CHAIN(.start = 8, .end = 20, .whole = true), {9, 9, 9, false, CHAIN_EVENT});
    WALK(CHAIN(.start = 8, .end = 20), {9, 8, 9, false, CHAIN_EVENT});
}

/* What was refused is appended behind what was not. */
static void closes_further_on(void **state)
{
    (void)state;
    WALK(CHAIN(.whole = true, .end = 4), {0, 0, 1, false, CHAIN_EVENT},
         {1, 5, 6, false, CHAIN_PASS}, {2, 2, 4, false, CHAIN_EVENT}, {3, 5, 6, false, CHAIN_EVENT},
         {4, 7, 7, false, CHAIN_EVENT});
}

static void does_not_close(void **state)
{
    (void)state;
    WALK(CHAIN(.whole = true, .end = 2), {0, 0, 1, false, CHAIN_EVENT},
         {1, 5, 6, false, CHAIN_PASS}, {2, 7, 7, false, CHAIN_BROKEN});
    /* the last one repeats what there is: nothing more is to come */
    WALK(CHAIN(.whole = true, .end = 2), {0, 0, 1, false, CHAIN_EVENT},
         {1, 5, 6, false, CHAIN_PASS}, {2, 0, 1, false, CHAIN_BROKEN});
    /* later than reading began: live */
    WALK(CHAIN(.whole = true, .end = 0), {0, 0, 1, false, CHAIN_EVENT},
         {1, 5, 6, false, CHAIN_BROKEN});
}

/* The last record repeats what there is, and closes the gap in the end. */
static void one_record_repeats_and_closes(void **state)
{
    (void)state;
    WALK(CHAIN(.whole = true, .end = 2), {0, 0, 1, false, CHAIN_EVENT},
         {1, 5, 6, false, CHAIN_PASS}, {2, 0, 1, false, CHAIN_PASS}, {2, 2, 4, false, CHAIN_EVENT},
         {2, 5, 6, false, CHAIN_EVENT});
    WALK(CHAIN(.whole = true, .end = 2), {0, 0, 1, false, CHAIN_EVENT},
         {1, 5, 6, false, CHAIN_PASS}, {2, 0, 1, false, CHAIN_PASS}, {2, 2, 3, false, CHAIN_EVENT},
         {3, 7, 7, false, CHAIN_BROKEN});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_after_the_other),
        cmocka_unit_test(marks_in_a_row),
        cmocka_unit_test(repeated),
        cmocka_unit_test(from_the_middle),
        cmocka_unit_test(too_late),
        cmocka_unit_test(closes_further_on),
        cmocka_unit_test(does_not_close),
        cmocka_unit_test(one_record_repeats_and_closes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
