/* SPDX-License-Identifier: Apache-2.0 */
/* Answers as they cross: what the setters have set, in one order, so that an answer has one form. */
#include "hook/carry_priv.h"

#include "base/mem.h"
#include "base/str.h"

#include <gatehouse/host.h>
#include <stdlib.h>
#include <string.h>

/* ---- which values there are ---- */

enum form { NUMBER, FLAG, BYTES, TEXT, PAIR };

/* In the order in which they cross: what is secret comes last, into a buffer that doesn't grow any more. A number is at least
 * min; of bytes and text max is the length. Where nothing is set, nothing is told. */
static const struct row {
	const char *name;
	uint8_t key; /* GH_A_... */
	uint8_t form;
	bool login, repeats;
	uint64_t min, max;
} rows[] = {
	{ "file", GH_A_FILE, TEXT, .min = 1, .max = GH_FILE_MAX - 1 },
	{ "line", GH_A_LINE, NUMBER, .min = 1, .max = UINT32_MAX },
	{ "cause", GH_A_CAUSE, NUMBER, .min = 1, .max = UINT32_MAX },
	{ "reason", GH_A_REASON, NUMBER, .max = 0xff },
	{ "max qos", GH_A_MAX_QOS, NUMBER, .max = 1 },
	{ "max size", GH_A_MAX_SIZE, NUMBER, .max = INT64_MAX },
	{ "no retain", GH_A_NO_RETAIN, FLAG, .max = 1 },
	{ "covers", GH_A_COVERS, FLAG, .max = 1 },
	{ "disconnect", GH_A_DISCONNECT, FLAG, .max = 1 },
	{ "cache", GH_A_CACHE, NUMBER, .max = UINT32_MAX },
	{ "topic", GH_A_TOPIC, BYTES, .max = UINT16_MAX },
	{ "payload", GH_A_PAYLOAD, BYTES, .max = UINT32_MAX / 2 },
	{ "property", GH_A_PROPERTY, PAIR, .repeats = true },
	{ "principal", GH_A_PRINCIPAL, BYTES, .login = true, .max = GH_PRINCIPAL_MAX },
	{ "group", GH_A_GROUP, BYTES, .login = true, .repeats = true, .max = GH_ATTRIBUTE_BYTES_MAX },
	{ "attribute", GH_A_ATTRIBUTE, PAIR, .login = true, .repeats = true },
	{ "expires", GH_A_EXPIRES, NUMBER, .login = true, .min = 1, .max = GH_PACK_TIME_MAX },
	{ "limits class", GH_A_CLASS, BYTES, .login = true, .max = SIZE_MAX },
	{ "client id", GH_A_CLIENT_ID, BYTES, .login = true, .max = UINT16_MAX },
	{ "shown user", GH_A_SHOWN_USER, TEXT, .login = true, .max = SIZE_MAX },
	{ "auth data", GH_A_AUTH_DATA, BYTES, .login = true, .max = UINT16_MAX },
};
enum { ROWS = sizeof(rows) / sizeof(*rows), END = 0 };

/* ---- to bytes ---- */

static void carry_bytes(struct gh_buf *out, uint8_t key, const void *p, size_t n)
{
	gh_pack_number(out, key);
	gh_pack_bytes(out, (struct gh_bytes){ p, n });
}

static void carry_text(struct gh_buf *out, uint8_t key, const char *text)
{
	carry_bytes(out, key, text, strlen(text));
}

static void carry_number(struct gh_buf *out, uint8_t key, uint64_t value)
{
	gh_pack_number(out, key);
	gh_pack_number(out, value);
}

static void carry_flag(struct gh_buf *out, uint8_t key, bool set)
{
	if (set)
		gh_pack_number(out, key);
}

static void carry_pair(struct gh_buf *out, uint8_t key, struct gh_pair pair)
{
	gh_pack_number(out, key);
	gh_pack_text(out, gh_str(pair.name));
	gh_pack_maybe(out, pair.value);
}

static void carry_plain(struct gh_buf *out, const struct gh_answer *answer, uint32_t cause)
{
	if (answer->file[0])
		carry_text(out, GH_A_FILE, answer->file);
	if (answer->line)
		carry_number(out, GH_A_LINE, answer->line);
	if (cause)
		carry_number(out, GH_A_CAUSE, cause);
	if (answer->reason_set)
		carry_number(out, GH_A_REASON, answer->reason);
	if (answer->max_qos < 2)
		carry_number(out, GH_A_MAX_QOS, answer->max_qos);
	if (answer->max_size != GH_NO_MAX_SIZE)
		carry_number(out, GH_A_MAX_SIZE, answer->max_size);
	carry_flag(out, GH_A_NO_RETAIN, answer->no_retain);
	carry_flag(out, GH_A_COVERS, answer->covers);
	carry_flag(out, GH_A_DISCONNECT, answer->disconnect);
	if (answer->cache)
		carry_number(out, GH_A_CACHE, answer->cache_s);
}

static void carry_edits(struct gh_buf *out, const struct gh_edits *edits)
{
	struct gh_edits_view view = gh_edits_view(edits);

	if (view.has_topic)
		carry_bytes(out, GH_A_TOPIC, view.topic.p, view.topic.n);
	if (view.has_payload)
		carry_bytes(out, GH_A_PAYLOAD, view.payload.p, view.payload.n);
	for (size_t i = 0; i < view.property_count; i++)
		carry_pair(out, GH_A_PROPERTY, gh_edits_pair(edits, i));
}

static void carry_grant(struct gh_buf *out, const struct gh_grant *grant)
{
	if (grant->principal)
		carry_text(out, GH_A_PRINCIPAL, grant->principal);
	for (size_t i = 0; i < grant->group_count; i++)
		carry_text(out, GH_A_GROUP, grant->groups[i]);
	for (size_t i = 0; i < grant->attribute_count; i++)
		carry_pair(out, GH_A_ATTRIBUTE, grant->attributes[i]);
	if (grant->expires)
		carry_number(out, GH_A_EXPIRES, (uint64_t)grant->expires);
	if (grant->limits_class)
		carry_text(out, GH_A_CLASS, grant->limits_class);
}

static void carry_login(struct gh_buf *out, const struct gh_login_answer *in)
{
	if (!in->grant.bad) /* else nobody takes it */
		carry_grant(out, &in->grant);
	if (in->client_id)
		carry_text(out, GH_A_CLIENT_ID, in->client_id);
	if (in->shown_user)
		carry_text(out, GH_A_SHOWN_USER, in->shown_user);
	if (!in->auth_data)
		return;
	gh_carry_reserve(out, in->auth_data_size, 3); /* with key and END */
	carry_bytes(out, GH_A_AUTH_DATA, in->auth_data, in->auth_data_size);
}

/* What the fold would refuse the answer for. NULL: nothing. */
static const char *bad_login(const struct gh_login_answer *in, enum gh_verdict verdict)
{
	if (!in)
		return NULL;
	return in->bad || verdict != GH_ALLOW ? in->bad : in->grant.bad;
}

static const char *bad_edits(const struct gh_edits *edits)
{
	return edits ? gh_edits_view(edits).bad : NULL;
}

static const char *bad_of(const struct gh_answer *answer, enum gh_verdict verdict)
{
	switch (verdict) {
	case GH_DENY:
	case GH_ERROR: return NULL;
	case GH_PASS:
	case GH_ALLOW:
	case GH_CONTINUE:
		return answer->login ? bad_login(answer->in, verdict) : bad_edits(answer->edits);
	default: return "it answered what is no verdict here";
	}
}

void gh_carry_answer(struct gh_buf *out, const struct gh_answer *answer, enum gh_verdict verdict)
{
	const char *bad = bad_of(answer, verdict), *from = bad ? bad : answer->why;
	uint32_t cause = bad && !answer->cause ? GH_CAUSE_BACKEND : answer->cause;
	char why[GH_WHY_MAX];

	gh_text_cut(why, sizeof(why), from, strlen(from));
	gh_pack_number(out, bad ? GH_ERROR : verdict);
	gh_pack_text(out, gh_str(why));
	carry_plain(out, answer, cause);
	if (answer->edits)
		carry_edits(out, answer->edits);
	if (answer->in)
		carry_login(out, answer->in);
	gh_pack_number(out, END);
}

/* ---- and back ---- */

static char *read_terminated(struct gh_unpack *in, const char *field, struct gh_bytes bytes)
{
	if (bytes.n && memchr(bytes.p, 0, bytes.n))
		gh_unpack_fail(in, "'%s' has a NUL in it", field);
	return in->rc || !bytes.p ? NULL : gh_strndup(bytes.p, bytes.n);
}

static void read_pair(struct gh_unpack *in, const struct row *row, struct gh_answer *answer)
{
	char *name = read_terminated(in, row->name, gh_unpack_bytes(in, row->name, SIZE_MAX));
	char *value = read_terminated(in, row->name, gh_carry_read_view(in, row->name));

	if (!in->rc)
		gh_answer_set_pair(answer, row->key, name, value);
	free(name);
	free(value);
}

static void read_bytes(struct gh_unpack *in, const struct row *row, struct gh_answer *answer)
{
	struct gh_bytes bytes = gh_unpack_bytes(in, row->name, (size_t)row->max);

	if (bytes.n < row->min)
		gh_unpack_fail(in, "'%s' is empty", row->name);
	if (row->form == TEXT && bytes.n && memchr(bytes.p, 0, bytes.n))
		gh_unpack_fail(in, "'%s' has a NUL in it", row->name);
	if (!in->rc)
		gh_answer_set_bytes(answer, row->key, bytes.p, bytes.n);
}

static void read_number(struct gh_unpack *in, const struct row *row, struct gh_answer *answer)
{
	uint64_t value = gh_unpack_number(in, row->name, row->min, row->max);

	if (!in->rc)
		gh_answer_set_number(answer, row->key, (int64_t)value);
}

static void read_value(struct gh_unpack *in, const struct row *row, struct gh_answer *answer)
{
	if (row->login && !answer->login)
		gh_unpack_fail(in, "'%s' is of logins", row->name);
	switch (row->form) {
	case NUMBER: read_number(in, row, answer); break;
	case FLAG: gh_answer_set_number(answer, row->key, 1); break;
	case PAIR: read_pair(in, row, answer); break;
	default: read_bytes(in, row, answer);
	}
}

/* The row of a key, `first` or behind it. ROWS: there is none. */
static size_t find(uint64_t key, size_t first)
{
	while (first < ROWS && rows[first].key != key)
		first++;
	return first;
}

static void read_list(struct gh_unpack *in, struct gh_answer *answer)
{
	size_t next = 0;
	uint64_t key;

	while ((key = gh_unpack_number(in, "key", 0, UINT64_MAX)) != END) {
		size_t i = find(key, next);

		if (i == ROWS) {
			gh_unpack_fail(in, "key %llu isn't known, or not in its place",
				       (unsigned long long)key);
			return;
		}
		read_value(in, &rows[i], answer);
		next = i + !rows[i].repeats;
	}
}

static void read_why(struct gh_unpack *in, struct gh_answer *answer)
{
	struct gh_bytes why = gh_unpack_bytes(in, "why", sizeof(answer->why) - 1);

	if (why.n && memchr(why.p, 0, why.n))
		gh_unpack_fail(in, "'why' has a NUL in it");
	if (!in->rc)
		gh_text_cut(answer->why, sizeof(answer->why), why.p, why.n);
}

/* Whoever keeps to the form has told what is bad by the verdict. */
static void refuse_bad(struct gh_unpack *in, const struct gh_answer *answer)
{
	const char *bad = bad_login(answer->in, GH_ALLOW);

	if (!bad)
		bad = bad_edits(answer->edits);
	if (bad)
		gh_unpack_fail(in, "%s", bad);
}

enum gh_verdict gh_carried_answer(struct gh_unpack *in, struct gh_answer *answer)
{
	uint64_t verdict = gh_unpack_number(in, "verdict", GH_PASS, GH_CONTINUE);

	if (verdict == GH_PENDING)
		gh_unpack_fail(in, "'verdict' is of an answer that comes later");
	read_why(in, answer);
	read_list(in, answer);
	refuse_bad(in, answer);
	return in->rc ? GH_ERROR : (enum gh_verdict)verdict;
}
