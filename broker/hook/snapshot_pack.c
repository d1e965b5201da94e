/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots as bytes that are kept, and back. */
#include "hook/snapshot.h"

#include "base/pack.h"
#include "base/str.h"
#include "mqtt/packet.h"

#include <stdlib.h>
#include <string.h>

enum { PRESENT = 1, LOCAL = 2, CLIENT_ID_BOUND = 4 };

void gh_snapshot_pack(struct gh_buf *out, const struct gh_snapshot *snapshot)
{
	const struct gh_client *client;

	if (!snapshot) {
		gh_buf_u8(out, 0);
		return;
	}
	client = gh_snapshot_client(snapshot);
	gh_buf_u8(out, (uint8_t)(PRESENT | (client->local ? LOCAL : 0) |
				 (client->client_id_bound ? CLIENT_ID_BOUND : 0)));
	gh_pack_number(out, client->protocol);
	gh_pack_maybe(out, client->client_id);
	gh_pack_maybe(out, client->listener);
	gh_pack_maybe(out, client->address);
	gh_buf_add(out, client->ip, sizeof(client->ip));
	gh_pack_number(out, client->port);
	gh_pack_number(out, client->transport);
	gh_pack_number(out, client->connected_at > 0 ? (uint64_t)client->connected_at : 0);
	gh_identity_pack(out, gh_snapshot_identity(snapshot));
}

/* Texts as found, to be terminated. */
struct texts {
	struct gh_str client_id, listener, address;
};

static void unpack_facts(struct gh_unpack *in, struct gh_client *client, struct texts *texts)
{
	struct gh_bytes ip;

	client->protocol = (uint32_t)gh_unpack_number(in, "protocol", GH_MQTT_3_1, GH_MQTT_5);
	texts->client_id = gh_unpack_maybe(in, "client id", UINT16_MAX);
	texts->listener = gh_unpack_maybe(in, "listener", UINT16_MAX);
	if (!texts->listener.p)
		gh_unpack_fail(in, "'listener' is missing");
	texts->address = gh_unpack_maybe(in, "address", UINT16_MAX);
	ip = gh_unpack_run(in, "ip", sizeof(client->ip));
	if (ip.n)
		memcpy(client->ip, ip.p, ip.n);
	client->port = (uint16_t)gh_unpack_number(in, "port", 0, UINT16_MAX);
	client->transport = (uint8_t)gh_unpack_number(in, "transport", GH_TCP, GH_UNIX);
	client->connected_at = (int64_t)gh_unpack_number(in, "connected at", 0, GH_PACK_TIME_MAX);
}

static char *terminated(struct gh_str text)
{
	return text.p ? gh_str_dup(text) : NULL;
}

static struct gh_snapshot *make(const struct gh_client *client, const struct texts *texts,
				struct gh_shared_identity *identity)
{
	char *client_id = terminated(texts->client_id);
	char *listener = terminated(texts->listener), *address = terminated(texts->address);
	struct gh_client facts = *client;
	struct gh_snapshot *snapshot;

	facts.client_id = client_id;
	facts.listener = listener;
	facts.address = address;
	snapshot = gh_snapshot_new(&facts, identity);
	free(client_id);
	free(listener);
	free(address);
	return snapshot;
}

struct gh_snapshot *gh_snapshot_unpack(struct gh_unpack *in)
{
	uint8_t flags = gh_unpack_flags(in, "client flags", PRESENT | LOCAL | CLIENT_ID_BOUND);
	struct gh_client client = { .local = flags & LOCAL,
				    .client_id_bound = flags & CLIENT_ID_BOUND };
	struct gh_snapshot *snapshot = NULL;
	struct gh_shared_identity *identity;
	struct texts texts;

	if (flags && !(flags & PRESENT))
		gh_unpack_fail(in, "'client flags' are of nobody");
	if (!flags || in->rc)
		return NULL;
	unpack_facts(in, &client, &texts);
	identity = gh_identity_unpack(in);
	if (!in->rc)
		snapshot = make(&client, &texts, identity);
	gh_identity_unref(&identity);
	return snapshot;
}
