/* SPDX-License-Identifier: Apache-2.0 */
/* Shared subscriptions' filters. */
#include "mqtt/topic.h"
#include "base/str.h"

#define SHARE_PREFIX "$share/"

static bool parse_shared(struct gh_str text, struct gh_share *share_r)
{
	struct gh_str rest = text, group, prefix;

	gh_topic_level(&rest, &prefix);
	if (!gh_topic_level(&rest, &group) || !rest.p)
		return false;
	/* A valid topic name without '/' is what a group may be called; the standard wants no
	 * more. */
	if (!gh_topic_name_valid(group) || !gh_topic_filter_valid(rest))
		return false;
	share_r->group = group;
	share_r->filter = rest;
	return true;
}

bool gh_share_parse(struct gh_str text, struct gh_share *share_r)
{
	if (gh_str_starts(text, gh_str(SHARE_PREFIX)))
		return parse_shared(text, share_r);
	if (!gh_topic_filter_valid(text))
		return false;
	share_r->group = (struct gh_str){ NULL, 0 };
	share_r->filter = text;
	return true;
}

size_t gh_topic_levels(struct gh_str topic)
{
	size_t levels = 1;

	for (size_t i = 0; i < topic.n; i++)
		levels += topic.p[i] == '/';
	return levels;
}
