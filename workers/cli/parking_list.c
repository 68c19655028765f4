/*
 * parking_list.c: fanfold parked list and show.
 */
#include "base/clock.h"
#include "base/json.h"
#include "base/timestamp.h"
#include "cli/age.h"
#include "cli/parking.h"
#include "cli/pretty.h"
#include "cli/say.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "store/rows.h"

bool parking_is_meant(const struct parking *parking, const struct parked_event *event)
{
    if (parking->has_offset && event->offset != parking->offset)
        return false;
    return !str_is(parking->key) || (str_is(event->key) && str_eq(event->key, parking->key));
}

bool parking_has_reason(const struct parking *parking, const struct parked_event *event)
{
    struct str part = parking->reason;
    return !str_is(part) || memmem(event->reason.at, event->reason.len, part.at, part.len);
}

static void member(struct buf *out, const char *name, struct str text)
{
    buf_printf(out, ",\"%s\":", name);
    if (str_is(text))
        buf_add_json_string(out, text);
    else
        buf_add(out, STR("null"));
}

void parking_json(struct buf *out, const char *partition, const struct parked_event *event)
{
    char at[TIMESTAMP_TEXT_MAX];
    size_t length = timestamp_format(event->parked_at_ms, at);
    buf_add(out, STR("{\"partition\":"));
    buf_add_json_string(out, str_of(partition));
    buf_printf(out, ",\"offset\":%llu", (unsigned long long)event->offset);
    member(out, "key", event->key);
    buf_add(out, event->waits ? STR(",\"waits\":true") : STR(",\"waits\":false"));
    member(out, "id", event->id);
    member(out, "source", event->source);
    member(out, "type", event->type);
    member(out, "at", (struct str){at, length});
    member(out, "reason", event->reason);
}

/* ------------------------------------------------------------------------------------------- list
 */

#define TABLE_ROWS_MAX 1000 /* a longer list is printed as several tables */

struct listing {
    const struct parking *parking;
    struct table table;
    struct buf json;
    uint64_t shown;
    int64_t now;
};

static void list_event(struct listing *listing, const char *partition,
                       const struct parked_event *event)
{
    if (listing->parking->json) {
        if (listing->shown)
            buf_add_byte(&listing->json, ',');
        parking_json(&listing->json, partition, event);
        buf_add_byte(&listing->json, '}');
        return;
    }
    char age[AGE_TEXT_MAX];
    struct table *table = &listing->table;
    if (listing->parking->task_count > 1)
        table_cell(table, "%s", partition);
    table_cell(table, "%llu", (unsigned long long)event->offset);
    table_cell(table, "%.*s", STRF(event->key));
    table_cell(table, "%s", event->waits ? "yes" : "no");
    table_cell(table, "%.*s", STRF(event->type));
    table_cell(table, "%.*s", STRF(event->id));
    table_cell(table, "%s", age_text(event->parked_at_ms, listing->now, age));
    table_cell(table, "%.*s", STRF(event->reason));
}

/* Prints the rows that were collected, as a table of their own: there may be very many. */
static void flush_table(struct listing *listing)
{
    struct table *table = &listing->table;
    if (!table->count)
        return;
    table_print(table, stdout);
    struct table empty;
    table_init(&empty, table->titles, table->columns);
    empty.fit = table->fit;
    table_release(table);
    *table = empty;
}

/* Takes the list. */
static void list_portion(struct listing *listing, const char *partition, struct parked_list *list)
{
    const struct parking *parking = listing->parking;
    for (size_t i = 0; i < list->count && listing->shown < parking->limit; i++) {
        const struct parked_event *event = &list->at[i];
        if (!parking_is_meant(parking, event) || !parking_has_reason(parking, event))
            continue;
        list_event(listing, partition, event);
        listing->shown++;
    }
    parked_list_release(list);
    if (listing->json.len)
        fwrite(listing->json.at, 1, listing->json.len, stdout);
    buf_clear(&listing->json);
    if (listing->table.count >= TABLE_ROWS_MAX * listing->table.columns)
        flush_table(listing);
}

static bool list_task(struct listing *listing, const char *partition, struct error *error)
{
    const struct parking *parking = listing->parking;
    const char *view = view_name(parking->view);
    struct parked_index index;
    if (!redis_reader_parked_index(parking->reader, view, partition, &index, error))
        return false;
    bool good = true;
    for (size_t at = 0; good && at < index.count && listing->shown < parking->limit;
         at += PARKED_PORTION) {
        size_t count = index.count - at < PARKED_PORTION ? index.count - at : PARKED_PORTION;
        struct parked_list list;
        good = redis_reader_parked_some(parking->reader, view, partition, &index.at[at], count,
                                        &list, error);
        if (good)
            list_portion(listing, partition, &list);
    }
    parked_index_release(&index);
    return good;
}

static void end_list(struct listing *listing)
{
    if (listing->parking->json)
        puts("]}");
    else if (listing->shown)
        flush_table(listing);
    else
        say("view %s: no such event is parked", view_name(listing->parking->view));
}

int parking_list(const struct parking *parking)
{
    static const char *const titles[] = {"PARTITION", ">OFFSET", "KEY",  "WAITS",
                                         "TYPE",      "ID",      ">AGE", "REASON"};
    const size_t columns = sizeof titles / sizeof *titles;
    struct listing listing = {.parking = parking, .now = clock_wall_ms()};
    struct error error;
    bool one = parking->task_count == 1, good = true;
    table_init(&listing.table, titles + one, columns - one);
    listing.table.fit = terminal_width(stdout);
    if (parking->json)
        printf("{\"view\":\"%s\",\"parked\":[", view_name(parking->view));
    for (size_t i = 0; good && i < parking->task_count; i++)
        good = list_task(&listing, parking->tasks[i].partition, &error);
    if (good)
        end_list(&listing);
    table_release(&listing.table);
    buf_release(&listing.json);
    return good ? 0 : say_error(&error);
}

/* ------------------------------------------------------------------------------------------- show
 */

static void print_line(const char *name, struct str text)
{
    printf("%-10s", name);
    terminal_print(stdout, str_is(text) ? text : STR("-"), 0, 0);
    putchar('\n');
}

/* A body that is JSON, laid out; any other on one line. */
static void print_body(struct str body)
{
    struct arena arena = {0};
    struct error ignored;
    struct buf text = {0};
    if (json_parse(&arena, body, &ignored)) {
        pretty_json(&text, body);
        printf("\n%s\n", buf_text(&text));
    } else {
        print_line("body", body);
    }
    buf_release(&text);
    arena_release(&arena);
}

static void show_text(const struct parking_task *task, const struct parked_event *event, bool kept,
                      struct str body)
{
    char text[TIMESTAMP_TEXT_MAX], age[AGE_TEXT_MAX];
    print_line("partition", str_of(task->partition));
    printf("%-10s%llu\n", "offset", (unsigned long long)event->offset);
    print_line("reason", event->reason);
    print_line("waits", event->waits ? STR("yes, behind an earlier one of its key") : STR("no"));
    print_line("key", event->key);
    print_line("id", event->id);
    print_line("source", event->source);
    print_line("type", event->type);
    timestamp_format(event->parked_at_ms, text);
    printf("%-10s%s (%s ago)\n", "parked", text,
           age_text(event->parked_at_ms, clock_wall_ms(), age));
    if (kept) {
        print_body(body);
        return;
    }
    fflush(stdout);
    say("its body was not kept (it waits, or is larger than %d bytes); the log has it: fanfold "
        "tail -e %s --from %llu -n 1",
        PARKED_PAYLOAD_MAX, task->log->exchange, (unsigned long long)event->offset);
}

static void show_json(const struct parking_task *task, const struct parked_event *event, bool kept,
                      struct str body)
{
    struct buf json = {0};
    parking_json(&json, task->partition, event);
    buf_add(&json, STR(",\"body\":"));
    if (kept)
        rows_text(&json, body);
    else
        buf_add(&json, STR("null"));
    printf("%s}\n", buf_text(&json));
    buf_release(&json);
}

static bool show(const struct parking *parking, const struct parking_task *task,
                 const struct parked_event *event, struct error *error)
{
    struct buf body = {0};
    bool kept, read;
    read = redis_reader_parked_payload(parking->reader, view_name(parking->view), task->partition,
                                       event->offset, &body, &kept, error);
    if (read)
        (parking->json ? show_json : show_text)(task, event, kept, buf_str(&body));
    buf_release(&body);
    return read;
}

int parking_show(const struct parking *parking)
{
    struct error error;
    bool found = false;
    for (size_t i = 0; !found && i < parking->task_count; i++) {
        const struct parking_task *task = &parking->tasks[i];
        const struct parked_mark mark = {.offset = parking->offset};
        struct parked_list list;
        if (!redis_reader_parked_some(parking->reader, view_name(parking->view), task->partition,
                                      &mark, 1, &list, &error))
            return say_error(&error);
        const struct parked_event *event = list.count ? &list.at[0] : NULL;
        found = event;
        bool shown = !event || show(parking, task, event, &error);
        parked_list_release(&list);
        if (!shown)
            return say_error(&error);
    }
    if (found)
        return 0;
    say("view %s: no event is parked at offset %llu", view_name(parking->view),
        (unsigned long long)parking->offset);
    return ERROR_NO;
}
