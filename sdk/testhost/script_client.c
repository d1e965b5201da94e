/* SPDX-License-Identifier: Apache-2.0 */
/* The clients of a script. */
#include "script.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHAIN_MOST = 16, CERTIFICATE_MOST = 65536 };

static const char *const keys[] = { "id",           "address",    "port",     "listener",
				    "transport",    "local",      "protocol", "connected-at",
				    "bound",        "principal",  "realm",    "source",
				    "expires",      "class",      "group",    "tls",
				    "cipher",       "tls-group",  "sni",      "alpn",
				    "psk-identity", "psk-source", "verified", "resumed",
				    "fingerprint",  "chain",      NULL };
static const char *const versions[] = { "1.2", "1.3", NULL };
static const char *const transports[] = { "", "tcp", "unix", NULL };

/* ---- what is written ---- */

static const struct gh_fact *fact(const struct gh_actor *actor, const char *key)
{
	for (size_t i = 0; i < actor->facts.count; i++)
		if (strcmp(actor->facts.list[i].key, key) == 0)
			return &actor->facts.list[i];
	return NULL;
}

static const char *text(const struct gh_actor *actor, const char *key)
{
	const struct gh_fact *one = fact(actor, key);

	return one ? one->value : NULL;
}

/* A later one takes the place of all of that key. */
static void forget(struct gh_actor *actor, const char *key)
{
	struct gh_facts *facts = &actor->facts;
	size_t kept = 0;

	for (size_t i = 0; i < facts->count; i++) {
		if (strcmp(facts->list[i].key, key) != 0) {
			facts->list[kept++] = facts->list[i];
			continue;
		}
		free(facts->list[i].key);
		free(facts->list[i].value);
	}
	facts->count = kept;
}

static void forget_identity(struct gh_actor *actor)
{
	static const char *const whole[] = { "principal", "realm", "source",
					     "expires",   "class", "group" };

	for (size_t i = 0; i < sizeof(whole) / sizeof(*whole); i++)
		forget(actor, whole[i]);
	for (size_t i = actor->facts.count; i-- > 0;)
		if (strncmp(actor->facts.list[i].key, "attribute.", 10) == 0) {
			char *key = gh_copy(actor->facts.list[i].key);

			forget(actor, key);
			free(key);
			i = actor->facts.count;
		}
}

struct gh_actor *gh_actor_named(struct gh_script *script, const char *name)
{
	struct gh_actor *actor = script->actors;

	while (actor && strcmp(actor->name, name) != 0)
		actor = actor->next;
	if (!actor)
		gh_script_wrong(script, "there is no client '%s'", name);
	return actor;
}

static struct gh_actor *actor_of(struct gh_script *script, const char *name)
{
	struct gh_actor *actor = script->actors;

	while (actor && strcmp(actor->name, name) != 0)
		actor = actor->next;
	if (actor)
		return actor;
	actor = gh_new(sizeof(*actor));
	actor->name = gh_copy(name);
	actor->connection = ++script->connections;
	actor->next = script->actors;
	script->actors = actor;
	return actor;
}

static void take_key(struct gh_script *script, struct gh_actor *actor, const char *key)
{
	struct gh_bytes value;
	bool first = true;

	for (size_t at = 0; gh_line_next(script->line, key, &at, &value); first = false) {
		if (first)
			forget(actor, key);
		if (strlen(value.p) != value.n)
			gh_script_wrong(script, "%s= is text, without \\x00", key);
		gh_facts_bytes(&actor->facts, key, value.p, value.n);
	}
}

static void take_attributes(struct gh_script *script, struct gh_actor *actor)
{
	struct gh_bytes value;
	struct gh_str name;

	for (size_t at = 0; gh_line_next_with(script->line, "attribute.", &at, &name, &value);) {
		char *key = gh_format("attribute.%.*s", (int)name.n, name.p);

		forget(actor, key);
		gh_facts_bytes(&actor->facts, key, value.p, value.n);
		free(key);
	}
}

/* Whether it can be lent is found out here, at its line. */
static void check(struct gh_script *script, const struct gh_actor *actor)
{
	struct gh_lent lent = { 0 };

	gh_actor_lend(script, actor, GH_VIEW_TLS, 0, &lent);
	gh_actor_lend(script, actor, GH_VIEW_WHOLE, 0, &lent);
	gh_lent_end(&lent);
}

void gh_do_client(struct gh_script *script, struct gh_facts *facts)
{
	struct gh_actor *actor = actor_of(script, gh_script_word(script, 1, "the client's name"));

	(void)facts;
	actor->connection = gh_script_number(script, "connection", UINT64_MAX, actor->connection);
	for (size_t i = 0; keys[i]; i++)
		take_key(script, actor, keys[i]);
	take_attributes(script, actor);
	if (gh_script_right(script))
		check(script, actor);
}

static void actor_free(struct gh_script *script, struct gh_actor *actor)
{
	gh_testhost_exchange_end(script->host, &actor->run);
	gh_testhost_gone(script->host, actor->connection);
	gh_facts_done(&actor->facts);
	free(actor->name);
	free(actor);
}

void gh_do_gone(struct gh_script *script, struct gh_facts *facts)
{
	struct gh_actor *actor =
		gh_actor_named(script, gh_script_word(script, 1, "the client's name"));
	struct gh_actor **at = &script->actors;

	(void)facts;
	if (!actor || !gh_script_right(script))
		return;
	gh_waiters_drop(script, actor);
	while (*at != actor)
		at = &(*at)->next;
	*at = actor->next;
	actor_free(script, actor);
}

void gh_actors_free(struct gh_script *script)
{
	struct gh_actor *actor;

	while ((actor = script->actors)) {
		script->actors = actor->next;
		actor_free(script, actor);
	}
}

/* ---- lending ---- */

static uint64_t number(struct gh_script *script, const struct gh_actor *actor, const char *key,
		       uint64_t most, uint64_t standard)
{
	const char *written = text(actor, key);

	return written ? gh_read_number(script, key, written, most) : standard;
}

static bool flag(struct gh_script *script, const struct gh_actor *actor, const char *key,
		 bool standard)
{
	const char *written = text(actor, key);

	return written ? gh_read_flag(script, key, written) : standard;
}

const struct gh_identity *gh_actor_identity(struct gh_script *script, const struct gh_actor *actor,
					    struct gh_lent *lent)
{
	struct gh_identity identity = { .size = sizeof(identity) };
	const char *groups[256];
	struct gh_pair attributes[32];
	const struct gh_facts *facts = &actor->facts;
	const char *realm = text(actor, "realm"), *source = text(actor, "source");

	if (!text(actor, "principal"))
		return NULL;
	for (size_t i = 0; i < facts->count; i++) {
		const struct gh_fact *one = &facts->list[i];

		if (strcmp(one->key, "group") == 0 && identity.group_count < 256)
			groups[identity.group_count++] = gh_lend_text(lent, one->value);
		else if (strncmp(one->key, "attribute.", 10) == 0 && identity.attribute_count < 32)
			attributes[identity.attribute_count++] =
				(struct gh_pair){ gh_lend_text(lent, one->key + 10),
						  gh_lend_text(lent, one->value) };
	}
	identity.principal = gh_lend_text(lent, text(actor, "principal"));
	identity.realm = gh_lend_text(lent, realm ? realm : "testhost");
	identity.source = gh_lend_text(lent, source ? source : "testhost");
	identity.expires = (int64_t)number(script, actor, "expires", INT64_MAX, 0);
	identity.limits_class = gh_lend_text(lent, text(actor, "class"));
	identity.groups = gh_lend(lent, groups, identity.group_count * sizeof(*groups));
	identity.attributes =
		gh_lend(lent, attributes, identity.attribute_count * sizeof(*attributes));
	return gh_lend(lent, &identity, sizeof(identity));
}

static void read_certificate(struct gh_script *script, const char *path, size_t n,
			     struct gh_lent *lent, struct gh_bytes *der_r)
{
	char *name = gh_copy_n(path, n), *whole = gh_testhost_path(script->host, name);
	uint8_t *der = gh_new(CERTIFICATE_MOST);
	FILE *in = fopen(whole, "rb");
	size_t size = in ? fread(der, 1, CERTIFICATE_MOST, in) : 0;

	if (!size || size == CERTIFICATE_MOST || der[0] != 0x30)
		gh_script_wrong(script, "chain: '%s' is no certificate in DER", name);
	*der_r = gh_lend_bytes(lent, (struct gh_bytes){ der, size });
	if (in)
		fclose(in);
	free(der);
	free(whole);
	free(name);
}

/* "leaf.der,ca.der" */
static void lend_chain(struct gh_script *script, const char *files, struct gh_tls *tls,
		       struct gh_lent *lent)
{
	struct gh_bytes chain[CHAIN_MOST];
	size_t n;

	for (; files && *files && tls->chain_length < CHAIN_MOST; files += n + (files[n] == ',')) {
		n = strcspn(files, ",");
		read_certificate(script, files, n, lent, &chain[tls->chain_length++]);
	}
	tls->chain = gh_lend(lent, chain, tls->chain_length * sizeof(*chain));
}

static void read_fingerprint(struct gh_script *script, const char *hex, uint8_t bytes_r[32])
{
	char pair[3] = { 0 };

	if (!hex)
		return;
	if (strlen(hex) != 64 || hex[strspn(hex, "0123456789abcdefABCDEF")])
		gh_script_wrong(script, "fingerprint: expected 64 hexadecimal digits");
	else
		for (size_t i = 0; i < 32; i++) {
			memcpy(pair, hex + 2 * i, 2);
			bytes_r[i] = (uint8_t)strtoul(pair, NULL, 16);
		}
}

static const struct gh_tls *lend_tls(struct gh_script *script, const struct gh_actor *actor,
				     enum gh_view view, struct gh_lent *lent)
{
	struct gh_tls tls = { .size = sizeof(tls) };
	const char *version = text(actor, "tls"), *cipher = text(actor, "cipher"),
		   *group = text(actor, "tls-group");

	if (!version)
		return NULL;
	tls.version = 0x0303 + gh_read_index(script, "tls", versions, version);
	tls.cipher = gh_lend_text(lent, cipher ? cipher : "AES-256-GCM");
	tls.group = gh_lend_text(lent, group ? group : "X25519");
	tls.sni = gh_lend_text(lent, text(actor, "sni"));
	tls.alpn = gh_lend_text(lent, text(actor, "alpn"));
	tls.psk_identity = gh_lend_text(lent, text(actor, "psk-identity"));
	tls.psk_source = gh_lend_text(lent, text(actor, "psk-source"));
	tls.verified = flag(script, actor, "verified", false);
	tls.resumed = flag(script, actor, "resumed", false);
	read_fingerprint(script, text(actor, "fingerprint"), tls.fingerprint);
	if (view != GH_VIEW_WHOLE)
		lend_chain(script, text(actor, "chain"), &tls, lent);
	return gh_lend(lent, &tls, sizeof(tls));
}

/* "192.0.2.7" and "unix:1000"; false: neither. */
static bool read_address(const char *address, uint8_t ip_r[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (strncmp(address, "unix:", 5) == 0 || inet_pton(AF_INET6, address, ip_r) == 1)
		return true;
	memcpy(ip_r, mapped, sizeof(mapped));
	return inet_pton(AF_INET, address, ip_r + 12) == 1;
}

static void lend_address(struct gh_script *script, const struct gh_actor *actor,
			 struct gh_client *client, struct gh_lent *lent)
{
	const char *address = text(actor, "address"), *listener = text(actor, "listener"),
		   *transport = text(actor, "transport");
	bool is_unix;

	address = address ? address : "192.0.2.1";
	is_unix = strncmp(address, "unix:", 5) == 0;
	if (!read_address(address, client->ip))
		gh_script_wrong(script, "address: expected an IP address or unix:UID, found '%s'",
				address);
	client->address = gh_lend_text(lent, address);
	client->listener = gh_lend_text(lent, listener ? listener : "tcp");
	client->port = (uint16_t)number(script, actor, "port", 65535, is_unix ? 0 : 50000);
	client->transport = (uint8_t)gh_read_index(script, "transport", transports,
						   transport ? transport
						   : is_unix ? "unix"
							     : "tcp");
	client->local =
		flag(script, actor, "local",
		     is_unix || strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0);
}

const struct gh_client *gh_actor_lend(struct gh_script *script, const struct gh_actor *actor,
				      enum gh_view view, uint32_t flags, struct gh_lent *lent)
{
	struct gh_client client = { .size = sizeof(client) };
	const char *id = text(actor, "id");

	client.connection = flags & GH_HYPOTHETICAL ? 0 : actor->connection;
	lend_address(script, actor, &client, lent);
	if (view != GH_VIEW_ADDRESS)
		client.tls = lend_tls(script, actor, view, lent);
	if (view >= GH_VIEW_CONNECT) {
		client.protocol = (uint32_t)number(script, actor, "protocol", 5, 5);
		client.client_id = gh_lend_text(lent, id ? id : actor->name);
		client.connected_at =
			(int64_t)number(script, actor, "connected-at", INT64_MAX,
					(uint64_t)gh_testhost_wall(script->host) / 1000000);
		client.client_id_bound = flag(script, actor, "bound", false);
	}
	if (view == GH_VIEW_WHOLE || (flags & GH_REAUTH))
		client.identity = gh_actor_identity(script, actor, lent);
	return gh_lend(lent, &client, sizeof(client));
}

/* ---- who it is ---- */

static void become(struct gh_actor *actor, const char *key, struct gh_bytes value)
{
	if (!value.p)
		return;
	forget(actor, key);
	gh_facts_bytes(&actor->facts, key, value.p, value.n);
}

void gh_actor_become(struct gh_script *script, struct gh_actor *actor, const struct gh_answer *answer)
{
	struct gh_bytes principal = gh_answer_of(answer, GH_A_PRINCIPAL);
	const char *name = gh_testhost_named(script->host), *named = text(actor, "principal");
	char *before = gh_copy(named), *expires;

	/* A lookup needn't name again whom it has named. */
	if (!principal.p && before)
		principal = (struct gh_bytes){ before, strlen(before) };
	forget_identity(actor);
	become(actor, "principal", principal);
	gh_facts_text(&actor->facts, "realm", script->realm ? script->realm : name);
	gh_facts_text(&actor->facts, "source", name);
	for (size_t i = 0; i < answer->pair_count; i++) {
		const struct gh_fact *pair = &answer->pairs[i];
		char *key = gh_format("attribute.%s", pair->key);

		gh_facts_text(&actor->facts, answer->pair_keys[i] == GH_A_GROUP ? "group" : key,
			      pair->value);
		free(key);
	}
	become(actor, "class", gh_answer_of(answer, GH_A_CLASS));
	become(actor, "id", gh_answer_of(answer, GH_A_CLIENT_ID));
	if (gh_answer_of(answer, GH_A_CLIENT_ID).p)
		become(actor, "bound", (struct gh_bytes){ "yes", 3 });
	if (gh_answer_has(answer, GH_A_EXPIRES)) {
		expires = gh_format("%lld", (long long)answer->numbers[GH_A_EXPIRES]);
		become(actor, "expires", (struct gh_bytes){ expires, strlen(expires) });
		free(expires);
	}
	free(before);
}
