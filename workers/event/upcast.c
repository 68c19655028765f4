/*
 * upcast.c: applies rules to an event.
 *
 * The published event stays as it is: what is changed is copied first, one object at a time, with
 * its list of members but not what is below them. An object whose members are a copy is told from
 * others by its `text`: it has none, as every node that was made by hand (base/json.h).
 */
#include "event/upcast.h"

#include <assert.h>

struct upcasting {
    const struct upcast_rule *rule;
    struct json *root; /* the event; its members are copies */
    struct arena *arena;
    struct str fault; /* the first; {NULL,0}: none */
};

static void fail(struct upcasting *u, const char *verb, const char *place, const char *what)
{
    if (!str_is(u->fault))
        u->fault = arena_printf(u->arena, "upcast of %.*s: %s \"%s\": %s", STRF(u->rule->type),
                                verb, place, what);
}

/* ---------------------------------------------------------------------------------------- objects
 */

/* The members become copies. */
static void own(struct upcasting *u, struct json *object)
{
    struct json **tail = &object->child;
    for (const struct json *member = object->child; member; member = member->next) {
        struct json *copy = arena_alloc(u->arena, sizeof *copy);
        *copy = *member;
        *tail = copy;
        tail = &copy->next;
    }
    object->text = (struct str){NULL, 0};
}

/* The place of the pointer to a member; at the end of the list when there is none. */
static struct json **link_of(struct json *object, struct str name)
{
    struct json **link = &object->child;
    while (*link && !str_eq((*link)->name, name))
        link = &(*link)->next;
    return link;
}

static void unlink_member(struct json *object, struct json **link)
{
    *link = (*link)->next;
    object->count--;
}

static void append(struct json *object, struct json *node)
{
    struct json **link = &object->child;
    while (*link)
        link = &(*link)->next;
    node->next = NULL;
    *link = node;
    object->count++;
}

static bool is_nothing(const struct json *node)
{
    return !node || node->kind == JSON_NULL;
}

static struct json *new_node(struct upcasting *u, struct json from)
{
    struct json *node = arena_alloc(u->arena, sizeof *node);
    *node = from;
    return node;
}

/* ---------------------------------------------------------------------------------- take and put
 */

static const struct json *find(const struct upcasting *u, const struct upcast_path *path)
{
    const struct json *node = u->root;
    for (size_t i = 0; node && i < path->count; i++)
        node = json_member(node, path->names[i]);
    return is_nothing(node) ? NULL : node;
}

/* The object in which the last name of a path stands, with all on the way our own. NULL, with what
 * is in the way in *obstacle: one of them is no object. Those that are not there are made. */
static struct json *object_around(struct upcasting *u, const struct upcast_path *path,
                                  const struct json **obstacle)
{
    struct json *object = u->root;
    for (size_t i = 0; i + 1 < path->count; i++) {
        struct json *member = *link_of(object, path->names[i]);
        if (!member) {
            member = new_node(u, (struct json){.kind = JSON_OBJECT, .name = path->names[i]});
            append(object, member);
        }
        if (member->kind == JSON_NULL)
            *member =
                (struct json){.kind = JSON_OBJECT, .name = member->name, .next = member->next};
        *obstacle = member;
        if (member->kind != JSON_OBJECT)
            return NULL;
        if (str_is(member->text))
            own(u, member);
        object = member;
    }
    return object;
}

/* Out of its object, or NULL: nothing is there. */
static struct json *take(struct upcasting *u, const struct upcast_path *path)
{
    const struct json *obstacle;
    if (!find(u, path))
        return NULL;
    struct json *object = object_around(u, path, &obstacle);
    assert(object);
    struct json **link = link_of(object, path->names[path->count - 1]), *node = *link;
    assert(node); /* find() has seen it */
    unlink_member(object, link);
    return node;
}

static const char *kind_of(const struct json *node)
{
    static const char *const kinds[] = {
        [JSON_NULL] = "null",       [JSON_FALSE] = "a boolean", [JSON_TRUE] = "a boolean",
        [JSON_NUMBER] = "a number", [JSON_STRING] = "a text",   [JSON_ARRAY] = "a list",
        [JSON_OBJECT] = "an object"};
    return kinds[node->kind];
}

/* The node becomes what stands at the path; where something stands already, the rule fails. */
static void put(struct upcasting *u, const char *verb, const struct upcast_path *path,
                struct json *node)
{
    const struct json *obstacle;
    if (path->count - 1 + json_depth(node) > JSON_DEPTH_MAX) {
        fail(u, verb, path->text, "would have too many levels of arrays and objects");
        return;
    }
    struct json *object = object_around(u, path, &obstacle);
    if (!object) {
        struct str what = arena_printf(u->arena, "\"%.*s\", on the way, is %s, not an object",
                                       STRF(obstacle->name), kind_of(obstacle));
        fail(u, verb, path->text, what.at);
        return;
    }
    node->name = path->names[path->count - 1];
    struct json **link = link_of(object, node->name);
    if (!is_nothing(*link)) {
        fail(u, verb, path->text, "is there already");
        return;
    }
    if (*link)
        unlink_member(object, link);
    append(object, node);
}

/* ----------------------------------------------------------------------------------------- verbs
 */

/* The text up to `by`, and *rest behind it; the whole, and no *rest, when `by` is not in it. */
static struct str cut(struct str *rest, struct str by)
{
    struct str text = *rest;
    const char *at = text.len ? memmem(text.at, text.len, by.at, by.len) : NULL;
    *rest = (struct str){NULL, 0};
    if (!at)
        return text;
    size_t len = (size_t)(at - text.at);
    *rest = str_from(text, len + by.len);
    return (struct str){text.at, len};
}

static void put_parts(struct upcasting *u, const struct upcast_take *step, const struct json *node)
{
    struct str rest = node->text;
    if (node->kind != JSON_STRING) {
        struct str what = arena_printf(u->arena, "is %s, not a text", kind_of(node));
        fail(u, step->verb, step->from.text, what.at);
        return;
    }
    for (size_t i = 0; i < step->count && str_is(rest); i++) {
        struct str part = rest;
        if (i + 1 < step->count)
            part = cut(&rest, step->by);
        put(u, step->verb, &step->into[i],
            new_node(u, (struct json){.kind = JSON_STRING, .text = part}));
    }
}

static void run_takes(struct upcasting *u, const struct upcast_rule *rule)
{
    struct json *taken[UPCAST_STEPS_MAX];
    size_t count = rule->take_count;
    for (size_t i = 0; i < count; i++)
        taken[i] = take(u, &rule->takes[i].from);
    for (size_t i = 0; i < count; i++) {
        const struct upcast_take *step = &rule->takes[i];
        if (!taken[i])
            continue;
        if (str_is(step->by))
            put_parts(u, step, taken[i]);
        else
            put(u, step->verb, &step->into[0], taken[i]);
    }
}

static void run_defaults(struct upcasting *u, const struct upcast_rule *rule)
{
    for (size_t i = 0; i < rule->default_count; i++) {
        const struct upcast_default *entry = &rule->defaults[i];
        if (!find(u, &entry->at))
            put(u, "default", &entry->at, new_node(u, *entry->value));
    }
}

/* ----------------------------------------------------------------------------------------- event
 */

static struct str dataschema_of(const struct cloudevent *event)
{
    const struct json *node = json_member(event->root, STR("dataschema"));
    return node && node->kind == JSON_STRING ? node->text : (struct str){NULL, 0};
}

static void set_text(struct upcasting *u, struct str name, struct str text)
{
    struct json *member = *link_of(u->root, name);
    if (!member) {
        member = new_node(u, (struct json){.name = name});
        append(u->root, member);
    }
    *member = (struct json){
        .kind = JSON_STRING, .text = text, .name = member->name, .next = member->next};
}

static void run_rule(struct upcasting *u, const struct upcast_rule *rule, struct str data_fault)
{
    u->rule = rule;
    if (!rule->take_count && !rule->default_count)
        return;
    if (str_is(data_fault)) {
        if (!str_is(u->fault))
            u->fault = arena_printf(u->arena, "upcast of %.*s: data is not JSON: %.*s",
                                    STRF(rule->type), STRF(data_fault));
        return;
    }
    run_takes(u, rule);
    run_defaults(u, rule);
}

void upcast_apply(const struct upcast_rules *rules, struct cloudevent *event, struct arena *arena)
{
    if (rules->count == 0)
        return;
    struct str dataschema = dataschema_of(event), was = dataschema;
    const struct upcast_rule *rule = upcast_rule_for(rules, event->type, dataschema);
    if (!rule)
        return;
    struct json root = *event->root;
    struct upcasting u = {.arena = arena};
    u.root = new_node(&u, root);
    own(&u, u.root);
    for (size_t steps = 0; rule; steps++) {
        assert(steps < rules->count); /* upcast_chains_check() has proved it */
        run_rule(&u, rule, event->data_fault);
        rule = upcast_rule_next(rules, rule, &event->type, &dataschema);
    }
    set_text(&u, STR("type"), event->type);
    if (dataschema.at != was.at)
        set_text(&u, STR("dataschema"), dataschema);
    event->root = u.root;
    event->upcast_fault = u.fault;
}

void upcast_type(const struct upcast_rules *rules, struct cloudevent *event)
{
    struct str dataschema = dataschema_of(event);
    const struct upcast_rule *rule = upcast_rule_for(rules, event->type, dataschema);
    while (rule)
        rule = upcast_rule_next(rules, rule, &event->type, &dataschema);
}
