/*
 * uuid.h: ids for events that come without one.
 */
#ifndef FANFOLD_CLI_UUID_H
#define FANFOLD_CLI_UUID_H

#define UUID_TEXT_MAX 37

/* A UUID of version 7 (RFC 9562 section 5.7): time first, then 74 random bits. */
void uuid_make(char out[UUID_TEXT_MAX]);

#endif
