/*
 * age.c: the largest unit that is full at least twice, so that "1m" is never 119 seconds.
 */
#include "cli/age.h"

#include <stdio.h>

double age_seconds(int64_t then_ms, int64_t now_ms)
{
    return now_ms > then_ms ? (double)(now_ms - then_ms) / 1000 : 0;
}

const char *age_text(int64_t then_ms, int64_t now_ms, char out[AGE_TEXT_MAX])
{
    static const struct {
        int64_t seconds;
        char name;
    } units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
    int64_t seconds = (int64_t)age_seconds(then_ms, now_ms);
    size_t i = 0;
    while (units[i].seconds > 1 && seconds < 2 * units[i].seconds)
        i++;
    snprintf(out, AGE_TEXT_MAX, "%lld%c", (long long)(seconds / units[i].seconds), units[i].name);
    return out;
}
