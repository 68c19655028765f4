/*
 * upcast_path.c: pointers of upcast rules.
 */
#include "base/upcast_path.h"

bool upcast_has_control(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.at[i] < 0x20 || text.at[i] == 0x7f)
            return true;
    return false;
}

/* "~1" is "/", "~0" is "~". */
static struct str unescape(struct arena *arena, struct str name)
{
    char *out = arena_alloc(arena, name.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < name.len; i++) {
        if (name.at[i] == '~')
            out[len++] = name.at[++i] == '1' ? '/' : '~';
        else
            out[len++] = name.at[i];
    }
    return (struct str){out, len};
}

/* Why the text is no JSON Pointer, or NULL. */
static const char *fault_of(struct str text)
{
    if (text.len == 0 || text.at[0] != '/')
        return "is not a JSON pointer";
    if (text.len > UPCAST_NAME_MAX)
        return "is too long";
    if (upcast_has_control(text))
        return "has a control character";
    for (size_t i = 0; i < text.len; i++) {
        char next = i + 1 < text.len ? text.at[i + 1] : '\0';
        if (text.at[i] == '~' && next != '0' && next != '1')
            return "has a \"~\" that is neither \"~0\" nor \"~1\"";
    }
    return NULL;
}

/* False: it has too many names. */
static bool divide(struct arena *arena, struct str text, struct upcast_path *path)
{
    struct str *names = arena_alloc(arena, UPCAST_NAMES_MAX * sizeof *names);
    *path = (struct upcast_path){.text = arena_copy(arena, text).at, .names = names};
    while (text.len) {
        struct str rest = str_from(text, 1);
        const char *end = rest.len ? memchr(rest.at, '/', rest.len) : NULL;
        struct str name = {rest.at, end ? (size_t)(end - rest.at) : rest.len};
        if (path->count == UPCAST_NAMES_MAX)
            return false;
        names[path->count++] = unescape(arena, name);
        text = str_from(rest, name.len);
    }
    return true;
}

bool upcast_path_read(struct arena *arena, struct str text, struct upcast_path *path,
                      struct error *error)
{
    const char *fault = fault_of(text);
    struct str shown = {text.at, text.len < 60 ? text.len : 60};
    if (fault)
        return error_set(error, ERROR_CONFIG, "\"%.*s\" %s; write \"/data/…\"", STRF(shown), fault);
    if (!divide(arena, text, path))
        return error_set(error, ERROR_CONFIG, "\"%.*s\" has more than %d names", STRF(shown),
                         UPCAST_NAMES_MAX);
    if (!str_eq(path->names[0], STR("data")))
        return error_set(error, ERROR_CONFIG,
                         "\"%.*s\" is not inside \"/data\", and only data is changed; write "
                         "\"/data%.*s\"",
                         STRF(shown), STRF(shown));
    return path->count > 1 ||
           error_set(error, ERROR_CONFIG,
                     "\"/data\" as a whole stays where it is; write a member of it, \"/data/…\"");
}

/* Is `inner` the same place as `outer`, or inside it? */
static bool is_inside(const struct upcast_path *inner, const struct upcast_path *outer)
{
    if (inner->count < outer->count)
        return false;
    for (size_t i = 0; i < outer->count; i++)
        if (!str_eq(inner->names[i], outer->names[i]))
            return false;
    return true;
}

bool upcast_paths_overlap(const struct upcast_path *a, const struct upcast_path *b)
{
    return is_inside(a, b) || is_inside(b, a);
}

bool upcast_path_is_beside(const struct upcast_path *a, const struct upcast_path *b)
{
    const struct upcast_path around = {.names = b->names, .count = b->count - 1};
    return a->count == b->count && is_inside(a, &around);
}
