/* SPDX-License-Identifier: Apache-2.0 */
/* One message while it is being routed. */
#include "client/transit.h"

#include "mqtt/property.h"

void gh_transit_init(struct gh_transit *transit, const struct gh_publication_facts *facts)
{
	*transit = (struct gh_transit){ .facts = *facts };
}

void gh_transit_of(struct gh_transit *transit, struct gh_publication *publication)
{
	struct gh_bytes properties = gh_publication_properties(publication);

	*transit = (struct gh_transit){
		.facts = { .topic = gh_publication_topic(publication),
			   .payload = gh_publication_payload(publication),
			   .properties = properties,
			   .origin = gh_publication_origin(publication),
			   .forward_n = properties.n,
			   .qos = publication->qos,
			   .retain = publication->retain,
			   .is_text = publication->is_text,
			   .expires_at = publication->expires_at,
			   .author = publication->author },
		.forward = properties,
		.publication = gh_publication_ref(publication),
		.forward_known = true,
	};
}

void gh_transit_done(struct gh_transit *transit)
{
	gh_publication_unref(&transit->publication);
	gh_buf_done(&transit->forward_copy);
}

struct gh_publication *gh_transit_publication(struct gh_transit *transit)
{
	if (!transit->publication)
		transit->publication = gh_publication_new(&transit->facts);
	return transit->publication;
}

/* Commonly all of them are forwarded, and nothing is copied. */
struct gh_bytes gh_transit_forward(struct gh_transit *transit)
{
	const struct gh_publication_facts *facts = &transit->facts;

	if (transit->forward_known)
		return transit->forward;
	transit->forward_known = true;
	if (facts->forward_n == facts->properties.n) {
		transit->forward = facts->properties;
	} else if (facts->forward_n > 0) {
		uint8_t *out = gh_buf_reserve(&transit->forward_copy, facts->properties.n);

		transit->forward =
			(struct gh_bytes){ out, gh_property_forward(facts->properties, out) };
	}
	return transit->forward;
}
