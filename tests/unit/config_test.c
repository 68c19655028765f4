/*
 * config_test.c: faults, JSON files, fanfold.json.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/folder.h"
#include "base/jsonfile.h"
#include "base/partitions.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

/* Each test runs in a new folder and with an environment of its own. */
struct fixture {
    char folder[64];
    char *start;
    struct faults faults;
    struct config config;
};

static int set_up(void **state)
{
    struct fixture *f = must_calloc(1, sizeof *f);
    strcpy(f->folder, "/tmp/fanfold-config-XXXXXX");
    f->start = getcwd(NULL, 0);
    *state = f;
    unsetenv("FANFOLD_CONFIG");
    unsetenv("FANFOLD_AMQP_URL");
    unsetenv("FANFOLD_REDIS_URL");
    unsetenv("CREDENTIALS_DIRECTORY");
    return mkdtemp(f->folder) && chdir(f->folder) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    static const char *const files[] = {"fanfold.json",   "other.json",           "amqp-password",
                                        "redis-password", "redis-password-paris", "folder"};
    struct fixture *f = *state;
    for (size_t i = 0; i < COUNT_OF(files); i++)
        remove(files[i]);
    int failed = chdir(f->start) || rmdir(f->folder);
    faults_release(&f->faults);
    config_release(&f->config);
    free(f->start);
    free(f);
    return failed;
}

static void write_file(const char *name, const char *content)
{
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    assert_true(fputs(content, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* All faults as faults_print gives them; the caller frees the text. */
static char *printed(const struct faults *faults)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    faults_print(faults, out);
    fclose(out);
    return text;
}

static void check_printed(struct fixture *f, const char *expected)
{
    char *text = printed(&f->faults);
    assert_string_equal(text, expected);
    free(text);
}

static void test_faults(void **state)
{
    struct fixture *f = *state;
    faults_add(&f->faults, "a.json", "/on/x", "unknown %s", "verb");
    faults_warn(&f->faults, "b.json", "", "odd");
    assert_int_equal(f->faults.count, 2);
    assert_int_equal(f->faults.errors, 1);
    assert_int_equal(f->faults.warnings, 1);
    check_printed(f, "a.json:/on/x: unknown verb\nb.json: warning: odd\n");
}

static void test_suggest(void **state)
{
    (void)state;
    static const char *const names[] = {"add", "subtract", "set", "set_once", "max"};
    assert_string_equal(suggest("ad", names, COUNT_OF(names)), "add");
    assert_string_equal(suggest("substract", names, COUNT_OF(names)), "subtract");
    assert_string_equal(suggest("sett", names, COUNT_OF(names)), "set");
    assert_string_equal(suggest("setonce", names, COUNT_OF(names)), "set_once");
    assert_string_equal(suggest("subratckt", names, COUNT_OF(names)), "subtract");
    assert_null(suggest("push", names, COUNT_OF(names)));
    assert_null(suggest("xy", names, COUNT_OF(names)));
    assert_null(suggest("", names, COUNT_OF(names)));
    assert_null(suggest("add", names, 0));
    static const char *const brief[] = {"id", "of"};
    assert_null(suggest("xy", brief, COUNT_OF(brief)));
    assert_string_equal(suggest("if", brief, COUNT_OF(brief)), "id");
}

static cJSON *parse(struct fixture *f, const char *text)
{
    return jsonfile_parse("v.json", str_of(text), &f->faults);
}

static void test_comments(void **state)
{
    struct fixture *f = *state;
    cJSON *tree = parse(
        f, "\xef\xbb\xbf// first\n{ /* a \" quote\n */ \"a//b\": \"/*x*/\\\"//\" // end\n}//");
    assert_non_null(tree);
    assert_string_equal(cJSON_GetObjectItem(tree, "a//b")->valuestring, "/*x*/\"//");
    cJSON_Delete(tree);
    assert_int_equal(f->faults.count, 0);
}

static void test_places(void **state)
{
    struct fixture *f = *state;
    assert_null(parse(f, "{ /* two\nlines */ \"a\": 1,\n  x }"));
    assert_null(parse(f, "{\n}  /* open"));
    assert_null(parse(f, "{\"a\": \"open // x"));
    assert_null(parse(f, "{\"a\": / 1}"));
    assert_null(parse(f, ""));
    check_printed(f,
                  "v.json:line 3, column 3: found 'x' where a member's name in quotes should be\n"
                  "v.json:line 2, column 4: this comment is never closed with */\n"
                  "v.json:line 1, column 17: the text ends inside a string\n"
                  "v.json:line 1, column 7: found '/' where a value should be\n"
                  "v.json:line 1, column 1: the text ends where a value should be\n");
}

static void test_repeated(void **state)
{
    struct fixture *f = *state;
    assert_null(
        parse(f, "{\"a\": [{\"b/c\": 1, \"b/c\": 2, \"b/c\": 3}], \"x\": {\"a\": 1}, \"x\": 1}"));
    check_printed(f, "v.json:/a/0/b~1c: member \"b/c\" stands here more than once\n"
                     "v.json:/x: member \"x\" stands here more than once\n");
}

static void test_known(void **state)
{
    struct fixture *f = *state;
    static const char *const known[] = {"view", "about"};
    cJSON *tree = parse(f, "{\"veiw\": 1, \"about\": 2, \"something~\": 3}");
    jsonfile_known(tree, "v.json", "/x", known, COUNT_OF(known), &f->faults);
    cJSON_Delete(tree);
    check_printed(f, "v.json:/x/veiw: unknown member \"veiw\"; did you mean \"view\"?\n"
                     "v.json:/x/something~0: unknown member \"something~\"; known here: \"view\", "
                     "\"about\"\n");
}

static void test_load_files(void **state)
{
    struct fixture *f = *state;
    assert_null(jsonfile_load("missing.json", &f->faults));
    assert_int_equal(mkdir("folder", 0700), 0);
    assert_null(jsonfile_load("folder", &f->faults));
    write_file("other.json", "");
    assert_int_equal(truncate("other.json", JSONFILE_MAX + 100), 0);
    assert_null(jsonfile_load("other.json", &f->faults));
    check_printed(f, "missing.json: cannot be opened: No such file or directory\n"
                     "folder: is not a file\n"
                     "other.json: has 4194404 bytes; at most 4194304 are read\n");
    write_file("other.json", "[1]");
    cJSON *tree = jsonfile_load("other.json", &f->faults);
    assert_int_equal(cJSON_GetArraySize(tree), 1);
    cJSON_Delete(tree);
}

static void test_load_text(void **state)
{
    struct fixture *f = *state;
    struct arena arena = {0};
    assert_false(str_is(jsonfile_text("missing.json", &arena, &f->faults)));
    write_file("other.json", "{\"a\": 1, \"a\": 2}");
    assert_false(str_is(jsonfile_text("other.json", &arena, &f->faults)));
    write_file("other.json", "");
    assert_false(str_is(jsonfile_text("other.json", &arena, &f->faults)));
    check_printed(f, "missing.json: cannot be opened: No such file or directory\n"
                     "other.json:/a: member \"a\" stands here more than once\n"
                     "other.json:line 1, column 1: the text ends where a value should be\n");
    write_file("other.json", "[1.10, /* no */ 12345678901234567890]");
    struct str text = jsonfile_text("other.json", &arena, &f->faults);
    assert_true(str_eq(text, STR("[1.10,          12345678901234567890]")));
    arena_release(&arena);
}

static void test_list_folder(void **state)
{
    struct folder folder = {0};
    struct error error;
    (void)state;
    assert_int_equal(mkdir("listed", 0700), 0);
    static const char *const names[] = {"listed/b.json", "listed/a.json", "listed/.c.json",
                                        "listed/.json", "listed/d.jso"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        write_file(names[i], "");
    assert_true(folder_list("listed", ".json", 2, &folder, &error));
    assert_int_equal(folder.count, 2);
    assert_string_equal(folder.at[0], "listed/a.json");
    assert_string_equal(folder.at[1], "listed/b.json");
    folder_release(&folder);
    assert_false(folder_list("listed", ".json", 1, &folder, &error));
    assert_string_equal(error.text, "more than 1 files end in .json");
    folder_release(&folder);
    assert_false(folder_list("none", ".json", 1, &folder, &error));
    assert_string_equal(error.text, "No such file or directory");
    assert_false(folder_ends(".json", ".json"));
    for (size_t i = 0; i < COUNT_OF(names); i++)
        unlink(names[i]);
    assert_int_equal(rmdir("listed"), 0);
}

static bool load(struct fixture *f, const char *content)
{
    config_release(&f->config);
    faults_release(&f->faults);
    write_file("fanfold.json", content);
    return config_load(NULL, &f->config, &f->faults);
}

static void test_defaults(void **state)
{
    struct fixture *f = *state;
    assert_true(load(f, "{\"logs\": [{\"exchange\": \"shop.events\"}]}"));
    const struct config *c = &f->config;
    assert_string_equal(c->path, "fanfold.json");
    assert_string_equal(c->views, "views");
    assert_string_equal(c->amqp.host, "127.0.0.1");
    assert_string_equal(c->amqp.user, "guest");
    assert_null(c->amqp.password);
    assert_string_equal(c->amqp.vhost, "/");
    assert_int_equal(c->redis.port, 6379);
    assert_int_equal(c->log_count, 1);
    assert_int_equal(c->logs[0].partitions, 1);
    assert_null(c->logs[0].max_age);
    assert_string_equal(c->logs[0].bind, "");
    assert_int_equal(c->logs[0].dedupe_window, CONFIG_DEDUPE_WINDOW_DEFAULT);
    assert_null(c->logs[0].read.type);
    assert_ptr_equal(config_log(c, "shop.events"), &c->logs[0]);
    assert_null(config_log(c, "other"));
    char *partition = log_intake(&c->logs[0]);
    assert_string_equal(partition, "shop.events.log.0");
    free(partition);
}

static void test_everything(void **state)
{
    struct fixture *f = *state;
    assert_true(
        load(f, "{ // the shop\n"
                "\"about\": \"x\", \"amqp\": \"amqp://u:p@h:1/v\", \"redis\": \"redis://r/2\","
                "\"views\": \"/srv/views\", \"logs\": ["
                "{\"exchange\": \"a\", \"partitions\": 1, \"max_age\": \"30D\", \"about\": 1,"
                " \"dedupe_window\": 0, \"bind\": \"sensors.#\", \"read\": {\"about\": 2,"
                " \"type\": \"/x-github-event\", \"id\": \"/data/uuid\", \"source\": \"/data/s\","
                " \"subject\": \"/data/a~1b~0\", \"time\": \"/data/t\","
                " \"correlationid\": \"/data/c\"}},"
                "{\"exchange\": \"b\", \"max_age\": null, \"dedupe_window\": 16777216}]}"));
    const struct config *c = &f->config;
    assert_string_equal(c->amqp.password, "p");
    assert_int_equal(c->redis.db, 2);
    assert_string_equal(c->views, "/srv/views");
    assert_int_equal(c->log_count, 2);
    assert_string_equal(c->logs[0].max_age, "30D");
    assert_string_equal(c->logs[0].bind, "sensors.#");
    assert_int_equal(c->logs[0].dedupe_window, 0);
    assert_string_equal(c->logs[0].read.type, "/x-github-event");
    assert_string_equal(c->logs[0].read.id, "/data/uuid");
    assert_string_equal(c->logs[0].read.source, "/data/s");
    assert_string_equal(c->logs[0].read.subject, "/data/a~1b~0");
    assert_string_equal(c->logs[0].read.time, "/data/t");
    assert_string_equal(c->logs[0].read.correlationid, "/data/c");
    assert_int_equal(c->logs[1].dedupe_window, CONFIG_DEDUPE_WINDOW_MAX);
}

/* The rules stand in the file, or in one beside it, whose faults name that one. */
static void test_upcast(void **state)
{
    struct fixture *f = *state;
    static const char rules[] = "[{\"type\": \"a\", \"to\": {\"type\": \"b\"}}] // as of today";
    assert_true(load(f,
                     "{\"logs\": [{\"exchange\": \"x\", \"upcast\": [{\"type\": \"a\","
                     " \"to\": {\"type\": \"b\"}}]}, {\"exchange\": \"y\", \"upcast\": null}]}"));
    assert_int_equal(f->config.logs[0].upcast.count, 1);
    assert_int_equal(f->config.logs[1].upcast.count, 0);
    uint64_t digest = f->config.logs[0].upcast.digest;
    write_file("other.json", rules);
    assert_true(load(f, "{\"logs\": [{\"exchange\": \"x\", \"upcast\": \"other.json\"}]}"));
    assert_true(f->config.logs[0].upcast.digest == digest);
    write_file("other.json", "[{\"type\": \"a\", \"rename\": {\"/data/a\": \"/b\"}}]");
    assert_false(load(f, "{\"logs\": [{\"exchange\": \"x\", \"upcast\": \"other.json\"},"
                         " {\"exchange\": \"y\", \"upcast\": \"missing.json\"},"
                         " {\"exchange\": \"z\", \"upcast\": {}},"
                         " {\"exchange\": \"w\", \"upcast\": [{\"type\": \"a\", \"too\": 1}]}]}"));
    check_printed(
        f, "other.json:/0/rename/~1data~1a: \"/b\" is not inside \"/data\", and only data is "
           "changed; write \"/data/b\"\n"
           "fanfold.json:/logs/1/upcast: missing.json cannot be read: No such file or directory; "
           "write the rules here, or the name of a file with them\n"
           "fanfold.json:/logs/2/upcast: the rules are a list: [ {\"type\": \"…\", …} ]\n"
           "fanfold.json:/logs/3/upcast/0/too: unknown member \"too\"; did you mean \"to\"?\n"
           "fanfold.json:/logs/3/upcast/0: does nothing; write \"rename\", \"move\", \"split\", "
           "\"default\" or \"to\"\n");
}

static void test_one_log(void **state)
{
    struct fixture *f = *state;
    struct log_config log;
    assert_true(config_log_parse("--log",
                                 STR("{\"exchange\": \"a\", \"partitions\": 4, "
                                     "\"partition_by\": \"/data/k\", \"read\": {\"id\": \"/x\"}}"),
                                 &log, &f->faults));
    assert_string_equal(log.exchange, "a");
    assert_int_equal(log.partitions, 4);
    assert_string_equal(log.partition_by, "/data/k");
    assert_string_equal(log.read.id, "/x");
    assert_null(log.read.type);
    config_log_release(&log);
    assert_false(config_log_parse("--log", STR("{\"exchange\": \"a\", \"partitions\": 0}"), &log,
                                  &f->faults));
    assert_false(config_log_parse("--log", STR("{"), &log, &f->faults));
    assert_false(config_log_parse("--log", STR("[]"), &log, &f->faults));
    assert_int_equal(f->faults.errors, 3);
    assert_string_equal(f->faults.at[0].file, "--log");
    assert_string_equal(f->faults.at[0].pointer, "/partitions");
}

/* Every fault of the file in one go. */
static void test_all_faults(void **state)
{
    struct fixture *f = *state;
    assert_false(
        load(f, "{\"ampq\": 1, \"amqp\": \"http://u:hunter2@h\", \"redis\": 5, \"views\": \"\","
                "\"logs\": [ 7, {}, {\"exchange\": \"amq.topic\"}, {\"exchange\": \"\"},"
                "{\"exchange\": \"a\", \"partitions\": 257, \"partition_by\": \"data\", "
                "\"max_age\": \"30d\","
                " \"dedupe_window\": 16777217, \"bind\": 1, \"read\": {\"idd\": \"/x\","
                " \"type\": \"data\", \"time\": \"/a~2\"}},"
                "{\"exchange\": \"a\", \"dedupe_window\": 1.5, \"read\": []}]}"));
    check_printed(
        f,
        "fanfold.json:/ampq: unknown member \"ampq\"; did you mean \"amqp\"?\n"
        "fanfold.json:/amqp: the address does not begin with amqp:// or amqps://\n"
        "fanfold.json:/redis: must be a text in quotes\n"
        "fanfold.json:/logs/0: must be an object: {\"exchange\": \"…\"}\n"
        "fanfold.json:/logs/1: \"exchange\" is missing: the exchange to log\n"
        "fanfold.json:/logs/2/exchange: \"amq.topic\" begins with \"amq.\", which is the broker's "
        "own\n"
        "fanfold.json:/logs/3/exchange: has 0 bytes; 1 to 200 are allowed\n"
        "fanfold.json:/logs/4/partitions: must be a whole number from 1 to 256; 1: all events "
        "have one order\n"
        "fanfold.json:/logs/4/partition_by: \"data\" is not a JSON pointer; write \"/data/…\" for "
        "the "
        "body, \"/name\" for a header\n"
        "fanfold.json:/logs/4/max_age: \"30d\" is not a number and one of Y M D h m s, as in "
        "\"30D\"; null: for ever\n"
        "fanfold.json:/logs/4/bind: must be a text in quotes\n"
        "fanfold.json:/logs/4/dedupe_window: must be a whole number from 0 to 16777216\n"
        "fanfold.json:/logs/4/read/idd: unknown member \"idd\"; did you mean \"id\"?\n"
        "fanfold.json:/logs/4/read/type: \"data\" is not a JSON pointer; write \"/data/…\" for the "
        "body, \"/name\" for a header\n"
        "fanfold.json:/logs/4/read/time: \"/a~2\" is not a JSON pointer; write \"/data/…\" for the "
        "body, \"/name\" for a header\n"
        "fanfold.json:/logs/5/dedupe_window: must be a whole number from 0 to 16777216\n"
        "fanfold.json:/logs/5/read: must be an object: {\"type\": \"/data/kind\", …}\n"
        "fanfold.json:/logs/5/exchange: \"a\" stands in \"logs\" already\n"
        "fanfold.json:/views: must name a folder\n");
    assert_int_equal(f->config.log_count, 0);
}

static void test_no_logs(void **state)
{
    struct fixture *f = *state;
    static const char *const bad[] = {"{}", "{\"logs\": []}", "{\"logs\": {}}", "[]", "{"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_false(load(f, bad[i]));
        assert_int_equal(f->faults.errors, 1);
    }
}

static void test_which_file(void **state)
{
    struct fixture *f = *state;
    if (access("/etc/fanfold/fanfold.json", F_OK) != 0) {
        assert_false(config_load(NULL, &f->config, &f->faults));
        check_printed(f, "fanfold.json: no configuration: $FANFOLD_CONFIG is not set, and neither "
                         "./fanfold.json nor /etc/fanfold/fanfold.json exists; name a file with "
                         "--config FILE\n");
        faults_release(&f->faults);
    }
    write_file("fanfold.json", "{\"logs\": [{\"exchange\": \"near\"}]}");
    write_file("other.json", "{\"logs\": [{\"exchange\": \"other\"}]}");
    char path[128], views[128];
    snprintf(path, sizeof path, "%s/other.json", f->folder);
    snprintf(views, sizeof views, "%s/views", f->folder);
    setenv("FANFOLD_CONFIG", path, 1);
    assert_true(config_load(NULL, &f->config, &f->faults));
    assert_string_equal(f->config.logs[0].exchange, "other");
    assert_string_equal(f->config.views, views);
    assert_string_equal(f->config.path, path);
    config_release(&f->config);

    write_file("other.json", "{\"views\": \"/srv/v\", \"logs\": [{\"exchange\": \"other\"}]}");
    assert_true(config_load(path, &f->config, &f->faults));
    assert_string_equal(f->config.views, "/srv/v");
    config_release(&f->config);

    assert_true(config_load("fanfold.json", &f->config, &f->faults));
    assert_string_equal(f->config.logs[0].exchange, "near");
    config_release(&f->config);

    /* A file asked for by name is never replaced by another. */
    setenv("FANFOLD_CONFIG", "missing.json", 1);
    assert_false(config_load(NULL, &f->config, &f->faults));
    check_printed(f, "missing.json: cannot be opened: No such file or directory\n");
}

static void test_environment(void **state)
{
    struct fixture *f = *state;
    const char *file = "{\"amqp\": \"amqp://u:p@h/v\", \"logs\": [{\"exchange\": \"a\"}]}";
    setenv("FANFOLD_AMQP_URL", "amqp://env:envpw@e:99/w", 1);
    setenv("FANFOLD_REDIS_URL", "redis://e2/4", 1);
    setenv("CREDENTIALS_DIRECTORY", f->folder, 1);
    assert_true(load(f, file));
    assert_string_equal(f->config.amqp.password, "envpw");
    assert_string_equal(f->config.redis.host, "e2");
    assert_null(f->config.redis.password);

    write_file("amqp-password", "from file\n");
    write_file("redis-password", "no-eol");
    assert_true(load(f, file));
    assert_string_equal(f->config.amqp.user, "env");
    assert_string_equal(f->config.amqp.password, "from file");
    assert_string_equal(f->config.redis.password, "no-eol");

    write_file("amqp-password", "two\nlines\n");
    write_file("redis-password", "");
    setenv("FANFOLD_REDIS_URL", "nonsense", 1);
    assert_false(load(f, file));
    assert_int_equal(f->faults.errors, 3);
    assert_string_equal(f->faults.at[0].file, "FANFOLD_REDIS_URL");
    assert_string_equal(f->faults.at[1].text, "must hold one line: the password");
    assert_string_equal(f->faults.at[2].text, "must hold one line: the password");
    assert_null(strstr(f->faults.at[0].text, "nonsense"));
}

/* It could never be connected to, so it is a fault of the file and not a matter of waiting. */
static void test_redis_over_tls(void **state)
{
    struct fixture *f = *state;
    assert_false(load(f, "{\"redis\": \"rediss://u:pw@h/1\", \"logs\": [{\"exchange\": \"a\"}]}"));
    assert_int_equal(f->faults.errors, 1);
    assert_string_equal(f->faults.at[0].pointer, "/redis");
    assert_non_null(strstr(f->faults.at[0].text, "rediss://u@h:6380/1: "));
    assert_non_null(strstr(f->faults.at[0].text, "redis+unix:///"));
    assert_non_null(strstr(f->faults.at[0].text, "stunnel"));
}

#define TWO "\"targets\": {\"paris\": \"redis://u:pw@p/1\", \"rome\": \"redis://r:7000\"},"

static void test_targets(void **state)
{
    struct fixture *f = *state;
    struct error error;
    assert_true(load(f, "{" TWO "\"logs\": [{\"exchange\": \"a\"}]}"));
    struct config *c = &f->config;
    assert_int_equal(c->targets.count, 2);
    assert_null(c->target);
    assert_null(c->redis.host);
    assert_false(config_choose(c, NULL, &error));
    assert_int_equal(error.kind, ERROR_USAGE);
    assert_string_equal(error.text,
                        "fanfold.json has 2 targets; say which with --target NAME: paris, rome");
    assert_false(config_choose(c, "pariss", &error));
    assert_string_equal(error.text,
                        "there is no target \"pariss\" in fanfold.json; did you mean \"paris\"?");
    assert_true(config_choose(c, "paris", &error));
    assert_string_equal(c->target, "paris");
    assert_string_equal(c->redis.password, "pw");
    assert_true(config_choose(c, "rome", &error));
    assert_string_equal(c->target, "rome");
    assert_string_equal(c->redis.host, "r");
    assert_int_equal(c->redis.port, 7000);

    assert_true(load(f, "{\"targets\": {\"paris\": \"redis://p\"}, "
                        "\"logs\": [{\"exchange\": \"a\"}]}"));
    assert_string_equal(c->target, "paris");
    assert_string_equal(c->redis.host, "p");
    assert_true(config_choose(c, NULL, &error));
    assert_true(config_choose(c, "paris", &error));

    assert_true(load(f, "{\"targets\": null, \"logs\": [{\"exchange\": \"a\"}]}"));
    assert_null(c->target);
    assert_true(config_choose(c, NULL, &error));
    assert_int_equal(c->redis.port, 6379);
    assert_false(config_choose(c, "paris", &error));
    assert_string_equal(error.text, "there is no target \"paris\": fanfold.json names no "
                                    "\"targets\", only one Redis");
}

static void test_targets_and_one_redis(void **state)
{
    struct fixture *f = *state;
    setenv("FANFOLD_REDIS_URL", "redis://e", 1);
    assert_false(load(f, "{" TWO "\"redis\": \"redis://r\", \"logs\": [{\"exchange\": \"a\"}]}"));
    check_printed(
        f, "fanfold.json:/redis: stands beside \"targets\"; give it a name in there\n"
           "FANFOLD_REDIS_URL: does not say which of the \"targets\" in fanfold.json it is; unset "
           "it\n");
}

/* A file of its own name wins over the one for all, and both over the address. */
static void test_targets_credentials(void **state)
{
    struct fixture *f = *state;
    setenv("CREDENTIALS_DIRECTORY", f->folder, 1);
    write_file("redis-password-paris", "one\n");
    assert_true(load(f, "{" TWO "\"logs\": [{\"exchange\": \"a\"}]}"));
    assert_string_equal(f->config.targets.at[0].uri.password, "one");
    assert_null(f->config.targets.at[1].uri.password);
    write_file("redis-password", "all\n");
    assert_true(load(f, "{" TWO "\"logs\": [{\"exchange\": \"a\"}]}"));
    assert_string_equal(f->config.targets.at[0].uri.password, "one");
    assert_string_equal(f->config.targets.at[1].uri.password, "all");
    write_file("redis-password-paris", "two\nlines\n");
    assert_false(load(f, "{" TWO "\"logs\": [{\"exchange\": \"a\"}]}"));
    assert_int_equal(f->faults.errors, 1);
    assert_non_null(strstr(f->faults.at[0].file, "/redis-password-paris"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_faults),
        TEST(test_suggest),
        TEST(test_comments),
        TEST(test_places),
        TEST(test_repeated),
        TEST(test_known),
        TEST(test_load_files),
        TEST(test_load_text),
        TEST(test_list_folder),
        TEST(test_defaults),
        TEST(test_everything),
        TEST(test_upcast),
        TEST(test_one_log),
        TEST(test_all_faults),
        TEST(test_no_logs),
        TEST(test_which_file),
        TEST(test_environment),
        TEST(test_redis_over_tls),
        TEST(test_targets),
        TEST(test_targets_and_one_redis),
        TEST(test_targets_credentials),
    };
    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
