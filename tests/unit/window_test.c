/*
 * window_test.c: the duplicate window against its definition, written as a plain search.
 */
#include "event/window.h"
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static enum window_answer see(struct window *window, uint64_t offset, const char *id,
                              uint64_t content)
{
    return window_see(window, offset, hash128(str_of(id)), content);
}

static void edges_of_the_window(void **state)
{
    (void)state;
    struct window *window = window_new(10);
    assert_int_equal(see(window, 5, "a", 1), WINDOW_NEW);
    assert_int_equal(see(window, 15, "a", 1), WINDOW_DUPLICATE); /* 5 is in [5, 15) */
    assert_int_equal(see(window, 26, "a", 1), WINDOW_NEW);       /* 15 is not in [16, 26) */
    window_free(window);
}

static void other_content_is_no_duplicate(void **state)
{
    (void)state;
    struct window *window = window_new(100);
    assert_int_equal(see(window, 0, "a", 1), WINDOW_NEW);
    assert_int_equal(see(window, 1, "a", 2), WINDOW_REUSED);
    assert_int_equal(see(window, 2, "a", 1), WINDOW_DUPLICATE); /* the first is still there */
    assert_int_equal(see(window, 3, "b", 1), WINDOW_NEW);
    window_free(window);
}

static void width_zero_finds_nothing(void **state)
{
    (void)state;
    struct window *window = window_new(0);
    assert_int_equal(see(window, 0, "a", 1), WINDOW_NEW);
    assert_int_equal(see(window, 1, "a", 1), WINDOW_NEW);
    window_free(window);
}

struct past {
    uint64_t offset;
    int id, content;
};

static enum window_answer by_definition(const struct past *past, size_t count, struct past now,
                                        uint64_t width)
{
    enum window_answer answer = WINDOW_NEW;
    for (size_t i = 0; i < count; i++) {
        if (past[i].offset + width < now.offset || past[i].id != now.id)
            continue;
        if (past[i].content == now.content)
            return WINDOW_DUPLICATE;
        answer = WINDOW_REUSED;
    }
    return answer;
}

/* 20 seeds × 3,000 events with gaps between the offsets. */
static void agrees_with_the_definition(void **state)
{
    (void)state;
    static struct past past[3000];
    size_t seen[3] = {0};
    for (unsigned seed = 1; seed <= 20; seed++) {
        srandom(seed);
        uint64_t width = 1 + (uint64_t)random() % 300, offset = 0;
        struct window *window = window_new(width);
        for (size_t i = 0; i < 3000; i++) {
            offset += 1 + (random() % 20 == 0);
            struct past now = {offset, (int)(random() % 400), (int)(random() % 3)};
            char id[16];
            snprintf(id, sizeof id, "%d", now.id);
            enum window_answer want = by_definition(past, i, now, width);
            enum window_answer got = see(window, offset, id, (uint64_t)now.content);
            if (got != want)
                fail_msg("seed %u, event %zu: %d, expected %d", seed, i, got, want);
            seen[got]++;
            past[i] = now;
        }
        window_free(window);
    }
    assert_true(seen[WINDOW_NEW] > 1000 && seen[WINDOW_DUPLICATE] > 1000 &&
                seen[WINDOW_REUSED] > 1000);
}

static size_t allocated(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/* Every feed of a worker has one of the usual width. */
static void takes_64_bytes_an_event(void **state)
{
    (void)state;
    const uint64_t width = 65536;
    size_t before = allocated();
    struct window *window = window_new(width);
    for (uint64_t offset = 0; offset < 3 * width; offset++)
        window_see(window, offset, (struct hash128){hash_mix(offset, 0), offset}, offset);
    assert_in_range(allocated() - before, 0, 64 * width + 16 * 1024);
    window_free(window);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edges_of_the_window),      cmocka_unit_test(other_content_is_no_duplicate),
        cmocka_unit_test(width_zero_finds_nothing), cmocka_unit_test(agrees_with_the_definition),
        cmocka_unit_test(takes_64_bytes_an_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
