/* pointer.c: compiles and resolves pointers. */
#include "view/pointer.h"

#include <stdarg.h>
#include <stdio.h>

#define INDEX_DIGITS_MAX 9

void scope_why(const struct scope *scope, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    error_vset(scope->why, ERROR_NO, format, arguments);
    va_end(arguments);
}

bool pointer_like(struct str text)
{
    return str_starts(text, STR("/")) || str_starts(text, STR("./")) ||
           str_starts(text, STR("../")) || str_starts(text, STR("@")) || str_eq(text, STR(".")) ||
           str_eq(text, STR(".?"));
}

/* Copies one token with ~1 and ~0 decoded (RFC 6901 section 4). */
static bool token_compile(struct arena *arena, struct str text, struct token *token,
                          struct error *error)
{
    char *out = arena_alloc(arena, text.len + 1);
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c == '~') {
            char next = i + 1 < text.len ? text.at[++i] : 0;
            if (next != '0' && next != '1')
                return error_set(error, ERROR_CONFIG,
                                 "a \"~\" in a pointer is written \"~0\", a \"/\" inside a name "
                                 "\"~1\"");
            c = next == '0' ? '~' : '/';
        }
        out[len++] = c;
    }
    token->name = (struct str){out, len};
    token->is_index = len > 0 && len <= INDEX_DIGITS_MAX && !(len > 1 && out[0] == '0');
    token->index = 0;
    for (size_t i = 0; i < len && token->is_index; i++) {
        token->is_index = out[i] >= '0' && out[i] <= '9';
        token->index = token->index * 10 + (size_t)(out[i] - '0');
    }
    return true;
}

/* rest: the tokens with "/" between them. */
static bool tokens_compile(struct arena *arena, struct str rest, struct pointer *pointer,
                           struct error *error)
{
    size_t slashes = 0, start = 0;

    for (size_t i = 0; i < rest.len; i++)
        slashes += rest.at[i] == '/';
    pointer->tokens = arena_alloc(arena, (slashes + 1) * sizeof(*pointer->tokens));
    for (size_t i = 0; i <= rest.len; i++) {
        if (i < rest.len && rest.at[i] != '/')
            continue;
        struct str text = {rest.at + start, i - start};
        if (!token_compile(arena, text, &pointer->tokens[pointer->count++], error))
            return false;
        start = i + 1;
    }
    return true;
}

/* Takes "./", "../../" … off the front; false when that leads out of all each. */
static bool scope_compile(struct str *text, int depth, struct pointer *pointer, struct error *error)
{
    struct str whole = *text;

    pointer->up = 0;
    if (str_starts(*text, STR("./")))
        *text = str_from(*text, 2);
    for (; str_starts(*text, STR("../")); *text = str_from(*text, 3))
        pointer->up++;
    if (depth == 0)
        return error_set(error, ERROR_CONFIG,
                         "\"%.*s\" points into an element, but there is no \"each\" around it; "
                         "a pointer into the event begins with \"/\"",
                         STRF(whole));
    if (pointer->up >= depth)
        return error_set(error, ERROR_CONFIG,
                         "\"%.*s\" leads %d \"each\" further out, but only %d %s around this one",
                         STRF(whole), pointer->up, depth - 1, depth - 1 == 1 ? "is" : "are");
    return true;
}

static bool not_a_pointer(struct str text, struct error *error)
{
    return error_set(
        error, ERROR_CONFIG,
        "\"%.*s\" is not a pointer; a pointer begins with \"/\" (the event), \"./\" or "
        "\"../\" (an element of each), \"@\" (a row of with): write \"/%.*s\"",
        STRF(text), STRF(text));
}

static bool no_such_row(struct str text, struct str name, const struct around *around,
                        struct error *error)
{
    char seen[WITHS_MAX * 40] = "", *end = seen;

    for (int i = 0; i < around->with_count; i++)
        end += sprintf(end, "%s@%s", i ? ", " : ": there is ", around->withs[i]->name);
    return error_set(error, ERROR_CONFIG,
                     "\"%.*s\" points into a row \"%.*s\", but no \"with\" around it reads one of "
                     "that name%s; for the text itself write {\"literal\": \"%.*s\"}",
                     STRF(text), STRF(name), seen, STRF(text));
}

/* Takes "@r" off the front of text, and the "/" behind it. */
static bool row_compile(struct str *text, const struct around *around, struct pointer *pointer,
                        struct error *error)
{
    const char *slash = memchr(text->at, '/', text->len);
    struct str name = {text->at + 1, (slash ? (size_t)(slash - text->at) : text->len) - 1};

    pointer->up = POINTER_ROW;
    for (int i = 0; i < around->with_count; i++)
        if (str_eq(name, str_of(around->withs[i]->name))) {
            around->withs[i]->used = true;
            pointer->slot = around->withs[i]->slot;
            *text = str_from(*text, name.len + 1 + (slash != NULL));
            return true;
        }
    return no_such_row(*text, name, around, error);
}

bool pointer_compile(struct arena *arena, struct str text, const struct around *around,
                     enum pointer_form form, struct pointer *pointer, struct error *error)
{
    *pointer = (struct pointer){.up = POINTER_EVENT};
    pointer->text = arena_printf(arena, "%.*s", STRF(text)).at;
    if (!pointer_like(text))
        return not_a_pointer(text, error);
    if (form == POINTER_MARKED && text.at[text.len - 1] == '?') {
        pointer->optional = true;
        text.len--;
    }
    if (text.at[0] == '/') {
        if (!tokens_compile(arena, str_from(text, 1), pointer, error))
            return false;
        pointer->in_data = str_eq(pointer->tokens[0].name, STR("data"));
        pointer->is_time = pointer->count == 1 && str_eq(pointer->tokens[0].name, STR("time"));
        return true;
    }
    bool whole = str_eq(text, STR(".")) || !memchr(text.at, '/', text.len);
    if (text.at[0] == '@' ? !row_compile(&text, around, pointer, error)
                          : !scope_compile(&text, around->each, pointer, error))
        return false;
    return whole || tokens_compile(arena, text, pointer, error);
}

/* What it points to, null included; NULL when it is missing. */
static bool find(const struct pointer *pointer, const struct scope *scope, const struct json **node)
{
    const struct json *at;

    if (pointer->up == POINTER_EVENT) {
        if (pointer->in_data && str_is(scope->event->data_fault)) {
            scope_why(scope, "%s cannot be read: the body is not JSON (%.*s)", pointer->text,
                      STRF(scope->event->data_fault));
            return false;
        }
        at = scope->event->root;
    } else if (pointer->up == POINTER_ROW) {
        at = scope->rows[pointer->slot];
    } else {
        at = scope->frames[scope->depth - 1 - pointer->up].element;
    }
    for (size_t i = 0; i < pointer->count && at; i++) {
        const struct token *token = &pointer->tokens[i];
        if (at->kind == JSON_OBJECT)
            at = json_member(at, token->name);
        else if (at->kind == JSON_ARRAY && token->is_index)
            at = json_element(at, token->index);
        else
            at = NULL;
    }
    *node = at;
    return true;
}

bool pointer_look(const struct pointer *pointer, const struct scope *scope,
                  const struct json **node)
{
    if (!find(pointer, scope, node))
        return false;
    if (*node && (*node)->kind == JSON_NULL)
        *node = NULL;
    return true;
}

enum outcome pointer_read(const struct pointer *pointer, const struct scope *scope,
                          const struct json **node)
{
    if (!find(pointer, scope, node))
        return OUTCOME_PARK;
    if (*node && (*node)->kind != JSON_NULL)
        return OUTCOME_SOME;
    if (pointer->optional)
        return OUTCOME_NOTHING;
    return scope_park(scope, "%s is %s", pointer->text, *node ? "null" : "missing");
}
