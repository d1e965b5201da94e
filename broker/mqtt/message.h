/* SPDX-License-Identifier: Apache-2.0 */
/* The properties that PUBLISH and will have in common; private to this room. */
#ifndef GH_MQTT_MESSAGE_H
#define GH_MQTT_MESSAGE_H

#include "mqtt/property.h"

/* Checks raw and fills *properties_r. packet: GH_IN(GH_PACKET_PUBLISH) or GH_IN_WILL. */
int message_properties(struct gh_bytes raw, uint32_t packet,
		       struct gh_message_properties *properties_r, struct gh_malformed *why);

#endif
