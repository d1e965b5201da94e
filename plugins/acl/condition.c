/* SPDX-License-Identifier: Apache-2.0 */
/* The conditions behind the four columns of a rule. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include "rules.h"

/* What stands behind the name of a condition; `at` is where that is in the line. */
struct value {
	struct acl_line *line;
	struct acl_rule *rule;
	const char *text;
	size_t n, at;
};

static int pattern(struct value *value, struct acl_pattern *pattern)
{
	if (value->n == 0)
		return acl_line_fail(
			value->line, value->at,
			"found nothing behind '=', expected a name or a pattern with '*'");
	acl_pattern_set(pattern, value->text, value->n);
	return 0;
}

static int user(struct value *value)
{
	return pattern(value, &value->rule->user);
}

static int realm(struct value *value)
{
	return pattern(value, &value->rule->realm);
}

static int group(struct value *value)
{
	return pattern(value, &value->rule->group);
}

static int listener(struct value *value)
{
	return pattern(value, &value->rule->listener);
}

static int qos(struct value *value)
{
	if (value->n != 1 || *value->text < '0' || *value->text > '2')
		return acl_line_fail(value->line, value->at,
				     "found '%s', expected a QoS: 0, 1 or 2", value->text);
	value->rule->qos_max = (uint8_t)(*value->text - '0');
	return 0;
}

/* Bytes, with k, M or G for powers of 1024. */
static bool size_parse(const char *text, uint64_t *size_r)
{
	static const char units[] = "kMG";
	uint64_t size = 0;
	const char *unit;
	size_t i = 0;

	for (; text[i] >= '0' && text[i] <= '9'; i++) {
		if (i == 12)
			return false;
		size = size * 10 + (uint64_t)(text[i] - '0');
	}
	if (i == 0)
		return false;
	if (text[i]) {
		unit = strchr(units, text[i]);
		if (!unit || text[i + 1])
			return false;
		size <<= 10 * (unit - units + 1);
	}
	*size_r = size;
	return true;
}

static int size(struct value *value)
{
	if (!size_parse(value->text, &value->rule->size_max))
		return acl_line_fail(value->line, value->at,
				     "found '%s', expected bytes: a number, perhaps with k, M or G",
				     value->text);
	return 0;
}

/* IPv4 as ::ffff:a.b.c.d; the bits that a whole address of this kind has, or 0. */
static unsigned address_parse(const char *text, uint8_t ip_r[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	memcpy(ip_r, mapped, sizeof(mapped));
	if (inet_pton(AF_INET, text, ip_r + 12) == 1)
		return 32;
	return inet_pton(AF_INET6, text, ip_r) == 1 ? 128 : 0;
}

static bool bits_parse(const char *text, unsigned most, unsigned *bits_r)
{
	unsigned bits = 0;

	if (!*text || strlen(text) > 3)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		bits = bits * 10 + (unsigned)(*text - '0');
	}
	*bits_r = bits;
	return bits <= most;
}

/* Whether nothing is set behind the first `bits` of a network. */
static bool host_part_empty(const uint8_t ip[16], unsigned bits)
{
	for (unsigned i = bits; i < 128; i++)
		if (ip[i / 8] & 0x80u >> i % 8)
			return false;
	return true;
}

static int address(struct value *value)
{
	char *text = acl_copy(value->text, value->n), *slash = strchr(text, '/');
	struct acl_rule *rule = value->rule;
	unsigned most, bits = 0;

	if (slash)
		*slash = '\0';
	most = address_parse(text, rule->network);
	if (!most || !bits_parse(slash ? slash + 1 : most == 32 ? "32" : "128", most, &bits)) {
		free(text);
		return acl_line_fail(
			value->line, value->at,
			"found '%s', expected an address or a network, such as 192.0.2.0/24 or 2001:db8::/32",
			value->text);
	}
	free(text);
	rule->prefix_bits = (uint8_t)(bits + 128 - most);
	if (!host_part_empty(rule->network, rule->prefix_bits))
		return acl_line_fail(
			value->line, value->at,
			"found '%s', which has bits set behind its first %u, expected the network's own address",
			value->text, bits);
	return 0;
}

/* A name ends with what is before its value; what has none is the whole word. */
static const struct condition {
	const char *name;
	unsigned bit;
	int (*set)(struct value *value);
} conditions[] = {
	{ "user=", ACL_IF_USER, user },
	{ "realm=", ACL_IF_REALM, realm },
	{ "group=", ACL_IF_GROUP, group },
	{ "anonymous", ACL_IF_ANONYMOUS, NULL },
	{ "qos<=", ACL_IF_QOS, qos },
	{ "size<=", ACL_IF_SIZE, size },
	{ "retain", ACL_IF_RETAIN, NULL },
	{ "no-retain", ACL_IF_NO_RETAIN, NULL },
	{ "address=", ACL_IF_ADDRESS, address },
	{ "listener=", ACL_IF_LISTENER, listener },
	{ "tls", ACL_IF_TLS, NULL },
	{ "literal", ACL_LITERAL, NULL },
	{ "any-filter", ACL_ANY_FILTER, NULL },
};
#define CONDITIONS (sizeof(conditions) / sizeof(*conditions))
#define CONDITION_NAMES \
	"user=, realm=, group=, anonymous, qos<=, size<=, retain, no-retain, address=, listener=, tls, " \
	"literal or any-filter"

static const struct condition *named(const struct acl_field *field)
{
	for (size_t i = 0; i < CONDITIONS; i++) {
		const struct condition *condition = &conditions[i];
		size_t n = strlen(condition->name);

		if (condition->set ? field->n >= n && memcmp(field->text, condition->name, n) == 0
				   : field->n == n && memcmp(field->text, condition->name, n) == 0)
			return condition;
	}
	return NULL;
}

/* What a second condition of a rule contradicts. */
static const struct {
	unsigned both;
	const char *problem;
} contradictions[] = {
	{ ACL_IF_RETAIN | ACL_IF_NO_RETAIN,
	  "found retain and no-retain, which no message fulfils, expected one of them" },
	{ ACL_IF_ANONYMOUS | ACL_IF_USER,
	  "found anonymous and user=, which no client fulfils, expected one of them" },
	{ ACL_IF_ANONYMOUS | ACL_IF_REALM,
	  "found anonymous and realm=, which no client fulfils, expected one of them" },
	{ ACL_IF_ANONYMOUS | ACL_IF_GROUP,
	  "found anonymous and group=, which no client fulfils, expected one of them" },
	{ ACL_LITERAL | ACL_ANY_FILTER, "found literal and any-filter, expected one of them" },
};

int acl_condition_parse(struct acl_line *line, struct acl_field *field, struct acl_rule *rule)
{
	const struct condition *condition = named(field);
	struct value value = { .line = line, .rule = rule };

	if (!condition)
		return acl_line_fail(line, field->at,
				     "found '%.64s' behind the four columns, expected " CONDITION_NAMES,
				     field->text);
	if (rule->conditions & condition->bit)
		return acl_line_fail(line, field->at, "found a second '%s', expected it once",
				     condition->name);
	rule->conditions |= condition->bit;
	for (size_t i = 0; i < sizeof(contradictions) / sizeof(*contradictions); i++)
		if ((rule->conditions & contradictions[i].both) == contradictions[i].both)
			return acl_line_fail(line, field->at, "%s", contradictions[i].problem);
	if (!condition->set)
		return 0;
	value.text = field->text + strlen(condition->name);
	value.n = field->n - strlen(condition->name);
	value.at = field->at + strlen(condition->name);
	return condition->set(&value);
}
