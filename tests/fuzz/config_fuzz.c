/*
 * config_fuzz.c: fanfold.json. A file gives a configuration within its limits, or faults.
 */
#include "fuzz.h"

#include "base/partitions.h"
#include <err.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static void check_log(const struct config *config, const struct log_config *log)
{
    const char *const rules[] = {log->read.type,    log->read.id,   log->read.source,
                                 log->read.subject, log->read.time, log->read.correlationid};
    assert(log->exchange && log->exchange[0] && config_log(config, log->exchange) == log);
    assert(log->partitions >= 1 && log->partitions <= PARTITIONS_MAX && log->bind);
    assert(log->dedupe_window <= CONFIG_DEDUPE_WINDOW_MAX);
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        assert(!rules[i] || rules[i][0] == '/');
    assert(log->upcast.count <= UPCAST_RULES_MAX && log->upcast.text.len <= UPCAST_TEXT_MAX);
    char *partition = log_partition(log, (size_t)log->partitions - 1);
    assert(strncmp(partition, log->exchange, strlen(log->exchange)) == 0);
    free(partition);
}

static void check_redis(const struct uri *redis)
{
    assert(!redis->path == (redis->host != NULL));
}

static void check_target(const struct config *config, const struct redis_target *target)
{
    assert(target_is_name(target->name) && targets_find(&config->targets, target->name) == target);
    check_redis(&target->uri);
}

static void check_config(const struct config *config, const char *path)
{
    assert(strcmp(config->path, path) == 0);
    assert(config->log_count > 0 && config->views && config->views[0]);
    assert(config->amqp.host && config->amqp.vhost && config->amqp.port > 0);
    for (size_t i = 0; i < config->targets.count; i++)
        check_target(config, &config->targets.at[i]);
    if (config->targets.count <= 1)
        check_redis(&config->redis);
    for (size_t i = 0; i < config->log_count; i++)
        check_log(config, &config->logs[i]);
}

/* A file that is only memory. */
static int make_file(const uint8_t *data, size_t size)
{
    int fd = memfd_create("fanfold.json", MFD_CLOEXEC);
    if (fd < 0 || (size && write(fd, data, size) != (ssize_t)size))
        err(1, "memfd");
    return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    struct config config;
    struct faults faults = {0};
    unsetenv("FANFOLD_AMQP_URL");
    unsetenv("FANFOLD_REDIS_URL");
    unsetenv("CREDENTIALS_DIRECTORY");
    int fd = make_file(data, size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    bool loaded = config_load(path, &config, &faults);
    assert(loaded == (faults.errors == 0));
    char *views = config_views_folder(path);
    if (loaded) {
        check_config(&config, path);
        assert(views && strcmp(views, config.views) == 0);
        config_release(&config);
    }
    free(views);
    faults_release(&faults);
    close(fd);
    return 0;
}
