/* SPDX-License-Identifier: Apache-2.0 */
/* Where a limit bites. */
#ifndef GH_CLIENT_LIMIT_H
#define GH_CLIENT_LIMIT_H

#include "client/shard.h"

/* Observers are told that a client met a limit, once a second of each, and how often. client NULL: nobody's in particular.
 * key: of the configuration, a literal. */
void gh_tell_limit(struct gh_shard *shard, const struct gh_client *client, const char *key);

/* The same where a module met it by what it did. */
void gh_tell_limit_of(struct gh_shard *shard, const char *module, const char *key);

/* Of length and number of levels of a name or filter, the key of the one that it is beyond; NULL: of none. */
const char *gh_topic_beyond(const struct gh_limits *limits, struct gh_str topic);

#endif
