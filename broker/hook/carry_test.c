/* SPDX-License-Identifier: Apache-2.0 */
/* What crosses to an isolated instance comes back as it was; what is cut short or made up is refused. */
#include "base/str.h"
#include "hook/carry_fixture.h"

#define BYTES(text) ((struct gh_bytes){ text, sizeof(text) - 1 })
#define STR(text)   ((struct gh_str){ text, sizeof(text) - 1 })

static void same_bytes(struct gh_bytes a, struct gh_bytes b)
{
	ck_assert_uint_eq(a.n, b.n);
	ck_assert_int_eq(a.p == NULL, b.p == NULL);
	if (a.n)
		ck_assert_mem_eq(a.p, b.p, a.n);
}

static void same_str(struct gh_str a, struct gh_str b)
{
	same_bytes((struct gh_bytes){ a.p, a.n }, (struct gh_bytes){ b.p, b.n });
}

/* ---- clients ---- */

static const struct gh_bytes chain[] = { { "leaf\0x", 6 }, { "issuer", 6 }, { NULL, 0 } };
static const struct gh_tls tls = { .size = sizeof(tls),
				   .version = 0x0304,
				   .cipher = "AES-256-GCM",
				   .group = "X25519",
				   .sni = "broker.example",
				   .alpn = "",
				   .psk_identity = NOT_UTF8,
				   .verified = true,
				   .fingerprint = { 1, 2, [31] = 255 },
				   .chain = chain,
				   .chain_length = GH_COUNT(chain) };
static const char *const groups[] = { "staff", "caf\xc3\xa9" };
static const struct gh_pair attributes[] = { { "tenant", "" }, { "floor", "4" } };
static const struct gh_identity joe = { .size = sizeof(joe),
					.principal = "joe",
					.realm = "corp",
					.source = "ldap",
					.expires = 1800000000,
					.groups = groups,
					.group_count = 2,
					.attributes = attributes,
					.attribute_count = 2,
					.limits_class = "quarantine" };
static const struct gh_client joes = { .size = sizeof(joes),
				       .protocol = 5,
				       .connection = UINT64_MAX,
				       .client_id = "c\xc3\xa9",
				       .identity = &joe,
				       .listener = "tls",
				       .address = "2001:db8::7",
				       .ip = { 0x20, 1, 0xd, 0xb8, [15] = 7 },
				       .port = 65535,
				       .transport = GH_TCP,
				       .tls = &tls,
				       .connected_at = 1700000000,
				       .client_id_bound = true };
/* as at GH_EV_ACCEPT */
static const struct gh_client fresh = { .size = sizeof(fresh),
					.listener = "local",
					.address = "unix:1000",
					.transport = GH_UNIX,
					.local = true,
					.connected_at = -1 };

static void same_identity(const struct gh_identity *a, const struct gh_identity *b)
{
	ck_assert_int_eq(a == NULL, b == NULL);
	if (!a)
		return;
	ck_assert_uint_eq(b->size, sizeof(*b));
	ck_assert_str_eq(a->principal, b->principal);
	ck_assert_str_eq(a->realm, b->realm);
	ck_assert_str_eq(a->source, b->source);
	ck_assert_pstr_eq(a->limits_class, b->limits_class);
	ck_assert_int_eq(a->expires, b->expires);
	ck_assert_uint_eq(a->group_count, b->group_count);
	ck_assert_uint_eq(a->attribute_count, b->attribute_count);
	for (size_t i = 0; i < a->group_count; i++)
		ck_assert_str_eq(a->groups[i], b->groups[i]);
	for (size_t i = 0; i < a->attribute_count; i++) {
		ck_assert_str_eq(a->attributes[i].name, b->attributes[i].name);
		ck_assert_str_eq(a->attributes[i].value, b->attributes[i].value);
	}
}

static void same_tls(const struct gh_tls *a, const struct gh_tls *b)
{
	ck_assert_int_eq(a == NULL, b == NULL);
	if (!a)
		return;
	ck_assert(b->size == sizeof(*b) && a->version == b->version);
	ck_assert_pstr_eq(a->cipher, b->cipher);
	ck_assert_pstr_eq(a->group, b->group);
	ck_assert_pstr_eq(a->sni, b->sni);
	ck_assert_pstr_eq(a->alpn, b->alpn);
	ck_assert_pstr_eq(a->psk_identity, b->psk_identity);
	ck_assert_pstr_eq(a->psk_source, b->psk_source);
	ck_assert(a->verified == b->verified && a->resumed == b->resumed);
	ck_assert_mem_eq(a->fingerprint, b->fingerprint, sizeof(a->fingerprint));
	ck_assert_uint_eq(a->chain_length, b->chain_length);
	ck_assert_int_eq(b->chain == NULL, b->chain_length == 0);
	for (size_t i = 0; i < a->chain_length; i++) {
		ck_assert_uint_eq(a->chain[i].n, b->chain[i].n);
		if (a->chain[i].n)
			ck_assert_mem_eq(a->chain[i].p, b->chain[i].p, a->chain[i].n);
	}
}

static void same_client(const struct gh_client *a, const struct gh_client *b)
{
	ck_assert_uint_eq(b->size, sizeof(*b));
	ck_assert(a->protocol == b->protocol && a->connection == b->connection);
	ck_assert_pstr_eq(a->client_id, b->client_id);
	ck_assert_pstr_eq(a->listener, b->listener);
	ck_assert_pstr_eq(a->address, b->address);
	ck_assert_mem_eq(a->ip, b->ip, sizeof(a->ip));
	ck_assert(a->port == b->port && a->transport == b->transport && a->local == b->local);
	ck_assert(a->connected_at == b->connected_at && a->client_id_bound == b->client_id_bound);
	same_tls(a->tls, b->tls);
	same_identity(a->identity, b->identity);
}

/* The caller's. */
static struct gh_snapshot *client_again(const struct gh_client *client)
{
	struct gh_error error = { 0 };
	struct gh_buf buf = { 0 };
	struct gh_snapshot *back;
	struct gh_unpack in;

	gh_carry_client(&buf, client);
	whole_only(CLIENT, &buf);
	in = gh_unpack(bytes(&buf), &error);
	back = gh_carried_client(&in);
	ck_assert_msg(back && gh_unpack_end(&in) == 0, "%s", error.text);
	gh_buf_done(&buf);
	same_client(client, gh_snapshot_client(back));
	return back;
}

START_TEST(clients)
{
	struct gh_tls bare = { .size = sizeof(bare), .resumed = true, .psk_source = "keys" };
	struct gh_client other = joes;
	struct gh_snapshot *back = client_again(&joes);

	ck_assert(!gh_identity_is_anonymous(gh_snapshot_identity(back)));
	ck_assert_str_eq(gh_identity_part(gh_snapshot_identity(back), 0), "ldap");
	gh_snapshot_unref(&back);
	back = client_again(&fresh);
	ck_assert_ptr_null(gh_snapshot_identity(back));
	gh_snapshot_unref(&back);
	other.tls = &bare;
	other.identity = NULL;
	back = client_again(&other);
	gh_snapshot_unref(&back);
}
END_TEST

/* What is made of the snapshot has all that the first one had. */
START_TEST(tls_stays)
{
	struct gh_snapshot *back = client_again(&joes);
	struct gh_snapshot *offline = gh_snapshot_offline(back);
	struct gh_snapshot *slow = gh_snapshot_with_class(offline, "slow");

	gh_snapshot_unref(&back);
	gh_snapshot_unref(&offline);
	same_tls(&tls, gh_snapshot_client(slow)->tls);
	gh_snapshot_keep_tls(slow); /* it has one */
	same_tls(&tls, gh_snapshot_client(slow)->tls);
	gh_snapshot_unref(&slow);
}
END_TEST

START_TEST(classes)
{
	static const char *const named[] = { NULL, "slow" };
	struct gh_client facts = fresh;

	for (size_t i = 0; i < GH_COUNT(named); i++) {
		struct gh_snapshot *first = gh_snapshot_new(&facts, gh_identity_anonymous());
		struct gh_snapshot *put = gh_snapshot_with_class(first, named[i]);
		struct gh_snapshot *back = client_again(gh_snapshot_client(put));

		ck_assert(gh_identity_is_anonymous(gh_snapshot_identity(back)));
		ck_assert_pstr_eq(gh_snapshot_client(back)->identity->limits_class, named[i]);
		gh_snapshot_unref(&back);
		/* another one's class, out of an identity that names one */
		back = client_again(&joes);
		gh_snapshot_unref(&put);
		put = gh_snapshot_with_class(back, named[i]);
		gh_snapshot_unref(&back);
		back = client_again(gh_snapshot_client(put));
		ck_assert_str_eq(gh_snapshot_client(back)->identity->limits_class,
				 named[i] ? named[i] : "quarantine");
		gh_snapshot_unref(&back);
		gh_snapshot_unref(&put);
		gh_snapshot_unref(&first);
	}
}
END_TEST

/* Many answered: together they are one. */
START_TEST(parts_become_one)
{
	struct gh_merge merge = { 0 };
	struct gh_error error = { 0 };
	struct gh_snapshot *snapshot, *back;

	for (unsigned i = 0; i < 2; i++) {
		struct gh_grant grant = { 0 };

		gh_grant_principal(&grant, STR("joe"));
		gh_grant_group(&grant, i ? STR("b") : STR("a"));
		gh_grant_class(&grant, i ? STR("slow") : STR("fast"));
		gh_grant_expires(&grant, 100 - i);
		ck_assert_int_eq(gh_merge_add(&merge, i ? "otp" : "x509", "r", &grant, &error), 0);
	}
	snapshot = gh_snapshot_new(&fresh, gh_merge_identity(&merge));
	back = client_again(gh_snapshot_client(snapshot));
	ck_assert_str_eq(gh_identity_part(gh_snapshot_identity(back), 0), "x509");
	ck_assert_ptr_null(gh_identity_part(gh_snapshot_identity(back), 1));
	gh_snapshot_unref(&back);
	gh_snapshot_unref(&snapshot);
	gh_merge_done(&merge);
}
END_TEST

/* ---- messages, subjects ---- */

static const struct gh_message hello = { .size = sizeof(hello),
					 .qos = 2,
					 .retain = true,
					 .topic = { "a/b", 3 },
					 .payload = { "x\0y", 3 },
					 .properties = { "\x01\x01", 2 },
					 .origin = NOT_UTF8 };
static const struct gh_message empty = {
	.size = sizeof(empty), .duplicate = true, .topic = { "t", 1 }, .payload = { "", 0 }
};

static void same_message(const struct gh_message *a, const struct gh_message *b)
{
	ck_assert_int_eq(a == NULL, b == NULL);
	if (!a)
		return;
	ck_assert(b->size == sizeof(*b) && a->qos == b->qos);
	ck_assert(a->retain == b->retain && a->duplicate == b->duplicate);
	same_str(a->topic, b->topic);
	same_bytes(a->payload, b->payload);
	same_bytes(a->properties, b->properties);
	ck_assert_pstr_eq(a->origin, b->origin);
}

static void same_subject(const struct gh_subject *a, const struct gh_subject *b)
{
	ck_assert_int_eq(a == NULL, b == NULL);
	if (!a)
		return;
	ck_assert(a->kind == b->kind && a->number == b->number);
	ck_assert_pstr_eq(a->text, b->text);
}

START_TEST(messages)
{
	const struct gh_message *both[] = { &hello, &empty };

	for (size_t i = 0; i < GH_COUNT(both); i++) {
		struct gh_carried carried = { 0 };
		struct gh_error error = { 0 };
		struct gh_buf buf = { 0 };
		struct gh_unpack in;

		gh_carry_message(&buf, both[i]);
		whole_only(MESSAGE, &buf);
		in = gh_unpack(bytes(&buf), &error);
		same_message(both[i], gh_carried_message(&in, &carried));
		gh_carried_done(&carried);
		gh_buf_done(&buf);
	}
}
END_TEST

START_TEST(subjects)
{
	const struct gh_subject rows[] = { gh_subject_connection(UINT64_MAX),
					   gh_subject_of(GH_CLIENT_ID, ""),
					   gh_subject_of(GH_PRINCIPAL, NOT_UTF8),
					   gh_subject_of(GH_ADDRESS, "2001:db8::/64"),
					   gh_subject_of(GH_EVERYONE, NULL) };

	for (size_t i = 0; i < GH_COUNT(rows); i++) {
		struct gh_carried carried = { 0 };
		struct gh_error error = { 0 };
		struct gh_buf buf = { 0 };
		struct gh_unpack in;

		gh_carry_subject(&buf, &rows[i]);
		whole_only(SUBJECT, &buf);
		in = gh_unpack(bytes(&buf), &error);
		same_subject(&rows[i], gh_carried_subject(&in, &carried));
		gh_carried_done(&carried);
		gh_buf_done(&buf);
	}
}
END_TEST

/* ---- arguments ---- */

/* One that was carried, and what it stands on. */
struct again {
	struct gh_buf buf;
	struct gh_carried carried;
	const void *in;
};

static void args_again(enum gh_hook_point point, const void *in, struct again *again)
{
	struct gh_error error = { 0 };
	struct gh_unpack unpack;

	*again = (struct again){ .buf = { 0 } };
	gh_carry_args(&again->buf, point, in);
	whole_only(point, &again->buf);
	unpack = gh_unpack(bytes(&again->buf), &error);
	again->in = gh_carried_args(&unpack, point, &joes, &again->carried);
	ck_assert_msg(again->in && gh_unpack_end(&unpack) == 0, "%s", error.text);
}

static void again_done(struct again *again)
{
	gh_carried_done(&again->carried);
	ck_assert(!again->carried.texts && !again->carried.so_far);
	gh_buf_done(&again->buf);
}

static const struct gh_authenticate logins[] = {
	{ .size = sizeof(struct gh_authenticate),
	  .flags = GH_EXPLAIN | 0x80000000u,
	  .client = &joes,
	  .so_far = &joe,
	  .username = NOT_UTF8,
	  .password = { "se\0cret", 7 },
	  .will = &hello,
	  .properties = { "\x17\x01", 2 },
	  .session_expiry = UINT32_MAX,
	  .keep_alive = UINT16_MAX,
	  .clean_start = true },
	{ .size = sizeof(struct gh_authenticate), .client = &joes, .client_id_assigned = true },
	{ .size = sizeof(struct gh_authenticate),
	  .client = &joes,
	  .username = "",
	  .password = { "", 0 },
	  .properties = { "", 0 },
	  .will = &empty },
};

static void same_login(const struct gh_authenticate *a, const struct gh_authenticate *b)
{
	ck_assert(b->size == sizeof(*b) && a->flags == b->flags && b->client == &joes);
	same_identity(a->so_far, b->so_far);
	ck_assert_pstr_eq(a->username, b->username);
	same_bytes(a->password, b->password);
	same_message(a->will, b->will);
	same_bytes(a->properties, b->properties);
	ck_assert(a->session_expiry == b->session_expiry && a->keep_alive == b->keep_alive);
	ck_assert(a->clean_start == b->clean_start && a->client_id_assigned == b->client_id_assigned);
}

START_TEST(authenticate)
{
	for (size_t i = 0; i < GH_COUNT(logins); i++) {
		struct again again;

		args_again(GH_HOOK_AUTHENTICATE, &logins[i], &again);
		same_login(&logins[i], again.in);
		again_done(&again);
	}
}
END_TEST

START_TEST(exchange)
{
	void *state = &state;
	const struct gh_exchange rows[] = {
		{ .size = sizeof(*rows),
		  .flags = GH_REAUTH,
		  .client = &joes,
		  .method = STR("SCRAM-SHA-256"),
		  .data = BYTES("n,,n=\0"),
		  .step = UINT32_MAX,
		  .state = &state,
		  .channel_binding = BYTES("0123456789abcdef0123456789abcdef") },
		{ .size = sizeof(*rows), .client = &joes, .connect = &logins[0], .method = STR("") },
		{ .size = sizeof(*rows), .client = &joes, .connect = &logins[1], .data = BYTES("") },
	};

	for (size_t i = 0; i < GH_COUNT(rows); i++) {
		const struct gh_exchange *got;
		struct again again;

		args_again(GH_HOOK_EXCHANGE, &rows[i], &again);
		got = again.in;
		ck_assert(got->size == sizeof(*got) && got->flags == rows[i].flags);
		ck_assert(got->client == &joes && got->step == rows[i].step && !got->state);
		same_str(rows[i].method, got->method);
		same_bytes(rows[i].data, got->data);
		same_bytes(rows[i].channel_binding, got->channel_binding);
		ck_assert_int_eq(rows[i].connect == NULL, got->connect == NULL);
		if (got->connect)
			same_login(rows[i].connect, got->connect);
		again_done(&again);
	}
}
END_TEST

START_TEST(lookup)
{
	static const char *const names[] = { "joe", NOT_UTF8, "", NULL };

	for (size_t i = 0; i < GH_COUNT(names); i++) {
		struct gh_lookup in = { .size = sizeof(in),
					.flags = GH_RECHECK | GH_HYPOTHETICAL,
					.client = &joes,
					.principal = names[i] };
		const struct gh_lookup *got;
		struct again again;

		args_again(GH_HOOK_LOOKUP, &in, &again);
		got = again.in;
		ck_assert(got->size == sizeof(*got) && got->flags == in.flags && got->client == &joes);
		ck_assert_pstr_eq(in.principal, got->principal);
		again_done(&again);
	}
}
END_TEST

START_TEST(authorize)
{
	const struct gh_authorize rows[] = {
		{ .size = sizeof(*rows),
		  .flags = GH_RECHECK,
		  .client = &joes,
		  .action = GH_RECEIVE,
		  .qos = 2,
		  .retain = true,
		  .topic = STR("a/caf\xc3\xa9"),
		  .share = STR("group"),
		  .payload_size = SIZE_MAX,
		  .properties = BYTES("\x0b\x01"),
		  .author = "ann",
		  .author_realm = "" },
		{ .size = sizeof(*rows), .client = &joes, .action = 77, .topic = STR("#") },
	};

	for (size_t i = 0; i < GH_COUNT(rows); i++) {
		const struct gh_authorize *got;
		struct again again;

		args_again(GH_HOOK_AUTHORIZE, &rows[i], &again);
		got = again.in;
		ck_assert(got->size == sizeof(*got) && got->flags == rows[i].flags);
		ck_assert(got->client == &joes && got->action == rows[i].action);
		ck_assert(got->qos == rows[i].qos && got->retain == rows[i].retain);
		same_str(rows[i].topic, got->topic);
		same_str(rows[i].share, got->share);
		ck_assert_uint_eq(got->payload_size, rows[i].payload_size);
		same_bytes(rows[i].properties, got->properties);
		ck_assert_pstr_eq(rows[i].author, got->author);
		ck_assert_pstr_eq(rows[i].author_realm, got->author_realm);
		again_done(&again);
	}
}
END_TEST

START_TEST(publish)
{
	const struct gh_message *both[] = { &hello, &empty };

	for (size_t i = 0; i < GH_COUNT(both); i++) {
		struct gh_publish in = {
			.size = sizeof(in), .flags = GH_EXPLAIN, .client = &joes, .message = both[i]
		};
		const struct gh_publish *got;
		struct again again;

		args_again(GH_HOOK_PUBLISH, &in, &again);
		got = again.in;
		ck_assert(got->size == sizeof(*got) && got->flags == in.flags && got->client == &joes);
		same_message(in.message, got->message);
		again_done(&again);
	}
}
END_TEST

START_TEST(no_such_argument)
{
	struct gh_error error = { 0 };

	ck_assert_int_eq(read_kind(GH_HOOK_ACCEPT, BYTES("\0\0\0\0\0\0"), &error), GH_EINVAL);
	ck_assert_msg(strstr(error.text, "no argument that crosses"), "%s", error.text);
}
END_TEST

/* All that is secret stands behind all that is not: there is room for all of it before its first byte. */
START_TEST(secrets_come_last)
{
	static const char secret[] = "secretsecretsecret";
	struct gh_bytes hidden = { secret, sizeof(secret) };
	struct gh_authenticate in = logins[0];
	struct gh_exchange question = { .client = &joes,
					.connect = &in,
					.method = STR("SCRAM-SHA-256"),
					.data = hidden,
					.channel_binding = hidden };
	struct gh_buf buf = { 0 };
	uint8_t *first;

	in.username = secret;
	in.password = in.properties = hidden;
	gh_carry_args(&buf, GH_HOOK_EXCHANGE, &question);
	first = memmem(buf.p, buf.n, secret, sizeof(secret));
	ck_assert_ptr_nonnull(first);
	ck_assert_uint_eq(buf.p + buf.n - first, 4 * sizeof(secret) + sizeof(secret) - 1 + 4);
	gh_buf_done(&buf);
}
END_TEST

/* ---- events ---- */

static const struct gh_subject banned = { .kind = GH_ADDRESS, .text = "192.0.2.0/24" };
static const struct gh_event told[] = {
	{ .size = sizeof(struct gh_event),
	  .code = UINT32_MAX,
	  .kind = 1ull << 63,
	  .time_us = INT64_MIN,
	  .client = &joes,
	  .username = "joe",
	  .module = "ldap",
	  .why = NOT_UTF8,
	  .rule = "/etc/gatehouse/acl:12",
	  .text = "",
	  .message = &hello,
	  .topic = { "a/b", 3 },
	  .share = { "g", 1 },
	  .action = 1,
	  .verdict = 3,
	  .cause = UINT32_MAX,
	  .reason = 0x87,
	  .qos = 255,
	  .retain = true,
	  .bytes = UINT64_MAX,
	  .count = 2,
	  .duration_ms = 3,
	  .received = { 4, 5 },
	  .sent = { 6, UINT64_MAX },
	  .subject = &banned },
	{ .size = sizeof(struct gh_event), .kind = GH_EV_RELOAD, .time_us = 1700000000000000 },
	{ .size = sizeof(struct gh_event), .kind = GH_EV_PUBLISH, .client = &joes, .message = &empty },
	{ .size = sizeof(struct gh_event), .kind = GH_EV_BAN, .subject = &banned },
};

static void same_event(const struct gh_event *a, const struct gh_event *b)
{
	ck_assert_uint_eq(b->size, sizeof(*b));
	ck_assert(a->code == b->code && a->kind == b->kind && a->time_us == b->time_us);
	ck_assert_ptr_eq(a->client, b->client);
	ck_assert_pstr_eq(a->username, b->username);
	ck_assert_pstr_eq(a->module, b->module);
	ck_assert_pstr_eq(a->why, b->why);
	ck_assert_pstr_eq(a->rule, b->rule);
	ck_assert_pstr_eq(a->text, b->text);
	same_message(a->message, b->message);
	same_str(a->topic, b->topic);
	same_str(a->share, b->share);
	ck_assert(a->action == b->action && a->verdict == b->verdict && a->cause == b->cause);
	ck_assert(a->reason == b->reason && a->qos == b->qos && a->retain == b->retain);
	ck_assert(a->bytes == b->bytes && a->count == b->count && a->duration_ms == b->duration_ms);
	ck_assert_mem_eq(&a->received, &b->received, sizeof(a->received));
	ck_assert_mem_eq(&a->sent, &b->sent, sizeof(a->sent));
	same_subject(a->subject, b->subject);
}

START_TEST(events)
{
	for (size_t i = 0; i < GH_COUNT(told); i++) {
		struct gh_carried carried = { 0 };
		struct gh_error error = { 0 };
		struct gh_buf buf = { 0 };
		struct gh_unpack in;
		const struct gh_event *event;

		gh_carry_event(&buf, &told[i]);
		whole_only(EVENT, &buf);
		in = gh_unpack(bytes(&buf), &error);
		event = gh_carried_event(&in, told[i].client, &carried);
		ck_assert_msg(event && gh_unpack_end(&in) == 0, "%s", error.text);
		same_event(&told[i], event);
		gh_carried_done(&carried);
		gh_buf_done(&buf);
	}
}
END_TEST

/* ---- what is made up ---- */

#define IP "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define V(text) \
	{ \
		text, sizeof(text) - 1 \
	}
#define NOBODY  "\0\0\0\0\0" IP "\0\1\0" /* a client without anything, after its flags */
#define TLS_OUT "\0\0\0\0\0\0\0\0" IP IP /* likewise of what TLS established */

static const struct {
	unsigned kind;
	struct gh_bytes value;
	const char *why;
} refused_rows[] = {
	{ CLIENT, V("\x10" NOBODY), "'client flags' has bits" },
	{ CLIENT, V("\0\2\0\0\0\0" IP "\0\1\0"), "'protocol' is 2" },
	{ CLIENT, V("\0\6\0\0\0\0" IP "\0\1\0"), "'protocol' is 6" },
	{ CLIENT, V("\0\0\0\2\0"), "'client id' has a NUL" },
	{ CLIENT, V("\0\0\0\0\0\0" IP "\0\3\0"), "'transport' is 3" },
	{ CLIENT, V("\2" NOBODY TLS_OUT "\2\1"), "middle of 'certificate'" },
	{ CLIENT, V("\2" NOBODY TLS_OUT "\x7f"), "'chain length' is 127" },
	{ CLIENT, V("\1" NOBODY "\0"), "'identity' is of nobody" },
	{ CLIENT, V("\1" NOBODY "\1\1x\1r\0\0\0\0\0"), "without naming" },
	{ CLIENT, V("\1" NOBODY "\1\1x\1r\2j\0\0\0\2\xff"), "isn't UTF-8" },
	{ MESSAGE, V("\4\0\0\0\0\0"), "'message flags' has bits" },
	{ MESSAGE, V("\0\3\0\0\0\0"), "'qos' is 3" },
	{ MESSAGE, V("\0\0\2\xff\0\0\0"), "'topic' isn't UTF-8" },
	{ MESSAGE, V("\0\0\0\0\3x"), "middle of 'properties'" },
	{ MESSAGE, V("\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\0\0"), "'payload'" },
	{ MESSAGE, V("\0\0\0\0\0\3x\0"), "'origin' has a NUL" },
	{ SUBJECT, V("\0\0\0"), "'subject' is 0" },
	{ SUBJECT, V("\6\0\0"), "'subject' is 6" },
	{ GH_HOOK_AUTHORIZE, V("\0\1\3"), "'qos' is 3" },
	{ GH_HOOK_AUTHORIZE, V("\0\1\0\2"), "'retain' has bits" },
	{ GH_HOOK_EXCHANGE, V("\0\0\0\2"), "'connect' has bits" },
	{ GH_HOOK_AUTHENTICATE, V("\0\x8"), "'connect flags' has bits" },
	{ GH_HOOK_AUTHENTICATE, V("\0\0\0\0\2"), "'identity' has bits" },
	{ EVENT, V("\x8"), "'event flags' has bits" },
	/* an answer: verdict, why, (key, value), 0 */
	{ ANSWER, V("\0\0\0"), "'verdict' is 0" },
	{ ANSWER, V("\5\0\0"), "comes later" },
	{ ANSWER, V("\7\0\0"), "'verdict' is 7" },
	{ ANSWER, V("\2\1\0\0"), "'why' has a NUL" },
	{ ANSWER, V("\2\0\x63\0"), "key 99 isn't known" },
	{ ANSWER, V("\2\0\x12\0"), "key 18 isn't known" }, /* psk_key */
	{ ANSWER, V("\2\0\1\0\0"), "'file' is empty" },
	{ ANSWER, V("\2\0\1\1\0\0"), "'file' has a NUL" },
	{ ANSWER, V("\2\0\2\0\0"), "'line' is 0" },
	{ ANSWER, V("\2\0\2\1\1\1x\0"), "key 1 isn't known, or not in its place" },
	{ ANSWER, V("\2\0\2\1\2\1\0"), "key 2 isn't known, or not in its place" },
	{ ANSWER, V("\2\0\4\x80\2\0"), "'reason' is 256" },
	{ ANSWER, V("\2\0\xc\2\0"), "'max qos' is 2" },
	{ ANSWER, V("\2\0\xd\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\0"), "'max size'" },
	{ ANSWER, V("\2\0\x14\0\0"), "topic" },
	{ ANSWER, V("\2\0\x14\1#\0"), "topic" },
	{ ANSWER, V("\2\0\x16\1\xff\1\0"), "user property" },
	{ ANSWER, V("\2\0\x16\1\0\1\0"), "has a NUL" },
	{ ANSWER, V("\2\0\5\3joe\0"), "'principal' is of logins" },
	{ LOGIN_ANSWER, V("\2\0\5\0\0"), "the principal is empty" },
	{ LOGIN_ANSWER, V("\2\0\5\1\xff\0"), "the principal isn't UTF-8" },
	{ LOGIN_ANSWER, V("\3\0\5\1\xff\0"), "the principal isn't UTF-8" },
	{ LOGIN_ANSWER, V("\2\0\5\1a\5\1a\0"), "not in its place" },
	{ LOGIN_ANSWER, V("\2\0\6\0\0"), "a group is empty" },
	{ LOGIN_ANSWER, V("\2\0\7\1n\0\0"), "an attribute has no name or value" },
	{ LOGIN_ANSWER, V("\2\0\x8\0\0"), "'expires' is 0" },
	{ LOGIN_ANSWER, V("\2\0\x9\0\0"), "the client id is empty" },
	{ LOGIN_ANSWER, V("\2\0\x11\0\0"), "the limits class has no name" },
	{ LOGIN_ANSWER, V("\2\0\xa\1\0\0"), "'shown user' has a NUL" },
};

START_TEST(refused)
{
	for (size_t i = 0; i < GH_COUNT(refused_rows); i++) {
		struct gh_error error = { 0 };

		ck_assert_int_eq(read_kind(refused_rows[i].kind, refused_rows[i].value, &error),
				 GH_EINVAL);
		ck_assert_msg(strstr(error.text, refused_rows[i].why), "row %zu: %s", i, error.text);
	}
}
END_TEST

GH_TEST_MAIN("hook/carry", clients, tls_stays, classes, parts_become_one, messages, subjects,
	     authenticate, exchange, lookup, authorize, publish, no_such_argument,
	     secrets_come_last, events, refused)
