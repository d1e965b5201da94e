/* SPDX-License-Identifier: Apache-2.0 */
/* Clients as they cross: their facts, what TLS established, who they are. */
#include "hook/carry_priv.h"

#include "base/mem.h"
#include "mqtt/packet.h"

#include <stdlib.h>
#include <string.h>

/* ---- identities ---- */

void gh_carry_identity(struct gh_buf *out, const struct gh_identity *identity)
{
	struct gh_identity_share share;

	gh_buf_u8(out, identity != NULL);
	if (!identity)
		return;
	share = (struct gh_identity_share){ .source = identity->source,
					    .realm = identity->realm,
					    .principal = identity->principal,
					    .limits_class = identity->limits_class,
					    .groups = identity->groups,
					    .attributes = identity->attributes,
					    .group_count = identity->group_count,
					    .attribute_count = identity->attribute_count,
					    .expires = identity->expires };
	gh_identity_share_pack(out, &share);
}

struct gh_shared_identity *gh_carry_read_identity(struct gh_unpack *in)
{
	struct gh_shared_identity *identity = NULL;
	struct gh_merge merge = { 0 };

	if (!gh_unpack_flags(in, "identity", 1))
		return NULL;
	gh_identity_share_unpack(in, &merge);
	if (!in->rc)
		identity = gh_identity_ref(gh_merge_identity(&merge));
	gh_merge_done(&merge);
	return identity;
}

/* No instance can be called like its source. */
static bool is_anonymous(const struct gh_identity *view)
{
	const struct gh_identity *anonymous = gh_identity_view(gh_identity_anonymous());

	return gh_identity_same(view, anonymous) && strcmp(view->source, anonymous->source) == 0 &&
	       !view->expires && !view->group_count && !view->attribute_count;
}

/* ---- clients ---- */

enum { IDENTIFIED = 1, TLS = 2, LOCAL = 4, CLIENT_ID_BOUND = 8 };
enum { VERIFIED = 1, RESUMED = 2 };

static void carry_tls(struct gh_buf *out, const struct gh_tls *tls)
{
	gh_buf_u8(out, (uint8_t)((tls->verified ? VERIFIED : 0) | (tls->resumed ? RESUMED : 0)));
	gh_pack_number(out, tls->version);
	gh_pack_maybe(out, tls->cipher);
	gh_pack_maybe(out, tls->group);
	gh_pack_maybe(out, tls->sni);
	gh_pack_maybe(out, tls->alpn);
	gh_pack_maybe(out, tls->psk_identity);
	gh_pack_maybe(out, tls->psk_source);
	gh_buf_add(out, tls->fingerprint, sizeof(tls->fingerprint));
	gh_pack_number(out, tls->chain_length);
	for (size_t i = 0; i < tls->chain_length; i++)
		gh_pack_bytes(out, tls->chain[i]);
}

void gh_carry_client(struct gh_buf *out, const struct gh_client *client)
{
	gh_buf_u8(out, (uint8_t)((client->identity ? IDENTIFIED : 0) | (client->tls ? TLS : 0) |
				 (client->local ? LOCAL : 0) |
				 (client->client_id_bound ? CLIENT_ID_BOUND : 0)));
	gh_pack_number(out, client->protocol);
	gh_pack_number(out, client->connection);
	gh_pack_maybe(out, client->client_id);
	gh_pack_maybe(out, client->listener);
	gh_pack_maybe(out, client->address);
	gh_buf_add(out, client->ip, sizeof(client->ip));
	gh_pack_number(out, client->port);
	gh_pack_number(out, client->transport);
	gh_carry_signed(out, client->connected_at);
	if (client->tls)
		carry_tls(out, client->tls);
	if (client->identity)
		gh_carry_identity(out, client->identity);
}

/* A client while it is read. */
struct reading {
	struct gh_client facts;
	struct gh_tls tls;
	struct gh_unpack chain; /* where its certificates begin */
	struct gh_shared_identity *identity;
	struct gh_carry_texts texts;
};

static void read_run(struct gh_unpack *in, const char *field, uint8_t *to, size_t n)
{
	struct gh_bytes run = gh_unpack_run(in, field, n);

	if (run.n)
		memcpy(to, run.p, n);
}

static void read_tls(struct gh_unpack *in, struct reading *reading)
{
	struct gh_tls *tls = &reading->tls;
	uint8_t flags = gh_unpack_flags(in, "tls flags", VERIFIED | RESUMED);

	reading->facts.tls = tls;
	tls->verified = flags & VERIFIED;
	tls->resumed = flags & RESUMED;
	tls->version = gh_carry_read_u32(in, "tls version");
	gh_carry_read_text(in, "cipher", &reading->texts, &tls->cipher);
	gh_carry_read_text(in, "group", &reading->texts, &tls->group);
	gh_carry_read_text(in, "sni", &reading->texts, &tls->sni);
	gh_carry_read_text(in, "alpn", &reading->texts, &tls->alpn);
	gh_carry_read_text(in, "psk identity", &reading->texts, &tls->psk_identity);
	gh_carry_read_text(in, "psk source", &reading->texts, &tls->psk_source);
	read_run(in, "fingerprint", tls->fingerprint, sizeof(tls->fingerprint));
	/* each takes a byte at least */
	tls->chain_length = (size_t)gh_unpack_number(in, "chain length", 0, gh_unpack_left(in));
	reading->chain = *in;
	for (size_t i = 0; i < tls->chain_length && !in->rc; i++)
		gh_unpack_bytes(in, "certificate", SIZE_MAX);
}

static void read_client(struct gh_unpack *in, struct reading *reading)
{
	uint8_t flags =
		gh_unpack_flags(in, "client flags", IDENTIFIED | TLS | LOCAL | CLIENT_ID_BOUND);
	struct gh_client *facts = &reading->facts;

	facts->local = flags & LOCAL;
	facts->client_id_bound = flags & CLIENT_ID_BOUND;
	facts->protocol = (uint32_t)gh_unpack_number(in, "protocol", 0, GH_MQTT_5);
	if (facts->protocol && facts->protocol < GH_MQTT_3_1)
		gh_unpack_fail(in, "'protocol' is %u", facts->protocol);
	facts->connection = gh_unpack_number(in, "connection", 0, UINT64_MAX);
	gh_carry_read_text(in, "client id", &reading->texts, &facts->client_id);
	gh_carry_read_text(in, "listener", &reading->texts, &facts->listener);
	gh_carry_read_text(in, "address", &reading->texts, &facts->address);
	read_run(in, "ip", facts->ip, sizeof(facts->ip));
	facts->port = (uint16_t)gh_unpack_number(in, "port", 0, UINT16_MAX);
	facts->transport = (uint8_t)gh_unpack_number(in, "transport", GH_TCP, GH_UNIX);
	facts->connected_at = gh_carry_read_signed(in, "connected at");
	if (flags & TLS)
		read_tls(in, reading);
	if (!(flags & IDENTIFIED))
		return;
	reading->identity = gh_carry_read_identity(in);
	if (!reading->identity)
		gh_unpack_fail(in, "'identity' is of nobody");
}

static struct gh_bytes *read_chain(struct reading *reading)
{
	size_t count = reading->tls.chain_length;
	struct gh_bytes *chain = count ? gh_alloc_array(count, sizeof(*chain)) : NULL;

	for (size_t i = 0; i < count; i++)
		chain[i] = gh_unpack_bytes(&reading->chain, "certificate", SIZE_MAX);
	return chain;
}

/* The one identity of all anonymous clients, in the class that this one was put into. */
static struct gh_snapshot *as_anonymous(const struct reading *reading)
{
	const char *class = gh_identity_view(reading->identity)->limits_class;
	struct gh_snapshot *plain = gh_snapshot_new(&reading->facts, gh_identity_anonymous());
	struct gh_snapshot *snapshot;

	if (!class)
		return plain;
	snapshot = gh_snapshot_with_class(plain, class);
	gh_snapshot_unref(&plain);
	return snapshot;
}

static struct gh_snapshot *make_client(struct reading *reading)
{
	struct gh_bytes *chain = read_chain(reading);
	struct gh_snapshot *snapshot;

	reading->tls.chain = chain;
	snapshot = reading->identity && is_anonymous(gh_identity_view(reading->identity))
			   ? as_anonymous(reading)
			   : gh_snapshot_new(&reading->facts, reading->identity);
	gh_snapshot_keep_tls(snapshot);
	free(chain);
	return snapshot;
}

struct gh_snapshot *gh_carried_client(struct gh_unpack *in)
{
	struct reading reading = { .texts.count = 0 };
	struct gh_carried carried = { 0 };
	struct gh_snapshot *snapshot = NULL;

	read_client(in, &reading);
	if (gh_carry_end(in, &reading.texts, &carried))
		snapshot = make_client(&reading);
	gh_carried_done(&carried);
	gh_identity_unref(&reading.identity);
	return snapshot;
}
