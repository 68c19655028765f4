/*
 * upcast_chain.c: which rule comes behind which, and the proof that this ends.
 *
 * What an event is to the rules is its type and dataschema, and what a rule makes of them does not
 * depend on anything else. So the finite number of ways is walked through here once, and no event
 * can take another one. That a rule comes twice on a way is more than a proof needs to forbid (with
 * another dataschema it might still end), and it makes a chain as long as there are rules at most.
 */
#include "base/buf.h"
#include "base/upcast_rules.h"

#include <stdlib.h>

static const struct upcast_rule *find(const struct upcast_rules *rules, struct str type,
                                      struct str dataschema)
{
    size_t low = 0, high = rules->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct upcast_rule *rule = &rules->at[middle];
        int order = str_cmp(rule->type, type);
        if (order == 0)
            order = str_cmp(rule->dataschema, dataschema);
        if (order == 0)
            return rule;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct upcast_rule *upcast_rule_for(const struct upcast_rules *rules, struct str type,
                                          struct str dataschema)
{
    const struct upcast_rule *exact = dataschema.len ? find(rules, type, dataschema) : NULL;
    return exact ? exact : find(rules, type, (struct str){NULL, 0});
}

const struct upcast_rule *upcast_rule_next(const struct upcast_rules *rules,
                                           const struct upcast_rule *rule, struct str *type,
                                           struct str *dataschema)
{
    if (str_is(rule->to_type))
        *type = rule->to_type;
    if (str_is(rule->to_dataschema))
        *dataschema = rule->to_dataschema;
    bool goes_on = str_is(rule->to_type) || str_is(rule->to_dataschema);
    return goes_on ? upcast_rule_for(rules, *type, *dataschema) : NULL;
}

/* A dataschema that several rules name comes several times: who asks does not mind. */
bool upcast_way(const struct upcast_rules *rules, size_t *cursor, struct str *dataschema)
{
    while (*cursor < rules->count && !str_is(rules->at[*cursor].dataschema))
        ++*cursor;
    if (*cursor > rules->count)
        return false;
    *dataschema = *cursor < rules->count ? rules->at[*cursor].dataschema : (struct str){NULL, 0};
    ++*cursor;
    return true;
}

bool upcast_replaces(const struct upcast_rules *rules, struct str type, struct str *becomes)
{
    const struct upcast_rule *rule = find(rules, type, (struct str){NULL, 0});
    if (!rule)
        return false;
    for (size_t i = 0; i < rules->count; i++) {
        const struct upcast_rule *other = &rules->at[i];
        if (str_eq(other->to_type, type) || (str_eq(other->type, type) && !str_is(other->to_type)))
            return false;
    }
    *becomes = rule->to_type;
    return true;
}

static void add_step(struct buf *chain, struct str type, struct str dataschema)
{
    buf_printf(chain, "%s%.*s", chain->len ? " → " : "", STRF(type));
    if (dataschema.len)
        buf_printf(chain, " (%.*s)", STRF(dataschema));
}

/* Does the rule come again behind itself, for events that have that dataschema then? */
static bool is_cycle(const struct upcast_rules *rules, const struct upcast_rule *first,
                     struct str dataschema)
{
    struct str type = first->type;
    const struct upcast_rule *rule = first;
    for (size_t steps = 0; rule && steps < rules->count; steps++) {
        rule = upcast_rule_next(rules, rule, &type, &dataschema);
        if (rule == first)
            return true;
    }
    return false;
}

/* Says the cycle that begins with this rule, and marks the rules in it as told. */
static void tell(const struct upcast_rules *rules, const struct upcast_rule *first,
                 struct str dataschema, bool *told, const char *file, struct faults *faults)
{
    struct buf chain = {0};
    struct str type = first->type;
    const struct upcast_rule *rule = first;
    add_step(&chain, type, dataschema);
    do {
        told[rule - rules->at] = true;
        rule = upcast_rule_next(rules, rule, &type, &dataschema);
        add_step(&chain, type, dataschema);
    } while (rule != first);
    faults_add(faults, file, first->place,
               "this chain does not end: %s; leave \"to\" out of the rule that makes the newest "
               "form, or let it name a type or dataschema that no rule is for",
               buf_text(&chain));
    buf_release(&chain);
}

/* A rule that comes twice on any way comes again on the way that begins with it. */
void upcast_chains_check(const struct upcast_rules *rules, const char *file, struct faults *faults)
{
    bool *told = must_calloc(rules->count + 1, sizeof *told);
    for (size_t i = 0; i < rules->count; i++) {
        const struct upcast_rule *rule = &rules->at[i];
        struct str dataschema;
        for (size_t way = 0; !told[i] && upcast_way(rules, &way, &dataschema);)
            if (upcast_rule_for(rules, rule->type, dataschema) == rule &&
                is_cycle(rules, rule, dataschema))
                tell(rules, rule, dataschema, told, file, faults);
    }
    free(told);
}
