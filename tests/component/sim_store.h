/*
 * sim_store.h: a Redis that a test can hurt. The RAM store is the server; each worker has a link to
 * it, which is its struct store; between them is a wire on which requests and replies wait, get
 * lost, come late, or come twice.
 *
 *     struct sim_server *server = sim_server_new();
 *     struct sim_link *link = sim_link_new(server);      link->store is what the worker is given
 *     sim_link_execute(link);                    the server takes the requests that have arrived
 *     sim_link_answer(link);                     the worker gets the replies that have arrived
 *     sim_server_turn(server);                   time passes; requests without a sender arrive
 *
 * A copy of every commit that was carried out is kept: sim_server_roll_back() makes a server that
 * never saw the last of them.
 */
#ifndef FANFOLD_TESTS_SIM_STORE_H
#define FANFOLD_TESTS_SIM_STORE_H

#include "naive.h"
#include <fanfold/store.h>

/* What happens to the next commit of a link. */
enum sim_fault {
    SIM_NONE,
    SIM_LOST_REPLY,   /* carried out; the connection dies before the answer */
    SIM_LOST_REQUEST, /* the connection dies, nothing is carried out */
    SIM_LATE_REQUEST, /* the connection dies, and the server reads the request long after */
    SIM_DOUBLE,       /* carried out, and once more long after */
    SIM_SLOW_REPLY,   /* carried out; the answer takes many turns */
    SIM_SLOW_REQUEST, /* takes many turns until it is carried out */
    SIM_FAILED,       /* refused (out of memory, …), and the next ones, of the view last */
    SIM_FROZEN,       /* a switch of generations is under way, likewise */
    SIM_FAILED_LOAD,  /* of the next load: the server refuses it */
    SIM_FAULTS
};

struct sim_request;

/* A commit whose sender is gone, or has its answer. */
struct sim_late {
    struct batch *batch;
    unsigned due;
};

struct sim_server {
    struct store *ram;
    struct batch **done; /* commits carried out, oldest first */
    size_t done_count, done_cap;
    struct sim_late *late;
    size_t late_count, late_cap;
    unsigned turn;
    /* After a commit was carried out. */
    void (*committed)(void *arg, const struct batch *batch);
    void *arg;
    unsigned answers[COMMIT_UNKNOWN + 1];                                /* given to workers */
    unsigned late_committed, late_harmless, undone, failed_loads, reads; /* how often */
};

struct sim_link {
    struct store store; /* first */
    struct sim_server *server;
    struct sim_request *queue; /* in the order of the calls */
    size_t count, cap;
    bool up, dead;
    unsigned up_at;       /* server turn at which the connection is there again */
    enum sim_fault fault; /* of the next commit (or load) */
    unsigned patience;    /* turns that "late" and "slow" mean; commits that fail */
    unsigned felt[SIM_FAULTS];
    /* Per view: what this worker was told is in, as offset + 1; 0: nothing. */
    uint64_t told[NAIVE_VIEWS];
};

enum naive_view sim_view_of(const char *name);

struct sim_server *sim_server_new(void);
void sim_server_free(struct sim_server *server);
void sim_server_turn(struct sim_server *server);
/* Forgets the last `count` commits that were carried out; returns how many there were to forget. */
size_t sim_server_roll_back(struct sim_server *server, size_t count);
/* To be released by the caller. */
struct task_state sim_server_state(struct sim_server *server, enum naive_view view);

/* The worker frees it: store_free(&link->store). */
struct sim_link *sim_link_new(struct sim_server *server);
bool sim_link_execute(struct sim_link *link);
bool sim_link_answer(struct sim_link *link);
/* What becomes of the requests that are on the wire when the connection dies. */
enum sim_fate { SIM_CARRIED_OUT, SIM_LOST, SIM_LATE };
void sim_link_cut(struct sim_link *link, enum sim_fate fate);
/* True once, when a cut connection is there again. */
bool sim_link_reconnects(struct sim_link *link);
/* The worker died: nothing that it asks for from now on reaches the server. */
void sim_link_kill(struct sim_link *link, enum sim_fate fate);

#endif
