/*
 * upcast_change.c: see upcast_change.h. Two chains make the same of an event if their rules are the
 * same, one after the other.
 */
#include "cli/upcast_change.h"

static bool same_chain(const struct upcast_rules *before, const struct upcast_rules *after,
                       struct str type, struct str dataschema)
{
    const struct upcast_rule *a = upcast_rule_for(before, type, dataschema);
    const struct upcast_rule *b = upcast_rule_for(after, type, dataschema);
    while (a && b && str_eq(a->text, b->text)) {
        struct str types[] = {type, type}, schemas[] = {dataschema, dataschema};
        a = upcast_rule_next(before, a, &types[0], &schemas[0]);
        b = upcast_rule_next(after, b, &types[1], &schemas[1]);
        type = types[0];
        dataschema = schemas[0];
    }
    return !a && !b;
}

bool upcast_is_same(const struct upcast_rules *before, const struct upcast_rules *after,
                    struct str type)
{
    struct str dataschema;
    for (size_t i = 0; upcast_way(before, &i, &dataschema);)
        if (!same_chain(before, after, type, dataschema))
            return false;
    for (size_t i = 0; upcast_way(after, &i, &dataschema);)
        if (!same_chain(before, after, type, dataschema))
            return false;
    return true;
}

static bool matches(struct str type, const char *pattern)
{
    size_t len = strlen(pattern);
    if (len && pattern[len - 1] == '*')
        return str_starts(type, (struct str){pattern, len - 1});
    return str_eq(type, str_of(pattern));
}

bool upcast_may_match(const struct upcast_rules *rules, struct str type, const char *pattern)
{
    struct str dataschema;
    for (size_t i = 0; upcast_way(rules, &i, &dataschema);) {
        struct str last = type;
        const struct upcast_rule *rule = upcast_rule_for(rules, type, dataschema);
        while (rule)
            rule = upcast_rule_next(rules, rule, &last, &dataschema);
        if (matches(last, pattern))
            return true;
    }
    return false;
}

void upcast_change(const struct upcast_rules *before, const struct upcast_rules *after,
                   const struct map *types, struct buf *change)
{
    struct str type;
    uint64_t events;
    for (size_t i = 0; !change->len && map_next(types, &i, &type, &events);)
        if (!upcast_is_same(before, after, type))
            buf_printf(change,
                       "\"upcast\" makes something else of \"%.*s\", and the log holds %llu such "
                       "event%s",
                       STRF(type), (unsigned long long)events, events == 1 ? "" : "s");
}
