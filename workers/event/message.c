/*
 * message.c: a message in one block of memory: [struct message][headers …][bytes of all texts].
 */
#include <fanfold/message.h>

#include "base/error.h"
#include <stdlib.h>

/* The texts of a message, one function for counting and copying them. */
#define MESSAGE_TEXTS 9

static void message_texts(struct message *message, struct str *texts[MESSAGE_TEXTS])
{
    struct str *const all[MESSAGE_TEXTS] = {
        &message->exchange,   &message->routing_key,    &message->content_type,
        &message->message_id, &message->type,           &message->content_encoding,
        &message->app_id,     &message->correlation_id, &message->body,
    };
    memcpy(texts, all, sizeof(all));
}

/* Moves a text to *next, and *next behind it. */
static void move_text(struct str *text, char **next)
{
    if (!text->at)
        return;
    if (text->len)
        memcpy(*next, text->at, text->len);
    text->at = *next;
    *next += text->len;
}

struct message *message_new(const struct message *from)
{
    struct message shape = *from;
    struct str *texts[MESSAGE_TEXTS];
    message_texts(&shape, texts);
    size_t headers_size = from->header_count * sizeof(*from->headers);
    size_t size = sizeof(*from) + headers_size;
    for (size_t i = 0; i < MESSAGE_TEXTS; i++)
        size += texts[i]->len;
    for (size_t i = 0; i < from->header_count; i++)
        size += from->headers[i].name.len + from->headers[i].text.len;

    struct message *message = must_alloc(size);
    *message = shape;
    message->size = size;
    struct message_header *headers = (struct message_header *)(message + 1);
    char *next = (char *)headers + headers_size;
    if (headers_size)
        memcpy(headers, from->headers, headers_size);
    message->headers = headers_size ? headers : NULL;
    for (size_t i = 0; i < from->header_count; i++) {
        move_text(&headers[i].name, &next);
        move_text(&headers[i].text, &next);
    }
    message_texts(message, texts);
    for (size_t i = 0; i < MESSAGE_TEXTS; i++)
        move_text(texts[i], &next);
    return message;
}

void message_free(struct message *message)
{
    free(message);
}
