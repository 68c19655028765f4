/*
 * upcast_fuzz.c: any rules (the first line) over any event (the rest). Rules that are taken end,
 * give the same rules again from their text, and make of an event one that hangs together, within
 * bounds, without touching what was published.
 */
#include "fuzz.h"

#include "base/jsonfile.h"
#include "event/upcast.h"

#include <stdlib.h>

static bool read_rules(struct str text, struct upcast_rules *rules)
{
    struct faults faults = {0};
    cJSON *array = jsonfile_parse("f.json", text, &faults);
    bool good = array && upcast_rules_read(array, "f.json", "/logs/0/upcast", rules, &faults);
    assert(good == (faults.errors == 0));
    cJSON_Delete(array);
    faults_release(&faults);
    return good;
}

static void check_rules(const struct upcast_rules *rules)
{
    struct upcast_rules again = {0};
    assert(rules->text.len <= UPCAST_TEXT_MAX && rules->count <= UPCAST_RULES_MAX);
    assert(str_is(rules->text) == (rules->count > 0));
    if (rules->count == 0)
        return;
    assert(read_rules(rules->text, &again));
    assert(str_eq(again.text, rules->text) && again.digest == rules->digest);
    assert(again.count == rules->count);
    for (size_t i = 0; i < rules->count; i++)
        assert(upcast_rule_for(rules, rules->at[i].type, rules->at[i].dataschema) == &rules->at[i]);
    upcast_rules_release(&again);
}

/* Nodes hang together, names are unique; returns how many there are. */
static size_t check_node(const struct json *node, size_t levels)
{
    uint32_t count = 0;
    size_t nodes = 1;
    assert(levels <= JSON_DEPTH_MAX + 1);
    for (const struct json *child = node->child; child; child = child->next, count++) {
        assert(node->kind == JSON_ARRAY || node->kind == JSON_OBJECT);
        if (node->kind == JSON_OBJECT)
            assert(json_member(node, child->name) == child);
        nodes += check_node(child, levels + (child->kind >= JSON_ARRAY));
    }
    assert(count == node->count || node->kind < JSON_ARRAY);
    return nodes;
}

/* The event as text; "" when it has numbers that have no canonical form. */
static struct buf text_of(const struct json *root)
{
    struct buf text = {0};
    struct error error;
    if (!json_canonical(&text, root, &error))
        buf_clear(&text);
    return text;
}

/* What a chain may add: a node for each step and each name on the way to its targets, and defaults,
 * of which each node takes a byte of the rules' text or more. */
static size_t room(const struct upcast_rules *rules)
{
    return 2 + rules->count * (size_t)UPCAST_STEPS_MAX * UPCAST_NAMES_MAX + rules->text.len;
}

static void check_event(const struct upcast_rules *rules, const struct cloudevent *published,
                        struct arena *arena)
{
    struct cloudevent event = *published, twice = *published, type = *published;
    struct buf before = text_of(published->root);
    size_t nodes = check_node(published->root, 1);
    upcast_apply(rules, &event, arena);
    upcast_apply(rules, &twice, arena);
    upcast_type(rules, &type);
    struct buf after = text_of(published->root), first = text_of(event.root),
               second = text_of(twice.root);
    assert(str_eq(buf_str(&before), buf_str(&after)));
    assert(str_eq(buf_str(&first), buf_str(&second)));
    assert(str_eq(event.upcast_fault, twice.upcast_fault));
    assert(check_node(event.root, 1) <= nodes + room(rules));
    assert(str_eq(event.type, type.type) && event.type.len);
    assert(str_eq(json_member(event.root, STR("type"))->text, event.type));
    assert(str_eq(event.published_type, published->type));
    assert(str_eq(json_member(event.root, STR("id"))->text, published->id));
    assert(str_eq(json_member(event.root, STR("source"))->text, published->source));
    assert(cloudevent_content(&event) == cloudevent_content(published));
    buf_release(&before);
    buf_release(&after);
    buf_release(&first);
    buf_release(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct publish_defaults defaults = {.type = STR("t")};
    struct str rest = fuzz_input(data, size);
    struct upcast_rules rules = {0};
    struct arena arena = {0};
    struct cloudevent event;
    struct error error;
    if (read_rules(fuzz_line(&rest), &rules)) {
        check_rules(&rules);
        if (cloudevent_from_line(rest, &defaults, STR("made"), &arena, &event, &error))
            check_event(&rules, &event, &arena);
    }
    upcast_rules_release(&rules);
    arena_release(&arena);
    return 0;
}
