/*
 * partitions.c: names of streams.
 */
#include "base/partitions.h"
#include "base/buf.h"
#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

#define SET_DIGEST_LEN 8

bool log_is_recorded(const struct log_config *log)
{
    return log->partitions > 1;
}

const char *log_partition_by(const struct log_config *log)
{
    return log->partition_by ? log->partition_by : PARTITION_BY_DEFAULT;
}

/* The rule of `read` that the key goes through; NULL: none. */
static const char *rule_of(const struct log_config *log)
{
    const struct read_rules *read = &log->read;
    const struct {
        const char *attribute, *rule;
    } rules[] = {{"/type", read->type},     {"/id", read->id},
                 {"/source", read->source}, {"/subject", read->subject},
                 {"/time", read->time},     {"/correlationid", read->correlationid}};
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (strcmp(log_partition_by(log), rules[i].attribute) == 0)
            return rules[i].rule;
    return NULL;
}

/* "" for the plain subject. */
static void key_digest(const struct log_config *log, char out[HASH_HEX_LEN + 1])
{
    const char *by = log_partition_by(log), *rule = rule_of(log);
    out[0] = '\0';
    if (!rule && strcmp(by, PARTITION_BY_DEFAULT) == 0)
        return;
    const struct str parts[] = {str_of(by), rule ? str_of(rule) : STR("")};
    hash_hex(hash128_of(parts, 2).lo, out);
}

static char *set_of(const struct log_config *log)
{
    char digest[HASH_HEX_LEN + 1];
    struct buf name = {0};
    key_digest(log, digest);
    buf_printf(&name, "%d%s%.*s", log->partitions, digest[0] ? "-" : "", SET_DIGEST_LEN, digest);
    return (char *)buf_text(&name);
}

/* "<exchange><between><end>"; end is freed. */
static char *name_of(const struct log_config *log, const char *between, char *end)
{
    struct buf name = {0};
    buf_printf(&name, "%s%s%s", log->exchange, between, end ? end : "");
    free(end);
    return (char *)buf_text(&name);
}

char *log_intake(const struct log_config *log)
{
    return name_of(log, ".log.0", NULL);
}

char *log_part_exchange(const struct log_config *log)
{
    return name_of(log, ".part", NULL);
}

char *log_part_key(const struct log_config *log, size_t i)
{
    char *set = set_of(log);
    struct buf key = {0};
    buf_printf(&key, "%s.%zu", set, i);
    free(set);
    return (char *)buf_text(&key);
}

char *log_partition(const struct log_config *log, size_t i)
{
    return log_is_recorded(log) ? name_of(log, ".part.", log_part_key(log, i)) : log_intake(log);
}

char *log_recorder_queue(const struct log_config *log)
{
    return name_of(log, ".recorder.", set_of(log));
}

bool partition_is_recorded(const char *name)
{
    static const char intake[] = ".log.0";
    size_t len = strlen(name), end = sizeof intake - 1;
    return len < end || strcmp(name + len - end, intake) != 0;
}

/* Is it a name of that form, whatever P and key the log has now? */
static bool is_part_name(const struct log_config *log, const char *name)
{
    size_t len = strlen(log->exchange);
    return strncmp(name, log->exchange, len) == 0 && strncmp(name + len, ".part.", 6) == 0;
}

bool log_has_partition(const struct log_config *log, const char *name)
{
    char *intake = log_intake(log);
    bool has = strcmp(name, intake) == 0 || is_part_name(log, name);
    free(intake);
    return has;
}

bool log_same_key(const struct log_config *a, const struct log_config *b)
{
    char of_a[HASH_HEX_LEN + 1], of_b[HASH_HEX_LEN + 1];
    key_digest(a, of_a);
    key_digest(b, of_b);
    return strcmp(of_a, of_b) == 0;
}

void partition_list_add(struct partition_list *list, const struct log_config *log)
{
    size_t count = (size_t)log->partitions;
    list->at = must_realloc(list->at, (list->count + count) * sizeof *list->at);
    for (size_t i = 0; i < count; i++)
        list->at[list->count++] = log_partition(log, i);
}

void partition_list_add_all(struct partition_list *list, const struct log_config *logs,
                            size_t count)
{
    for (size_t i = 0; i < count; i++)
        partition_list_add(list, &logs[i]);
}

void partition_list_release(struct partition_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->at[i]);
    free(list->at);
    *list = (struct partition_list){0};
}
