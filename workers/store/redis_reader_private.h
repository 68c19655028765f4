/*
 * redis_reader_private.h: what the reader's files share: asking, and what can be wrong with
 * answers.
 */
#ifndef FANFOLD_STORE_REDIS_READER_PRIVATE_H
#define FANFOLD_STORE_REDIS_READER_PRIVATE_H

#include <fanfold/redis_reader.h>
#include <hiredis/hiredis.h>

struct redis_reader {
    redisContext *context;
    char *where; /* "host:port" or the socket's path, for errors */
};

/* redisCommand's format; freeReplyObject() the answer. It may be a WRONGTYPE error, but no other:
 * NULL when there was no answer or an error, and `error` says why. */
redisReply *reader_ask(struct redis_reader *reader, struct error *error, const char *format, ...);
/* The same with each word as it is. */
redisReply *reader_ask_words(struct redis_reader *reader, struct error *error,
                             const struct str *words, size_t count);
/* Runs a script of scripts.h. */
redisReply *reader_run(struct redis_reader *reader, const char *script, const struct str *keys,
                       size_t key_count, const struct str *args, size_t arg_count,
                       struct error *error);
bool reader_wrong_type(const redisReply *reply);
/* An array whose elements are all texts. */
bool reader_is_texts(const redisReply *reply);
/* For an answer of another shape than `what` gives: sets the error, frees the reply, returns false.
 */
bool reader_unexpected(const struct redis_reader *reader, redisReply *reply, const char *what,
                       struct error *error);

#endif
