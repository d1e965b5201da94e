/* SPDX-License-Identifier: Apache-2.0 */
/* Shared subscriptions: groups, their members, and whose turn it is. */
#include "route/shared.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/table.h"

#include <stdlib.h>
#include <string.h>

struct gh_shared {
	struct gh_hash_key key;
	struct gh_index *index;
	uint64_t last_id; /* of groups; the worker's number is in its upper bits */
	uint64_t last_serial;
	uint64_t stamp;
	struct gh_table by_name, by_id;       /* groups */
	struct gh_table by_client, by_serial; /* members */
};

struct group_key {
	struct gh_str name, filter;
};

struct member_key {
	const struct gh_group *group;
	struct gh_str client_id;
};

struct gh_shared *gh_shared_new(const struct gh_hash_key *key, struct gh_index *index, unsigned worker)
{
	struct gh_shared *shared = gh_zalloc(sizeof(*shared));

	shared->key = *key;
	shared->index = index;
	shared->last_id = (uint64_t)worker << 48;
	return shared;
}

/* ---- tables ---------------------------------------------------------------------------------- */

static uint64_t spread(uint64_t number)
{
	number *= 0x9e3779b97f4a7c15u;
	return number ^ number >> 32;
}

static uint64_t group_hash(const struct gh_hash_key *key, const struct group_key *group)
{
	uint64_t name = gh_siphash(key, group->name.p, group->name.n);

	return spread(name ^ spread(gh_siphash(key, group->filter.p, group->filter.n)));
}

unsigned gh_shared_worker(const struct gh_hash_key *key, struct gh_str name, struct gh_str filter,
			  unsigned workers)
{
	const struct group_key group = { name, filter };

	return (unsigned)(group_hash(key, &group) % workers);
}

/* The low bits have chosen the worker: the table looks at others. */
static uint64_t table_hash(const struct gh_shared *shared, const struct group_key *group)
{
	uint64_t hash = group_hash(&shared->key, group);

	return hash >> 32 | hash << 32;
}

static uint64_t member_hash(const struct gh_shared *shared, const struct member_key *member)
{
	uint64_t hash = gh_siphash(&shared->key, member->client_id.p, member->client_id.n);

	return hash ^ spread(member->group->id);
}

static bool same_group(const void *element, const void *key)
{
	const struct gh_group *group = element;
	const struct group_key *wanted = key;

	return gh_str_equal(group->name, wanted->name) && gh_str_equal(group->filter, wanted->filter);
}

static bool same_id(const void *element, const void *key)
{
	return ((const struct gh_group *)element)->id == *(const uint64_t *)key;
}

static bool same_member(const void *element, const void *key)
{
	const struct gh_member *member = element;
	const struct member_key *wanted = key;

	return member->group == wanted->group &&
	       gh_str_equal(member->facts.client_id, wanted->client_id);
}

static bool same_serial(const void *element, const void *key)
{
	return ((const struct gh_member *)element)->serial == *(const uint64_t *)key;
}

static struct gh_group *find_group(const struct gh_shared *shared, const struct group_key *key)
{
	return gh_table_find(&shared->by_name, table_hash(shared, key), same_group, key);
}

struct gh_group *gh_shared_find(const struct gh_shared *shared, uint64_t id)
{
	return gh_table_find(&shared->by_id, spread(id), same_id, &id);
}

static struct gh_member *find_member(const struct gh_shared *shared, struct gh_str name,
				     struct gh_str filter, struct gh_str client_id)
{
	const struct group_key group = { name, filter };
	const struct member_key key = { find_group(shared, &group), client_id };

	if (!key.group)
		return NULL;
	return gh_table_find(&shared->by_client, member_hash(shared, &key), same_member, &key);
}

/* ---- groups ---------------------------------------------------------------------------------- */

static struct gh_group *new_group(struct gh_shared *shared, const struct group_key *key)
{
	struct gh_group *group = gh_zalloc(sizeof(*group) + key->name.n + key->filter.n);
	char *text = (char *)(group + 1);

	memcpy(text, key->name.p, key->name.n);
	memcpy(text + key->name.n, key->filter.p, key->filter.n);
	group->id = ++shared->last_id;
	group->name = gh_str_n(text, key->name.n);
	group->filter = gh_str_n(text + key->name.n, key->filter.n);
	group->entry = gh_index_add_group(shared->index, group, group->filter);
	gh_table_add(&shared->by_name, table_hash(shared, key), group);
	gh_table_add(&shared->by_id, spread(group->id), group);
	return group;
}

static void free_group(struct gh_shared *shared, struct gh_group *group)
{
	const struct group_key key = { group->name, group->filter };

	gh_index_remove(shared->index, group->entry);
	gh_table_remove(&shared->by_name, table_hash(shared, &key), group);
	gh_table_remove(&shared->by_id, spread(group->id), group);
	free(group->members[0]);
	free(group->members[1]);
	free(group);
}

/* ---- members --------------------------------------------------------------------------------- */

static void enlist(struct gh_member *member)
{
	struct gh_group *group = member->group;
	unsigned side = member->facts.connected;

	if (group->count[side] == group->size[side]) {
		group->size[side] = group->size[side] ? group->size[side] * 2 : 4;
		group->members[side] = gh_realloc_array(group->members[side], group->size[side],
							sizeof(*group->members[side]));
	}
	member->place = group->count[side];
	group->members[side][group->count[side]++] = member;
}

static void delist(struct gh_member *member)
{
	struct gh_group *group = member->group;
	unsigned side = member->facts.connected;
	struct gh_member *last = group->members[side][--group->count[side]];

	group->members[side][member->place] = last;
	last->place = member->place;
}

static struct gh_member *new_member(struct gh_shared *shared, struct gh_group *group,
				    const struct gh_member_facts *facts)
{
	struct gh_member *member = gh_zalloc(sizeof(*member) + facts->client_id.n);
	const struct member_key key = { group, facts->client_id };
	char *text = (char *)(member + 1);

	if (facts->client_id.n)
		memcpy(text, facts->client_id.p, facts->client_id.n);
	member->facts = *facts;
	member->facts.client_id.p = text;
	member->serial = ++shared->last_serial;
	member->group = group;
	gh_table_add(&shared->by_client, member_hash(shared, &key), member);
	gh_table_add(&shared->by_serial, spread(member->serial), member);
	enlist(member);
	return member;
}

static void free_member(struct gh_shared *shared, struct gh_member *member)
{
	const struct member_key key = { member->group, member->facts.client_id };

	delist(member);
	gh_table_remove(&shared->by_client, member_hash(shared, &key), member);
	gh_table_remove(&shared->by_serial, spread(member->serial), member);
	free(member);
}

static void change(struct gh_member *member, const struct gh_member_facts *facts)
{
	struct gh_str client_id = member->facts.client_id;

	delist(member);
	member->facts = *facts;
	member->facts.client_id = client_id;
	member->refused = 0;
	enlist(member);
}

struct gh_member *gh_shared_join(struct gh_shared *shared, struct gh_str name, struct gh_str filter,
				 const struct gh_member_facts *facts)
{
	struct gh_member *member = find_member(shared, name, filter, facts->client_id);
	const struct group_key key = { name, filter };
	struct gh_group *group;

	if (member) {
		change(member, facts);
		return member;
	}
	group = find_group(shared, &key);
	if (!group)
		group = new_group(shared, &key);
	return new_member(shared, group, facts);
}

static bool is_empty(const struct gh_group *group)
{
	return !group->count[0] && !group->count[1];
}

bool gh_shared_leave(struct gh_shared *shared, struct gh_str name, struct gh_str filter,
		     struct gh_str client_id)
{
	struct gh_member *member = find_member(shared, name, filter, client_id);
	struct gh_group *group;

	if (!member)
		return false;
	group = member->group;
	free_member(shared, member);
	if (is_empty(group))
		free_group(shared, group);
	return true;
}

bool gh_shared_online(struct gh_shared *shared, struct gh_str name, struct gh_str filter,
		      struct gh_str client_id, bool connected)
{
	struct gh_member *member = find_member(shared, name, filter, client_id);

	if (!member)
		return false;
	delist(member);
	member->facts.connected = connected;
	member->refused = 0;
	enlist(member);
	return true;
}

void gh_shared_free(struct gh_shared **shared)
{
	struct gh_shared *s = *shared;
	struct gh_group *group;

	if (!s)
		return;
	for (size_t i = 0; (group = gh_table_next(&s->by_id, &i)); i = 0) {
		for (unsigned side = 0; side < 2; side++)
			while (group->count[side])
				free_member(s, group->members[side][0]);
		free_group(s, group);
	}
	gh_table_done(&s->by_name);
	gh_table_done(&s->by_id);
	gh_table_done(&s->by_client);
	gh_table_done(&s->by_serial);
	free(s);
	*shared = NULL;
}

/* ---- whose turn it is ------------------------------------------------------------------------ */

static void mark_tried(struct gh_shared *shared, const uint64_t *tried, size_t count)
{
	shared->stamp++;
	for (size_t i = 0; i < count; i++) {
		struct gh_member *member =
			gh_table_find(&shared->by_serial, spread(tried[i]), same_serial, &tried[i]);

		if (member)
			member->stamp = shared->stamp;
	}
}

/* refused: one of those who were refused it, else one of the others. */
static struct gh_member *pick_from(const struct gh_shared *shared, struct gh_group *group,
				   unsigned side, uint64_t what, bool refused)
{
	uint32_t count = group->count[side];

	for (uint32_t i = 0; i < count; i++) {
		uint32_t at = (group->turn[side] + i) % count;
		struct gh_member *member = group->members[side][at];

		bool was_refused = what && member->refused == what;

		if (member->stamp == shared->stamp || was_refused != refused)
			continue;
		group->turn[side] = at + 1;
		return member;
	}
	return NULL;
}

static struct gh_member *pick_side(const struct gh_shared *shared, struct gh_group *group,
				   const struct gh_pick *pick, bool refused)
{
	struct gh_member *member = pick_from(shared, group, 1, pick->what, refused);

	return member || !pick->offline ? member : pick_from(shared, group, 0, pick->what, refused);
}

struct gh_member *gh_shared_pick(struct gh_shared *shared, struct gh_group *group,
				 struct gh_pick *pick)
{
	struct gh_member *member;

	if (!pick->begun)
		mark_tried(shared, pick->tried, pick->count);
	pick->begun = true;
	member = pick_side(shared, group, pick, false);
	if (!member && pick->again < GH_PICK_AGAIN) {
		member = pick_side(shared, group, pick, true);
		pick->again++;
	}
	if (member)
		member->stamp = shared->stamp;
	return member;
}

struct gh_member *gh_shared_member(const struct gh_shared *shared, uint64_t serial)
{
	return gh_table_find(&shared->by_serial, spread(serial), same_serial, &serial);
}

void gh_shared_refused(struct gh_shared *shared, uint64_t serial, uint64_t what)
{
	struct gh_member *member = gh_shared_member(shared, serial);

	if (!member)
		return;
	member->refused = what;
	member->group->refused = true;
}

size_t gh_shared_groups(const struct gh_shared *shared)
{
	return shared->by_id.count;
}

size_t gh_shared_members(const struct gh_shared *shared)
{
	return shared->by_serial.count;
}
