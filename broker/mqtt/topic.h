/* SPDX-License-Identifier: Apache-2.0 */
/* Shared subscriptions' filters. All else about topics is in <gatehouse/lib.h>, for modules too. */
#ifndef GH_MQTT_TOPIC_H
#define GH_MQTT_TOPIC_H

#include <gatehouse/lib.h>

/* What $share/GROUP/FILTER is made of; views into it. */
struct gh_share {
	struct gh_str group;  /* n 0: not shared */
	struct gh_str filter; /* what topics are matched with; the whole text if not shared */
};

/* False: begins with "$share/" and isn't $share/GROUP/FILTER with a GROUP of at least one
 * character, without '+' and '#', and a valid FILTER [MQTT-4.8.2-1, -2]; or isn't shared and isn't
 * a valid filter. The same for all versions. */
bool gh_share_parse(struct gh_str text, struct gh_share *share_r);

/* Number of levels of a name or filter, at least 1. A bound on it belongs to the caller's
 * limits. */
size_t gh_topic_levels(struct gh_str topic);

#endif
