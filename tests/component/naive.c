/*
 * naive.c: see naive.h.
 */
#include "naive.h"
#include <fanfold/ram_store.h>
#include <stdio.h>
#include <stdlib.h>

#define KEEP  20
#define LIMIT 9007199254740992 /* 2^53 */

const char *const naive_names[NAIVE_VIEWS] = {"sums", "last", "join"};

const char *const naive_files[NAIVE_VIEWS] = {
    "{\"view\":\"sums\",\"exchange\":\"x\",\"on\":{"
    "\"pay\":[{\"hash\":\"sum.of:{subject}\",\"add\":{\"n\":\"/data/n\"}},"
    "         {\"counter\":\"sum.total\",\"add\":\"/data/n\"}],"
    "\"visit\":[{\"hash\":\"sum.of:{subject}\",\"add\":{\"visits\":1}},"
    "           {\"set\":\"sum.ids:{subject}\",\"include\":[\"/id\"]}],"
    "\"bulk\":[{\"each\":\"/data/lines\",\"do\":[{\"hash\":\"sum.bulk\",\"add\":{\"{.}\":1}}]}]}}",

    "{\"view\":\"last\",\"exchange\":\"x\",\"on\":{"
    "\"pay\":[{\"hash\":\"last.row:{subject}\",\"set\":{\"n\":\"/data/n\"}},"
    "         {\"list\":\"last.list:{subject}\",\"push\":\"/id\",\"keep\":20},"
    "         {\"hash\":\"last.held:{subject}\",\"add\":{\"n\":\"/data/n\"}}],"
    "\"note\":[{\"hash\":\"last.row:{subject}\",\"set\":{\"note\":\"/id\"}}],"
    "\"bulk\":[{\"each\":\"/data/lines\",\"do\":["
    "             {\"hash\":\"last.bulk:{subject}\",\"add\":{\"{.}\":1}}]}]}}",

    /* A visit reads a row whose key stands in another row, which every note changes. */
    "{\"view\":\"join\",\"exchange\":\"x\",\"on\":{"
    "\"pay\":[{\"hash\":\"join.held:{subject}\",\"add\":{\"n\":\"/data/n\",\"count\":1}},"
    "         {\"hash\":\"join.stock\",\"subtract\":{\"n\":\"/data/n\",\"count\":1}}],"
    "\"note\":[{\"with\":{\"r\":{\"hash\":\"join.held:{subject}\"}},\"each\":\"@r?\",\"do\":["
    "            {\"hash\":\"join.stock\",\"add\":{\"{key}\":\".\"}}]},"
    "          {\"hash\":\"join.held:{subject}\",\"delete\":true},"
    "          {\"json\":\"join.latest\",\"put\":\"/subject\"}],"
    "\"visit\":[{\"with\":{\"l\":{\"json\":\"join.latest\"},"
    "                     \"p\":{\"hash\":\"join.place:{subject}\"}},\"do\":["
    "             {\"set\":\"join.at:{@p/at?}\",\"exclude\":[\"/subject\"]},"
    "             {\"set\":\"join.at:{@l?}\",\"include\":[\"/subject\"]},"
    "             {\"hash\":\"join.place:{subject}\",\"set\":{\"at\":\"@l?\"}},"
    "             "
    "{\"with\":{\"h\":{\"hash\":\"join.held:{@l?}\"}},\"if\":{\"@h\":{\"exists\":true}},"
    "              \"hash\":\"join.seen:{subject}\",\"set\":{\"held\":\"@h/n\"}}]}]}}",
};

/* What the views know of one subject. Ids are numbers here; 0: none. */
struct subject {
    bool paid, visited, noted, held;
    int64_t sum, last, held_sum;
    uint64_t visits, bulks, waiting;
    unsigned note;
    unsigned newest[KEEP]; /* newest first */
    size_t newest_count;
    /* join */
    uint64_t held_count;
    unsigned place; /* a subject + 1; 0: none */
    bool seen;
    int64_t seen_held;
};

struct naive {
    enum naive_view view;
    const struct script *script;
    struct subject subjects[SCRIPT_SUBJECTS];
    bool any_total;
    int64_t total; /* join: in stock */
    int64_t stock_count;
    unsigned latest; /* join: a subject + 1; 0: none */
    uint64_t bulks;
    bool *visitors; /* [subject * ids + id] */
    size_t ids;
    struct tally tally;
    uint64_t time_s;
    struct buf parked;
};

enum repeat { FRESH, AGAIN, REUSED };

static bool same_content(const struct script_event *a, const struct script_event *b)
{
    return a->kind == b->kind && (a->kind != SCRIPT_PAY || a->n == b->n);
}

static enum repeat repeat_of(const struct script *script, size_t i)
{
    const struct script_event *event = &script->at[i];
    enum repeat answer = FRESH;
    for (size_t j = i; j-- > 0 && event->offset - script->at[j].offset <= SCRIPT_WINDOW;) {
        const struct script_event *earlier = &script->at[j];
        if (earlier->kind == SCRIPT_GARBAGE || earlier->id != event->id)
            continue;
        if (same_content(earlier, event))
            return AGAIN;
        answer = REUSED;
    }
    return answer;
}

static void park(struct naive *naive, const struct script_event *event, bool waits)
{
    bool ordered = naive->view != NAIVE_SUMS;
    buf_printf(&naive->parked, "parked %llu %s ", (unsigned long long)event->offset,
               waits ? "waits" : "fails");
    if (event->kind == SCRIPT_GARBAGE)
        buf_printf(&naive->parked, "%s/%llu", SCRIPT_PARTITION, (unsigned long long)event->offset);
    else
        buf_printf(&naive->parked, "e%05u", event->id);
    if (ordered) {
        buf_printf(&naive->parked, " s%02u", event->subject);
        naive->subjects[event->subject].waiting++;
    }
    buf_add_byte(&naive->parked, '\n');
    naive->tally.parked++;
}

static bool beyond(int64_t total)
{
    return total > LIMIT || total < -LIMIT;
}

static bool join_pay(struct naive *naive, struct subject *subject, int64_t n)
{
    if (beyond(subject->held_sum + n) || beyond(naive->total - n))
        return false;
    subject->held = naive->any_total = true;
    subject->held_sum += n;
    subject->held_count++;
    naive->total -= n;
    naive->stock_count--;
    return true;
}

static bool join_note(struct naive *naive, struct subject *subject, unsigned number)
{
    if (beyond(naive->total + subject->held_sum))
        return false;
    naive->total += subject->held_sum;
    naive->stock_count += (int64_t)subject->held_count;
    subject->held = false;
    subject->held_sum = 0;
    subject->held_count = 0;
    naive->latest = number + 1;
    return true;
}

/* Before the first note there is nowhere to go. */
static void join_visit(struct naive *naive, struct subject *subject)
{
    if (!naive->latest)
        return;
    const struct subject *latest = &naive->subjects[naive->latest - 1];
    if (latest->held) {
        subject->seen = true;
        subject->seen_held = latest->held_sum;
    }
    subject->place = naive->latest;
}

static bool join(struct naive *naive, struct subject *subject, const struct script_event *event)
{
    switch (event->kind) {
    case SCRIPT_PAY:
        return join_pay(naive, subject, event->n);
    case SCRIPT_NOTE:
        return join_note(naive, subject, event->subject);
    case SCRIPT_VISIT:
        join_visit(naive, subject);
        return true;
    default:
        return false;
    }
}

/* False: it cannot be folded. */
static bool pay(struct naive *naive, struct subject *subject, const struct script_event *event)
{
    if (naive->view == NAIVE_SUMS) {
        if (beyond(subject->sum + event->n) || beyond(naive->total + event->n))
            return false;
        subject->sum += event->n;
        naive->total += event->n;
        subject->paid = naive->any_total = true;
        return true;
    }
    if (beyond(subject->held_sum + event->n))
        return false;
    subject->held_sum += event->n;
    subject->held = true;
    subject->last = event->n;
    if (subject->newest_count < KEEP)
        subject->newest_count++;
    memmove(&subject->newest[1], &subject->newest[0],
            (subject->newest_count - 1) * sizeof subject->newest[0]);
    subject->newest[0] = event->id;
    return true;
}

static bool fold(struct naive *naive, const struct script_event *event)
{
    struct subject *subject = &naive->subjects[event->subject];
    if (naive->view == NAIVE_JOIN)
        return join(naive, subject, event);
    switch (event->kind) {
    case SCRIPT_PAY:
        return pay(naive, subject, event);
    case SCRIPT_VISIT:
        subject->visits++;
        naive->visitors[event->subject * naive->ids + event->id] = true;
        return true;
    case SCRIPT_NOTE:
        subject->noted = true;
        subject->note = event->id;
        return true;
    case SCRIPT_BULK_LINES:
        subject->bulks++;
        naive->bulks++;
        return true;
    default:
        return false;
    }
}

static bool concerns(enum naive_view view, enum script_kind kind)
{
    return kind != SCRIPT_NOISE && !(view == NAIVE_SUMS && kind == SCRIPT_NOTE) &&
           !(view == NAIVE_LAST && kind == SCRIPT_VISIT) &&
           !(view == NAIVE_JOIN && kind == SCRIPT_BULK_LINES);
}

static void take(struct naive *naive, size_t i)
{
    const struct script_event *event = &naive->script->at[i];
    bool garbage = event->kind == SCRIPT_GARBAGE;
    enum repeat repeat = garbage ? FRESH : repeat_of(naive->script, i);
    if (event->time_s && !garbage)
        naive->time_s = event->time_s;
    if (repeat == AGAIN)
        naive->tally.duplicates++;
    else if (!concerns(naive->view, event->kind))
        naive->tally.ignored++;
    else if (repeat == REUSED)
        park(naive, event, false);
    else if (naive->subjects[event->subject].waiting)
        park(naive, event, true);
    else if (!fold(naive, event))
        park(naive, event, false);
    else
        naive->tally.folded++;
}

/* --- in words -------------------------------------------------------------------------- */

static void head(struct buf *out, uint64_t offset, const struct tally *tally, int64_t time_ms)
{
    buf_printf(out, "offset %llu time %lld ", (unsigned long long)offset, (long long)time_ms);
    tally_write(out, tally);
    buf_add_byte(out, '\n');
}

static void bulk_row(struct buf *out, const char *key, uint64_t bulks)
{
    buf_printf(out, "%s {", key);
    for (int i = 0; i < 10; i++)
        buf_printf(out, "%s\"%d\":\"%llu\"", i ? "," : "", i,
                   (unsigned long long)(bulks * (SCRIPT_BULK / 10)));
    buf_add(out, STR("}\n"));
}

static void sums_rows(struct buf *out, const struct naive *naive)
{
    if (naive->bulks)
        bulk_row(out, "sum.bulk", naive->bulks);
    for (int s = 0; s < SCRIPT_SUBJECTS; s++) {
        if (!naive->subjects[s].visits)
            continue;
        buf_printf(out, "sum.ids:s%02d [", s);
        const char *comma = "";
        for (size_t id = 0; id < naive->ids; id++) {
            if (!naive->visitors[(size_t)s * naive->ids + id])
                continue;
            buf_printf(out, "%s\"e%05zu\"", comma, id);
            comma = ",";
        }
        buf_add(out, STR("]\n"));
    }
    for (int s = 0; s < SCRIPT_SUBJECTS; s++) {
        const struct subject *subject = &naive->subjects[s];
        if (!subject->paid && !subject->visits)
            continue;
        buf_printf(out, "sum.of:s%02d {", s);
        if (subject->paid)
            buf_printf(out, "\"n\":\"%lld\"%s", (long long)subject->sum,
                       subject->visits ? "," : "");
        if (subject->visits)
            buf_printf(out, "\"visits\":\"%llu\"", (unsigned long long)subject->visits);
        buf_add(out, STR("}\n"));
    }
    if (naive->any_total)
        buf_printf(out, "sum.total %lld\n", (long long)naive->total);
}

static void list_row(struct buf *out, int s, const struct subject *subject)
{
    buf_printf(out, "last.list:s%02d [", s);
    for (size_t i = 0; i < subject->newest_count; i++)
        buf_printf(out, "%s\"e%05u\"", i ? "," : "", subject->newest[i]);
    buf_add(out, STR("]\n"));
}

static void last_rows(struct buf *out, const struct naive *naive)
{
    const struct subject *subjects = naive->subjects;
    char key[32];
    for (int s = 0; s < SCRIPT_SUBJECTS; s++) {
        snprintf(key, sizeof key, "last.bulk:s%02d", s);
        if (subjects[s].bulks)
            bulk_row(out, key, subjects[s].bulks);
    }
    for (int s = 0; s < SCRIPT_SUBJECTS; s++)
        if (subjects[s].held)
            buf_printf(out, "last.held:s%02d {\"n\":\"%lld\"}\n", s,
                       (long long)subjects[s].held_sum);
    for (int s = 0; s < SCRIPT_SUBJECTS; s++)
        if (subjects[s].newest_count)
            list_row(out, s, &subjects[s]);
    for (int s = 0; s < SCRIPT_SUBJECTS; s++) {
        if (!subjects[s].held && !subjects[s].noted)
            continue;
        buf_printf(out, "last.row:s%02d {", s);
        if (subjects[s].held)
            buf_printf(out, "\"n\":\"%lld\"%s", (long long)subjects[s].last,
                       subjects[s].noted ? "," : "");
        if (subjects[s].noted)
            buf_printf(out, "\"note\":\"e%05u\"", subjects[s].note);
        buf_add(out, STR("}\n"));
    }
}

static void at_row(struct buf *out, unsigned place, const struct subject *subjects)
{
    const char *comma = "";
    for (int s = 0; s < SCRIPT_SUBJECTS; s++) {
        if (subjects[s].place != place + 1)
            continue;
        if (!comma[0])
            buf_printf(out, "join.at:s%02u [", place);
        buf_printf(out, "%s\"s%02d\"", comma, s);
        comma = ",";
    }
    if (comma[0])
        buf_add(out, STR("]\n"));
}

static void join_rows(struct buf *out, const struct naive *naive)
{
    const struct subject *subjects = naive->subjects;
    for (unsigned s = 0; s < SCRIPT_SUBJECTS; s++)
        at_row(out, s, subjects);
    for (int s = 0; s < SCRIPT_SUBJECTS; s++)
        if (subjects[s].held)
            buf_printf(out, "join.held:s%02d {\"count\":\"%llu\",\"n\":\"%lld\"}\n", s,
                       (unsigned long long)subjects[s].held_count, (long long)subjects[s].held_sum);
    if (naive->latest)
        buf_printf(out, "join.latest \"s%02u\"\n", naive->latest - 1);
    for (int s = 0; s < SCRIPT_SUBJECTS; s++)
        if (subjects[s].place)
            buf_printf(out, "join.place:s%02d {\"at\":\"s%02u\"}\n", s, subjects[s].place - 1);
    for (int s = 0; s < SCRIPT_SUBJECTS; s++)
        if (subjects[s].seen)
            buf_printf(out, "join.seen:s%02d {\"held\":\"%lld\"}\n", s,
                       (long long)subjects[s].seen_held);
    if (naive->any_total)
        buf_printf(out, "join.stock {\"count\":\"%lld\",\"n\":\"%lld\"}\n",
                   (long long)naive->stock_count, (long long)naive->total);
}

static size_t id_limit(const struct script *script)
{
    unsigned highest = 0;
    for (size_t i = 0; i < script->count; i++)
        if (script->at[i].id > highest)
            highest = script->at[i].id;
    return (size_t)highest + 1;
}

void naive_picture(struct buf *out, enum naive_view view, const struct script *script, size_t count)
{
    struct naive naive = {.view = view, .script = script, .ids = id_limit(script)};
    naive.visitors = calloc(SCRIPT_SUBJECTS * naive.ids, sizeof *naive.visitors);
    for (size_t i = 0; i < count; i++)
        take(&naive, i);
    head(out, count ? script->at[count - 1].offset : 0, &naive.tally, (int64_t)naive.time_s * 1000);
    for (int s = 0; s < SCRIPT_SUBJECTS; s++)
        if (naive.subjects[s].waiting)
            buf_printf(out, "waiting s%02d %llu\n", s,
                       (unsigned long long)naive.subjects[s].waiting);
    buf_add(out, buf_str(&naive.parked));
    if (view == NAIVE_SUMS)
        sums_rows(out, &naive);
    else if (view == NAIVE_JOIN)
        join_rows(out, &naive);
    else
        last_rows(out, &naive);
    buf_release(&naive.parked);
    free(naive.visitors);
}

struct painting {
    struct buf *out;
    enum naive_view view;
};

static void paint_parked(void *arg, const char *view, const char *partition,
                         const struct parked_event *event)
{
    const struct painting *painting = arg;
    (void)partition;
    if (strcmp(view, naive_names[painting->view]) != 0)
        return;
    buf_printf(painting->out, "parked %llu %s %.*s", (unsigned long long)event->offset,
               event->waits ? "waits" : "fails", STRF(event->id));
    if (str_is(event->key))
        buf_printf(painting->out, " %.*s", STRF(event->key));
    buf_add_byte(painting->out, '\n');
}

static void paint_row(void *arg, struct str key, struct str json, int64_t expire_at_ms)
{
    const struct painting *painting = arg;
    static const struct str prefixes[NAIVE_VIEWS] = {{"sum.", 4}, {"last.", 5}, {"join.", 5}};
    (void)expire_at_ms;
    if (!str_starts(key, prefixes[painting->view]))
        return;
    buf_add(painting->out, key);
    buf_add_byte(painting->out, ' ');
    buf_add(painting->out, json);
    buf_add_byte(painting->out, '\n');
}

void store_picture(struct buf *out, struct store *ram, enum naive_view view,
                   const struct task_state *state)
{
    head(out, state->position.offset, &state->tally, state->has_time ? state->time_ms : 0);
    size_t named = 0;
    for (int s = 0; s < SCRIPT_SUBJECTS && named < state->waiting.count; s++) {
        char key[16];
        snprintf(key, sizeof key, "s%02d", s);
        const uint64_t *waiting = map_get(&state->waiting, str_of(key));
        named += waiting != NULL;
        if (waiting)
            buf_printf(out, "waiting %s %llu\n", key, (unsigned long long)*waiting);
    }
    if (named != state->waiting.count)
        buf_printf(out, "%zu unknown keys have waiting events\n", state->waiting.count - named);
    struct painting painting = {out, view};
    ram_store_each_parked(ram, paint_parked, &painting);
    ram_store_each_row(ram, paint_row, &painting);
}
