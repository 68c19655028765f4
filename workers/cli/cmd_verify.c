/*
 * cmd_verify.c: fanfold verify: is what Redis has the fold of the log?
 */
#include "cli/command.h"
#include "cli/rebuilding.h"
#include "cli/say.h"
#include "cli/target.h"
#include "cli/verify_against.h"

#include <stdlib.h>

static void print_json(const struct rebuilding *rebuilding, struct error *error)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "view", view_name(rebuilding->view));
    rebuilding_json(rebuilding, object, error);
    char *text = cJSON_Print(object);
    puts(text);
    cJSON_free(text);
    cJSON_Delete(object);
}

/* While the view is held: nothing changes under what is printed. */
static int report(struct rebuilding *rebuilding, bool json, struct error *error)
{
    const struct comparison *c = &rebuilding->comparison;
    error->kind = ERROR_NONE;
    if (json)
        print_json(rebuilding, error);
    else
        rebuilding_print(rebuilding, error);
    if (error->kind)
        return (int)error->kind;
    uint64_t differences = comparison_differences(c);
    say("%s: %llu rows are as the log says, %llu are not", view_name(rebuilding->view),
        (unsigned long long)c->same, (unsigned long long)differences);
    for (size_t i = 0; differences && i < rebuilding->build.partition_count; i++)
        if (rebuilding->at[i].live_reordered)
            say("the view is reordered on %s: a retry folded events out of turn",
                rebuilding->build.partitions[i]);
    return differences ? ERROR_NO : 0;
}

/* One that was left behind by an interrupted verification is taken up. */
static bool begin(struct rebuilding *rebuilding, struct error *error)
{
    const struct rebuilding_wish wish = {.verify = true};
    if (rebuilding->has_build && rebuilding->build.state != BUILD_FOLDING &&
        !rebuilding_finish(rebuilding, error))
        return false;
    if (!rebuilding->has_build)
        return rebuilding_begin(rebuilding, &wish, error);
    if (rebuilding->build.verify)
        return generation_again(rebuilding->reader, view_name(rebuilding->view), &rebuilding->build,
                                false, error);
    return error_set(error, ERROR_NO,
                     "a generation of %s is being built: it will be compared when it is ready; "
                     "`fanfold rebuild %s --cancel` removes it",
                     view_name(rebuilding->view), view_name(rebuilding->view));
}

/* 1 means that rows differ, and nothing else. */
static int not_compared(struct error *error)
{
    if (error->kind == ERROR_NO)
        error->kind = ERROR_UNAVAILABLE;
    return say_error(error);
}

static int verify(struct rebuilding *rebuilding, uint64_t sample, bool json)
{
    struct error error, removal;
    int code;
    if (!begin(rebuilding, &error) || !rebuilding_follow(rebuilding, &error))
        return not_compared(&error);
    if (!rebuilding->build.follows) {
        say("the view stands still, and cannot be compared with its log");
        code = ERROR_UNAVAILABLE;
    } else if (!rebuilding_compare(rebuilding, sample, &error)) {
        return not_compared(&error);
    } else {
        code = report(rebuilding, json, &error);
        if (code && error.kind)
            say("%s", error.text);
    }
    if (!rebuilding_remove(rebuilding, &removal))
        say("%s", removal.text);
    return code;
}

static int run(const struct options *options)
{
    struct rebuilding rebuilding;
    struct error error;
    uint64_t sample = 0;
    if (!options_count(options, "sample", 1, &sample, &error))
        return say_usage("verify", &error);
    int code = rebuilding_open(&rebuilding, options, "verify");
    if (code)
        return code;
    const char *against = options_text(options, "against");
    code = against ? verify_against(&rebuilding, against, options_has(options, "json"))
                   : verify(&rebuilding, sample, options_has(options, "json"));
    rebuilding_close(&rebuilding);
    return code;
}

static const struct option own_options[] = {
    TARGET_OPTION_REDIS,
    {0, "sample", "N", "compare only so many rows, evenly spread", NULL},
    {0, "against", "OTHER",
     "compare with the same view in another Redis, a target or redis://…, without reading the log",
     NULL},
    {0, "json", NULL, "print one JSON object", NULL},
    {0},
};

const struct command command_verify = {
    .name = "verify",
    .group = GROUP_ROWS,
    .summary = "compare a view with the fold of its log",
    .synopsis = "VIEW [--target NAME] [--sample N] [--against OTHER] [--json]",
    .about =
        "Folds the log once more, by the definition in force, into rows of its own, up to "
        "where the "
        "view\n"
        "stands; the workers do it. Then compares row by row, and removes those rows. The "
        "view goes on\n"
        "meanwhile, but for the comparison itself: its commits wait for about 10 µs a row.\n"
        "\n"
        "With --against, compares with the same view in another target, or in any primary, "
        "redis://…\n"
        "(with the login of the first): both are held at the same position, and only digests are "
        "sent.\n"
        "\n"
        "Exit code 0: the rows are the same; 1: they differ, and how is printed (or there is no "
        "such\n"
        "view); 69: they could not be compared now, because a server cannot be reached, a "
        "generation is\n"
        "being built, or the comparison was interrupted; 77: login or permission refused; 78: the\n"
        "configuration or the view file has a fault. An interrupted one goes on in the workers: "
        "run "
        "it\n"
        "again, or `fanfold rebuild VIEW --cancel`.\n"
        "\n"
        "--json prints {\"view\", \"same\", …}, as `fanfold rebuild` does; with --against "
        "{\"view\", \"same\",\n"
        "\"different\", \"changed\": [key], \"only_here\": [key], \"only_there\": [key]}, of "
        "the first keys.",
    .examples = "  fanfold verify stock\n"
                "  fanfold verify stock --target paris --against rome\n"
                "  fanfold verify stock --against redis://eu.example:6379/0",
    .options = own_options,
    .args_min = 1,
    .args_max = 1,
    .run = run,
};
