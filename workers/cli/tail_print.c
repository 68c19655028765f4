/*
 * tail_print.c: lines of `fanfold tail`.
 */
#include "cli/tail_print.h"
#include "base/timestamp.h"
#include "cli/terminal.h"
#include "event/base64.h"

#define OFFSET_COLUMNS   8
#define TIME_COLUMNS     24
#define TYPE_MAX         24
#define SUBJECT_MAX      24
#define ID_MAX           36
#define ID_NARROW        12 /* on a terminal of less than NARROW columns */
#define NARROW           140
#define DATA_COLUMNS_MIN 10

void tail_printer_init(struct tail_printer *printer, bool json)
{
    *printer = (struct tail_printer){.json = json, .type = 4, .subject = 7, .id = 2};
    printer->width = json ? 0 : terminal_width(stdout);
}

void tail_printer_release(struct tail_printer *printer)
{
    buf_release(&printer->line);
}

static void add_fault(struct buf *line, const struct message *message,
                      const struct cloudevent *event, const char *fault)
{
    buf_printf(line, "{\"fanfoldoffset\":%llu,\"id\":", (unsigned long long)message->offset);
    buf_add_json_string(line, event->id);
    buf_add(line, STR(",\"source\":"));
    buf_add_json_string(line, event->source);
    buf_add(line, STR(",\"type\":"));
    buf_add_json_string(line, event->type);
    buf_add(line, STR(",\"fanfoldfault\":"));
    buf_add_json_string(line, str_of(fault));
    buf_add(line, STR(",\"data_base64\":\""));
    base64_encode(line, message->body);
    buf_add(line, STR("\"}"));
}

static void print_json(struct tail_printer *printer, const struct message *message,
                       const struct cloudevent *event, const char *fault)
{
    struct error error;
    struct buf *line = &printer->line;
    buf_clear(line);
    if (!fault && !cloudevent_to_json(line, event, &error))
        fault = error.text;
    if (fault) {
        buf_clear(line);
        add_fault(line, message, event, fault);
    } else {
        line->len--; /* its closing brace */
        buf_printf(line, ",\"fanfoldoffset\":%llu}", (unsigned long long)message->offset);
    }
    buf_add_byte(line, '\n');
    fwrite(line->at, 1, line->len, stdout);
}

/* A column as wide as its widest text so far. Returns the columns it took, its gap included. */
static size_t print_column(struct str text, size_t *widest, size_t max)
{
    size_t columns = terminal_columns(text);
    if (columns > *widest)
        *widest = columns < max ? columns : max;
    size_t limit = columns > max ? max : 0;
    terminal_print(stdout, text, limit, *widest);
    fputs("  ", stdout);
    return *widest + 2;
}

static size_t print_columns(struct tail_printer *printer, const char *offset, const char *time,
                            const struct str texts[3])
{
    bool narrow = printer->width && printer->width < NARROW;
    size_t at = strlen(offset) > OFFSET_COLUMNS ? strlen(offset) : OFFSET_COLUMNS;
    printf("%*s  %-*s  ", OFFSET_COLUMNS, offset, TIME_COLUMNS, time);
    at += 2 + TIME_COLUMNS + 2;
    at += print_column(texts[0], &printer->type, TYPE_MAX);
    at += print_column(texts[1], &printer->subject, SUBJECT_MAX);
    at += print_column(texts[2], &printer->id, narrow ? ID_NARROW : ID_MAX);
    return at;
}

static void print_text(struct tail_printer *printer, const struct message *message,
                       const struct cloudevent *event, const char *fault)
{
    char offset[24], time[TIMESTAMP_TEXT_MAX] = "";
    if (printer->width && !printer->started) {
        const struct str titles[3] = {STR("TYPE"), STR("SUBJECT"), STR("ID")};
        print_columns(printer, "OFFSET", "TIME", titles);
        printf("DATA\n");
        printer->started = true;
    }
    snprintf(offset, sizeof offset, "%llu", (unsigned long long)message->offset);
    if (event->has_time)
        timestamp_format(event->time_ms, time);
    const struct str texts[3] = {event->type, event->subject, event->id};
    size_t at = print_columns(printer, offset, time, texts);
    size_t left = 0;
    if (printer->width)
        left = printer->width > at + DATA_COLUMNS_MIN ? printer->width - at : DATA_COLUMNS_MIN;
    if (fault) {
        fputs("!! no event: ", stdout);
        terminal_print(stdout, str_of(fault), 0, 0);
    } else {
        terminal_print(stdout, event->data_bytes, left, 0);
    }
    putchar('\n');
}

void tail_print(struct tail_printer *printer, const struct message *message,
                const struct cloudevent *event, const char *fault)
{
    if (printer->json)
        print_json(printer, message, event, fault);
    else
        print_text(printer, message, event, fault);
}
