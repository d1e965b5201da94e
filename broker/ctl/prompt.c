/* SPDX-License-Identifier: Apache-2.0 */
/* A secret comes from the terminal without echo, or by a pipe. */
#include "ctl/prompt.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
#define ENDING (sizeof(ending) / sizeof(*ending))

/* Set while the terminal doesn't echo; a handler may do no more than that. */
static volatile sig_atomic_t caught;

static void on_signal(int number)
{
	caught = number;
}

/* Signals are let in here only, so that none comes between looking at `caught` and waiting. */
static bool wait_for(const sigset_t *mask)
{
	struct pollfd readable = { .fd = STDIN_FILENO, .events = POLLIN };
	int rc;

	do
		rc = ppoll(&readable, 1, NULL, mask);
	while (rc < 0 && errno == EINTR && !caught);
	return rc > 0;
}

/* Byte by byte: what comes behind the line is somebody else's, and a buffer of stdio's would keep a copy. */
static const char *read_line(const sigset_t *mask, size_t max, struct gh_buf *secret)
{
	uint8_t *p = gh_buf_reserve(secret, max + 1);
	ssize_t got = 0;

	while (secret->n <= max && (!mask || wait_for(mask))) {
		got = read(STDIN_FILENO, p + secret->n, 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0 || p[secret->n] == '\n')
			break;
		secret->n++;
	}
	if (got < 0 || caught)
		return "can't read the secret";
	if (secret->n > max)
		return "the secret is too long";
	return secret->n ? NULL : "the secret is empty";
}

static const char *read_hidden(const char *text, const sigset_t *mask, size_t max,
			       struct gh_buf *secret)
{
	struct termios shown, hidden;
	const char *why;

	if (tcgetattr(STDIN_FILENO, &shown) < 0)
		return "can't ask on the terminal";
	hidden = shown;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	hidden.c_lflag |= ICANON | ISIG | ECHONL;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
	fputs(text, stderr);
	why = read_line(mask, max, secret);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
	return why;
}

const char *gh_prompt(const char *text, size_t max, struct gh_buf *secret)
{
	struct sigaction action = { .sa_handler = on_signal }, before[ENDING];
	sigset_t block, mask;
	const char *why;

	if (!isatty(STDIN_FILENO))
		return read_line(NULL, max, secret);
	sigemptyset(&block);
	for (size_t i = 0; i < ENDING; i++)
		sigaddset(&block, ending[i]);
	sigprocmask(SIG_BLOCK, &block, &mask);
	for (size_t i = 0; i < ENDING; i++)
		sigaction(ending[i], &action, &before[i]);
	why = read_hidden(text, &mask, max, secret);
	for (size_t i = 0; i < ENDING; i++)
		sigaction(ending[i], &before[i], NULL);
	if (caught)
		raise(caught);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return why;
}
