/*
 * msgpack.h: writes the little of MessagePack that the commit script reads with cmsgpack.unpack.
 *
 * https://github.com/msgpack/msgpack/blob/master/spec.md: integers from 0, str, array.
 */
#ifndef FANFOLD_STORE_MSGPACK_H
#define FANFOLD_STORE_MSGPACK_H

#include "base/buf.h"

void msgpack_uint(struct buf *out, uint32_t value);
void msgpack_str(struct buf *out, struct str text);
/* Always array32, so that the count can be written when it is known: returns where, for _array_end.
 */
size_t msgpack_array(struct buf *out);
void msgpack_array_end(struct buf *out, size_t at, uint32_t count);

#endif
