/*
 * number_fuzz.c: numbers. The readers agree with each other and with the C library, and what is
 * printed is the shortest that reads back as the same number. The input is the text of a number;
 * its first eight bytes are also taken as a double.
 */
#include "fuzz.h"

#include "base/error.h"
#include "base/number.h"
#include <math.h>
#include <stdlib.h>

static double library_value(struct str text)
{
    char *copy = must_strndup(text.at, text.len);
    double value = strtod(copy, NULL);
    free(copy);
    return value;
}

static void check_format(double value)
{
    char text[NUMBER_TEXT_MAX];
    struct str shown = {text, number_format(value, text)};
    double again;
    assert(shown.len > 0 && shown.len < NUMBER_TEXT_MAX);
    assert(number_is(shown));
    assert(library_value(shown) == value);
    if (fabs(value) <= (double)NUMBER_INT_MAX)
        assert(number_double(shown, &again) == NUMBER_OK && again == value);
}

static void check_scaled(struct str text)
{
    for (int digits = 0; digits <= 15; digits++) {
        int64_t exact = 0, floor = 0;
        enum number_result result = number_scaled(text, digits, &exact);
        enum number_result cut = number_scaled_floor(text, digits, &floor);
        assert(cut != NUMBER_FRACTION);
        if (result == NUMBER_OK)
            assert(cut == NUMBER_OK && floor == exact);
        if (result == NUMBER_NOT || result == NUMBER_OUT_OF_RANGE)
            assert(cut == result);
        if (result == NUMBER_OK)
            assert(exact >= -NUMBER_INT_MAX && exact <= NUMBER_INT_MAX);
    }
}

static void check_text(struct str text)
{
    double value = 0;
    int64_t integer = 0;
    enum number_result real = number_double(text, &value), whole = number_int(text, &integer);
    assert(number_is(text) == (real != NUMBER_NOT));
    assert((real == NUMBER_NOT) == (whole == NUMBER_NOT));
    if (real == NUMBER_OK) {
        assert(value == library_value(text));
        check_format(value);
    }
    if (whole == NUMBER_OK)
        assert(real == NUMBER_OK && (double)integer == value);
    if (real == NUMBER_OUT_OF_RANGE)
        assert(fabs(library_value(text)) >= (double)NUMBER_INT_MAX);
    check_scaled(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    double value;
    check_text(fuzz_input(data, size));
    if (size >= sizeof value) {
        memcpy(&value, data, sizeof value);
        if (isfinite(value))
            check_format(value);
    }
    return 0;
}
