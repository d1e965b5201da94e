/* SPDX-License-Identifier: Apache-2.0 */
/* Getting a password: from the terminal without echo, or from standard input. */
#include <errno.h>
#include <fcntl.h>
#include <gatehouse/lib.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include "prompt.h"
#include "users.h"

static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
#define ENDING (sizeof(ending) / sizeof(*ending))

/* Set while the terminal doesn't echo; a handler may do no more than that. */
static volatile sig_atomic_t caught;

static void on_signal(int number)
{
	caught = number;
}

void passwd_secret_free(struct passwd_secret *secret)
{
	if (secret->p)
		gh_wipe(secret->p, secret->n);
	free(secret->p);
	secret->p = NULL;
	secret->n = 0;
}

/* Signals that end the program are let in here only, so that none comes between looking at `caught`
 * and waiting. */
static bool wait_for(int fd, const sigset_t *mask)
{
	struct pollfd readable = { .fd = fd, .events = POLLIN };
	int rc;

	do
		rc = ppoll(&readable, 1, NULL, mask);
	while (rc < 0 && errno == EINTR && !caught);
	return rc > 0;
}

/* Reads up to the end, or of a terminal (mask) one line, into secret->p, which holds a byte more
 * than the most. */
static bool read_into(int fd, const sigset_t *mask, struct passwd_secret *secret)
{
	while (secret->n <= PASSWD_SECRET_MAX) {
		ssize_t got;

		if (mask && !wait_for(fd, mask))
			return false;
		got = read(fd, secret->p + secret->n, PASSWD_SECRET_MAX + 1 - secret->n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return false;
		secret->n += (size_t)got;
		if (got == 0 || (mask && secret->p[secret->n - 1] == '\n'))
			break;
	}
	return true;
}

static int judge(struct passwd_secret *secret, char *why, size_t why_size)
{
	if (secret->n > PASSWD_SECRET_MAX) {
		snprintf(why, why_size, "the password is longer than 65535 bytes");
		return GH_EINVAL;
	}
	if (secret->n && secret->p[secret->n - 1] == '\n')
		secret->n--;
	if (secret->n && memchr(secret->p, '\n', secret->n)) {
		snprintf(why, why_size, "found more than one line, expected the password alone");
		return GH_EINVAL;
	}
	if (!secret->n) {
		snprintf(why, why_size, "the password is empty");
		return GH_EINVAL;
	}
	return 0;
}

static int get(int fd, const sigset_t *mask, struct passwd_secret *secret_r, char *why,
	       size_t why_size)
{
	struct passwd_secret secret = { auth_file_grow(NULL, PASSWD_SECRET_MAX + 1, 1), 0 };
	int rc;

	if (read_into(fd, mask, &secret)) {
		rc = judge(&secret, why, why_size);
	} else {
		snprintf(why, why_size, "cannot read the password: %s", strerror(errno));
		rc = GH_EIO;
	}
	if (rc == 0)
		*secret_r = secret;
	else
		passwd_secret_free(&secret);
	return rc;
}

/* One question without echo. `before` is the mask of signals to wait with. */
static int ask_hidden(int tty, const char *prompt, const sigset_t *before,
		      struct passwd_secret *secret_r, char *why, size_t why_size)
{
	struct termios shown, hidden;
	int rc;

	if (tcgetattr(tty, &shown) < 0) {
		snprintf(why, why_size, "cannot ask on the terminal: %s", strerror(errno));
		return GH_EIO;
	}
	hidden = shown;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	hidden.c_lflag |= ICANON | ISIG | ECHONL;
	tcsetattr(tty, TCSAFLUSH, &hidden);
	dprintf(tty, "%s", prompt);
	rc = get(tty, before, secret_r, why, why_size);
	tcsetattr(tty, TCSAFLUSH, &shown);
	return rc;
}

static int ask(int tty, const char *prompt, struct passwd_secret *secret_r, char *why, size_t why_size)
{
	struct sigaction action = { .sa_handler = on_signal }, before[ENDING];
	sigset_t block, mask;
	int rc;

	sigemptyset(&block);
	for (size_t i = 0; i < ENDING; i++)
		sigaddset(&block, ending[i]);
	sigprocmask(SIG_BLOCK, &block, &mask);
	for (size_t i = 0; i < ENDING; i++)
		sigaction(ending[i], &action, &before[i]);
	rc = ask_hidden(tty, prompt, &mask, secret_r, why, why_size);
	for (size_t i = 0; i < ENDING; i++)
		sigaction(ending[i], &before[i], NULL);
	if (caught)
		raise(caught);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return rc;
}

static int ask_twice(int tty, const char *again, struct passwd_secret *secret, char *why,
		     size_t why_size)
{
	struct passwd_secret second = { NULL, 0 };
	int rc = ask(tty, again, &second, why, why_size);

	if (rc == 0 && (second.n != secret->n || !gh_equal(second.p, secret->p, second.n))) {
		snprintf(why, why_size, "the two passwords differ");
		rc = GH_EINVAL;
	}
	passwd_secret_free(&second);
	return rc;
}

int passwd_secret_get(const char *prompt, const char *again, struct passwd_secret *secret_r,
		      char *why, size_t why_size)
{
	struct passwd_secret secret = { NULL, 0 };
	int tty, rc;

	if (!isatty(STDIN_FILENO))
		return get(STDIN_FILENO, NULL, secret_r, why, why_size);
	tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (tty < 0) {
		snprintf(why, why_size, "cannot open the terminal: %s", strerror(errno));
		return GH_EIO;
	}
	rc = ask(tty, prompt, &secret, why, why_size);
	if (rc == 0 && again)
		rc = ask_twice(tty, again, &secret, why, why_size);
	close(tty);
	if (rc == 0)
		*secret_r = secret;
	else
		passwd_secret_free(&secret);
	return rc;
}
