/*
 * workload.c: see workload.h.
 */
#include "bench/workload.h"
#include "base/error.h"
#include <stdio.h>
#include <stdlib.h>

#define EXCHANGE "shop.events"
#define SHOP     FANFOLD_SOURCE "/workers/examples/shop/"

static const char sums[] =
    "{\"view\":\"sums\",\"exchange\":\"" EXCHANGE "\",\"on\":{\"order.placed\":["
    "{\"hash\":\"sums:{/data/customer}\",\"add\":{\"orders\":1,\"cents\":\"/data/"
    "total_cents\"}}]}}";

static void add_view(struct workload *workload, struct view *view, struct faults *faults)
{
    if (!view) {
        faults_print(faults, stderr);
        exit(1);
    }
    faults_release(faults);
    workload->views[workload->view_count++] = view;
}

/* Appends the message of a line of NDJSON. */
static void add_event(struct workload *workload, struct str line)
{
    const struct publish_defaults none = {0};
    struct arena arena = {0};
    struct cloudevent event;
    struct message message;
    struct error error;
    if (!cloudevent_from_line(line, &none, (struct str){NULL, 0}, &arena, &event, &error) ||
        !cloudevent_encode(&event, STR(EXCHANGE), (struct str){NULL, 0}, &arena, &message,
                           &error)) {
        fprintf(stderr, "%.*s: %s\n", STRF(line), error.text);
        exit(1);
    }
    message.offset = workload->count;
    workload->messages[workload->count++] = message_new(&message);
    workload->body_bytes += message.body.len;
    arena_release(&arena);
}

static void make_sums(struct workload *workload, size_t count)
{
    struct faults faults = {0};
    add_view(workload, view_parse("sums.json", STR(sums), &faults), &faults);
    for (size_t i = 0; i < count; i++) {
        char line[512];
        int length = snprintf(
            line, sizeof line,
            "{\"specversion\":\"1.0\",\"id\":\"shop-%07zu\",\"source\":\"/shop/web\","
            "\"type\":\"order.placed\",\"subject\":\"o-%zu\",\"time\":\"2026-01-12T08:%02zu:%"
            "02zuZ\","
            "\"datacontenttype\":\"application/"
            "json\",\"data\":{\"customer\":\"c-%03zu\",\"lines\":["
            "{\"sku\":\"tea-darjeeling\",\"quantity\":%zu,\"price_cents\":1190},"
            "{\"sku\":\"mug-blue\",\"quantity\":1,\"price_cents\":1250}],\"total_cents\":%zu,"
            "\"currency\":\"EUR\",\"channel\":\"web\"}}",
            i, 100000 + i, i / 60 % 60, i % 60, i * 7919 % 500, i % 9 + 1,
            (i % 9 + 1) * 1190 + 1250);
        add_event(workload, (struct str){line, (size_t)length});
    }
}

/* The line with its id and, where it is an order's, its subject made those of the given pass. */
static void write_pass(struct buf *out, const char *line, size_t length, size_t pass)
{
    char suffix[32];
    snprintf(suffix, sizeof suffix, "-%zu", pass);
    buf_clear(out);
    for (const char *end = line + length, *at = line; at < end;) {
        bool names = str_starts((struct str){at, (size_t)(end - at)}, STR("\"id\":\"shop-")) ||
                     str_starts((struct str){at, (size_t)(end - at)}, STR("\"subject\":\"o-"));
        const char *quote = names ? strchr(strchr(at, ':') + 2, '"') : at + 1;
        buf_add(out, (struct str){at, (size_t)(quote - at)});
        if (names)
            buf_add(out, str_of(suffix));
        at = quote;
    }
}

/* False: the file has come to its end. */
static bool add_line(struct workload *workload, FILE *file, struct buf *line, size_t pass)
{
    char text[4096];
    if (!fgets(text, sizeof text, file))
        return false;
    write_pass(line, text, strcspn(text, "\n"), pass);
    add_event(workload, buf_str(line));
    return true;
}

static void make_shop(struct workload *workload, size_t count)
{
    static const char *const names[] = {"best-sellers", "distinct-customers", "orders",
                                        "sales-by-hour", "stock"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[512];
        struct faults faults = {0};
        snprintf(path, sizeof path, SHOP "views/%s.json", names[i]);
        add_view(workload, view_load(path, &faults), &faults);
    }
    FILE *file = fopen(SHOP "events.ndjson", "r");
    if (!file) {
        perror(SHOP "events.ndjson");
        exit(1);
    }
    struct buf line = {0};
    for (size_t pass = 0; workload->count < count; pass++, rewind(file))
        while (workload->count < count && add_line(workload, file, &line, pass))
            ;
    buf_release(&line);
    fclose(file);
}

bool workload_make(struct workload *workload, const char *name, size_t count)
{
    bool is_sums = strcmp(name, "sums") == 0;
    if (!is_sums && strcmp(name, "shop") != 0)
        return false;
    *workload = (struct workload){.messages = must_calloc(count + 1, sizeof(struct message *))};
    if (is_sums)
        make_sums(workload, count);
    else
        make_shop(workload, count);
    return true;
}

void workload_release(struct workload *workload)
{
    for (size_t i = 0; i < workload->view_count; i++)
        view_free(workload->views[i]);
    for (size_t i = 0; i < workload->count; i++)
        message_free(workload->messages[i]);
    free(workload->messages);
}
