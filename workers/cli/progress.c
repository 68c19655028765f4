/*
 * progress.c: events, rate and, when the size of the input is known, a bar.
 */
#include "cli/progress.h"
#include "base/buf.h"
#include "base/clock.h"
#include "cli/terminal.h"

#define DRAW_EVERY_MS 100
#define BAR_COLUMNS   24

void progress_init(struct progress *progress, uint64_t bytes_all)
{
    *progress = (struct progress){
        .width = terminal_width(stderr), .bytes_all = bytes_all, .done = "confirmed"};
    progress->started_ms = clock_monotonic_ms();
}

int64_t progress_elapsed_ms(const struct progress *progress)
{
    int64_t elapsed = clock_monotonic_ms() - progress->started_ms;
    return elapsed > 0 ? elapsed : 1;
}

static void add_bar(struct buf *line, uint64_t part, uint64_t all)
{
    unsigned percent = part >= all ? 100 : (unsigned)((double)part * 100 / (double)all);
    size_t full = percent * BAR_COLUMNS / 100;
    buf_add_byte(line, '[');
    for (size_t i = 0; i < BAR_COLUMNS; i++)
        buf_add_byte(line, i < full ? '#' : '.');
    buf_printf(line, "] %3u%%  ", percent);
}

/* ", 2:05 left" */
static void add_left(struct buf *line, const struct progress *progress, uint64_t part)
{
    if (!part || part > progress->bytes_all)
        return;
    double each = (double)progress_elapsed_ms(progress) / 1000 / (double)part;
    unsigned long long left =
        (unsigned long long)(each * (double)(progress->bytes_all - part) + 0.5);
    buf_printf(line, ", %llu:%02llu left", left / 60, left % 60);
}

static void show(struct progress *progress, uint64_t events, uint64_t bytes, bool left)
{
    if (!progress->width)
        return;
    int64_t now = clock_monotonic_ms();
    if (progress->drawn && now - progress->drawn_ms < DRAW_EVERY_MS)
        return;
    struct buf line = {0};
    if (progress->bytes_all)
        add_bar(&line, bytes, progress->bytes_all);
    buf_printf(&line, "%llu %s, %.0f/s", (unsigned long long)events, progress->done,
               (double)events * 1000 / (double)progress_elapsed_ms(progress));
    if (left)
        add_left(&line, progress, bytes);
    fputs("\r\033[K", stderr);
    terminal_print(stderr, buf_str(&line), progress->width, 0);
    buf_release(&line);
    progress->drawn = true;
    progress->drawn_ms = now;
}

void progress_show(struct progress *progress, uint64_t events, uint64_t bytes)
{
    show(progress, events, bytes, false);
}

void progress_show_left(struct progress *progress, uint64_t events, uint64_t bytes)
{
    show(progress, events, bytes, true);
}

void progress_clear(struct progress *progress)
{
    if (progress->drawn)
        fputs("\r\033[K", stderr);
    progress->drawn = false;
}
