/*
 * event_options.c: flags → what `publish` and `try` fill in.
 */
#include "cli/event_options.h"
#include "base/timestamp.h"

#include <stdlib.h>

/* -H NAME=VALUE. */
static bool read_headers(const struct options *options, struct publish_defaults *defaults,
                         struct error *error)
{
    struct message_header *headers = must_calloc(options->given_count, sizeof *headers);
    size_t count = 0, cursor = 0;
    const char *text;
    while ((text = options_next(options, "header", &cursor))) {
        size_t name = strcspn(text, "=");
        if (name == 0 || !text[name]) {
            free(headers);
            return error_set(error, ERROR_USAGE, "-H %s: write NAME=VALUE", text);
        }
        headers[count++] = (struct message_header){
            .name = {text, name}, .kind = HEADER_TEXT, .text = str_of(text + name + 1)};
    }
    defaults->headers = headers;
    defaults->header_count = count;
    return true;
}

bool event_options_read(const struct options *options, struct publish_defaults *defaults,
                        struct error *error)
{
    const char *time = options_text(options, "time");
    int64_t ms;
    if (time && !timestamp_parse(str_of(time), &ms))
        return error_set(error, ERROR_USAGE, "--time %s: write it as 2026-01-31T09:05:07Z", time);
    *defaults = (struct publish_defaults){
        .type = options_str(options, "type"),
        .id = options_str(options, "id"),
        .source = options_str(options, "source"),
        .subject = options_str(options, "subject"),
        .time = str_of(time),
        .key = options_str(options, "key"),
        .correlationid = options_str(options, "correlation-id"),
    };
    return read_headers(options, defaults, error);
}
