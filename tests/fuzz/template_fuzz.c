/*
 * template_fuzz.c: pointers and templates. The first line of the input is put wherever a view takes
 * one; the view, if it compiles, folds an event whose data is the rest of the input.
 */
#include "fuzz.h"
#include "fuzz_fold.h"

/* %: the text, as JSON without its quotes; ' stands for ". */
static const char *const places[] = {
    "[{'hash': 'p:%', 'set': {'f': 'x'}}]",
    "[{'set': 'p:{subject}:%:q', 'include': ['x']}]",
    "[{'hash': 'p', 'set': {'%': 'x'}}]",
    "[{'hash': 'p', 'set': {'f': '%'}, 'max': {'m': '%'}}]",
    "[{'zset': 'p', 'add': {'m': '%'}}]",
    "[{'zset': 'p', 'score': {'m': {'epoch': '%'}}}]",
    "[{'counter': 'p', 'add': {'scale': ['%', 2]}}]",
    "[{'counter': 'p', 'add': {'sum': ['%', {'product': ['%', {'negate': '%'}]}]}}]",
    "[{'json': 'p', 'put': {'object': {'a': '%', '%': {'at': '%', 'default': [1]}}}}]",
    "[{'list': 'p', 'push': '%', 'keep': 3}]",
    "[{'if': {'%': {'ge': 5, 'lt': '%'}}, 'hll': 'p', 'count': ['%']}]",
    "[{'each': '%', 'do': [{'set': 'p:{key}', 'include': ['.']}]}]",
    "[{'each': '/data', 'do': [{'hash': 'p:%', 'set': {'{key}': '%'}}]}]",
    "[{'with': {'r': {'hash': 'p:%'}}, 'hash': 'p:{id}', 'set': {'f': {'at': '@r/a', 'default': "
    "1}}}]",
    "[{'with': {'r': {'hash': 'p:{id}'}}, 'if': {'%': {'ge': '%'}}, 'hash': 'p:%', 'set': {'%': "
    "'%'}}]",
    "[{'with': {'r': {'hash': 'p:{id}'}}, 'do': [{'with': {'q': {'hash': 'p:%'}}, 'each': '%', "
    "'do': [{'hash': 'p:{key}', 'set': {'f': '%', 'g': '@q?'}}]}]}]",
    "[{'each': '/data', 'do': [{'each': '.', 'do': [{'hash': 'p:{key}:%', 'remove': ['%']}]}]}]",
};

static void add_filled(struct buf *out, const char *place, struct str text)
{
    for (; *place; place++)
        if (*place == '%')
            buf_add(out, text);
        else
            buf_add_byte(out, *place == '\'' ? '"' : *place);
}

static void fold_place(const char *place, struct str text, const struct cloudevent *event)
{
    struct buf file = {0};
    struct faults faults = {0};
    struct changes changes = {0};
    buf_add(&file, STR("{\"view\":\"v\",\"exchange\":\"x\",\"on\":{\"*\":"));
    add_filled(&file, place, text);
    buf_add(&file, STR("}}"));
    struct view *view = view_parse("v.json", buf_str(&file), &faults);
    assert(!view == (faults.errors > 0));
    if (view)
        fuzz_fold(view, event, &changes);
    view_free(view);
    changes_release(&changes);
    faults_release(&faults);
    buf_release(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct message_header header = {
        .name = STR("tenant"), .kind = HEADER_TEXT, .text = STR("blue")};
    const struct decoder decoder = {.partition = "x.log.0"};
    struct str rest = fuzz_input(data, size), text = fuzz_line(&rest);
    struct message message = {.exchange = STR("x"),
                              .routing_key = STR("s:1"),
                              .type = STR("t"),
                              .has_timestamp = true,
                              .timestamp = 1768208400,
                              .headers = &header,
                              .header_count = 1,
                              .body = rest};
    struct arena arena = {0};
    struct buf quoted = {0};
    struct cloudevent event;
    struct error error;
    buf_add_json_string(&quoted, text);
    struct str inner = {quoted.at + 1, quoted.len - 2};
    assert(cloudevent_decode(&decoder, &message, &arena, &event, &error));
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        fold_place(places[i], inner, &event);
    arena_release(&arena);
    buf_release(&quoted);
    return 0;
}
