/*
 * notify.h: tells systemd how the service does (sd_notify(3)), by the protocol itself: one datagram
 * to the socket that $NOTIFY_SOCKET names. Does nothing where there is none.
 */
#ifndef FANFOLD_WORKER_NOTIFY_H
#define FANFOLD_WORKER_NOTIFY_H

#include <stdint.h>

/* state: newline-separated assignments, "READY=1\nSTATUS=…". */
void notify(const char *state);
/* RELOADING=1 with the monotonic time that systemd 253 and later ask for (FACTS 6). */
void notify_reloading(void);
/* How often WATCHDOG=1 is due, in milliseconds: half of $WATCHDOG_USEC; 0: no watchdog. */
int64_t notify_watchdog_ms(void);

#endif
