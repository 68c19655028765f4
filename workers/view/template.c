/* template.c: compiles and fills templates. */
#include "view/template.h"

#include "event/text.h"
#include "view/operand.h"
#include "view/pointer.h"

static const char *const short_names[] = {"id", "source", "type", "subject", "time", "key"};
#define SHORT_NAMES (sizeof(short_names) / sizeof(short_names[0]))

bool has_control(struct str text)
{
    if (text_is_printable(text))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (c < 0x20 || c == 0x7F)
            return true;
        if (c == 0xC2 && i + 1 < text.len && (unsigned char)text.at[i + 1] < 0xA0)
            return true;
    }
    return false;
}

bool template_optional(const struct template *from)
{
    for (size_t i = 0; i < from->count; i++)
        if (from->parts[i].kind == PART_POINTER && from->parts[i].pointer.optional)
            return true;
    return false;
}

static bool is_short(struct str name)
{
    for (size_t i = 0; i < SHORT_NAMES; i++)
        if (str_eq(name, str_of(short_names[i])))
            return true;
    return false;
}

static bool unknown_name(struct str name, struct error *error)
{
    char text[64];
    const char *near;

    snprintf(text, sizeof(text), "%.*s", STRF(name));
    near = suggest(text, short_names, SHORT_NAMES);
    if (near)
        return error_set(error, ERROR_CONFIG,
                         "unknown name {%.*s}; did you mean {%s}? (a member of the body is written "
                         "{/data/%.*s})",
                         STRF(name), near, STRF(name));
    return error_set(error, ERROR_CONFIG,
                     "unknown name {%.*s}; known are {id} {source} {type} {subject} {time} {key}; "
                     "a member of the body is written {/data/%.*s}",
                     STRF(name), STRF(name));
}

/* Cuts ":unit" off the end of inner. */
static bool unit_compile(struct str *inner, struct part *part, struct error *error)
{
    const char *colon = memrchr(inner->at, ':', inner->len);

    part->unit = TIME_UNIT_NONE;
    if (!colon)
        return true;
    struct str unit = str_from(*inner, (size_t)(colon - inner->at) + 1);
    part->unit = time_unit_of(unit);
    if (part->unit == TIME_UNIT_NONE)
        return error_set(error, ERROR_CONFIG,
                         "unknown time unit \"%.*s\" in {%.*s}; units are year, month, day, hour, "
                         "minute",
                         STRF(unit), STRF(*inner));
    inner->len = (size_t)(colon - inner->at);
    return true;
}

static bool free_name(struct arena *arena, struct str name, struct part *part, struct error *error)
{
    if (name.len == 0)
        return error_set(error, ERROR_CONFIG, "{} without a name; write such as {customer}");
    part->pointer.text = arena_printf(arena, "%.*s", STRF(name)).at;
    return true;
}

/* inner: what stands between the braces. */
static bool part_compile(struct arena *arena, struct str inner, const struct around *around,
                         struct part *part, struct error *error)
{
    struct str name;

    if (!unit_compile(&inner, part, error))
        return false;
    part->kind = PART_POINTER;
    if (around->each == NAMES_FREE)
        return free_name(arena, inner, part, error);
    if (pointer_like(inner))
        return pointer_compile(arena, inner, around, POINTER_MARKED, &part->pointer, error);
    name = inner;
    if (name.len && name.at[name.len - 1] == '?')
        name.len--;
    if (!is_short(name))
        return unknown_name(name, error);
    if (!str_eq(name, STR("key")))
        return pointer_compile(arena, arena_printf(arena, "/%.*s", STRF(inner)), around,
                               POINTER_MARKED, &part->pointer, error);
    part->kind = PART_KEY;
    if (around->each == 0)
        return error_set(error, ERROR_CONFIG,
                         "{key} is the index or member name in an \"each\", but there is none "
                         "around it");
    return true;
}

static bool add_part(struct template *out, struct part part, struct error *error)
{
    if (out->count == PARTS_MAX)
        return error_set(error, ERROR_CONFIG, "more than %d parts in one template", PARTS_MAX);
    out->parts[out->count++] = part;
    return true;
}

/* Literal text up to the next "{"; moves *at behind it. Doubled braces stand for one. */
static bool literal_compile_part(struct arena *arena, struct str text, size_t *at,
                                 struct template *out, struct error *error)
{
    char *literal = arena_alloc(arena, text.len - *at + 1);
    size_t len = 0;

    for (; *at < text.len; (*at)++) {
        char c = text.at[*at];
        bool doubled = *at + 1 < text.len && text.at[*at + 1] == c;
        if (c == '{' && !doubled)
            break;
        if (c == '}' && !doubled)
            return error_set(error, ERROR_CONFIG,
                             "\"}\" without \"{\" at character %zu; a brace itself is written "
                             "\"}}\"",
                             *at + 1);
        *at += c == '{' || c == '}';
        literal[len++] = c;
    }
    if (len == 0)
        return true;
    return add_part(out, (struct part){.kind = PART_LITERAL, .literal = {literal, len}}, error);
}

bool template_compile(struct arena *arena, struct str text, const struct around *around,
                      struct template *out, struct error *error)
{
    struct part parts[PARTS_MAX] = {{.kind = PART_LITERAL}};
    size_t at = 0;

    *out = (struct template){.text = arena_printf(arena, "%.*s", STRF(text)).at, .parts = parts};
    while (at < text.len) {
        if (!literal_compile_part(arena, text, &at, out, error))
            return false;
        if (at == text.len)
            break;
        const char *end = memchr(text.at + at, '}', text.len - at);
        struct str inner = {text.at + at + 1, end ? (size_t)(end - text.at) - at - 1 : 0};
        struct part part = {0};
        if (!end || memchr(inner.at, '{', inner.len))
            return error_set(error, ERROR_CONFIG,
                             "\"{\" without \"}\" at character %zu; a brace itself is written "
                             "\"{{\"",
                             at + 1);
        if (!part_compile(arena, inner, around, &part, error) || !add_part(out, part, error))
            return false;
        at += inner.len + 2;
    }
    if (out->count == 0)
        out->fixed = STR("");
    else if (out->count == 1 && parts[0].kind == PART_LITERAL)
        out->fixed = parts[0].literal;
    out->parts = arena_alloc(arena, (out->count + 1) * sizeof(*parts));
    memcpy(out->parts, parts, out->count * sizeof(*parts));
    return true;
}

/* {key} of the nearest each; most views never ask for the index, so only now it becomes a text. */
static struct str frame_key(const struct scope *scope)
{
    const struct frame *frame = &scope->frames[scope->depth - 1];

    if (str_is(frame->key))
        return frame->key;
    return arena_int(scope->scratch, (int64_t)frame->index);
}

enum outcome part_time(const struct part *part, const struct scope *scope, int64_t *ms)
{
    const struct json *node;
    struct json key = {.kind = JSON_STRING};

    if (part->kind == PART_KEY) {
        key.text = frame_key(scope);
        return time_of(&key, ms, "{key}", scope->why) ? OUTCOME_SOME : OUTCOME_PARK;
    }
    if (part->pointer.is_time && scope->event->has_time) {
        *ms = scope->event->time_ms;
        return OUTCOME_SOME;
    }
    enum outcome outcome = pointer_read(&part->pointer, scope, &node);
    if (outcome != OUTCOME_SOME)
        return outcome;
    return time_of(node, ms, part->pointer.text, scope->why) ? OUTCOME_SOME : OUTCOME_PARK;
}

/* node: what the pointer found, or NULL for {key} and times. */
static enum outcome part_text(const struct part *part, const struct scope *scope, struct str *text,
                              const struct json **node)
{
    char cut[TIMESTAMP_TEXT_MAX];
    int64_t ms;
    enum outcome outcome;

    *node = NULL;
    if (part->kind == PART_LITERAL) {
        *text = part->literal;
        return OUTCOME_SOME;
    }
    if (part->unit != TIME_UNIT_NONE) {
        outcome = part_time(part, scope, &ms);
        if (outcome == OUTCOME_SOME) {
            size_t len = timestamp_format_unit(ms, part->unit, cut);
            *text = arena_copy(scope->scratch, (struct str){cut, len});
        }
        return outcome;
    }
    if (part->kind == PART_KEY) {
        *text = frame_key(scope);
        return OUTCOME_SOME;
    }
    outcome = pointer_read(&part->pointer, scope, node);
    if (outcome != OUTCOME_SOME)
        return outcome;
    return text_of(*node, scope->scratch, text, part->pointer.text, scope->why) ? OUTCOME_SOME
                                                                                : OUTCOME_PARK;
}

static struct str join(const struct str *texts, size_t count, size_t len, struct arena *arena)
{
    char *out = arena_alloc(arena, len + 1), *end = out;

    for (size_t i = 0; i < count; i++) {
        if (texts[i].len)
            memcpy(end, texts[i].at, texts[i].len);
        end += texts[i].len;
    }
    return (struct str){out, len};
}

enum outcome template_text(const struct template *from, const struct scope *scope, struct str *text)
{
    struct str texts[PARTS_MAX];
    const struct json *node;
    size_t len = 0;

    if (str_is(from->fixed)) {
        *text = from->fixed;
        return OUTCOME_SOME;
    }
    for (size_t i = 0; i < from->count; i++) {
        enum outcome outcome = part_text(&from->parts[i], scope, &texts[i], &node);
        if (outcome != OUTCOME_SOME)
            return outcome;
        len += texts[i].len;
    }
    *text = from->count == 1 ? texts[0] : join(texts, from->count, len, scope->scratch);
    return OUTCOME_SOME;
}

/* One part of a key: not empty, no object or list, no control characters. */
static enum outcome check_key_part(const struct part *part, const struct scope *scope,
                                   struct str text, const struct json *node)
{
    const char *label = part->kind == PART_KEY ? "{key}" : part->pointer.text;
    char shown[SHOWN_MAX];

    if (node && (node->kind == JSON_OBJECT || node->kind == JSON_ARRAY))
        return scope_park(scope, "%s is %s, which cannot stand in a key", label,
                          show_node(node, shown));
    if (text.len == 0)
        return scope_park(scope, "%s is empty, which cannot stand in a key", label);
    if (has_control(text))
        return scope_park(scope, "%s has a control character, which cannot stand in a key", label);
    return OUTCOME_SOME;
}

enum outcome template_key(const struct template *from, const struct scope *scope, struct str *text)
{
    struct str texts[PARTS_MAX];
    const struct json *node;
    size_t len = 0;

    if (str_is(from->fixed)) {
        *text = from->fixed;
        return OUTCOME_SOME;
    }
    for (size_t i = 0; i < from->count; i++) {
        const struct part *part = &from->parts[i];
        enum outcome outcome = part_text(part, scope, &texts[i], &node);
        if (outcome == OUTCOME_SOME && part->kind != PART_LITERAL)
            outcome = check_key_part(part, scope, texts[i], node);
        if (outcome != OUTCOME_SOME)
            return outcome;
        len += texts[i].len;
    }
    if (len > VIEW_KEY_MAX)
        return scope_park(scope, "the key would have %zu bytes; at most %d are allowed", len,
                          VIEW_KEY_MAX);
    *text = join(texts, from->count, len, scope->scratch);
    return OUTCOME_SOME;
}
