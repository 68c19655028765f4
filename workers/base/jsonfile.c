/*
 * jsonfile.c: people's JSON. The strict parser of json.h judges the text and tells the place of a
 * mistake; cJSON then makes the tree.
 */
#include "base/jsonfile.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* "line 3, column 7" of a byte; columns count bytes from 1. */
static void fault_at(const char *file, struct str text, size_t byte, const char *reason,
                     struct faults *faults)
{
    size_t line = 1, column = 1;
    for (size_t i = 0; i < byte && i < text.len; i++) {
        column = text.at[i] == '\n' ? 1 : column + 1;
        line += text.at[i] == '\n';
    }
    char place[64];
    snprintf(place, sizeof place, "line %zu, column %zu", line, column);
    faults_add(faults, file, place, "%s", reason);
}

static size_t skip_string(struct str text, size_t start)
{
    size_t i = start + 1;
    while (i < text.len && text.at[i] != '"')
        i += text.at[i] == '\\' ? 2 : 1;
    return i + 1;
}

/* The end of the comment that starts at start, text.len + 1 when it is never closed, or start when
 * there is none. */
static size_t comment_end(struct str text, size_t start)
{
    struct str rest = str_from(text, start);
    bool block = str_starts(rest, STR("/*"));
    if (!block && !str_starts(rest, STR("//")))
        return start;
    struct str body = str_from(rest, 2);
    const char *end = block ? memmem(body.at, body.len, "*/", 2) : memchr(body.at, '\n', body.len);
    if (!end)
        return block ? text.len + 1 : text.len;
    return (size_t)(end - text.at) + (block ? 2 : 0);
}

static void blank(char *text, size_t start, size_t end)
{
    for (size_t i = start; i < end; i++)
        if (text[i] != '\n')
            text[i] = ' ';
}

/* Comments, and the byte order mark that some editors put first, become blanks. */
static bool blank_comments(const char *file, char *text, size_t len, struct faults *faults)
{
    struct str whole = {text, len};
    if (str_starts(whole, STR("\xef\xbb\xbf")))
        blank(text, 0, 3);
    for (size_t i = 0; i < len;) {
        if (text[i] == '"') {
            i = skip_string(whole, i);
            continue;
        }
        size_t end = comment_end(whole, i);
        if (end > len) {
            fault_at(file, whole, i, "this comment is never closed with */", faults);
            return false;
        }
        blank(text, i, end);
        i = end > i ? end : i + 1;
    }
    return true;
}

static bool check_syntax(const char *file, struct str text, struct faults *faults)
{
    struct arena arena = {0};
    struct error error = {0};
    bool good = json_parse(&arena, text, &error) != NULL;
    arena_release(&arena);
    if (good)
        return true;
    char *reason = error.text;
    size_t byte = strtoul(error.text + strlen("byte "), &reason, 10);
    fault_at(file, text, byte, reason + strlen(": "), faults);
    return false;
}

static void check_repeated(const cJSON *node, const char *file, const char *pointer,
                           struct faults *faults)
{
    struct map seen = {0};
    size_t index = 0;
    for (const cJSON *child = node->child; child; child = child->next, index++) {
        char *place = child->string ? jsonfile_pointer(pointer, child->string)
                                    : jsonfile_pointer_index(pointer, index);
        if (child->string && (*map_put(&seen, str_of(child->string)))++ == 1)
            faults_add(faults, file, place, "member \"%s\" stands here more than once",
                       child->string);
        check_repeated(child, file, place, faults);
        free(place);
    }
    map_release(&seen);
}

cJSON *jsonfile_parse(const char *file, struct str text, struct faults *faults)
{
    size_t before = faults->errors;
    if (text.len > JSONFILE_MAX) {
        faults_add(faults, file, "", "has %zu bytes; at most %d are read", text.len, JSONFILE_MAX);
        return NULL;
    }
    char *copy = must_strndup(text.at, text.len);
    cJSON *tree = NULL;
    if (blank_comments(file, copy, text.len, faults) &&
        check_syntax(file, (struct str){copy, text.len}, faults)) {
        tree = cJSON_ParseWithLength(copy, text.len);
        if (tree)
            check_repeated(tree, file, "", faults);
        else
            faults_add(faults, file, "", "is not JSON that can be read");
    }
    free(copy);
    if (faults->errors == before)
        return tree;
    cJSON_Delete(tree);
    return NULL;
}

/* At most limit + 1 bytes, so that the caller sees that there were more. */
static bool read_all(int fd, size_t limit, struct buf *content)
{
    while (content->len <= limit) {
        size_t wish = limit + 1 - content->len < 65536 ? limit + 1 - content->len : 65536;
        ssize_t n = read(fd, buf_room(content, wish), wish);
        if (n == 0)
            return true;
        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0)
            content->len += (size_t)n;
    }
    return true;
}

static bool read_file(const char *path, struct buf *content, struct faults *faults)
{
    size_t before = faults->errors;
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &status) < 0)
        faults_add(faults, path, "", "cannot be opened: %s", strerror(errno));
    else if (!S_ISREG(status.st_mode))
        faults_add(faults, path, "", "is not a file");
    else if (status.st_size > JSONFILE_MAX)
        faults_add(faults, path, "", "has %lld bytes; at most %d are read",
                   (long long)status.st_size, JSONFILE_MAX);
    else if (!read_all(fd, JSONFILE_MAX, content))
        faults_add(faults, path, "", "cannot be read: %s", strerror(errno));
    if (fd >= 0)
        close(fd);
    return faults->errors == before;
}

cJSON *jsonfile_load(const char *path, struct faults *faults)
{
    struct buf content = {0};
    cJSON *tree = NULL;
    if (read_file(path, &content, faults))
        tree = jsonfile_parse(path, buf_str(&content), faults);
    buf_release(&content);
    return tree;
}

struct str jsonfile_text(const char *path, struct arena *arena, struct faults *faults)
{
    struct buf content = {0};
    struct str text = {NULL, 0};
    cJSON *tree = NULL;
    if (read_file(path, &content, faults))
        tree = jsonfile_parse(path, buf_str(&content), faults);
    if (tree && blank_comments(path, content.at, content.len, faults))
        text = arena_copy(arena, buf_str(&content));
    cJSON_Delete(tree);
    buf_release(&content);
    return text;
}

static void list_names(struct buf *out, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        buf_printf(out, "%s\"%s\"", i ? ", " : "", names[i]);
}

static void check_member(const cJSON *member, const char *file, const char *pointer,
                         const char *const *known, size_t count, struct faults *faults)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(member->string, known[i]) == 0)
            return;
    char *place = jsonfile_pointer(pointer, member->string);
    const char *nearest = suggest(member->string, known, count);
    if (nearest) {
        faults_add(faults, file, place, "unknown member \"%s\"; did you mean \"%s\"?",
                   member->string, nearest);
    } else {
        struct buf names = {0};
        list_names(&names, known, count);
        faults_add(faults, file, place, "unknown member \"%s\"; known here: %s", member->string,
                   buf_text(&names));
        buf_release(&names);
    }
    free(place);
}

void jsonfile_known(const cJSON *object, const char *file, const char *pointer,
                    const char *const *known, size_t count, struct faults *faults)
{
    for (const cJSON *member = object->child; member; member = member->next)
        if (member->string)
            check_member(member, file, pointer, known, count, faults);
}

char *jsonfile_pointer(const char *pointer, const char *name)
{
    struct buf out = {0};
    buf_printf(&out, "%s/", pointer);
    for (; *name; name++) {
        if (*name == '~')
            buf_add(&out, STR("~0"));
        else if (*name == '/')
            buf_add(&out, STR("~1"));
        else
            buf_add_byte(&out, *name);
    }
    return (char *)buf_text(&out);
}

char *jsonfile_pointer_index(const char *pointer, size_t index)
{
    struct buf out = {0};
    buf_printf(&out, "%s/%zu", pointer, index);
    return (char *)buf_text(&out);
}
