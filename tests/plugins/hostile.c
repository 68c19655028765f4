/*
 * hostile.c: a plugin whose fold does what /data/do says: what a plugin should do, and everything
 * that it should not. tests/unit/plugin_test.c says what must come of each.
 */
#include <fanfold/fold.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MEGABYTE ((size_t)1024 * 1024)

typedef int deed(struct fanfold_call *call, const struct fanfold_host *host);

/* --- what is right ------------------------------------------------------------------------------
 */

static int do_nothing(struct fanfold_call *call, const struct fanfold_host *host)
{
    (void)call;
    (void)host;
    return FANFOLD_DONE;
}

static int do_ignore(struct fanfold_call *call, const struct fanfold_host *host)
{
    (void)call;
    (void)host;
    return FANFOLD_IGNORED;
}

static int do_all(struct fanfold_call *call, const struct fanfold_host *host)
{
    host->hash_set(call, "h:1", "f", "v");
    host->hash_set_once(call, "h:1", "f", "");
    host->hash_max(call, "h:1", "m", "1.50");
    host->hash_min(call, "h:1", "m", "b");
    host->hash_remove(call, "h:1", "f");
    host->hash_add(call, "sum:1", "f", 9007199254740992);
    host->hash_subtract(call, "sum:1", "f", 3);
    host->counter_add(call, "total", -4);
    host->counter_subtract(call, "total", -4);
    host->zset_score(call, "z:1", "m", -0.0);
    host->zset_add(call, "z:1", "m", 2);
    host->zset_subtract(call, "z:1", "m", 2);
    host->zset_max(call, "z:1", "m", 1e15);
    host->zset_min(call, "z:1", "m", 0.1);
    host->zset_remove(call, "z:1", "m");
    host->set_include(call, "s:1", "a");
    host->set_exclude(call, "s:1", "a\tb");
    host->list_push(call, "l:1", "a");
    host->hll_count(call, "u:1", "a");
    host->json_put(call, "j:1", " {\"b\": 1.0, \"a\": [\"\\u0041\"]} ");
    host->delete_row(call, "s:1");
    return FANFOLD_DONE;
}

static int do_keep(struct fanfold_call *call, const struct fanfold_host *host)
{
    host->list_push(call, "l:1", "a");
    host->list_push(call, "l:1", "b");
    host->list_push(call, "l:2", "c");
    host->zset_max(call, "top:2026-01-31", "m", 7);
    host->zset_max(call, "top:2026-01-31", "n", 8);
    host->json_put(call, "state:1", "null");
    return FANFOLD_DONE;
}

static int do_read(struct fanfold_call *call, const struct fanfold_host *host)
{
    const struct fanfold_value *each = host->first(call, NULL, "/data/list");
    size_t size = 0;

    for (; each; each = host->next(call, each))
        host->list_push(call, "l:each", host->text(call, each, ""));
    for (each = host->first(call, NULL, "/data/object"); each; each = host->next(call, each))
        if (host->kind(call, each, "") != FANFOLD_NOTHING)
            host->hash_set(call, "h:object", host->name(call, each), host->json(call, each, ""));
    host->hash_set(call, "h:1", "missing", host->find(call, NULL, "/data/no") ? "yes" : "no");
    host->hash_set(call, "h:1", "null", host->find(call, NULL, "/data/null") ? "yes" : "no");
    host->hash_set(call, "h:1", "kinds",
                   host->format(call, "%d%d%d%d", host->kind(call, NULL, "/data/null"),
                                host->kind(call, NULL, "/data/list"),
                                host->kind(call, NULL, "/data/number"),
                                host->kind(call, NULL, "/type")));
    host->hash_set(call, "h:1", "number",
                   host->number_text(call, host->number(call, NULL, "/data/number")));
    host->hash_set(call, "h:1", "body", host->body(call, &size) && size > 9 ? "yes" : "no");
    host->hash_add(call, "sum:1", "scaled", host->scaled(call, NULL, "/data/number", 2));
    host->hash_add(call, "sum:1", "escaped", host->integer(call, NULL, "/data/a~1b"));
    host->hash_set(call, "h:1", "hour",
                   host->time_text(call, host->time(call, NULL, "/time"), FANFOLD_HOUR));
    host->hash_set(call, "h:1", "long", host->format(call, "%2000d", 1) + 1998);
    return FANFOLD_DONE;
}

/* --- what is wrong: the key ---------------------------------------------------------------------
 */

static int do_outside(struct fanfold_call *call, const struct fanfold_host *host)
{
    host->hash_set(call, "h:1", "f", "v");
    host->hash_set(call, "of-another-view:1", "f", "v");
    return FANFOLD_DONE;
}

static int do_own_keys(struct fanfold_call *call, const struct fanfold_host *host)
{
    host->hash_set(call, "fanfold:cursor:v", "x.log.0", "1.0 0 0 0");
    return FANFOLD_DONE;
}

static int do_prefix_only(struct fanfold_call *call, const struct fanfold_host *host)
{
    host->hash_set(call, "h:", "f", "v");
    return FANFOLD_DONE;
}

static int do_more_than_whole(struct fanfold_call *call, const struct fanfold_host *host)
{
    host->counter_add(call, "total:1", 1);
    return FANFOLD_DONE;
}

static int do_other_structure(struct fanfold_call *call, const struct fanfold_host *host)
{
    host->set_include(call, "h:1", "m");
    return FANFOLD_DONE;
}

static int do_other_verb(struct fanfold_call *call, const struct fanfold_host *host)
{
    host->hash_set(call, "sum:1", "f", "v");
    return FANFOLD_DONE;
}

static int do_delete_undeclared(struct fanfold_call *call, const struct fanfold_host *host)
{
    host->delete_row(call, "h:1");
    return FANFOLD_DONE;
}

static int do_delete_outside(struct fanfold_call *call, const struct fanfold_host *host)
{
    host->delete_row(call, "of-another-view");
    return FANFOLD_DONE;
}

static int do_no_time_in_key(struct fanfold_call *call, const struct fanfold_host *host)
{
    host->zset_max(call, "top:2026-13-31", "m", 7);
    return FANFOLD_DONE;
}

static int do_other_shape(struct fanfold_call *call, const struct fanfold_host *host)
{
    host->zset_max(call, "top:yesterday!", "m", 7);
    return FANFOLD_DONE;
}

static int do_null_key(struct fanfold_call *call, const struct fanfold_host *host)
{
    host->hash_set(call, NULL, "f", "v");
    return FANFOLD_DONE;
}

static int do_empty_key(struct fanfold_call *call, const struct fanfold_host *host)
{
    host->delete_row(call, "");
    return FANFOLD_DONE;
}

static int do_long_key(struct fanfold_call *call, const struct fanfold_host *host)
{
    host->hash_set(call, host->format(call, "h:%2000d", 1), "f", "v");
    return FANFOLD_DONE;
}

static int do_control_key(struct fanfold_call *call, const struct fanfold_host *host)
{
    host->hash_set(call, "h:a\nb", "f", "v");
    return FANFOLD_DONE;
}

static int do_latin_key(struct fanfold_call *call, const struct fanfold_host *host)
{
    host->hash_set(call, "h:caf\xe9", "f", "v");
    return FANFOLD_DONE;
}

/* --- what is wrong: fields, values, and their number --------------------------------------------
 */

static int do_null_field(struct fanfold_call *call, const struct fanfold_host *host)
{
    host->hash_add(call, "sum:1", NULL, 1);
    return FANFOLD_DONE;
}

static int do_null_value(struct fanfold_call *call, const struct fanfold_host *host)
{
    host->list_push(call, "l:1", NULL);
    return FANFOLD_DONE;
}

static int do_latin_value(struct fanfold_call *call, const struct fanfold_host *host)
{
    host->hash_set(call, "h:1", "f", "a caf\xe9");
    return FANFOLD_DONE;
}

static int do_integer_out(struct fanfold_call *call, const struct fanfold_host *host)
{
    host->hash_add(call, "sum:1", "f", 9007199254740993);
    return FANFOLD_DONE;
}

static int do_integer_least(struct fanfold_call *call, const struct fanfold_host *host)
{
    host->counter_subtract(call, "total", INT64_MIN);
    return FANFOLD_DONE;
}

static int do_score_nan(struct fanfold_call *call, const struct fanfold_host *host)
{
    host->zset_score(call, "z:1", "m", NAN);
    return FANFOLD_DONE;
}

static int do_score_out(struct fanfold_call *call, const struct fanfold_host *host)
{
    host->zset_score(call, "z:1", "m", -1e16);
    return FANFOLD_DONE;
}

static int do_max_out(struct fanfold_call *call, const struct fanfold_host *host)
{
    host->hash_max(call, "h:1", "m", "1e300");
    return FANFOLD_DONE;
}

static int do_bad_json(struct fanfold_call *call, const struct fanfold_host *host)
{
    host->json_put(call, "j:1", "{\"a\":}");
    return FANFOLD_DONE;
}

static int do_json_out(struct fanfold_call *call, const struct fanfold_host *host)
{
    host->json_put(call, "j:1", "[9007199254740993]");
    return FANFOLD_DONE;
}

static int do_huge(struct fanfold_call *call, const struct fanfold_host *host)
{
    char *text = malloc(65 * MEGABYTE);

    memset(text, 'a', 65 * MEGABYTE - 1);
    text[65 * MEGABYTE - 1] = '\0';
    host->hash_set(call, "h:1", "f", text);
    free(text);
    return FANFOLD_DONE;
}

static int do_much(struct fanfold_call *call, const struct fanfold_host *host)
{
    char *text = malloc(MEGABYTE);

    memset(text, 'a', MEGABYTE - 1);
    text[MEGABYTE - 1] = '\0';
    for (int i = 0; i < 1000; i++)
        host->hash_set(call, "h:1", "f", text);
    free(text);
    return FANFOLD_DONE;
}

static int do_many(struct fanfold_call *call, const struct fanfold_host *host)
{
    for (int i = 0; i < 20000; i++)
        host->hash_add(call, "sum:1", "f", 1);
    return FANFOLD_DONE;
}

static int do_most(struct fanfold_call *call, const struct fanfold_host *host)
{
    for (int i = 0; i < 10000; i++)
        host->hash_add(call, "sum:1", "f", 1);
    return FANFOLD_DONE;
}

static int do_format_much(struct fanfold_call *call, const struct fanfold_host *host)
{
    for (int i = 0; i < 100000; i++)
        host->format(call, "%99999d", i);
    return FANFOLD_DONE;
}

static int do_format_huge(struct fanfold_call *call, const struct fanfold_host *host)
{
    host->hash_set(call, "h:1", "f", host->format(call, "%99999999d", 1));
    return FANFOLD_DONE;
}

/* --- what is wrong: reading ---------------------------------------------------------------------
 */

static int do_read_missing(struct fanfold_call *call, const struct fanfold_host *host)
{
    host->hash_set(call, "h:1", "f", host->text(call, NULL, "/data/no/such"));
    return FANFOLD_DONE;
}

static int do_read_null(struct fanfold_call *call, const struct fanfold_host *host)
{
    const struct fanfold_value *object = host->find(call, NULL, "/data/object");

    host->hash_add(call, "sum:1", "f", host->integer(call, object, "/null"));
    return FANFOLD_DONE;
}

static int do_read_wrong(struct fanfold_call *call, const struct fanfold_host *host)
{
    host->hash_add(call, "sum:1", "f", host->integer(call, NULL, "/data/do"));
    return FANFOLD_DONE;
}

static int do_read_fraction(struct fanfold_call *call, const struct fanfold_host *host)
{
    host->hash_add(call, "sum:1", "f", host->integer(call, NULL, "/data/number"));
    return FANFOLD_DONE;
}

static int do_read_decimals(struct fanfold_call *call, const struct fanfold_host *host)
{
    host->hash_add(call, "sum:1", "f", host->scaled(call, NULL, "/data/number", 1));
    return FANFOLD_DONE;
}

static int do_read_digits(struct fanfold_call *call, const struct fanfold_host *host)
{
    host->hash_add(call, "sum:1", "f", host->scaled(call, NULL, "/data/number", 99));
    return FANFOLD_DONE;
}

static int do_read_no_list(struct fanfold_call *call, const struct fanfold_host *host)
{
    host->first(call, NULL, "/data/number");
    return FANFOLD_DONE;
}

static int do_read_no_time(struct fanfold_call *call, const struct fanfold_host *host)
{
    host->time(call, NULL, "/data/do");
    return FANFOLD_DONE;
}

static int do_read_no_pointer(struct fanfold_call *call, const struct fanfold_host *host)
{
    host->find(call, NULL, "data/do");
    return FANFOLD_DONE;
}

static int do_read_null_pointer(struct fanfold_call *call, const struct fanfold_host *host)
{
    host->text(call, NULL, NULL);
    return FANFOLD_DONE;
}

static int do_time_out(struct fanfold_call *call, const struct fanfold_host *host)
{
    host->time_text(call, INT64_MAX, FANFOLD_DAY);
    return FANFOLD_DONE;
}

static int do_time_unit(struct fanfold_call *call, const struct fanfold_host *host)
{
    host->time_text(call, 0, (enum fanfold_unit)77);
    return FANFOLD_DONE;
}

static int do_number_infinite(struct fanfold_call *call, const struct fanfold_host *host)
{
    host->number_text(call, INFINITY);
    return FANFOLD_DONE;
}

/* --- what is wrong: parking and results ---------------------------------------------------------
 */

static int do_park(struct fanfold_call *call, const struct fanfold_host *host)
{
    host->hash_set(call, "h:1", "f", "v");
    return host->park(call, "order %s is %d too many", "o-1", 7);
}

/* Everything after a park is void, and does not crash. */
static int do_go_on(struct fanfold_call *call, const struct fanfold_host *host)
{
    size_t size;

    host->park(call, "the first reason");
    host->park(call, "the second reason");
    do_all(call, host);
    do_read(call, host);
    do_null_key(call, host);
    host->next(call, NULL);
    host->name(call, NULL);
    host->body(call, &size);
    host->body(call, NULL);
    return strcmp(host->text(call, NULL, "/id"), "") == 0 && host->integer(call, NULL, "/id") == 0
               ? FANFOLD_IGNORED
               : 1000;
}

static int do_park_silently(struct fanfold_call *call, const struct fanfold_host *host)
{
    (void)call;
    (void)host;
    return FANFOLD_PARK;
}

static int do_park_null(struct fanfold_call *call, const struct fanfold_host *host)
{
    int (*unchecked)(struct fanfold_call *, const char *, ...) = host->park; /* by the compiler */

    return unchecked(call, NULL);
}

static int do_park_dirt(struct fanfold_call *call, const struct fanfold_host *host)
{
    return host->park(call, "a\nb \xff\xc3 %s \xe2\x82\xac", "\x1b[31m\xc2\x85");
}

static int do_park_long(struct fanfold_call *call, const struct fanfold_host *host)
{
    return host->park(call, "%99999d\xe2\x82\xac", 1);
}

static int do_nonsense(struct fanfold_call *call, const struct fanfold_host *host)
{
    host->hash_set(call, "h:1", "f", "v");
    return -77;
}

static int do_ignore_after(struct fanfold_call *call, const struct fanfold_host *host)
{
    host->hash_set(call, "h:1", "f", "v");
    return FANFOLD_IGNORED;
}

static const struct {
    const char *name;
    deed *run;
} deeds[] = {
    {"nothing", do_nothing},
    {"ignore", do_ignore},
    {"all", do_all},
    {"keep", do_keep},
    {"read", do_read},
    {"outside", do_outside},
    {"own keys", do_own_keys},
    {"prefix only", do_prefix_only},
    {"more than whole", do_more_than_whole},
    {"other structure", do_other_structure},
    {"other verb", do_other_verb},
    {"delete undeclared", do_delete_undeclared},
    {"delete outside", do_delete_outside},
    {"no time in key", do_no_time_in_key},
    {"other shape", do_other_shape},
    {"null key", do_null_key},
    {"empty key", do_empty_key},
    {"long key", do_long_key},
    {"control key", do_control_key},
    {"latin key", do_latin_key},
    {"null field", do_null_field},
    {"null value", do_null_value},
    {"latin value", do_latin_value},
    {"integer out", do_integer_out},
    {"integer least", do_integer_least},
    {"score nan", do_score_nan},
    {"score out", do_score_out},
    {"max out", do_max_out},
    {"bad json", do_bad_json},
    {"json out", do_json_out},
    {"huge", do_huge},
    {"much", do_much},
    {"many", do_many},
    {"most", do_most},
    {"format much", do_format_much},
    {"format huge", do_format_huge},
    {"read missing", do_read_missing},
    {"read null", do_read_null},
    {"read wrong", do_read_wrong},
    {"read fraction", do_read_fraction},
    {"read decimals", do_read_decimals},
    {"read digits", do_read_digits},
    {"read no list", do_read_no_list},
    {"read no time", do_read_no_time},
    {"read no pointer", do_read_no_pointer},
    {"read null pointer", do_read_null_pointer},
    {"time out", do_time_out},
    {"time unit", do_time_unit},
    {"number infinite", do_number_infinite},
    {"park", do_park},
    {"go on", do_go_on},
    {"park silently", do_park_silently},
    {"park null", do_park_null},
    {"park dirt", do_park_dirt},
    {"park long", do_park_long},
    {"nonsense", do_nonsense},
    {"ignore after", do_ignore_after},
};

static int fold(const void *context, struct fanfold_call *call, const struct fanfold_host *host)
{
    const char *wanted = host->text(call, NULL, "/data/do");

    (void)context;
    for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++)
        if (strcmp(deeds[i].name, wanted) == 0)
            return deeds[i].run(call, host);
    return host->park(call, "there is no deed \"%s\"", wanted);
}

/* {"refuse": "…"}: refuses. {"write": true}: makes a change. {"limit": n}: needs an integer. */
static int init(void **context, struct fanfold_call *call, const struct fanfold_host *host)
{
    *context = malloc(100);
    if (host->find(call, NULL, "/refuse"))
        return host->park(call, "%s", host->text(call, NULL, "/refuse"));
    if (host->find(call, NULL, "/write"))
        host->hash_set(call, "h:1", "f", "v");
    if (host->find(call, NULL, "/limit"))
        host->integer(call, NULL, "/limit");
    if (host->find(call, NULL, "/silent"))
        return 7;
    return FANFOLD_DONE;
}

static void release(void *context)
{
    free(context);
}

const struct fanfold_plugin fanfold_plugin = {FANFOLD_PLUGIN_HEAD, .name = "hostile",
                                              .version = "1",      .init = init,
                                              .fold = fold,        .release = release};
