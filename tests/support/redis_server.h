/*
 * redis_server.h: a private Redis for one test program, on a free port of the loopback.
 *
 *     struct redis_server server;
 *     redis_server_start(&server, NULL);          or {"--requirepass", "secret", NULL}
 *     …connect to 127.0.0.1:server.port…
 *     redis_server_stop(&server);                 killed by its pid; its folder is removed
 *
 * The server dies with the test program. What goes wrong ends the program with a message: a test
 * without its server has nothing to say.
 */
#ifndef FANFOLD_TESTS_REDIS_SERVER_H
#define FANFOLD_TESTS_REDIS_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

struct redis_server {
    pid_t pid; /* 0: not running */
    int port;
    char folder[64]; /* its data, log and socket */
    char uri[64];    /* "redis://127.0.0.1:<port>/0" */
    const char *const *options;
};

/* options: further arguments of redis-server up to a NULL, or NULL; they must outlive the server.
 * Nothing is persisted unless they say so. Returns when the server answers. */
void redis_server_start(struct redis_server *server, const char *const *options);
/* SIGKILL: what a crash leaves. Then redis_server_again() starts it on the same port and folder. */
void redis_server_kill(struct redis_server *server);
void redis_server_again(struct redis_server *server);
/* Does nothing for a zeroed one, or a second time. */
void redis_server_stop(struct redis_server *server);

#endif
