/* plugin_call.c: calls a plugin's fold, and judges what came of it. */
#include "view/plugin_call.h"

#include "event/text.h"
#include "view/match.h"
#include <stdio.h>

/* A reason is shown to people and written into JSON. */
static void clean(char *text)
{
    size_t at;

    while (text_fault(str_of(text), &at))
        text[at] = '?';
}

void call_vstop(struct fanfold_call *call, const char *format, va_list arguments)
{
    if (call->stopped)
        return;
    call->stopped = true;
    call->why->text[0] = 0;
    error_vset(call->why, ERROR_NO, format, arguments);
    clean(call->why->text);
}

void call_stop(struct fanfold_call *call, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    call_vstop(call, format, arguments);
    va_end(arguments);
}

static size_t allocated(const struct fanfold_call *call)
{
    return call->scratch->used + (call->changes ? call->changes->arena.used : 0);
}

bool call_has_room(struct fanfold_call *call)
{
    if (allocated(call) - call->before > FOLD_BYTES_MAX)
        call_stop(call, "the event makes more than %zu MB of texts", FOLD_BYTES_MAX >> 20);
    return !call->stopped;
}

const char *call_keep(struct fanfold_call *call, struct str text)
{
    const char *kept = call->stopped ? "" : arena_copy(call->scratch, text).at;

    return call_has_room(call) ? kept : "";
}

static void judge(struct fanfold_call *call, int result)
{
    size_t count = call->changes->count - call->mark;

    if (result == FANFOLD_PARK)
        call_stop(call, "it returned FANFOLD_PARK, but gave no reason: call park()");
    else if (result != FANFOLD_DONE && result != FANFOLD_IGNORED)
        call_stop(call, "it returned %d, which is no result of a fold", result);
    else if (result == FANFOLD_IGNORED && count > 0)
        call_stop(call, "it returned FANFOLD_IGNORED, but made %zu change%s", count,
                  count == 1 ? "" : "s");
}

enum fold_result plugin_fold(const struct view *view, const struct cloudevent *event,
                             struct changes *changes, struct arena *scratch, struct error *why)
{
    const struct plugin *plugin = view->plugin;
    struct fanfold_call call = {.view = view,
                                .root = event->root,
                                .event = event,
                                .changes = changes,
                                .scratch = scratch,
                                .mark = changes->count,
                                .why = why};
    int result;

    if (!view_matches(view, event->type))
        return FOLD_IGNORED;
    call.before = allocated(&call);
    result = plugin->entry->fold(plugin->context, &call, &plugin_host);
    judge(&call, result);
    if (call.stopped) {
        changes_cut(changes, call.mark);
        error_prefix(why, "%s", plugin->entry->name);
        return FOLD_PARK;
    }
    return result == FANFOLD_DONE ? FOLD_DONE : FOLD_IGNORED;
}
