/* SPDX-License-Identifier: Apache-2.0 */
/* Getting a password: from the terminal without echo, or from standard input. */
#include <errno.h>
#include <fcntl.h>
#include <gatehouse/lib.h>
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

/* Reads up to the end, or of a terminal one line, into secret->p, which holds a byte more than the most. */
static bool read_into(int fd, bool line, struct passwd_secret *secret)
{
	while (secret->n <= PASSWD_SECRET_MAX) {
		ssize_t got = read(fd, secret->p + secret->n, PASSWD_SECRET_MAX + 1 - secret->n);

		if (got < 0 && errno == EINTR && !caught)
			continue;
		if (got < 0)
			return false;
		secret->n += (size_t)got;
		if (got == 0 || (line && secret->p[secret->n - 1] == '\n'))
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

static int get(int fd, bool line, struct passwd_secret *secret_r, char *why, size_t why_size)
{
	struct passwd_secret secret = { auth_file_grow(NULL, PASSWD_SECRET_MAX + 1, 1), 0 };
	int rc;

	if (read_into(fd, line, &secret)) {
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

/* One question without echo. */
static int ask(int tty, const char *prompt, struct passwd_secret *secret_r, char *why, size_t why_size)
{
	struct sigaction action = { .sa_handler = on_signal }, before[ENDING];
	struct termios shown, hidden;
	int rc;

	if (tcgetattr(tty, &shown) < 0) {
		snprintf(why, why_size, "cannot ask on the terminal: %s", strerror(errno));
		return GH_EIO;
	}
	for (size_t i = 0; i < ENDING; i++)
		sigaction(ending[i], &action, &before[i]);
	hidden = shown;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	hidden.c_lflag |= ICANON | ISIG | ECHONL;
	tcsetattr(tty, TCSAFLUSH, &hidden);
	dprintf(tty, "%s", prompt);
	rc = get(tty, true, secret_r, why, why_size);
	tcsetattr(tty, TCSAFLUSH, &shown);
	for (size_t i = 0; i < ENDING; i++)
		sigaction(ending[i], &before[i], NULL);
	if (caught)
		raise(caught);
	return rc;
}

static int ask_twice(int tty, const char *again, struct passwd_secret *secret, char *why, size_t why_size)
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

int passwd_secret_get(const char *prompt, const char *again, struct passwd_secret *secret_r, char *why, size_t why_size)
{
	struct passwd_secret secret = { NULL, 0 };
	int tty, rc;

	if (!isatty(STDIN_FILENO))
		return get(STDIN_FILENO, false, secret_r, why, why_size);
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
