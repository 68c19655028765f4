/*
 * fold.h: a fold written in C: a shared object that turns events into changes of Redis rows, where
 * the view language cannot say it. Fanfold loads it, and does the rest as for any other view:
 * order, duplicates, parking, the atomic commit of rows and position. Needs nothing but this file.
 *
 *     #include <fanfold/fold.h>
 *
 *     static int fold(const void *context, struct fanfold_call *call, const struct fanfold_host
 * *host)
 *     {
 *         int64_t total = 0;
 *         const struct fanfold_value *line = host->first(call, NULL, "/data/lines");
 *
 *         for (; line; line = host->next(call, line))
 *             total += host->integer(call, line, "/price") * host->integer(call, line,
 * "/quantity"); if (total > 1000000) return host->park(call, "a total of %lld is not credible",
 * (long long)total); host->hash_add(call, host->format(call, "spent:%s", host->text(call, NULL,
 * "/subject")), "cents", total); return FANFOLD_DONE;
 *     }
 *
 *     const struct fanfold_plugin fanfold_plugin = {
 *         FANFOLD_PLUGIN_HEAD, .name = "spent", .version = "1", .fold = fold};
 *
 * and the view file that names it:
 *
 *     { "view": "spent", "exchange": "shop.events", "plugin": "libspent.so",
 *       "on": ["order.placed"], "rows": [ { "hash": "spent:{customer}", "add": true } ] }
 *
 * The file is looked for beside the view file, then in lib…/fanfold of the installation. "on" lists
 * the patterns of the types that are folded; without it all are. "rows" names every structure, key
 * and verb that the fold may use, in the words of an action, with `true` for what the verb takes:
 * what stands in {…} is a name for people, or {…:day}, where the key holds a time; "keep" and
 * "expire" stand here too, and happen by themselves. "parameters" is any JSON, for init.
 *
 * Rules. A view can be folded again at any time and must give the same rows. So a fold depends on
 * the event, the parameters and its own code, and on nothing else: no clock, no randomness, no I/O,
 * no environment or locale, no threads, no memory of earlier events. `context` is const for that
 * reason: one context folds for several logs, each from where it stands. A fold cannot read rows.
 *
 * Errors. Nothing here needs to be checked. The first thing that cannot be done (a pointer to
 * nothing, a text that is no integer, a key that "rows" does not name, a total beyond ±2^53, too
 * much of anything) parks the event with a reason, whole, whatever fold returns afterwards; from
 * then on reading gives 0, "" and no elements, and changes are not taken. Where something may be
 * missing, ask `find` first.
 *
 * Texts are UTF-8 and end with a NUL; there is none inside them. What the host returns is valid
 * until the call (of init or fold) ends; what it is given it copies.
 *
 * What is not caught: the plugin runs in the process of the worker, and of `fanfold try` and
 * `check`. Where it writes to wild pointers, aborts, or never returns, so does the worker: its
 * batch is not committed, so no row is wrong, but the next worker that folds that event fails as
 * well.
 *
 * Compatibility. A plugin works with the version of Fanfold that it was built for, and with later
 * ones of the same FANFOLD_ABI. Structures grow at their end only, and say their size.
 */
#ifndef FANFOLD_FOLD_H
#define FANFOLD_FOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FANFOLD_ABI 1

#if defined(__GNUC__)
#define FANFOLD_FORMAT __attribute__((format(printf, 2, 3)))
#define FANFOLD_EXPORT __attribute__((visibility("default")))
#else
#define FANFOLD_FORMAT
#define FANFOLD_EXPORT
#endif

struct fanfold_call;  /* one call of init or fold */
struct fanfold_value; /* a value inside the event, or inside the parameters */

enum fanfold_result {
    FANFOLD_DONE = 0,    /* folded: the changes are right, maybe there are none */
    FANFOLD_IGNORED = 1, /* not for this view; counted as ignored. No changes may have been made */
    FANFOLD_PARK = 2,    /* what park() returns */
};

enum fanfold_kind {
    FANFOLD_NOTHING, /* missing, or null: the same */
    FANFOLD_FALSE,
    FANFOLD_TRUE,
    FANFOLD_NUMBER,
    FANFOLD_TEXT,
    FANFOLD_LIST,
    FANFOLD_OBJECT,
};

enum fanfold_unit { FANFOLD_MINUTE, FANFOLD_HOUR, FANFOLD_DAY, FANFOLD_MONTH, FANFOLD_YEAR };

/*
 * Reading: (call, from, pointer). pointer is a JSON Pointer (RFC 6901), from the value `from`, or
 * from the event when that is NULL: "/id" "/source" "/type" "/subject" "/time" "/data/…" and
 * extensions; "" is `from` itself. In init the parameters stand in the place of the event. Where a
 * number is needed, a text that is exactly a JSON number counts.
 */
struct fanfold_host {
    uint32_t abi;  /* FANFOLD_ABI */
    uint32_t size; /* of this structure */

    /* NULL: nothing is there (missing, or null). */
    const struct fanfold_value *(*find)(struct fanfold_call *call, const struct fanfold_value *from,
                                        const char *pointer);
    enum fanfold_kind (*kind)(struct fanfold_call *call, const struct fanfold_value *from,
                              const char *pointer);
    /* Anything as text: a text itself, others as JSON (RFC 8785). */
    const char *(*text)(struct fanfold_call *call, const struct fanfold_value *from,
                        const char *pointer);
    /* Anything as JSON: a text with its quotes. */
    const char *(*json)(struct fanfold_call *call, const struct fanfold_value *from,
                        const char *pointer);
    /* Within ±2^53. */
    int64_t (*integer)(struct fanfold_call *call, const struct fanfold_value *from,
                       const char *pointer);
    /* value × 10^digits, exactly: 12.34 with 2 digits is 1234; further decimals park. digits: 0 to
     * 15. */
    int64_t (*scaled)(struct fanfold_call *call, const struct fanfold_value *from,
                      const char *pointer, int digits);
    /* Finite, within ±2^53. */
    double (*number)(struct fanfold_call *call, const struct fanfold_value *from,
                     const char *pointer);
    /* Milliseconds since 1970, UTC, of RFC 3339, or of Unix seconds (from 10^11 up: milliseconds).
     */
    int64_t (*time)(struct fanfold_call *call, const struct fanfold_value *from,
                    const char *pointer);
    /* The first element of a list, or member of an object, in the order of the document; NULL: it
     * is empty. Anything else parks. */
    const struct fanfold_value *(*first)(struct fanfold_call *call,
                                         const struct fanfold_value *from, const char *pointer);
    const struct fanfold_value *(*next)(struct fanfold_call *call,
                                        const struct fanfold_value *element);
    /* The member's name; "" for an element of a list. */
    const char *(*name)(struct fanfold_call *call, const struct fanfold_value *element);
    /* The bytes that /data was read from, as they were published (before an `upcast` of the log),
     * JSON or not; not NUL-terminated. NULL: the event has none. */
    const void *(*body)(struct fanfold_call *call, size_t *size);

    /* Texts. */
    const char *(*format)(struct fanfold_call *call, const char *format, ...)FANFOLD_FORMAT;
    /* "12", "21.5": always with a point, and the same everywhere; unlike %g. */
    const char *(*number_text)(struct fanfold_call *call, double number);
    /* "2026-01-31T09:05", "…T09", "2026-01-31", "2026-01", "2026". */
    const char *(*time_text)(struct fanfold_call *call, int64_t ms, enum fanfold_unit unit);

    /* Parks the event (in init: refuses the view file), with a reason for a person. Returns
     * FANFOLD_PARK. Only the first reason counts. */
    int (*park)(struct fanfold_call *call, const char *format, ...) FANFOLD_FORMAT;

    /*
     * Changes, named and working as the verbs of the view language: see the README. In fold only.
     * Keys have 1 to 1,024 bytes and no control characters. An event makes at most 10,000 changes.
     * max and min: a text that is a number counts as a number; numbers do not mix with texts.
     */
    void (*hash_set)(struct fanfold_call *call, const char *key, const char *field,
                     const char *value);
    void (*hash_set_once)(struct fanfold_call *call, const char *key, const char *field,
                          const char *value);
    void (*hash_add)(struct fanfold_call *call, const char *key, const char *field, int64_t value);
    void (*hash_subtract)(struct fanfold_call *call, const char *key, const char *field,
                          int64_t value);
    void (*hash_max)(struct fanfold_call *call, const char *key, const char *field,
                     const char *value);
    void (*hash_min)(struct fanfold_call *call, const char *key, const char *field,
                     const char *value);
    void (*hash_remove)(struct fanfold_call *call, const char *key, const char *field);
    void (*counter_add)(struct fanfold_call *call, const char *key, int64_t value);
    void (*counter_subtract)(struct fanfold_call *call, const char *key, int64_t value);
    void (*zset_score)(struct fanfold_call *call, const char *key, const char *member,
                       double score);
    void (*zset_add)(struct fanfold_call *call, const char *key, const char *member, int64_t value);
    void (*zset_subtract)(struct fanfold_call *call, const char *key, const char *member,
                          int64_t value);
    void (*zset_max)(struct fanfold_call *call, const char *key, const char *member, double score);
    void (*zset_min)(struct fanfold_call *call, const char *key, const char *member, double score);
    void (*zset_remove)(struct fanfold_call *call, const char *key, const char *member);
    void (*set_include)(struct fanfold_call *call, const char *key, const char *member);
    void (*set_exclude)(struct fanfold_call *call, const char *key, const char *member);
    void (*list_push)(struct fanfold_call *call, const char *key, const char *value);
    void (*hll_count)(struct fanfold_call *call, const char *key, const char *element);
    /* json: JSON text; what is stored is its RFC 8785 form. */
    void (*json_put)(struct fanfold_call *call, const char *key, const char *json);
    void (*delete_row)(struct fanfold_call *call, const char *key);
};

struct fanfold_plugin {
    uint32_t abi, size, host_size; /* FANFOLD_PLUGIN_HEAD */

    /* 1 to 64 characters of a-z 0-9 . _ - */
    const char *name;
    /* The fold's own, 1 to 64 visible characters: another one each time the fold gives other rows
     * for an event. Name and version are part of the view's definition, so rows that another
     * version has made are not folded on silently: the view says "definition changed". */
    const char *version;

    /* May be NULL. Once per view that is loaded: reads the parameters ("" is all of them), and may
     * leave in *context what fold is given. Returns FANFOLD_DONE, or what park() returned. */
    int (*init)(void **context, struct fanfold_call *call, const struct fanfold_host *host);
    /* One event; only of the types in "on". Returns an enum fanfold_result. */
    int (*fold)(const void *context, struct fanfold_call *call, const struct fanfold_host *host);
    /* May be NULL. Frees what init has left in *context, also where the view was refused; NULL. */
    void (*release)(void *context);
};

#define FANFOLD_PLUGIN_HEAD                                    \
    .abi = FANFOLD_ABI, .size = sizeof(struct fanfold_plugin), \
    .host_size = sizeof(struct fanfold_host)

/* What a plugin defines, and the one symbol that it exports. */
extern FANFOLD_EXPORT const struct fanfold_plugin fanfold_plugin;

#ifdef __cplusplus
}
#endif

#endif
