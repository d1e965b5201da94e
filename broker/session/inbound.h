/* SPDX-License-Identifier: Apache-2.0 */
/* Packet ids of QoS 2 messages that a client has published and not yet released. */
#ifndef GH_SESSION_INBOUND_H
#define GH_SESSION_INBOUND_H

#include <stdbool.h>
#include <stdint.h>

/* The message itself was routed when its PUBLISH came (method B of section 4.3.3); what is kept
 * is that it came. { 0 } is empty. A few ids stand in the struct; more are a bitmap of 8 KiB, until
 * it is empty again: constant time for any choice of ids. One worker. */
#define GH_INBOUND_FEW 8u

struct gh_inbound {
	union {
		uint16_t few[GH_INBOUND_FEW];
		uint16_t *map; /* owned */
	} ids;
	uint32_t count;
	bool is_map;
};

enum gh_inbound_result {
	GH_INBOUND_NEW,   /* noted: route the message */
	GH_INBOUND_AGAIN, /* a repetition: PUBREC, nothing else [MQTT-4.3.3-10] */
	GH_INBOUND_FULL   /* `maximum` are unreleased already: DISCONNECT 0x93 [MQTT-3.3.4-9] */
};

void gh_inbound_done(struct gh_inbound *inbound);
enum gh_inbound_result gh_inbound_add(struct gh_inbound *inbound, uint16_t id, uint16_t maximum);
bool gh_inbound_has(const struct gh_inbound *inbound, uint16_t id);
/* PUBREL, or a PUBREC that refused. False: it wasn't there (PUBCOMP 0x92). */
bool gh_inbound_remove(struct gh_inbound *inbound, uint16_t id);

#endif
