/* SPDX-License-Identifier: Apache-2.0 */
/* Getting a password from a person at a terminal, or from a program on standard input. */
#ifndef GH_AUTH_FILE_PROMPT_H
#define GH_AUTH_FILE_PROMPT_H

#include <gatehouse/types.h>

/* The most that is read: what MQTT can carry. */
#define PASSWD_SECRET_MAX 65535u

struct passwd_secret {
	char *p; /* NULL: none */
	size_t n;
};

/*
 * Standard input is a terminal: asks on it without echo, and with `again` a second time. Otherwise:
 * all of standard input, less one line feed at its end. 0, or GH_EINVAL with `why`: the two differ,
 * or it is empty or of more than one line or too long; GH_EIO: it can't be read. Puts the terminal
 * back before a signal ends the process.
 */
int passwd_secret_get(const char *prompt, const char *again, struct passwd_secret *secret_r,
		      char *why, size_t why_size);

/* Wipes and frees; safe to repeat. */
void passwd_secret_free(struct passwd_secret *secret);

#endif
