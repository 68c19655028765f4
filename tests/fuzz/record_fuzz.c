/*
 * record_fuzz.c: whatever stands in a partition, what is read as a record is written again octet by
 * octet.
 */
#include "fuzz.h"

#include "event/record.h"

static void add_again(struct buf *body, const struct message *entry)
{
    assert(entry->record == 1 && entry->from <= entry->offset);
    if (entry->mark)
        record_add_mark(body, entry->from, entry->offset);
    else
        record_add(body, entry, entry->from);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf again = {0};
    struct str body = fuzz_input(data, size);
    struct message shape = {.record = 1, .body = body}, *delivered = message_new(&shape), *entry;
    struct record_reading reading = record_open(delivered);
    record_begin(&again);
    size_t entries = 0;
    for (; (entry = record_next(&reading)); entries++) {
        add_again(&again, entry);
        message_free(entry);
    }
    assert(!reading.ok || (entries && str_eq(buf_str(&again), body)));
    message_free(delivered);
    buf_release(&again);
    return 0;
}
