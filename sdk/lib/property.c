/* SPDX-License-Identifier: Apache-2.0 */
/* Walking encoded MQTT 5 properties. */
#include <gatehouse/lib.h>

static const uint8_t types[] = {
	[GH_PROPERTY_PAYLOAD_FORMAT] = GH_PROPERTY_BYTE,
	[GH_PROPERTY_MESSAGE_EXPIRY] = GH_PROPERTY_U32,
	[GH_PROPERTY_CONTENT_TYPE] = GH_PROPERTY_STRING,
	[GH_PROPERTY_RESPONSE_TOPIC] = GH_PROPERTY_STRING,
	[GH_PROPERTY_CORRELATION_DATA] = GH_PROPERTY_BINARY,
	[GH_PROPERTY_SUBSCRIPTION_ID] = GH_PROPERTY_VARINT,
	[GH_PROPERTY_SESSION_EXPIRY] = GH_PROPERTY_U32,
	[GH_PROPERTY_ASSIGNED_CLIENT_ID] = GH_PROPERTY_STRING,
	[GH_PROPERTY_SERVER_KEEP_ALIVE] = GH_PROPERTY_U16,
	[GH_PROPERTY_AUTH_METHOD] = GH_PROPERTY_STRING,
	[GH_PROPERTY_AUTH_DATA] = GH_PROPERTY_BINARY,
	[GH_PROPERTY_REQUEST_PROBLEM_INFO] = GH_PROPERTY_BYTE,
	[GH_PROPERTY_WILL_DELAY] = GH_PROPERTY_U32,
	[GH_PROPERTY_REQUEST_RESPONSE_INFO] = GH_PROPERTY_BYTE,
	[GH_PROPERTY_RESPONSE_INFO] = GH_PROPERTY_STRING,
	[GH_PROPERTY_SERVER_REFERENCE] = GH_PROPERTY_STRING,
	[GH_PROPERTY_REASON_STRING] = GH_PROPERTY_STRING,
	[GH_PROPERTY_RECEIVE_MAXIMUM] = GH_PROPERTY_U16,
	[GH_PROPERTY_TOPIC_ALIAS_MAXIMUM] = GH_PROPERTY_U16,
	[GH_PROPERTY_TOPIC_ALIAS] = GH_PROPERTY_U16,
	[GH_PROPERTY_MAXIMUM_QOS] = GH_PROPERTY_BYTE,
	[GH_PROPERTY_RETAIN_AVAILABLE] = GH_PROPERTY_BYTE,
	[GH_PROPERTY_USER] = GH_PROPERTY_PAIR,
	[GH_PROPERTY_MAXIMUM_PACKET_SIZE] = GH_PROPERTY_U32,
	[GH_PROPERTY_WILDCARD_AVAILABLE] = GH_PROPERTY_BYTE,
	[GH_PROPERTY_SUBSCRIPTION_ID_AVAILABLE] = GH_PROPERTY_BYTE,
	[GH_PROPERTY_SHARED_AVAILABLE] = GH_PROPERTY_BYTE,
};

static bool take_number(const uint8_t **p, const uint8_t *end, size_t width, uint32_t *number_r)
{
	uint32_t number = 0;

	if ((size_t)(end - *p) < width)
		return false;
	for (size_t i = 0; i < width; i++)
		number = number << 8 | (*p)[i];
	*p += width;
	*number_r = number;
	return true;
}

static bool take_varint(const uint8_t **p, const uint8_t *end, uint32_t *number_r)
{
	uint32_t number = 0;

	for (size_t i = 0; i < 4 && *p + i < end; i++) {
		uint8_t byte = (*p)[i];

		number |= (uint32_t)(byte & 0x7f) << 7 * i;
		if (byte & 0x80)
			continue;
		if (i > 0 && byte == 0)
			return false;
		*p += i + 1;
		*number_r = number;
		return true;
	}
	return false;
}

static bool take_bytes(const uint8_t **p, const uint8_t *end, struct gh_bytes *bytes_r)
{
	uint32_t n;

	if (!take_number(p, end, 2, &n) || (size_t)(end - *p) < n)
		return false;
	bytes_r->p = *p;
	bytes_r->n = n;
	*p += n;
	return true;
}

static bool take_value(const uint8_t **p, const uint8_t *end, struct gh_property *property)
{
	struct gh_bytes name;

	switch (property->type) {
	case GH_PROPERTY_BYTE: return take_number(p, end, 1, &property->number);
	case GH_PROPERTY_U16: return take_number(p, end, 2, &property->number);
	case GH_PROPERTY_U32: return take_number(p, end, 4, &property->number);
	case GH_PROPERTY_VARINT: return take_varint(p, end, &property->number);
	case GH_PROPERTY_PAIR:
		if (!take_bytes(p, end, &name))
			return false;
		property->name.p = (const char *)name.p;
		property->name.n = name.n;
		return take_bytes(p, end, &property->value);
	case GH_PROPERTY_BINARY:
	case GH_PROPERTY_STRING: return take_bytes(p, end, &property->value);
	default: /* no such property */ return false;
	}
}

int gh_property_next(struct gh_bytes *rest, struct gh_property *property_r)
{
	const uint8_t *p = (const uint8_t *)rest->p, *end;
	struct gh_property property = { 0 };

	if (rest->n == 0)
		return 0;
	end = p + rest->n;
	property.id = *p++;
	property.type = property.id < sizeof(types) ? types[property.id] : 0;
	if (!take_value(&p, end, &property))
		return GH_EINVAL;
	rest->p = p;
	rest->n = (size_t)(end - p);
	*property_r = property;
	return 1;
}
