/*
 * view_fuzz.c: the view compiler. Whatever a file says, it gives faults or a view; and a view that
 * compiles folds events into keys of its own.
 */
#include "fuzz.h"
#include "fuzz_fold.h"

static const char *const lines[] = {
    "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"order.placed\","
    "\"subject\":\"o-1\",\"time\":\"2026-01-31T09:05:07Z\",\"data\":{\"n\":3,\"a\":-2.5,"
    "\"t\":\"text\",\"u\":1768208400,\"b\":true,\"z\":null,\"e\":\"\",\"l\":[{\"sku\":\"mug\","
    "\"n\":2},{\"sku\":\"cup\",\"n\":\"7\"}],\"o\":{\"k\":1,\"j\":[1,2]}}}",
    "{\"specversion\":\"1.0\",\"id\":\"2\",\"source\":\"/s\",\"type\":\"t\",\"data\":[1,[2]]}",
};

static void fold_lines(const struct view *view)
{
    const struct publish_defaults none = {0};
    struct arena arena = {0};
    struct changes changes = {0};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct cloudevent event;
        struct error error;
        arena_clear(&arena);
        assert(cloudevent_from_line(str_of(lines[i]), &none, (struct str){NULL, 0}, &arena, &event,
                                    &error));
        fuzz_fold(view, &event, &changes);
    }
    changes_release(&changes);
    arena_release(&arena);
}

static void check_view(struct view *view, struct str text)
{
    struct faults faults = {0};
    struct view *twin = view_parse("v.json", text, &faults);
    assert(twin && view_digest(twin) == view_digest(view));
    assert(view_name(view)[0] && strlen(view_name(view)) <= VIEW_NAME_MAX);
    assert(view_exchange_count(view) > 0);
    for (size_t i = 0; i < view_row_count(view); i++) {
        const char *prefix = view_row(view, i)->prefix;
        assert(prefix[0] && strncmp(prefix, "fanfold:", 8) != 0);
    }
    views_check(&view, 1, NULL, &faults);
    assert(faults.errors == 0);
    views_check((struct view *const[]){view, twin}, 2, NULL, &faults);
    assert(faults.errors > 0); /* two views of one name */
    view_free(twin);
    faults_release(&faults);
    fold_lines(view);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct faults faults = {0};
    struct str text = fuzz_input(data, size);
    struct view *view = view_parse("v.json", text, &faults);
    assert(!view == (faults.errors > 0));
    if (view)
        check_view(view, text);
    view_free(view);
    faults_release(&faults);
    return 0;
}
