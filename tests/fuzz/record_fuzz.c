/*
 * record_fuzz.c: whatever stands in a partition, what is read as a record is written again octet by
 * octet, and what is not is left alone.
 */
#include "fuzz.h"

#include "event/record.h"

static void check_again(const struct message *event, struct str body)
{
    struct arena arena = {0};
    struct message again;
    if (event->mark)
        record_mark(&again, event->from, event->offset, &arena);
    else
        record_write(&again, event, event->from, &arena);
    assert(str_eq(again.body, body));
    arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str body = fuzz_input(data, size);
    struct message shape = {.offset = 1, .from = 1, .record = 1, .body = body};
    struct message *message = message_new(&shape);
    struct message *event = record_read(message);
    if (event) {
        assert(event->record == 1 && event->from <= event->offset);
        check_again(event, body);
    } else {
        assert(message->offset == 1 && str_eq(message->body, body));
    }
    message_free(event ? event : message);
    return 0;
}
