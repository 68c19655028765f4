/*
 * properties.h: AMQP's properties and header table <-> struct message.
 */
#ifndef FANFOLD_LOG_PROPERTIES_H
#define FANFOLD_LOG_PROPERTIES_H

#include "log/amqp_compat.h"
#include <fanfold/message.h>

/* Room for the headers of one message, used again for the next. Zeroed memory is empty. */
struct header_room {
    struct message_header *at;
    size_t cap;
};

/* Points the message into the decoded properties (valid as long as those), its headers into room.
 * The broker's x-stream-offset becomes message->offset and is not among the headers; false in
 * *has_offset when there is none. Header values that are not scalars are left out. */
void properties_read(const amqp_basic_properties_t *properties, struct header_room *room,
                     struct message *message, bool *has_offset);

struct entry_room {
    amqp_table_entry_t *at;
    size_t cap;
};

/* Persistent; points into the message and the room. */
void properties_write(const struct message *message, struct entry_room *room,
                      amqp_basic_properties_t *properties);

/* NULL, or why this message cannot be sent: AMQP's short texts have 255 bytes (rabbitmq-c would cut
 * the length and send a broken frame), and all headers have to fit into one frame. */
const char *properties_fault(const struct message *message, size_t frame_max);

#endif
