/*
 * interrupt.h: Ctrl-C and SIGTERM for programs that block: a flag instead of an end.
 */
#ifndef FANFOLD_CLI_INTERRUPT_H
#define FANFOLD_CLI_INTERRUPT_H

/* From now on SIGINT and SIGTERM make *result non-zero and end system calls with EINTR. A second
 * one ends the program. */
const volatile int *interrupt_catch(void);

#endif
