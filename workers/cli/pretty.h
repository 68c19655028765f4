/*
 * pretty.h: JSON text with line breaks, for a person. Tokens stay byte for byte as they are.
 */
#ifndef FANFOLD_CLI_PRETTY_H
#define FANFOLD_CLI_PRETTY_H

#include "base/buf.h"

/* json must be valid JSON. Empty objects and arrays stay on one line, and so do arrays of plain
 * values that are short. */
void pretty_json(struct buf *out, struct str json);

#endif
