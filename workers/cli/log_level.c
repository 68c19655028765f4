/*
 * log_level.c: see log_level.h.
 */
#include "cli/log_level.h"
#include "base/log.h"

bool log_level_set(const struct options *options, struct error *error)
{
    static const struct {
        const char *name;
        enum log_level level;
    } levels[] = {
        {"error", LOG_LEVEL_ERROR},
        {"warning", LOG_LEVEL_WARNING},
        {"info", LOG_LEVEL_INFO},
        {"debug", LOG_LEVEL_DEBUG},
    };
    const char *text = options_text(options, "log-level");
    if (!text)
        return true;
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        if (strcmp(levels[i].name, text) == 0) {
            log_set_level(levels[i].level);
            return true;
        }
    }
    return error_set(error, ERROR_USAGE, "--log-level %s: write error, warning, info or debug",
                     text);
}
