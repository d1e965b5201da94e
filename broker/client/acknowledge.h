/* SPDX-License-Identifier: Apache-2.0 */
/* PUBACK, PUBREC, PUBREL and PUBCOMP of a client: the state of QoS 1 and 2 in both directions [MQTT5 4.3]. */
#ifndef GH_CLIENT_ACKNOWLEDGE_H
#define GH_CLIENT_ACKNOWLEDGE_H

#include "client/channel.h"

enum gh_next gh_acknowledge(struct gh_channel *channel, const struct gh_frame *frame);

#endif
