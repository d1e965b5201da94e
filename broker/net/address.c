/* SPDX-License-Identifier: Apache-2.0 */
/* Listening addresses: parsing, looking up, binding. */
#include "net/address.h"

#include "base/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define ADDRESS_BACKLOG   4096
#define ADDRESS_UNIX_MODE 0660

static int resolve_unix(const char *path, struct gh_address *address, struct gh_error *error)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&address->sa;

	if (path[0] != '/')
		return gh_error_set(error, GH_EINVAL,
				    "'unix:%s' is no address: expected an absolute path", path);
	if (strlen(path) >= sizeof un->sun_path)
		return gh_error_set(error, GH_EINVAL,
				    "'unix:%s' is too long: a socket's path has at most %zu bytes",
				    path, sizeof un->sun_path - 1);
	memset(address, 0, sizeof *address);
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, strlen(path));
	address->n = sizeof *un;
	return 0;
}

static void any_ipv4(struct gh_address *address, uint16_t port)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&address->sa;

	memset(address, 0, sizeof *address);
	in->sin_family = AF_INET;
	in->sin_port = htons(port);
	address->n = sizeof *in;
}

static void any_ipv6(struct gh_address *address, uint16_t port)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&address->sa;

	memset(address, 0, sizeof *address);
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	address->n = sizeof *in6;
	address->optional = true;
}

static bool seen(const struct gh_address *addresses, size_t count, const struct addrinfo *info)
{
	for (size_t i = 0; i < count; i++)
		if (addresses[i].n == info->ai_addrlen &&
		    !memcmp(&addresses[i].sa, info->ai_addr, info->ai_addrlen))
			return true;
	return false;
}

static int resolve_host(const char *host, const char *port, struct gh_address *addresses,
			size_t *count_r, struct gh_error *error)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
				  .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	struct addrinfo *list;
	size_t count = 0;
	int rc = getaddrinfo(host, port, &hints, &list);

	if (rc)
		return gh_error_set(error, GH_EIO, "no address for '%s': %s", host,
				    rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc));
	for (struct addrinfo *info = list; info && count < GH_ADDRESS_MAX; info = info->ai_next) {
		if (info->ai_family != AF_INET && info->ai_family != AF_INET6)
			continue;
		if (seen(addresses, count, info))
			continue;
		memset(&addresses[count], 0, sizeof *addresses);
		memcpy(&addresses[count].sa, info->ai_addr, info->ai_addrlen);
		addresses[count++].n = info->ai_addrlen;
	}
	freeaddrinfo(list);
	*count_r = count;
	return 0;
}

/* Without the brackets of IPv6. False: they don't match, or an IPv6 address has none. */
static bool host_of(const char *text, size_t n, char host[256])
{
	bool bracket = n && text[0] == '[';

	if (bracket) {
		if (n < 3 || text[n - 1] != ']')
			return false;
		text++;
		n -= 2;
	}
	if (n >= 256 || bracket != (memchr(text, ':', n) != NULL))
		return false;
	memcpy(host, text, n);
	host[n] = 0;
	return true;
}

int gh_address_resolve(const char *text, struct gh_address addresses_r[GH_ADDRESS_MAX],
		       size_t *count_r, struct gh_error *error)
{
	const char *colon = strrchr(text, ':');
	char host[256];
	uint64_t port;

	if (!strncmp(text, "unix:", 5)) {
		*count_r = 1;
		return resolve_unix(text + 5, addresses_r, error);
	}
	if (!colon || !host_of(text, (size_t)(colon - text), host) || !host[0])
		return gh_error_set(
			error, GH_EINVAL,
			"'%s' is no address: expected HOST:PORT, [IPv6]:PORT, *:PORT or unix:/PATH",
			text);
	if (!gh_str_number(gh_str(colon + 1), 65535, &port))
		return gh_error_set(error, GH_EINVAL,
				    "'%s' has no port: expected a number up to 65535", text);
	if (strcmp(host, "*"))
		return resolve_host(host, colon + 1, addresses_r, count_r, error);
	any_ipv4(&addresses_r[0], (uint16_t)port);
	any_ipv6(&addresses_r[1], (uint16_t)port);
	*count_r = 2;
	return 0;
}

const char *gh_address_path(const struct gh_address *address)
{
	return address->sa.ss_family == AF_UNIX ? ((const struct sockaddr_un *)&address->sa)->sun_path
						: "";
}

/* 0: nothing is in the way now. */
static int remove_stale(const struct gh_address *address, struct gh_error *error)
{
	const char *path = gh_address_path(address);
	struct stat st;
	int fd, rc;

	if (lstat(path, &st))
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return gh_error_set(error, GH_EIO, "'%s' exists and is no socket", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return gh_error_set(error, GH_EIO, "%s", strerror(errno));
	rc = connect(fd, (const struct sockaddr *)&address->sa, address->n);
	if (rc && errno != ECONNREFUSED)
		rc = 0; /* EAGAIN: a full backlog, so somebody listens; others: leave it alone */
	close(fd);
	if (!rc)
		return gh_error_set(error, GH_EIO, "%s", strerror(EADDRINUSE));
	unlink(path);
	return 0;
}

static int bind_unix(int fd, const struct gh_address *address, unsigned mode)
{
	/* Before: the file never has more rights than that; after: the umask took some away. */
	if (fchmod(fd, mode) || bind(fd, (const struct sockaddr *)&address->sa, address->n))
		return -1;
	return chmod(gh_address_path(address), mode);
}

static int bind_inet(int fd, const struct gh_address *address)
{
	int on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (address->sa.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
	return bind(fd, (const struct sockaddr *)&address->sa, address->n);
}

static bool unavailable(const struct gh_address *address, int reason)
{
	return address->optional && (reason == EAFNOSUPPORT || reason == EADDRNOTAVAIL);
}

int gh_address_listen(const struct gh_address *address, unsigned mode, int *fd_r,
		      struct gh_error *error)
{
	bool is_unix = address->sa.ss_family == AF_UNIX;
	int fd, reason;

	if (is_unix && remove_stale(address, error))
		return GH_EIO;
	fd = socket(address->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 &&
	    !(is_unix ? bind_unix(fd, address, mode ? mode : ADDRESS_UNIX_MODE)
		      : bind_inet(fd, address)) &&
	    !listen(fd, ADDRESS_BACKLOG)) {
		*fd_r = fd;
		return 0;
	}
	reason = errno;
	if (fd >= 0)
		close(fd);
	if (unavailable(address, reason)) {
		*fd_r = -1;
		return 0;
	}
	return gh_error_set(error, GH_EIO, "%s", strerror(reason));
}

void gh_address_text(int fd, char text[GH_ADDRESS_TEXT])
{
	struct sockaddr_storage sa = { 0 };
	socklen_t n = sizeof sa;
	char host[INET6_ADDRSTRLEN] = "";

	getsockname(fd, (struct sockaddr *)&sa, &n);
	if (sa.ss_family == AF_UNIX) {
		snprintf(text, GH_ADDRESS_TEXT, "unix:%s", ((struct sockaddr_un *)&sa)->sun_path);
	} else if (sa.ss_family == AF_INET6) {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&sa;

		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
		snprintf(text, GH_ADDRESS_TEXT, "[%s]:%u", host, ntohs(in6->sin6_port));
	} else {
		struct sockaddr_in *in = (struct sockaddr_in *)&sa;

		inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
		snprintf(text, GH_ADDRESS_TEXT, "%s:%u", host, ntohs(in->sin_port));
	}
}
