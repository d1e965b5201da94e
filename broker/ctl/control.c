/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket: accepts, reads a request, writes the reply. */
#include "ctl/control.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "ctl/change.h"
#include "ctl/control_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <gatehouse/lib.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* So many clients may be there at once. */
#define CLIENTS_MAX 32u
#define READ_SIZE   4096u
/* Without a descriptor nobody is accepted for so long. */
#define REST_MS     500u

static void keep_reserve(struct gh_control *control)
{
	if (control->reserve < 0)
		control->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void client_free(struct gh_ctl_client *client)
{
	int fd = gh_io_fd(client->io);

	gh_ctl_gathering_orphan(client);
	gh_explaining_free(&client->explaining);
	gh_change_forget(client->control->daemon, client);
	gh_errands_free(&client->errands);
	gh_loop_timeout_cancel(client->control->daemon->loop, &client->deadline);
	gh_io_free(&client->io);
	close(fd);
	gh_list_remove(&client->in_control);
	client->control->client_count--;
	keep_reserve(client->control);
	if (client->in.n > 0)
		gh_wipe(client->in.p, client->in.n); /* half a request may have a secret */
	gh_buf_done(&client->in);
	gh_buf_done(&client->out);
	free(client);
}

/* ---- replies ---- */

static void reply_done(struct gh_ctl_client *client)
{
	gh_buf_u8(&client->out, '\n');
	gh_io_set(client->io, GH_IO_WRITE);
}

void gh_ctl_fail_rows(struct gh_ctl_client *client, const char *code, struct gh_str text,
		      struct gh_str rows)
{
	struct gh_json json;

	gh_json_init(&json, &client->out);
	gh_json_object(&json, NULL);
	gh_json_bool(&json, "ok", false);
	gh_json_str(&json, "code", gh_str(code));
	gh_json_str(&json, "error", text);
	if (rows.n > 0) {
		gh_json_array(&json, "rows");
		gh_buf_str(&client->out, rows);
		gh_json_end_array(&json);
	}
	gh_json_end_object(&json);
	reply_done(client);
}

void gh_ctl_fail(struct gh_ctl_client *client, const char *code, const char *fmt, ...)
{
	char text[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	gh_ctl_fail_rows(client, code, gh_str(text), gh_str_n("", 0));
}

void gh_ctl_text(struct gh_ctl_client *client, struct gh_str text)
{
	struct gh_json json;

	gh_json_init(&json, &client->out);
	gh_json_object(&json, NULL);
	gh_json_bool(&json, "ok", true);
	gh_json_str(&json, "text", text);
	gh_json_end_object(&json);
	reply_done(client);
}

void gh_ctl_rows(struct gh_ctl_client *client, struct gh_str rows)
{
	gh_buf_printf(&client->out, "{\"ok\":true,\"rows\":[");
	gh_buf_str(&client->out, rows);
	gh_buf_printf(&client->out, "]}");
	reply_done(client);
}

/* ---- a client ---- */

static void write_some(struct gh_ctl_client *client)
{
	ssize_t n = send(gh_io_fd(client->io), client->out.p + client->sent,
			 client->out.n - client->sent, MSG_NOSIGNAL);

	if (n > 0)
		client->sent += (size_t)n;
	if ((n < 0 && errno != EAGAIN && errno != EINTR) || client->sent == client->out.n)
		client_free(client);
}

static bool hung_up(const struct gh_ctl_client *client)
{
	struct pollfd fd = { .fd = gh_io_fd(client->io) };

	return poll(&fd, 1, 0) > 0 && fd.revents & (POLLHUP | POLLERR);
}

/* It has asked and is waiting. One that sends no more may still read; one that has gone may not. */
static void look_after(struct gh_ctl_client *client)
{
	if (hung_up(client))
		client_free(client);
	else
		gh_io_set(client->io, 0);
}

static void read_some(struct gh_ctl_client *client)
{
	uint8_t *room = gh_buf_reserve(&client->in, READ_SIZE);
	ssize_t n = recv(gh_io_fd(client->io), room, READ_SIZE, 0);
	struct gh_words words;
	int rc;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_free(client);
		return;
	}
	client->in.n += (size_t)n;
	rc = gh_wire_parse(&client->in, &words);
	if (rc == 0)
		return;
	gh_io_set(client->io, 0);
	if (rc < 0) {
		gh_ctl_fail(client, "usage", "not a request of gatehousectl");
		return;
	}
	gh_ctl_command(client, &words);
	if (words.secret_size > 0)
		gh_wipe(words.secret, words.secret_size);
	if (client->errands)
		gh_io_set(client->io, GH_IO_READ);
}

static void on_client(struct gh_io *io, unsigned events, void *arg)
{
	(void)io;
	if (events & GH_IO_WRITE)
		write_some(arg);
	else if (((struct gh_ctl_client *)arg)->errands)
		look_after(arg);
	else if (events & GH_IO_READ)
		read_some(arg);
}

static void on_deadline(struct gh_timeout *timeout)
{
	struct gh_ctl_client *client = gh_container(timeout, struct gh_ctl_client, deadline);

	if (client->waits && !hung_up(client))
		gh_loop_timeout(client->control->daemon->loop, timeout, GH_CTL_DEADLINE_MS);
	else
		client_free(client);
}

void gh_ctl_wait(struct gh_ctl_client *client, bool waits)
{
	client->waits = waits;
	gh_loop_timeout(client->control->daemon->loop, &client->deadline, GH_CTL_DEADLINE_MS);
}

static int accept_one(struct gh_control *control)
{
	return accept4(gh_io_fd(control->io), NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

/* The socket stays readable while nobody can be accepted: it isn't looked at meanwhile. */
static void rest(struct gh_control *control)
{
	gh_log_error("control socket: can't accept: %s", strerror(errno));
	gh_io_set(control->io, 0);
	gh_loop_timeout(control->daemon->loop, &control->rearm, REST_MS);
}

static void on_rearm(struct gh_timeout *timeout)
{
	gh_io_set(gh_container(timeout, struct gh_control, rearm)->io, GH_IO_READ);
}

static bool no_descriptor(int fd)
{
	return fd < 0 && (errno == EMFILE || errno == ENFILE);
}

/* -1: none for now. */
static int accept_at_last(struct gh_control *control)
{
	int fd = accept_one(control);

	if (no_descriptor(fd) && control->reserve >= 0) {
		close(control->reserve);
		control->reserve = -1;
		fd = accept_one(control);
	}
	if (no_descriptor(fd))
		rest(control);
	return fd;
}

static void on_connection(struct gh_io *io, unsigned events, void *arg)
{
	struct gh_control *control = arg;
	int fd = accept_at_last(control);
	struct ucred peer = { .uid = (uid_t)-1 };
	socklen_t size = sizeof(peer);
	struct gh_ctl_client *client;

	(void)io, (void)events;
	if (fd < 0)
		return;
	if (control->client_count == CLIENTS_MAX ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) {
		close(fd);
		return;
	}
	client = gh_zalloc(sizeof(*client));
	client->control = control;
	client->uid = peer.uid;
	client->pid = peer.pid;
	client->io = gh_io_new(control->daemon->loop, fd, GH_IO_READ, on_client, client);
	/* All of it at once: where a buffer grows, it leaves copies of a secret behind. */
	gh_buf_reserve(&client->in, GH_WIRE_WHOLE + READ_SIZE);
	gh_timeout_init(&client->deadline, on_deadline);
	gh_loop_timeout(control->daemon->loop, &client->deadline, GH_CTL_DEADLINE_MS);
	gh_list_append(&control->clients, &client->in_control);
	control->client_count++;
}

/* ---- the socket ---- */

/* A file that another broker answers at isn't taken away from it. */
static bool in_use(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool answered =
		fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0;

	if (fd >= 0)
		close(fd);
	return answered;
}

static void make_parent(const char *path)
{
	char *directory = gh_strdup(path), *slash = strrchr(directory, '/');

	if (slash && slash != directory) {
		*slash = 0;
		mkdir(directory, 0750); /* where it can't, bind() says why */
	}
	free(directory);
}

static int bind_to(const char *path, unsigned mode, int *fd_r, struct gh_error *error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	mode_t before;
	int fd, rc;

	if (strlen(path) >= sizeof(address.sun_path))
		return gh_error_set(error, GH_EINVAL,
				    "control socket '%s': a path of at most %zu bytes is possible",
				    path, sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (in_use(&address))
		return gh_error_set(error, GH_EBUSY, "control socket '%s': another broker uses it",
				    path);
	make_parent(path);
	unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	before = umask(0777 & ~mode);
	rc = fd < 0 ? -1 : bind(fd, (struct sockaddr *)&address, sizeof(address));
	umask(before);
	if (rc < 0 || listen(fd, 16) < 0) {
		rc = gh_error_set(error, GH_EIO, "control socket '%s': %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return rc;
	}
	*fd_r = fd;
	return 0;
}

int gh_control_new(struct gh_daemon *daemon, struct gh_control **control_r, struct gh_error *error)
{
	const struct gh_settings *settings = gh_daemon_in_force(daemon);
	struct gh_control *control;
	int fd = -1, rc;

	rc = bind_to(settings->control_socket, settings->control_mode, &fd, error);
	if (rc < 0)
		return rc;
	control = gh_zalloc(sizeof(*control));
	control->daemon = daemon;
	control->path = gh_strdup(settings->control_socket);
	gh_list_init(&control->clients);
	control->reserve = -1;
	keep_reserve(control);
	gh_timeout_init(&control->rearm, on_rearm);
	control->io = gh_io_new(daemon->loop, fd, GH_IO_READ, on_connection, control);
	*control_r = control;
	return 0;
}

void gh_control_free(struct gh_control **control)
{
	struct gh_control *c = *control;
	int fd;

	if (!c)
		return;
	gh_list_each(&c->clients, it, next)
		client_free(gh_container(it, struct gh_ctl_client, in_control));
	gh_loop_timeout_cancel(c->daemon->loop, &c->rearm);
	if (c->reserve >= 0)
		close(c->reserve);
	fd = gh_io_fd(c->io);
	gh_io_free(&c->io);
	close(fd);
	unlink(c->path);
	free(c->path);
	free(c);
	*control = NULL;
}
