/*
 * cmd_adopt.c: fanfold adopt: the definition in the file comes into force, without a replay.
 */
#include "cli/adopting.h"
#include "cli/command.h"
#include "cli/in_force.h"
#include "cli/say.h"
#include "cli/target.h"

struct adopt {
    struct config config;
    struct view_set views;
    const struct view *view;
    struct redis_reader *reader;
    char epoch[EPOCH_MAX]; /* in force; "": nothing is folded yet */
    struct definition *live, *next;
};

static int adopt_view(struct adopt *adopt, bool dry_run)
{
    struct error error;
    const char *name = view_name(adopt->view), *file = view_file(adopt->view);
    adopt->reader = redis_reader_open(&adopt->config.redis, &error);
    if (adopt->reader)
        adopt->live = in_force(adopt->reader, adopt->view, &adopt->config, adopt->epoch, &error);
    if (!adopt->live)
        return say_error(&error);
    adopt->next = definition_of(adopt->view, &adopt->config);
    if (!adopt->epoch[0]) {
        say("%s: nothing is folded yet; workers take the definition of %s as it is", name, file);
        return 0;
    }
    if (strcmp(adopt->next->digest, epoch_digest(adopt->epoch)) == 0) {
        say("%s: the definition of %s is in force already", name, file);
        return 0;
    }
    if (!dry_run &&
        !adopting_commit(adopt->reader, name, adopt->epoch, adopt->live, adopt->next, &error))
        return say_error(&error);
    say("%s: the definition of %s %s; what is folded stays as the former one made it", name, file,
        dry_run ? "would come into force" : "is in force from now on");
    return 0;
}

static void release(struct adopt *adopt)
{
    definition_drop(adopt->live);
    definition_drop(adopt->next);
    redis_reader_close(adopt->reader);
    view_set_release(&adopt->views);
    config_release(&adopt->config);
}

static int run(const struct options *options)
{
    struct adopt adopt = {0};
    int code = target_redis(options, "adopt", &adopt.config);
    if (code)
        return code;
    code = target_views(options, &adopt.config, &adopt.views);
    if (!code) {
        adopt.view = adopt.views.at[0];
        code = adopt_view(&adopt, options_has(options, "dry-run"));
    }
    release(&adopt);
    return code;
}

static const struct option own_options[] = {
    TARGET_OPTION_REDIS,
    {0, "dry-run", NULL, "say what would happen, and change nothing", NULL},
    {0},
};

const struct command command_adopt = {
    .name = "adopt",
    .group = GROUP_ROWS,
    .summary = "take a view's changed definition from here on, without a replay",
    .synopsis = "VIEW [OPTION…]",
    .about = "A changed view file (or a changed \"read\", \"upcast\" or \"dedupe_window\" of its "
             "log) does not come into\n"
             "force by itself: workers go on with the definition that is in force, which stands in "
             "Redis.\n"
             "`adopt` brings the file's definition into force from the next event on, in all "
             "workers within\n"
             "seconds, whatever their own files say. What is folded already stays as the former "
             "definition\n"
             "made it, so this is right for a change that does not concern past events: a new "
             "event type, "
             "a\n"
             "change from today on. Where past events matter, `fanfold rebuild` folds them again.\n"
             "\n"
             "Exit code 0: it is in force, or was already; 1: there is no such view, or it is "
             "being changed\n"
             "otherwise at this moment; 69: Redis cannot be reached; 77: login or permission "
             "refused; 78:\n"
             "the configuration or the view file has a fault.",
    .examples = "  fanfold adopt stock --dry-run\n"
                "  fanfold adopt stock",
    .options = own_options,
    .args_min = 1,
    .args_max = 1,
    .run = run,
};
