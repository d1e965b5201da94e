/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets one message on one worker: each session once. */
#include "route/match.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>

/* Further subscription identifiers of a target, a chain in one array. */
struct gh_match_id {
	uint32_t id;
	uint32_t next; /* place + 1; 0: none */
};

void gh_match_init(struct gh_match *match, struct gh_index *index)
{
	*match = (struct gh_match){ .index = index };
}

void gh_match_done(struct gh_match *match)
{
	free(match->targets);
	free(match->groups);
	free(match->ids);
	gh_buf_done(&match->flat);
	*match = (struct gh_match){ 0 };
}

/* Room for one more in an array that is used again and again. */
static void *grow(void *array, uint32_t count, uint32_t *size, size_t element)
{
	if (count < *size)
		return array;
	*size = *size ? *size * 2 : 16;
	return gh_realloc_array(array, *size, element);
}

static void add_group(struct gh_match *match, struct gh_group *group)
{
	match->groups = grow(match->groups, match->group_count, &match->group_size, sizeof(group));
	match->groups[match->group_count++] = group;
}

static struct gh_target *add_target(struct gh_match *match, struct gh_session *session)
{
	struct gh_target *target;

	match->targets = grow(match->targets, match->target_count, &match->target_size,
			      sizeof(*match->targets));
	session->match_stamp = match->stamp;
	session->match_slot = match->target_count;
	target = &match->targets[match->target_count++];
	*target = (struct gh_target){ .session = session };
	return target;
}

static void add_id(struct gh_match *match, struct gh_target *target, uint32_t id)
{
	if (target->id_count == UINT16_MAX)
		return;
	if (target->id_count++ == 0) {
		target->first_id = id;
		return;
	}
	match->ids = grow(match->ids, match->id_used, &match->id_size, sizeof(*match->ids));
	match->ids[match->id_used++] = (struct gh_match_id){ id, target->more };
	target->more = match->id_used;
}

static bool is_own(const struct gh_match *match, const struct gh_session *session)
{
	return match->origin.n && gh_str_equal(gh_session_client_id(session), match->origin);
}

static void collect(void *arg, struct gh_subscriber *subscriber)
{
	struct gh_match *match = arg;
	struct gh_session *session = subscriber->who.session;
	struct gh_target *target;

	if (subscriber->is_group) {
		add_group(match, subscriber->who.group);
		return;
	}
	if (subscriber->no_local && is_own(match, session))
		return;
	if (session->match_stamp == match->stamp)
		target = &match->targets[session->match_slot];
	else
		target = add_target(match, session);
	if (subscriber->qos > target->qos)
		target->qos = subscriber->qos;
	if (subscriber->covered > target->covered)
		target->covered = subscriber->covered;
	target->retain_as_published |= subscriber->retain_as_published;
	if (subscriber->id)
		add_id(match, target, subscriber->id);
}

void gh_match_run(struct gh_match *match, struct gh_str topic, struct gh_str origin)
{
	match->target_count = 0;
	match->group_count = 0;
	match->id_used = 0;
	match->origin = origin;
	match->stamp++;
	gh_index_match(match->index, topic, collect, match);
}

const uint32_t *gh_match_ids(struct gh_match *match, const struct gh_target *target)
{
	uint32_t *flat;
	uint32_t n = 0;

	if (target->id_count <= 1)
		return &target->first_id;
	match->flat.n = 0;
	flat = (uint32_t *)(void *)gh_buf_reserve(&match->flat, target->id_count * sizeof(*flat));
	flat[n++] = target->first_id;
	for (uint32_t at = target->more; at; at = match->ids[at - 1].next)
		flat[n++] = match->ids[at - 1].id;
	return flat;
}
