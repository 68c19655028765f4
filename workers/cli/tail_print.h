/*
 * tail_print.h: an event of the log as a line, for a person or as JSON.
 */
#ifndef FANFOLD_CLI_TAIL_PRINT_H
#define FANFOLD_CLI_TAIL_PRINT_H

#include "base/buf.h"
#include <fanfold/cloudevent.h>

struct tail_printer {
    bool json;
    size_t width;             /* of the terminal; 0: none */
    size_t type, subject, id; /* columns so far; they only grow */
    bool started;
    struct buf line;
};

void tail_printer_init(struct tail_printer *printer, bool json);
/* fault: why it could not be decoded, or NULL. */
void tail_print(struct tail_printer *printer, const struct message *message,
                const struct cloudevent *event, const char *fault);
void tail_printer_release(struct tail_printer *printer);

#endif
