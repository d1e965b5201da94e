/* SPDX-License-Identifier: Apache-2.0 */
/* relay: copies from publisher N to subscriber N, the floor for pairs. */
#include "relay_core.h"

static void copy(struct relay *relay, struct relay_peer *from, const uint8_t *data, size_t len)
{
	struct relay_peer *to = relay->subscriber[from->topic];

	if (to)
		relay_write(relay, to, from, data, len);
}

int main(int argc, char **argv)
{
	return relay_main(argc, argv, copy);
}
