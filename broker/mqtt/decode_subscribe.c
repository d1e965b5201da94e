/* SPDX-License-Identifier: Apache-2.0 */
/* SUBSCRIBE and UNSUBSCRIBE. */
#include "mqtt/decode.h"
#include "mqtt/property.h"
#include "mqtt/topic.h"
#include "mqtt/wire.h"

/* Subscription options. */
#define QOS(options)             ((options)&3)
#define NO_LOCAL                 0x04
#define RETAIN_AS_PUBLISHED      0x08
#define RETAIN_HANDLING(options) ((options) >> 4 & 3)
#define RESERVED                 0xc0

static int take_packet_id(struct cursor *c, uint16_t *packet_id_r, struct gh_malformed *why)
{
	if (!take_u16(c, packet_id_r))
		return malformed(why, "packet is cut short");
	return *packet_id_r == 0 ? protocol_error(why, "packet identifier 0") : 0;
}

/* *subscription_id_r is set if there is one (SUBSCRIBE only). */
static int read_props(unsigned version, uint8_t type, struct cursor *c, struct gh_bytes *raw_r,
		      uint32_t *subscription_id_r, struct gh_malformed *why)
{
	struct gh_property_reader reader = { .packet = GH_IN(type) };
	struct gh_property property;
	int got;

	if (version != GH_MQTT_5)
		return 0;
	if (!take_properties(c, &reader.rest))
		return malformed(why, "packet with cut off properties");
	*raw_r = reader.rest;
	while ((got = gh_property_read(&reader, &property, why)) > 0)
		if (property.id == GH_PROPERTY_SUBSCRIPTION_ID)
			*subscription_id_r = property.number;
	return got;
}

static int take_filter(struct cursor *c, struct gh_share *share_r, struct gh_malformed *why)
{
	struct gh_str filter;

	if (!take_text(c, &filter))
		return malformed(why, "topic filter is cut short or isn't valid UTF-8");
	if (!gh_share_parse(filter, share_r))
		return refuse(why, GH_REASON_FILTER_INVALID,
			      "topic filter breaks the rules for wildcards or $share");
	return 0;
}

static int check_options(unsigned version, uint8_t options, bool shared, struct gh_malformed *why)
{
	if (QOS(options) == 3)
		return malformed(why, "subscription with QoS 3");
	if (options & (version == GH_MQTT_5 ? RESERVED : 0xfc))
		return malformed(why, "reserved subscription options are set");
	if (RETAIN_HANDLING(options) == 3)
		return protocol_error(why, "retain handling 3");
	if (shared && (options & NO_LOCAL))
		return protocol_error(why, "no local on a shared subscription");
	return 0;
}

int gh_decode_subscribe(unsigned version, const struct gh_frame *frame,
			struct gh_packet_subscribe *packet_r, struct gh_malformed *why)
{
	struct cursor c = cursor_of(frame->body);

	*packet_r = (struct gh_packet_subscribe){ 0 };
	if (take_packet_id(&c, &packet_r->packet_id, why) < 0 ||
	    read_props(version, GH_PACKET_SUBSCRIBE, &c, &packet_r->properties,
		       &packet_r->subscription_id, why) < 0)
		return GH_EINVAL;
	packet_r->filters = cursor_rest(&c);
	while (cursor_left(&c) > 0) {
		struct gh_share share;
		uint8_t options;

		if (take_filter(&c, &share, why) < 0)
			return GH_EINVAL;
		if (!take_u8(&c, &options))
			return malformed(why, "topic filter without options");
		if (check_options(version, options, share.group.n > 0, why) < 0)
			return GH_EINVAL;
		packet_r->count++;
	}
	return packet_r->count ? 0 : protocol_error(why, "SUBSCRIBE without topic filter");
}

int gh_decode_unsubscribe(unsigned version, const struct gh_frame *frame,
			  struct gh_packet_unsubscribe *packet_r, struct gh_malformed *why)
{
	struct cursor c = cursor_of(frame->body);
	struct gh_share share;
	uint32_t none; /* UNSUBSCRIBE has no subscription identifier */

	*packet_r = (struct gh_packet_unsubscribe){ 0 };
	if (take_packet_id(&c, &packet_r->packet_id, why) < 0 ||
	    read_props(version, GH_PACKET_UNSUBSCRIBE, &c, &packet_r->properties, &none, why) < 0)
		return GH_EINVAL;
	packet_r->filters = cursor_rest(&c);
	for (; cursor_left(&c) > 0; packet_r->count++)
		if (take_filter(&c, &share, why) < 0)
			return GH_EINVAL;
	return packet_r->count ? 0 : protocol_error(why, "UNSUBSCRIBE without topic filter");
}

bool gh_filter_next(struct gh_bytes *rest, struct gh_str *filter_r)
{
	struct cursor c = cursor_of(*rest);
	struct gh_bytes filter;

	if (!take_bytes(&c, &filter))
		return false;
	*filter_r = as_text(filter);
	*rest = cursor_rest(&c);
	return true;
}

bool gh_subscription_next(struct gh_bytes *rest, struct gh_subscription *subscription_r)
{
	struct cursor c;
	uint8_t options;

	if (!gh_filter_next(rest, &subscription_r->filter))
		return false;
	c = cursor_of(*rest);
	if (!take_u8(&c, &options))
		return false;
	*rest = cursor_rest(&c);
	subscription_r->qos = QOS(options);
	subscription_r->no_local = options & NO_LOCAL;
	subscription_r->retain_as_published = options & RETAIN_AS_PUBLISHED;
	subscription_r->retain_handling = RETAIN_HANDLING(options);
	return true;
}
