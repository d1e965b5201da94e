/* SPDX-License-Identifier: Apache-2.0 */
/* relay-fan: copies from each publisher to all subscribers, the floor for fan-out. */
#include <sys/socket.h>

#include "relay_core.h"

/*
 * A subscriber that is too slow loses bytes, which makes the run void: mqbench's window keeps
 * it from happening.
 */
static void copy(struct relay *relay, struct relay_peer *from, const uint8_t *data, size_t len)
{
	(void)from;
	for (unsigned i = 0; i < relay->count; i++)
		if (relay->all[i]->fd >= 0)
			send(relay->all[i]->fd, data, len, MSG_NOSIGNAL);
}

int main(int argc, char **argv)
{
	return relay_main(argc, argv, copy);
}
