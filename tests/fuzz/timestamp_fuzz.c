/*
 * timestamp_fuzz.c: times. What is read is printed in one form, which reads back as the same time;
 * a unit's text is the start of that form, and its end is where the next one begins.
 */
#include "fuzz.h"

#include "base/timestamp.h"

#define YEAR_10000 INT64_C(253402300800000)

static void check_unit(int64_t ms, enum time_unit unit, struct str whole)
{
    char text[TIMESTAMP_TEXT_MAX], last[TIMESTAMP_TEXT_MAX], next[TIMESTAMP_TEXT_MAX];
    struct str cut = {text, timestamp_format_unit(ms, unit, text)};
    int64_t end = timestamp_unit_end(ms, unit);
    assert(cut.len > 0 && str_starts(whole, cut));
    assert(end > ms);
    assert(str_eq(cut, (struct str){last, timestamp_format_unit(end - 1, unit, last)}));
    if (end < YEAR_10000)
        assert(str_cmp(cut, (struct str){next, timestamp_format_unit(end, unit, next)}) < 0);
}

static void check_time(int64_t ms)
{
    char text[TIMESTAMP_TEXT_MAX];
    struct str shown = {text, timestamp_format(ms, text)};
    int64_t again;
    assert(shown.len == 24 && timestamp_parse(shown, &again) && again == ms);
    for (int unit = TIME_MINUTE; unit <= TIME_YEAR; unit++)
        check_unit(ms, (enum time_unit)unit, shown);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = fuzz_input(data, size);
    int64_t ms, any;
    if (timestamp_parse_any(text, &any))
        check_time(any);
    if (timestamp_parse(text, &ms))
        assert(timestamp_parse_any(text, &any) && any == ms);
    if (duration_parse(text, &ms))
        assert(ms >= 0);
    time_unit_of(text);
    return 0;
}
