/* SPDX-License-Identifier: Apache-2.0 */
/* Topic aliases of one connection, in both directions [MQTT5 3.3.2.3.4]. They end with the connection. */
#ifndef GH_CLIENT_ALIAS_H
#define GH_CLIENT_ALIAS_H

#include <gatehouse/types.h>

struct gh_hash_key;

/* ---- what the client has set: alias -> topic ----------------------------------------------------------------------- */
/* { 0 } knows nothing and owns nothing. Memory grows with what is set: at most `max` topics. */
struct gh_alias_in {
	struct gh_str *topics; /* [alias - 1]; p owned */
	uint16_t size;
};

void gh_alias_in_done(struct gh_alias_in *in);
/* Copies the topic; alias is 1..max, as the caller has checked. */
void gh_alias_in_set(struct gh_alias_in *in, uint16_t alias, struct gh_str topic);
/* False: it was never set (0x82). */
bool gh_alias_in_get(const struct gh_alias_in *in, uint16_t alias, struct gh_str *topic_r);

/* ---- what we set for the client: topic -> alias, the least recently used one is set anew ----------------------------- */
struct gh_alias_out;

/* max: how many are used, at most the client's topic alias maximum. NULL for 0: then none is. */
struct gh_alias_out *gh_alias_out_new(uint16_t max);
void gh_alias_out_free(struct gh_alias_out **out);

/* The alias for a topic; *known_r: the client has it already, so the topic itself can be left out. 0: none is used for it
 * (out is NULL, or the topic is so short that an alias saves nothing). */
uint16_t gh_alias_out_use(struct gh_alias_out *out, const struct gh_hash_key *key,
			  struct gh_str topic, bool *known_r);

#endif
