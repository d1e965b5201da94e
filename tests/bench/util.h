/* SPDX-License-Identifier: Apache-2.0 */
/* What every part of the benchmark needs: a clock, memory that is there, and a way to give up. */
#ifndef BENCH_UTIL_H
#define BENCH_UTIL_H

#include <stddef.h>
#include <stdint.h>

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

/* Monotonic clock, nanoseconds. */
uint64_t now_ns(void);

/* Zeroed memory; ends the program when there is none. */
void *must_alloc(size_t count, size_t size);
void *must_realloc(void *old, size_t size);

/* Prints "mqbench: ..." to stderr and exits with 2: the run couldn't be made. */
void die(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* Append to a text under construction; they return its new end and write no NUL. */
char *put_text(char *end, const char *text);
char *put_number(char *end, uint64_t number);

#endif
