/*
 * config.c: fanfold.json into struct config. Every fault of the file is found in one pass: a reader
 * function adds its faults and goes on.
 */
#include "base/config.h"
#include "base/buf.h"
#include "base/jsonfile.h"
#include "base/map.h"
#include "base/partitions.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NEAR_FILE       "fanfold.json"
#define SYSTEM_FILE     "/etc/fanfold/fanfold.json"
#define DEFAULT_AMQP    "amqp://guest@127.0.0.1:5672/%2f"
#define DEFAULT_REDIS   "redis://127.0.0.1:6379/0"
#define DEFAULT_VIEWS   "views"
#define EXCHANGE_MAX    200 /* AMQP's names have 255 bytes; ".recorder.…" is added */
#define BINDING_MAX     255
#define POINTER_MAX     1024
#define PASSWORD_MAX    1024
#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

struct reader {
    const char *file;
    struct faults *faults;
};

/* A member that may be left out; null means the same. */
static const cJSON *optional(const cJSON *object, const char *name)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsNull(member) ? NULL : member;
}

__attribute__((format(printf, 4, 5))) static void
fault_in(struct reader *r, const char *pointer, const char *name, const char *format, ...)
{
    va_list args;
    char text[512];
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    char *place = jsonfile_pointer(pointer, name);
    faults_add(r->faults, r->file, place, "%s", text);
    free(place);
}

/* The text of an optional member, borrowed; NULL when it is absent or (with a fault) no text. */
static const char *read_text(struct reader *r, const cJSON *object, const char *pointer,
                             const char *name)
{
    const cJSON *member = optional(object, name);
    if (!member || cJSON_IsString(member))
        return cJSON_GetStringValue(member);
    fault_in(r, pointer, name, "must be a text in quotes");
    return NULL;
}

/* An optional whole number from min to max. */
static bool read_whole(struct reader *r, const cJSON *object, const char *pointer, const char *name,
                       uint64_t max, uint64_t *value)
{
    const cJSON *member = optional(object, name);
    if (!member)
        return false;
    double number = cJSON_GetNumberValue(member);
    if (cJSON_IsNumber(member) && number >= 0 && number <= (double)max &&
        number == (double)(uint64_t)number) {
        *value = (uint64_t)number;
        return true;
    }
    fault_in(r, pointer, name, "must be a whole number from 0 to %llu", (unsigned long long)max);
    return false;
}

/* RFC 6901, and not the empty pointer: an attribute is never the whole event. */
static bool is_pointer(const char *text)
{
    if (text[0] != '/' || strlen(text) > POINTER_MAX)
        return false;
    for (const char *c = text; (c = strchr(c, '~')); c++)
        if (c[1] != '0' && c[1] != '1')
            return false;
    return true;
}

static char *read_rule(struct reader *r, const cJSON *rules, const char *pointer, const char *name)
{
    const char *text = read_text(r, rules, pointer, name);
    if (!text)
        return NULL;
    if (is_pointer(text))
        return must_strdup(text);
    fault_in(
        r, pointer, name,
        "\"%.60s\" is not a JSON pointer; write \"/data/…\" for the body, \"/name\" for a header",
        text);
    return NULL;
}

static void read_rules(struct reader *r, const cJSON *log, const char *log_pointer,
                       struct read_rules *rules)
{
    static const char *const known[] = {"type",          "id",   "source", "subject", "time",
                                        "correlationid", "about"};
    const cJSON *object = optional(log, "read");
    if (!object)
        return;
    if (!cJSON_IsObject(object)) {
        fault_in(r, log_pointer, "read", "must be an object: {\"type\": \"/data/kind\", …}");
        return;
    }
    char *pointer = jsonfile_pointer(log_pointer, "read");
    jsonfile_known(object, r->file, pointer, known, COUNT_OF(known), r->faults);
    rules->type = read_rule(r, object, pointer, "type");
    rules->id = read_rule(r, object, pointer, "id");
    rules->source = read_rule(r, object, pointer, "source");
    rules->subject = read_rule(r, object, pointer, "subject");
    rules->time = read_rule(r, object, pointer, "time");
    rules->correlationid = read_rule(r, object, pointer, "correlationid");
    free(pointer);
}

/* A relative path is relative to the file that names it. */
static char *beside_file(const char *file, const char *path)
{
    const char *slash = strrchr(file, '/');
    if (path[0] == '/' || !slash)
        return must_strdup(path);
    struct buf beside = {0};
    buf_add(&beside, (struct str){file, (size_t)(slash + 1 - file)});
    buf_add(&beside, str_of(path));
    return (char *)buf_text(&beside);
}

static void read_upcast_file(struct reader *r, const char *log_pointer, const char *name,
                             struct upcast_rules *rules)
{
    char *path = beside_file(r->file, name);
    cJSON *root = NULL;
    if (access(path, R_OK) != 0)
        fault_in(r, log_pointer, "upcast",
                 "%s cannot be read: %s; write the rules here, or the name of a file with them",
                 path, strerror(errno));
    else
        root = jsonfile_load(path, r->faults);
    if (root)
        upcast_rules_read(root, path, "", rules, r->faults);
    cJSON_Delete(root);
    free(path);
}

/* The rules, or the name of the file that holds them. */
static void read_upcast(struct reader *r, const cJSON *log, const char *log_pointer,
                        struct upcast_rules *rules)
{
    const cJSON *member = optional(log, "upcast");
    char *pointer = jsonfile_pointer(log_pointer, "upcast");
    if (cJSON_IsString(member))
        read_upcast_file(r, log_pointer, member->valuestring, rules);
    else if (member)
        upcast_rules_read(member, r->file, pointer, rules, r->faults);
    free(pointer);
}

static bool has_control(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return true;
    return false;
}

static char *read_exchange(struct reader *r, const cJSON *log, const char *pointer)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(log, "exchange");
    const char *name = cJSON_GetStringValue(member);
    if (!member)
        faults_add(r->faults, r->file, pointer, "\"exchange\" is missing: the exchange to log");
    else if (!name)
        fault_in(r, pointer, "exchange", "must be a text: the name of an exchange");
    else if (!name[0] || strlen(name) > EXCHANGE_MAX)
        fault_in(r, pointer, "exchange", "has %zu bytes; 1 to %d are allowed", strlen(name),
                 EXCHANGE_MAX);
    else if (strncmp(name, "amq.", 4) == 0)
        fault_in(r, pointer, "exchange", "\"%s\" begins with \"amq.\", which is the broker's own",
                 name);
    else if (has_control(name))
        fault_in(r, pointer, "exchange", "contains a control character");
    else if (str_ends(str_of(name), STR(".part")))
        fault_in(r, pointer, "exchange",
                 "\"%s\" ends in \".part\", as the exchanges do by which logs are divided into "
                 "partitions",
                 name);
    else
        return must_strdup(name);
    return NULL;
}

/* RabbitMQ: ^[0-9]+[YMDhms]$ */
static bool is_max_age(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    return digits > 0 && text[digits] && strchr("YMDhms", text[digits]) && !text[digits + 1];
}

static char *read_max_age(struct reader *r, const cJSON *log, const char *pointer)
{
    const char *text = read_text(r, log, pointer, "max_age");
    if (!text)
        return NULL;
    if (is_max_age(text))
        return must_strdup(text);
    fault_in(r, pointer, "max_age",
             "\"%.60s\" is not a number and one of Y M D h m s, as in \"30D\"; null: for ever",
             text);
    return NULL;
}

static char *read_bind(struct reader *r, const cJSON *log, const char *pointer)
{
    const char *text = read_text(r, log, pointer, "bind");
    if (!text)
        return must_strdup("");
    if (strlen(text) > BINDING_MAX)
        fault_in(r, pointer, "bind", "has %zu bytes; at most %d are allowed", strlen(text),
                 BINDING_MAX);
    return must_strdup(text);
}

static int read_partitions(struct reader *r, const cJSON *log, const char *pointer)
{
    const cJSON *member = optional(log, "partitions");
    double count = member ? cJSON_GetNumberValue(member) : 1;
    if (count >= 1 && count <= PARTITIONS_MAX && count == (double)(int)count)
        return (int)count;
    fault_in(r, pointer, "partitions",
             "must be a whole number from 1 to %d; 1: all events have one order", PARTITIONS_MAX);
    return 1;
}

static void read_log(struct reader *r, const cJSON *object, const char *pointer,
                     struct log_config *log)
{
    static const char *const known[] = {"exchange", "partitions", "partition_by",
                                        "max_age",  "bind",       "dedupe_window",
                                        "read",     "upcast",     "about"};
    if (!cJSON_IsObject(object)) {
        faults_add(r->faults, r->file, pointer, "must be an object: {\"exchange\": \"…\"}");
        return;
    }
    jsonfile_known(object, r->file, pointer, known, COUNT_OF(known), r->faults);
    log->exchange = read_exchange(r, object, pointer);
    log->partitions = read_partitions(r, object, pointer);
    log->partition_by = read_rule(r, object, pointer, "partition_by");
    log->max_age = read_max_age(r, object, pointer);
    log->bind = read_bind(r, object, pointer);
    log->dedupe_window = CONFIG_DEDUPE_WINDOW_DEFAULT;
    read_whole(r, object, pointer, "dedupe_window", CONFIG_DEDUPE_WINDOW_MAX, &log->dedupe_window);
    read_rules(r, object, pointer, &log->read);
    read_upcast(r, object, pointer, &log->upcast);
}

static void check_unique(struct reader *r, const struct config *config)
{
    struct map seen = {0};
    for (size_t i = 0; i < config->log_count; i++) {
        const char *exchange = config->logs[i].exchange;
        if (!exchange || (*map_put(&seen, str_of(exchange)))++ == 0)
            continue;
        char *pointer = jsonfile_pointer_index("/logs", i);
        fault_in(r, pointer, "exchange", "\"%s\" stands in \"logs\" already", exchange);
        free(pointer);
    }
    map_release(&seen);
}

static void read_logs(struct reader *r, const cJSON *root, struct config *config)
{
    const cJSON *logs = cJSON_GetObjectItemCaseSensitive(root, "logs");
    int count = cJSON_IsArray(logs) ? cJSON_GetArraySize(logs) : 0;
    if (count == 0) {
        faults_add(r->faults, r->file, logs ? "/logs" : "",
                   "\"logs\" must list at least one log: [ { \"exchange\": \"shop.events\" } ]");
        return;
    }
    config->logs = must_calloc((size_t)count, sizeof *config->logs);
    const cJSON *log;
    cJSON_ArrayForEach(log, logs)
    {
        char *pointer = jsonfile_pointer_index("/logs", config->log_count);
        read_log(r, log, pointer, &config->logs[config->log_count++]);
        free(pointer);
    }
    check_unique(r, config);
}

typedef bool uri_parser(const char *text, struct uri *uri, struct error *error);

/* The address from the environment, the file, or the default; a fault names the one it came from.
 */
static void read_address(struct reader *r, const cJSON *root, const char *name,
                         const char *variable, const char *standard, uri_parser *parse,
                         struct uri *uri)
{
    struct error error = {0};
    const char *from_file = read_text(r, root, "", name);
    const char *from_environment = getenv(variable);
    if (from_environment && from_environment[0]) {
        if (!parse(from_environment, uri, &error))
            faults_add(r->faults, variable, "", "%s", error.text);
    } else if (!parse(from_file ? from_file : standard, uri, &error)) {
        fault_in(r, "", name, "%s", error.text);
    }
}

/* One line of at most PASSWORD_MAX bytes; its end of line is cut. NULL with a reason when it is not
 * that. */
static char *read_secret(int fd, const char **reason)
{
    char text[PASSWORD_MAX + 3];
    ssize_t n = read(fd, text, sizeof text - 1);
    if (n < 0) {
        *reason = strerror(errno);
        return NULL;
    }
    text[n] = '\0';
    size_t len = strcspn(text, "\r\n");
    size_t end_of_line = strspn(text + len, "\r\n");
    *reason = "must hold one line: the password";
    if (len == 0 || len > PASSWORD_MAX || len + end_of_line != (size_t)n)
        return NULL;
    return must_strndup(text, len);
}

/* A password file that systemd (LoadCredential=) or a container put there wins over the URI. False:
 * there is none. */
static bool read_credential(struct reader *r, const char *name, struct uri *uri)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    if (!folder || !folder[0])
        return false;
    struct buf path = {0};
    buf_printf(&path, "%s/%s", folder, name);
    int fd = open(buf_text(&path), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    const char *reason = fd < 0 ? strerror(errno) : NULL;
    if (fd >= 0) {
        char *password = read_secret(fd, &reason);
        if (password) {
            free(uri->password);
            uri->password = password;
            reason = NULL;
        }
        close(fd);
    }
    bool found = fd >= 0 || errno != ENOENT;
    if (reason && found)
        faults_add(r->faults, buf_text(&path), "", "%s", reason);
    buf_release(&path);
    return found;
}

/* A target's own password file, else the one for all. */
static void read_target_credential(struct reader *r, struct redis_target *target)
{
    struct buf name = {0};
    buf_printf(&name, "redis-password-%s", target->name);
    if (!read_credential(r, buf_text(&name), &target->uri))
        read_credential(r, "redis-password", &target->uri);
    buf_release(&name);
}

static void read_targets(struct reader *r, const cJSON *root, struct config *config)
{
    const char *variable = getenv("FANFOLD_REDIS_URL");
    if (optional(root, "redis"))
        fault_in(r, "", "redis", "stands beside \"targets\"; give it a name in there");
    if (variable && variable[0])
        faults_add(r->faults, "FANFOLD_REDIS_URL", "",
                   "does not say which of the \"targets\" in %s it is; unset it", r->file);
    for (size_t i = 0; i < config->targets.count; i++)
        read_target_credential(r, &config->targets.at[i]);
}

static void read_redis(struct reader *r, const cJSON *root, struct config *config)
{
    if (targets_read(root, r->file, &config->targets, r->faults)) {
        read_targets(r, root, config);
        return;
    }
    read_address(r, root, "redis", "FANFOLD_REDIS_URL", DEFAULT_REDIS, uri_parse_redis_plain,
                 &config->redis);
    read_credential(r, "redis-password", &config->redis);
}

static char *read_views(struct reader *r, const cJSON *root)
{
    const char *folder = read_text(r, root, "", "views");
    if (folder && !folder[0])
        fault_in(r, "", "views", "must name a folder");
    return beside_file(r->file, folder ? folder : DEFAULT_VIEWS);
}

static void read_root(struct reader *r, const cJSON *root, struct config *config)
{
    static const char *const known[] = {"amqp", "redis", "targets", "logs", "views", "about"};
    if (!cJSON_IsObject(root)) {
        faults_add(r->faults, r->file, "", "must be an object: { \"logs\": […] }");
        return;
    }
    jsonfile_known(root, r->file, "", known, COUNT_OF(known), r->faults);
    read_address(r, root, "amqp", "FANFOLD_AMQP_URL", DEFAULT_AMQP, uri_parse_amqp, &config->amqp);
    read_redis(r, root, config);
    read_credential(r, "amqp-password", &config->amqp);
    read_logs(r, root, config);
    config->views = read_views(r, root);
}

/* NULL with a fault when there is none. A file that was asked for by name is never replaced by
 * another. */
static const char *find_file(const char *path, struct faults *faults)
{
    const char *named = path ? path : getenv("FANFOLD_CONFIG");
    if (named && (path || named[0]))
        return named;
    if (access(NEAR_FILE, F_OK) == 0)
        return NEAR_FILE;
    if (access(SYSTEM_FILE, F_OK) == 0)
        return SYSTEM_FILE;
    faults_add(faults, NEAR_FILE, "",
               "no configuration: $FANFOLD_CONFIG is not set, and neither ./" NEAR_FILE
               " nor " SYSTEM_FILE " exists; name a file with --config FILE");
    return NULL;
}

static void use_target(struct config *config, const struct redis_target *target)
{
    uri_release(&config->redis);
    config->redis = uri_copy(&target->uri);
    config->target = target->name;
}

bool config_load(const char *path, struct config *config, struct faults *faults)
{
    size_t before = faults->errors;
    const char *file = find_file(path, faults);
    cJSON *root = file ? jsonfile_load(file, faults) : NULL;
    if (!root)
        return false;

    struct reader reader = {file, faults};
    struct config result = {.path = must_strdup(file)};
    read_root(&reader, root, &result);
    cJSON_Delete(root);
    if (faults->errors > before) {
        config_release(&result);
        return false;
    }
    if (result.targets.count == 1)
        use_target(&result, &result.targets.at[0]);
    *config = result;
    return true;
}

bool config_choose(struct config *config, const char *name, struct error *error)
{
    const struct targets *targets = &config->targets;
    const struct redis_target *found = name ? targets_find(targets, name) : NULL;
    if (!name && targets->count <= 1)
        return true;
    if (found) {
        use_target(config, found);
        return true;
    }
    struct buf names = {0};
    if (!targets->count) {
        error_set(error, ERROR_USAGE,
                  "there is no target \"%s\": %s names no \"targets\", only one Redis", name,
                  config->path);
    } else if (!name) {
        targets_list(targets, &names);
        error_set(error, ERROR_USAGE, "%s has %zu targets; say which with --target NAME: %s",
                  config->path, targets->count, buf_text(&names));
    } else {
        targets_suggest(targets, name, &names);
        error_set(error, ERROR_USAGE, "there is no target \"%s\" in %s; %s", name, config->path,
                  buf_text(&names));
    }
    buf_release(&names);
    return false;
}

char *config_views_folder(const char *path)
{
    struct faults unsaid = {0}; /* config_load says them */
    const char *file = find_file(path, &unsaid);
    cJSON *root = file ? jsonfile_load(file, &unsaid) : NULL;
    struct reader reader = {file, &unsaid};
    char *folder = root && cJSON_IsObject(root) ? read_views(&reader, root) : NULL;
    cJSON_Delete(root);
    if (unsaid.errors) {
        free(folder);
        folder = NULL;
    }
    faults_release(&unsaid);
    return folder;
}

const struct log_config *config_log(const struct config *config, const char *exchange)
{
    for (size_t i = 0; i < config->log_count; i++)
        if (strcmp(config->logs[i].exchange, exchange) == 0)
            return &config->logs[i];
    return NULL;
}

bool config_log_parse(const char *file, struct str text, struct log_config *log,
                      struct faults *faults)
{
    size_t before = faults->errors;
    cJSON *object = jsonfile_parse(file, text, faults);
    if (!object)
        return false;
    struct reader reader = {file, faults};
    struct log_config result = {0};
    read_log(&reader, object, "", &result);
    cJSON_Delete(object);
    if (faults->errors > before) {
        config_log_release(&result);
        return false;
    }
    *log = result;
    return true;
}

void config_log_release(struct log_config *log)
{
    free(log->exchange);
    free(log->partition_by);
    free(log->max_age);
    free(log->bind);
    free(log->read.type);
    free(log->read.id);
    free(log->read.source);
    free(log->read.subject);
    free(log->read.time);
    free(log->read.correlationid);
    upcast_rules_release(&log->upcast);
}

void config_release(struct config *config)
{
    for (size_t i = 0; i < config->log_count; i++)
        config_log_release(&config->logs[i]);
    free(config->logs);
    free(config->path);
    free(config->views);
    uri_release(&config->amqp);
    uri_release(&config->redis);
    targets_release(&config->targets);
    *config = (struct config){0};
}
