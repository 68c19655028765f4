/* plugin_read.c: what a plugin can see of an event. */
#include "view/plugin_read.h"

#include "base/number.h"
#include "base/timestamp.h"
#include "event/pointer.h"
#include "view/operand.h"
#include <math.h>
#include <stdio.h>

#define DIGITS_MAX 15
#define TIME_FIRST INT64_C(-62135596800000) /* 0001-01-01T00:00:00Z */
#define TIME_LAST  INT64_C(253402300799999) /* the end of 9999 */

static const struct json *node_of(const struct fanfold_value *value)
{
    return (const struct json *)value;
}

static const struct fanfold_value *value_of(const struct json *node)
{
    return (const struct fanfold_value *)node;
}

/* How a reason names the place: "./price" is inside an element, as in the view language. */
static const char *dot(const struct fanfold_value *from)
{
    return from ? "." : "";
}

static bool is_pointer(struct fanfold_call *call, const char *pointer)
{
    if (pointer && (pointer[0] == '/' || pointer[0] == '\0'))
        return true;
    call_stop(call, "\"%s\" is no pointer; it begins with \"/\", or is empty",
              pointer ? pointer : "(null)");
    return false;
}

/* The pointer asks for the body, which is not JSON. */
static bool is_readable(struct fanfold_call *call, const struct fanfold_value *from,
                        const char *pointer)
{
    bool data = strncmp(pointer, "/data", 5) == 0 && (pointer[5] == '/' || pointer[5] == '\0');

    if (from || !data || !call->event || !str_is(call->event->data_fault))
        return true;
    call_stop(call, "%s cannot be read: the body is not JSON (%.*s)", pointer,
              STRF(call->event->data_fault));
    return false;
}

/* What is there, null included. */
static const struct json *look(struct fanfold_call *call, const struct fanfold_value *from,
                               const char *pointer)
{
    if (call->stopped || !is_pointer(call, pointer) || !is_readable(call, from, pointer))
        return NULL;
    return pointer_find(from ? node_of(from) : call->root, str_of(pointer), call->scratch);
}

/* NULL: the call is stopped. */
static const struct json *need(struct fanfold_call *call, const struct fanfold_value *from,
                               const char *pointer)
{
    const struct json *node = look(call, from, pointer);

    if (node && node->kind != JSON_NULL)
        return node;
    if (!call->stopped)
        call_stop(call, "%s%s is %s", dot(from), pointer, node ? "null" : "missing");
    return NULL;
}

const struct fanfold_value *read_find(struct fanfold_call *call, const struct fanfold_value *from,
                                      const char *pointer)
{
    const struct json *node = look(call, from, pointer);

    return value_of(node && node->kind != JSON_NULL ? node : NULL);
}

enum fanfold_kind read_kind(struct fanfold_call *call, const struct fanfold_value *from,
                            const char *pointer)
{
    static const enum fanfold_kind kinds[] = {
        [JSON_NULL] = FANFOLD_NOTHING,  [JSON_FALSE] = FANFOLD_FALSE, [JSON_TRUE] = FANFOLD_TRUE,
        [JSON_NUMBER] = FANFOLD_NUMBER, [JSON_STRING] = FANFOLD_TEXT, [JSON_ARRAY] = FANFOLD_LIST,
        [JSON_OBJECT] = FANFOLD_OBJECT};
    const struct json *node = look(call, from, pointer);

    return node ? kinds[node->kind] : FANFOLD_NOTHING;
}

const char *read_text(struct fanfold_call *call, const struct fanfold_value *from,
                      const char *pointer)
{
    const struct json *node = need(call, from, pointer);
    struct error error;
    struct str text = {"", 0};

    if (!node)
        return "";
    if (!text_of(node, call->scratch, &text, pointer, &error))
        call_stop(call, "%s%s", dot(from), error.text);
    return call_keep(call, text);
}

const char *read_json(struct fanfold_call *call, const struct fanfold_value *from,
                      const char *pointer)
{
    const struct json *node = need(call, from, pointer);
    struct buf json = {0};
    struct error error;
    const char *text;

    if (!node)
        return "";
    if (!json_canonical(&json, node, &error))
        call_stop(call, "%s%s: %s", dot(from), pointer, error.text);
    text = call_keep(call, buf_str(&json));
    buf_release(&json);
    return text;
}

int64_t read_integer(struct fanfold_call *call, const struct fanfold_value *from,
                     const char *pointer)
{
    const struct json *node = need(call, from, pointer);
    struct error error;
    int64_t value = 0;

    if (node && !integer_of(node, &value, pointer, &error))
        call_stop(call, "%s%s", dot(from), error.text);
    return call->stopped ? 0 : value;
}

/* A number, or a text that is one; NULL: the call is stopped. */
static const struct json *need_number(struct fanfold_call *call, const struct fanfold_value *from,
                                      const char *pointer)
{
    const struct json *node = need(call, from, pointer);
    char shown[SHOWN_MAX];

    if (!node || node->kind == JSON_NUMBER || (node->kind == JSON_STRING && number_is(node->text)))
        return node;
    call_stop(call, "%s%s is %s, not a number", dot(from), pointer, show_node(node, shown));
    return NULL;
}

int64_t read_scaled(struct fanfold_call *call, const struct fanfold_value *from,
                    const char *pointer, int digits)
{
    const struct json *node = need_number(call, from, pointer);
    enum number_result result;
    char shown[SHOWN_MAX];
    int64_t value = 0;

    if (!node)
        return 0;
    if (digits < 0 || digits > DIGITS_MAX) {
        call_stop(call, "scaled() of %s%s with %d digits; it takes 0 to %d", dot(from), pointer,
                  digits, DIGITS_MAX);
        return 0;
    }
    result = number_scaled(node->text, digits, &value);
    if (result == NUMBER_OK)
        return value;
    if (result == NUMBER_FRACTION)
        call_stop(call, "%s%s is %s, which has more than %d decimals", dot(from), pointer,
                  show_node(node, shown), digits);
    else
        call_stop(call, "%s%s is %s, which with %d decimals is beyond ±2^53", dot(from), pointer,
                  show_node(node, shown), digits);
    return 0;
}

double read_number(struct fanfold_call *call, const struct fanfold_value *from, const char *pointer)
{
    const struct json *node = need_number(call, from, pointer);
    char shown[SHOWN_MAX];
    double value = 0;

    if (node && number_double(node->text, &value) != NUMBER_OK)
        call_stop(call, "%s%s is %s, which is beyond ±2^53", dot(from), pointer,
                  show_node(node, shown));
    return call->stopped ? 0 : value;
}

int64_t read_time(struct fanfold_call *call, const struct fanfold_value *from, const char *pointer)
{
    const struct json *node = need(call, from, pointer);
    struct error error;
    int64_t ms = 0;

    if (node && !time_of(node, &ms, pointer, &error))
        call_stop(call, "%s%s", dot(from), error.text);
    return call->stopped ? 0 : ms;
}

const struct fanfold_value *read_first(struct fanfold_call *call, const struct fanfold_value *from,
                                       const char *pointer)
{
    const struct json *node = need(call, from, pointer);
    char shown[SHOWN_MAX];

    if (!node || node->kind == JSON_ARRAY || node->kind == JSON_OBJECT)
        return value_of(node ? node->child : NULL);
    call_stop(call, "%s%s is %s, not a list or an object", dot(from), pointer,
              show_node(node, shown));
    return NULL;
}

const struct fanfold_value *read_next(struct fanfold_call *call,
                                      const struct fanfold_value *element)
{
    return value_of(call->stopped || !element ? NULL : node_of(element)->next);
}

const char *read_name(struct fanfold_call *call, const struct fanfold_value *element)
{
    struct str name = element ? node_of(element)->name : (struct str){NULL, 0};

    return str_is(name) ? call_keep(call, name) : "";
}

const void *read_body(struct fanfold_call *call, size_t *size)
{
    struct str bytes = {NULL, 0};

    if (!call->stopped && call->event)
        bytes = call->event->data_bytes;
    if (size)
        *size = bytes.len;
    return bytes.at;
}

const char *make_format(struct fanfold_call *call, const char *format, ...)
{
    char text[VIEW_KEY_MAX + 1], *long_text;
    va_list arguments;
    int len;

    if (call->stopped || !format)
        return "";
    va_start(arguments, format);
    len = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (len >= 0 && (size_t)len < sizeof(text))
        return call_keep(call, (struct str){text, (size_t)len});
    if (len < 0 || (size_t)len > FOLD_BYTES_MAX) {
        call_stop(call, "format() of \"%s\" makes no text, or more than %zu MB", format,
                  FOLD_BYTES_MAX >> 20);
        return "";
    }
    long_text = arena_alloc(call->scratch, (size_t)len + 1);
    va_start(arguments, format);
    vsnprintf(long_text, (size_t)len + 1, format, arguments);
    va_end(arguments);
    return call_has_room(call) ? long_text : "";
}

bool number_written(double number, char *out, struct str *text, struct error *error)
{
    if (!isfinite(number))
        return error_set(error, ERROR_NO, "the number is not finite");
    if (fabs(number) > (double)NUMBER_INT_MAX)
        return error_set(error, ERROR_NO, "%.17g is beyond ±2^53", number);
    *text = (struct str){out, number_format(number, out)};
    return true;
}

const char *make_number_text(struct fanfold_call *call, double number)
{
    char out[NUMBER_TEXT_MAX];
    struct error error;
    struct str text = {out, 0};

    if (number_written(number, out, &text, &error))
        return call_keep(call, text);
    call_stop(call, "number_text(): %s", error.text);
    return "";
}

const char *make_time_text(struct fanfold_call *call, int64_t ms, enum fanfold_unit unit)
{
    static const enum time_unit units[] = {[FANFOLD_MINUTE] = TIME_MINUTE,
                                           [FANFOLD_HOUR] = TIME_HOUR,
                                           [FANFOLD_DAY] = TIME_DAY,
                                           [FANFOLD_MONTH] = TIME_MONTH,
                                           [FANFOLD_YEAR] = TIME_YEAR};
    char text[TIMESTAMP_TEXT_MAX] = "";
    size_t len;

    if ((unsigned)unit >= sizeof(units) / sizeof(units[0]))
        call_stop(call, "time_text() knows no unit %d", (int)unit);
    else if (ms < TIME_FIRST || ms > TIME_LAST)
        call_stop(call, "time_text() of %lld ms, which is not in the years 1 to 9999",
                  (long long)ms);
    if (call->stopped)
        return "";
    len = timestamp_format_unit(ms, units[unit], text);
    return call_keep(call, (struct str){text, len});
}
