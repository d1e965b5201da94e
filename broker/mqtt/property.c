/* SPDX-License-Identifier: Apache-2.0 */
/* What the standard allows of each property, and the ones that travel on. */
#include "mqtt/property.h"
#include "mqtt/wire.h"

#define CONNECT    GH_IN(GH_PACKET_CONNECT)
#define CONNACK    GH_IN(GH_PACKET_CONNACK)
#define PUBLISH    GH_IN(GH_PACKET_PUBLISH)
#define SUBSCRIBE  GH_IN(GH_PACKET_SUBSCRIBE)
#define DISCONNECT GH_IN(GH_PACKET_DISCONNECT)
#define AUTH       GH_IN(GH_PACKET_AUTH)
#define ACKS \
	(GH_IN(GH_PACKET_PUBACK) | GH_IN(GH_PACKET_PUBREC) | GH_IN(GH_PACKET_PUBREL) | \
	 GH_IN(GH_PACKET_PUBCOMP) | GH_IN(GH_PACKET_SUBACK) | GH_IN(GH_PACKET_UNSUBACK))

static const uint32_t packets[] = {
	[GH_PROPERTY_PAYLOAD_FORMAT] = PUBLISH | GH_IN_WILL,
	[GH_PROPERTY_MESSAGE_EXPIRY] = PUBLISH | GH_IN_WILL,
	[GH_PROPERTY_CONTENT_TYPE] = PUBLISH | GH_IN_WILL,
	[GH_PROPERTY_RESPONSE_TOPIC] = PUBLISH | GH_IN_WILL,
	[GH_PROPERTY_CORRELATION_DATA] = PUBLISH | GH_IN_WILL,
	[GH_PROPERTY_SUBSCRIPTION_ID] = PUBLISH | SUBSCRIBE,
	[GH_PROPERTY_SESSION_EXPIRY] = CONNECT | CONNACK | DISCONNECT,
	[GH_PROPERTY_ASSIGNED_CLIENT_ID] = CONNACK,
	[GH_PROPERTY_SERVER_KEEP_ALIVE] = CONNACK,
	[GH_PROPERTY_AUTH_METHOD] = CONNECT | CONNACK | AUTH,
	[GH_PROPERTY_AUTH_DATA] = CONNECT | CONNACK | AUTH,
	[GH_PROPERTY_REQUEST_PROBLEM_INFO] = CONNECT,
	[GH_PROPERTY_WILL_DELAY] = GH_IN_WILL,
	[GH_PROPERTY_REQUEST_RESPONSE_INFO] = CONNECT,
	[GH_PROPERTY_RESPONSE_INFO] = CONNACK,
	[GH_PROPERTY_SERVER_REFERENCE] = CONNACK | DISCONNECT,
	[GH_PROPERTY_REASON_STRING] = CONNACK | ACKS | DISCONNECT | AUTH,
	[GH_PROPERTY_RECEIVE_MAXIMUM] = CONNECT | CONNACK,
	[GH_PROPERTY_TOPIC_ALIAS_MAXIMUM] = CONNECT | CONNACK,
	[GH_PROPERTY_TOPIC_ALIAS] = PUBLISH,
	[GH_PROPERTY_MAXIMUM_QOS] = CONNACK,
	[GH_PROPERTY_RETAIN_AVAILABLE] = CONNACK,
	[GH_PROPERTY_USER] = CONNECT | GH_IN_WILL | CONNACK | PUBLISH | ACKS | SUBSCRIBE |
			     GH_IN(GH_PACKET_UNSUBSCRIBE) | DISCONNECT | AUTH,
	[GH_PROPERTY_MAXIMUM_PACKET_SIZE] = CONNECT | CONNACK,
	[GH_PROPERTY_WILDCARD_AVAILABLE] = CONNACK,
	[GH_PROPERTY_SUBSCRIPTION_ID_AVAILABLE] = CONNACK,
	[GH_PROPERTY_SHARED_AVAILABLE] = CONNACK,
};

#define BIT(id) (1ull << (id))
#define FORWARDED \
	(BIT(GH_PROPERTY_PAYLOAD_FORMAT) | BIT(GH_PROPERTY_CONTENT_TYPE) | \
	 BIT(GH_PROPERTY_RESPONSE_TOPIC) | BIT(GH_PROPERTY_CORRELATION_DATA) | \
	 BIT(GH_PROPERTY_USER))

uint32_t gh_property_packets(uint8_t id)
{
	return id < sizeof(packets) / sizeof(packets[0]) ? packets[id] : 0;
}

bool gh_property_forwarded(uint8_t id)
{
	return id < 64 && (FORWARDED & BIT(id));
}

static bool text_valid(const struct gh_property *property)
{
	if (property->type != GH_PROPERTY_PAIR && property->type != GH_PROPERTY_STRING)
		return true;
	/* A string has no name, which is valid. */
	return gh_utf8_valid(property->name.p, property->name.n) &&
	       gh_utf8_valid(property->value.p, property->value.n);
}

/* The bounds of one property's value that hold in every packet a client sends. */
static int check_value(const struct gh_property *property, struct gh_malformed *why)
{
	switch (property->id) {
	case GH_PROPERTY_PAYLOAD_FORMAT:
	case GH_PROPERTY_REQUEST_PROBLEM_INFO:
	case GH_PROPERTY_REQUEST_RESPONSE_INFO:
		return property->number > 1
			       ? protocol_error(why, "a property that is 0 or 1 has another value")
			       : 0;
	case GH_PROPERTY_RECEIVE_MAXIMUM:
		return property->number == 0 ? protocol_error(why, "receive maximum 0") : 0;
	case GH_PROPERTY_MAXIMUM_PACKET_SIZE:
		return property->number == 0 ? protocol_error(why, "maximum packet size 0") : 0;
	case GH_PROPERTY_SUBSCRIPTION_ID:
		return property->number == 0 ? protocol_error(why, "subscription identifier 0") : 0;
	case GH_PROPERTY_TOPIC_ALIAS:
		return property->number == 0
			       ? refuse(why, GH_REASON_TOPIC_ALIAS_INVALID, "topic alias 0")
			       : 0;
	case GH_PROPERTY_RESPONSE_TOPIC:
		return gh_topic_name_valid(as_text(property->value))
			       ? 0
			       : protocol_error(why, "response topic is empty or has a wildcard");
	default: return 0;
	}
}

int gh_property_read(struct gh_property_reader *reader, struct gh_property *property_r,
		     struct gh_malformed *why)
{
	int got = gh_property_next(&reader->rest, property_r);

	if (got == 0)
		return 0;
	if (got < 0)
		return malformed(why, "unknown property, or one that is cut short");
	if (!(gh_property_packets(property_r->id) & reader->packet))
		return malformed(why, "property that this packet can't have");
	if (property_r->id != GH_PROPERTY_USER && (reader->seen & BIT(property_r->id)))
		return protocol_error(why, "property given twice");
	reader->seen |= BIT(property_r->id);
	if (!text_valid(property_r))
		return malformed(why, "property text isn't valid UTF-8");
	return check_value(property_r, why) < 0 ? GH_EINVAL : 1;
}

size_t gh_property_forward(struct gh_bytes raw, uint8_t *out)
{
	struct gh_bytes rest = raw;
	struct gh_property property;
	const uint8_t *p = raw.p;
	uint8_t *start = out;

	while (gh_property_next(&rest, &property) > 0) {
		size_t n = (size_t)((const uint8_t *)rest.p - p);

		if (gh_property_forwarded(property.id))
			out = put_run(out, p, n);
		p += n;
	}
	return (size_t)(out - start);
}
