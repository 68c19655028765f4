/*
 * fuzz_message.c: readable text into a struct message.
 */
#include "fuzz_message.h"
#include "fuzz.h"

#include "base/error.h"
#include <stdlib.h>

static struct str own(struct fuzz_message *made, struct str text)
{
    if (made->text_count == FUZZ_TEXTS_MAX)
        return STR("");
    char *copy = must_alloc(text.len);
    if (text.len)
        memcpy(copy, text.at, text.len);
    made->texts[made->text_count++] = copy;
    return (struct str){copy, text.len};
}

static int64_t number_of(struct str text)
{
    char digits[32] = "";
    memcpy(digits, text.at, text.len < sizeof digits ? text.len : sizeof digits - 1);
    return strtoll(digits, NULL, 10);
}

static bool read_property(struct fuzz_message *made, struct str name, struct str value)
{
    struct message *m = &made->message;
    const struct {
        struct str name;
        struct str *field;
    } properties[] = {
        {STR("exchange"), &m->exchange},
        {STR("routing_key"), &m->routing_key},
        {STR("content_type"), &m->content_type},
        {STR("content_encoding"), &m->content_encoding},
        {STR("message_id"), &m->message_id},
        {STR("type"), &m->type},
        {STR("app_id"), &m->app_id},
        {STR("correlation_id"), &m->correlation_id},
    };
    for (size_t i = 0; i < sizeof properties / sizeof *properties; i++)
        if (str_eq(name, properties[i].name)) {
            *properties[i].field = own(made, value);
            return true;
        }
    if (str_eq(name, STR("offset"))) {
        m->offset = (uint64_t)number_of(value);
        return true;
    }
    if (!str_eq(name, STR("timestamp")))
        return false;
    m->has_timestamp = true;
    m->timestamp = (uint64_t)number_of(value);
    return true;
}

static bool read_rule(struct fuzz_message *made, struct str name, struct str value)
{
    const struct {
        struct str name;
        char **rule;
    } rules[] = {
        {STR("read type"), &made->rules.type},
        {STR("read id"), &made->rules.id},
        {STR("read source"), &made->rules.source},
        {STR("read subject"), &made->rules.subject},
        {STR("read time"), &made->rules.time},
        {STR("read correlationid"), &made->rules.correlationid},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (str_eq(name, rules[i].name)) {
            free(*rules[i].rule);
            *rules[i].rule = must_strndup(value.at, value.len);
            made->has_rules = true;
            return true;
        }
    return false;
}

static void read_header(struct fuzz_message *made, struct str name, struct str value)
{
    static const struct {
        struct str word;
        enum header_kind kind;
    } kinds[] = {
        {{"text ", 5}, HEADER_TEXT},         {{"int ", 4}, HEADER_INT},
        {{"bool ", 5}, HEADER_BOOL},         {{"double ", 7}, HEADER_DOUBLE},
        {{"seconds ", 8}, HEADER_TIMESTAMP},
    };
    if (made->message.header_count == FUZZ_HEADERS_MAX)
        return;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (!str_starts(name, kinds[i].word))
            continue;
        struct message_header *header = &made->headers[made->message.header_count++];
        char digits[64] = "";
        memcpy(digits, value.at, value.len < sizeof digits ? value.len : sizeof digits - 1);
        *header = (struct message_header){
            .name = own(made, str_from(name, kinds[i].word.len)),
            .kind = kinds[i].kind,
            .text = kinds[i].kind == HEADER_TEXT ? own(made, value) : (struct str){NULL, 0},
            .integer = kinds[i].kind == HEADER_BOOL ? number_of(value) & 1 : number_of(value),
            .real = strtod(digits, NULL)};
        return;
    }
}

void fuzz_message_init(struct fuzz_message *made, struct str input)
{
    *made = (struct fuzz_message){0};
    made->message.exchange = STR("x");
    made->message.headers = made->headers;
    while (input.len) {
        struct str line = fuzz_line(&input);
        if (line.len == 0)
            break;
        const char *mark = memmem(line.at, line.len, ": ", 2);
        if (!mark)
            continue;
        struct str name = {line.at, (size_t)(mark - line.at)};
        struct str value = str_from(line, name.len + 2);
        if (!read_property(made, name, value) && !read_rule(made, name, value))
            read_header(made, name, value);
    }
    made->message.body = own(made, input);
}

void fuzz_message_release(struct fuzz_message *made)
{
    for (size_t i = 0; i < made->text_count; i++)
        free(made->texts[i]);
    free(made->rules.type);
    free(made->rules.id);
    free(made->rules.source);
    free(made->rules.subject);
    free(made->rules.time);
    free(made->rules.correlationid);
}
