/* SPDX-License-Identifier: Apache-2.0 */
/* The setters of an answer: everything is copied, and what the core can't take is remembered as
 * bad. */
#include "answer.h"
#include "priv.h"

#include <gatehouse/lib.h>
#include <stdlib.h>
#include <string.h>

#define KEY(key)  (1u << (key))
#define AT(point) (1u << (point))
#define LOGINS    (AT(GH_AT_AUTHENTICATE) | AT(GH_AT_EXCHANGE) | AT(GH_AT_LOOKUP))
#define ANY       (~0u)

/* At which hooks a key has an effect. */
static const struct {
	const char *call;
	uint32_t points;
} keys[] = {
	[GH_A_FILE] = { "file", ANY },
	[GH_A_LINE] = { "line", ANY },
	[GH_A_CAUSE] = { "cause", ANY },
	[GH_A_REASON] = { "reason", ANY },
	[GH_A_PRINCIPAL] = { "principal", LOGINS },
	[GH_A_GROUP] = { "group", LOGINS },
	[GH_A_ATTRIBUTE] = { "attribute", LOGINS },
	[GH_A_EXPIRES] = { "expires", LOGINS },
	[GH_A_CLIENT_ID] = { "client_id", LOGINS },
	[GH_A_SHOWN_USER] = { "shown_user", LOGINS },
	[GH_A_AUTH_DATA] = { "auth_data", AT(GH_AT_EXCHANGE) },
	[GH_A_MAX_QOS] = { "max_qos", AT(GH_AT_AUTHORIZE) },
	[GH_A_MAX_SIZE] = { "max_size", AT(GH_AT_AUTHORIZE) },
	[GH_A_NO_RETAIN] = { "no_retain", AT(GH_AT_AUTHORIZE) },
	[GH_A_COVERS] = { "covers", AT(GH_AT_AUTHORIZE) },
	[GH_A_DISCONNECT] = { "disconnect", AT(GH_AT_AUTHORIZE) | AT(GH_AT_PUBLISH) },
	[GH_A_CLASS] = { "limits_class", LOGINS },
	[GH_A_PSK_KEY] = { "psk_key", AT(GH_AT_PSK) },
	[GH_A_CACHE] = { "cache", AT(GH_AT_AUTHORIZE) },
	[GH_A_TOPIC] = { "topic", AT(GH_AT_PUBLISH) },
	[GH_A_PAYLOAD] = { "payload", AT(GH_AT_PUBLISH) },
	[GH_A_PROPERTY] = { "property", AT(GH_AT_PUBLISH) },
};
#define KEYS (sizeof(keys) / sizeof(*keys))

enum {
	PRINCIPAL_MAX = 256,
	GROUPS_MAX = 256,
	ATTRIBUTES_MAX = 32,
	PAIR_BYTES_MAX = 8192,
	WIRE_MAX = 65535
};

struct gh_answer *gh_answer_new(struct gh_instance *instance, const struct gh_host_api *api,
				const struct gh_question *about)
{
	struct gh_answer *answer = gh_new(sizeof(*answer));

	answer->api = api;
	answer->instance = instance;
	answer->about = *about;
	return answer;
}

static void forget(struct gh_answer *answer, uint32_t key)
{
	gh_wipe((void *)answer->bytes[key].p, answer->bytes[key].n);
	free((void *)answer->bytes[key].p);
	answer->bytes[key] = (struct gh_bytes){ 0 };
}

void gh_answer_free(struct gh_answer **answer)
{
	struct gh_answer *gone = *answer;

	*answer = NULL;
	if (!gone)
		return;
	for (uint32_t key = 1; key < KEYS; key++)
		forget(gone, key);
	for (size_t i = 0; i < gone->pair_count; i++) {
		free(gone->pairs[i].key);
		free(gone->pairs[i].value);
	}
	free(gone->pairs);
	free(gone->pair_keys);
	free(gone->why);
	free(gone);
}

bool gh_answer_has(const struct gh_answer *answer, enum gh_answer_key key)
{
	return answer->set & KEY(key);
}

struct gh_bytes gh_answer_of(const struct gh_answer *answer, enum gh_answer_key key)
{
	return answer->bytes[key];
}

/* The broker ignores what has no place: an author wants to know. */
static bool has_effect(struct gh_answer *answer, uint32_t key)
{
	if (key == 0 || key >= KEYS || !keys[key].call) {
		gh_misuse(answer->instance, "an answer with an unknown key %u", (unsigned)key);
		return false;
	}
	if (keys[key].points & AT(answer->about.point))
		return true;
	gh_misuse(answer->instance, "gh_answer_%s() has no effect on %s", keys[key].call,
		  gh_point_word((enum gh_point)answer->about.point));
	return false;
}

static void add_pair(struct gh_answer *answer, uint32_t key, const char *name, const char *value)
{
	answer->pairs = gh_grow(answer->pairs, answer->pair_count + 1, sizeof(*answer->pairs));
	answer->pair_keys =
		gh_grow(answer->pair_keys, answer->pair_count + 1, sizeof(*answer->pair_keys));
	answer->pairs[answer->pair_count] =
		(struct gh_fact){ gh_copy(name), gh_copy(value), value ? strlen(value) : 0 };
	answer->pair_keys[answer->pair_count++] = key;
	answer->set |= KEY(key);
}

static size_t pairs_of(const struct gh_answer *answer, uint32_t key)
{
	size_t count = 0;

	for (size_t i = 0; i < answer->pair_count; i++)
		count += answer->pair_keys[i] == key;
	return count;
}

static void set_group(struct gh_answer *answer, const char *p, size_t n)
{
	char *group;

	if (!n || !gh_utf8(p, n)) {
		answer->bad_grant = "a group is empty or isn't UTF-8";
		return;
	}
	answer->pair_bytes += n;
	if (pairs_of(answer, GH_A_GROUP) >= GROUPS_MAX || answer->pair_bytes > PAIR_BYTES_MAX) {
		answer->bad_grant = "more groups than 256, or than 8 KiB of them";
		return;
	}
	group = gh_copy_n(p, n);
	add_pair(answer, GH_A_GROUP, "group", group);
	free(group);
}

static const char *bad_bytes(const struct gh_answer *answer, uint32_t key, const char *p, size_t n)
{
	struct gh_str text = { p, n };

	switch (key) {
	case GH_A_PRINCIPAL:
		if (!n)
			return "the principal is empty";
		if (n > PRINCIPAL_MAX)
			return "the principal is over 256 bytes";
		if (!gh_utf8(p, n))
			return "the principal isn't UTF-8";
		return gh_answer_has(answer, key) && (answer->bytes[key].n != n ||
						      memcmp(answer->bytes[key].p, p, n) != 0)
			       ? "two principals are named"
			       : NULL;
	case GH_A_CLIENT_ID:
		return !n || n > WIRE_MAX || !gh_utf8(p, n)
			       ? "the client id is empty, too long or not UTF-8"
			       : NULL;
	case GH_A_AUTH_DATA:
		return n > WIRE_MAX ? "the authentication data is over 65,535 bytes" : NULL;
	case GH_A_PSK_KEY: return n ? NULL : "the key is empty";
	case GH_A_TOPIC:
		return gh_topic_name_valid(text) && gh_utf8(p, n)
			       ? NULL
			       : "the topic isn't one that may be published to";
	default: return NULL;
	}
}

void gh_answer_set_bytes(struct gh_answer *answer, uint32_t key, const void *p, size_t n)
{
	const char *bad;

	if (!has_effect(answer, key))
		return;
	if (key == GH_A_GROUP) {
		set_group(answer, p, n);
		return;
	}
	bad = bad_bytes(answer, key, p, n);
	if (bad) {
		*(key == GH_A_PRINCIPAL ? &answer->bad_grant : &answer->bad) = bad;
		return;
	}
	forget(answer, key);
	answer->bytes[key] = (struct gh_bytes){ gh_copy_n(p, n), n };
	answer->set |= KEY(key);
}

static const char *bad_pair(struct gh_answer *answer, uint32_t key, const char *name,
			    const char *value)
{
	size_t n = name ? strlen(name) : 0, v = value ? strlen(value) : 0;

	if (key == GH_A_PROPERTY)
		return !n || n > WIRE_MAX || v > WIRE_MAX || !gh_utf8(name, n) || !gh_utf8(value, v)
			       ? "a user property has no name, is too long or not UTF-8"
			       : NULL;
	if (!n || !gh_utf8(name, n) || !value || !gh_utf8(value, v))
		return "an attribute has no name or value, or isn't UTF-8";
	answer->pair_bytes += n + v;
	return pairs_of(answer, key) >= ATTRIBUTES_MAX || answer->pair_bytes > PAIR_BYTES_MAX
		       ? "more attributes than 32, or than 8 KiB of them"
		       : NULL;
}

void gh_answer_set_pair(struct gh_answer *answer, uint32_t key, const char *name, const char *value)
{
	const char *bad;

	if (!has_effect(answer, key))
		return;
	bad = bad_pair(answer, key, name, value);
	if (bad)
		*(key == GH_A_ATTRIBUTE ? &answer->bad_grant : &answer->bad) = bad;
	else
		add_pair(answer, key, name, value);
}

/* Of the year 9999: it can be counted in microseconds too. */
#define LAST_SECOND INT64_C(253402300799)

/* A limit the core doesn't understand is the strictest one. */
static int64_t at_most(int64_t value, int64_t most)
{
	return value < 0 ? 0 : value < most ? value : most;
}

void gh_answer_set_number(struct gh_answer *answer, uint32_t key, int64_t value)
{
	if (!has_effect(answer, key))
		return;
	if (key == GH_A_REASON && (value < 0 || value > 0xff))
		return;
	if (key == GH_A_EXPIRES) {
		if (value < 0)
			answer->bad_grant = "it expires before 1970";
		else if (value > LAST_SECOND)
			answer->bad_grant = "it expires after the year 9999";
		if (value <= 0 || (gh_answer_has(answer, key) && answer->numbers[key] <= value))
			return;
	}
	if (key == GH_A_MAX_QOS)
		value = at_most(value, 2);
	else if (key != GH_A_CAUSE)
		value = at_most(value, key == GH_A_LINE ? UINT32_MAX : INT64_MAX);
	answer->numbers[key] = value;
	answer->set |= KEY(key);
}

void gh_answer_set_why(struct gh_answer *answer, const char *fmt, va_list ap)
{
	free(answer->why);
	answer->why = gh_format_list(fmt, ap);
}
