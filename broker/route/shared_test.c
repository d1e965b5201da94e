/* SPDX-License-Identifier: Apache-2.0 */
/* Shared groups: turns, who is asked next, and groups that come and go. */
#include "route/match.h"
#include "route/shared.h"

#include "base/str.h"
#include "base/test.h"

#include <stdio.h>
#include <string.h>

static const struct gh_hash_key key = { 7, 8 };
static const char *const ids[] = { "m0", "m1", "m2", "m3" };

struct fixture {
	struct gh_index *index;
	struct gh_shared *shared;
	struct gh_str name, filter;
};

static void set_up(struct fixture *f)
{
	f->index = gh_index_new(&key, NULL, 0);
	f->shared = gh_shared_new(&key, f->index, 3);
	f->name = gh_str("g");
	f->filter = gh_str("x/#");
}

static void tear_down(struct fixture *f)
{
	gh_shared_free(&f->shared);
	ck_assert_uint_eq(gh_index_count(f->index), 0);
	gh_index_free(&f->index);
}

static struct gh_member *join(struct fixture *f, unsigned number, bool connected)
{
	struct gh_member_facts facts = { .client_id = gh_str(ids[number]),
					 .worker = (uint16_t)number,
					 .qos = 1,
					 .connected = connected };

	return gh_shared_join(f->shared, f->name, f->filter, &facts);
}

static struct gh_member *pick(struct gh_shared *shared, struct gh_group *group,
			      const uint64_t *tried, size_t count, bool offline)
{
	struct gh_pick one = { .tried = tried, .count = count, .what = 1, .offline = offline };

	return gh_shared_pick(shared, group, &one);
}

START_TEST(group_lives_with_its_members)
{
	struct fixture f;
	struct gh_match match;
	uint64_t id;

	set_up(&f);
	gh_match_init(&match, f.index);
	id = join(&f, 0, true)->group->id;
	join(&f, 1, true);
	ck_assert_uint_eq(gh_shared_groups(f.shared), 1);
	ck_assert_uint_eq(gh_shared_members(f.shared), 2);
	gh_match_run(&match, gh_str("x/y"), gh_str(""));
	ck_assert_uint_eq(match.target_count, 0);
	ck_assert_uint_eq(match.group_count, 1);
	ck_assert_ptr_eq(match.groups[0], gh_shared_find(f.shared, id));
	ck_assert(gh_str_is(match.groups[0]->name, "g"));
	ck_assert(gh_str_is(match.groups[0]->filter, "x/#"));

	ck_assert(!gh_shared_leave(f.shared, f.name, gh_str("x/+"), gh_str("m0")));
	ck_assert(!gh_shared_leave(f.shared, gh_str("h"), f.filter, gh_str("m0")));
	ck_assert(!gh_shared_leave(f.shared, f.name, f.filter, gh_str("m2")));
	ck_assert(gh_shared_leave(f.shared, f.name, f.filter, gh_str("m0")));
	ck_assert(!gh_shared_leave(f.shared, f.name, f.filter, gh_str("m0")));
	ck_assert(gh_shared_leave(f.shared, f.name, f.filter, gh_str("m1")));
	ck_assert_ptr_null(gh_shared_find(f.shared, id));
	gh_match_run(&match, gh_str("x/y"), gh_str(""));
	ck_assert_uint_eq(match.group_count, 0);
	/* A new group of the same name is another one. */
	ck_assert_uint_ne(join(&f, 0, true)->group->id, id);
	gh_match_done(&match);
	tear_down(&f);
}
END_TEST

START_TEST(connected_take_turns)
{
	struct fixture f;
	unsigned taken[4] = { 0 };
	struct gh_group *group;

	set_up(&f);
	for (unsigned i = 0; i < 4; i++)
		group = join(&f, i, i != 2)->group;
	for (unsigned i = 0; i < 300; i++)
		taken[pick(f.shared, group, NULL, 0, true)->facts.worker]++;
	GH_MUST(taken[0] == 100);
	GH_MUST(taken[1] == 100);
	GH_MUST(taken[2] == 0);
	GH_MUST(taken[3] == 100);
	tear_down(&f);
}
END_TEST

START_TEST(tried_ones_are_left_out)
{
	struct fixture f;
	uint64_t tried[5];
	struct gh_group *group;
	struct gh_member *member;

	set_up(&f);
	for (unsigned i = 0; i < 4; i++)
		group = join(&f, i, i < 2)->group;
	for (unsigned round = 0; round < 3; round++) {
		unsigned seen = 0;

		tried[0] = 999; /* has left long ago */
		for (unsigned n = 1; n < 5; n++) {
			member = pick(f.shared, group, tried, n, true);
			ck_assert_ptr_nonnull(member);
			ck_assert(n > 2 || member->facts.connected);
			seen |= 1u << member->facts.worker;
			tried[n] = member->serial;
		}
		ck_assert_uint_eq(seen, 15);
		ck_assert_ptr_null(pick(f.shared, group, tried, 5, true));
		ck_assert_ptr_null(pick(f.shared, group, tried, 3, false));
	}
	tear_down(&f);
}
END_TEST

/* Those who were refused it come last, and of them not all. */
START_TEST(refused_ones_come_last)
{
	struct fixture f;
	struct gh_group *group = NULL;
	struct gh_member *all[4];
	struct gh_pick other = { .what = 7, .offline = true }, same = { .what = 5, .offline = true };

	set_up(&f);
	for (unsigned i = 0; i < 4; i++) {
		all[i] = join(&f, i, i != 3);
		group = all[i]->group;
		if (i < 2)
			gh_shared_refused(f.shared, all[i]->serial, 5);
	}
	gh_shared_refused(f.shared, 999, 5);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_ptr_ne(gh_shared_pick(f.shared, group, &other), all[3]);
	ck_assert_ptr_eq(gh_shared_pick(f.shared, group, &same), all[2]);
	ck_assert_ptr_eq(gh_shared_pick(f.shared, group, &same), all[3]);
	ck_assert_uint_eq(same.again, 0);
	ck_assert_uint_lt(gh_shared_pick(f.shared, group, &same)->facts.worker, 2);
	same.again = GH_PICK_AGAIN;
	ck_assert_ptr_null(gh_shared_pick(f.shared, group, &same));
	tear_down(&f);
}
END_TEST

START_TEST(members_come_and_go_online)
{
	struct fixture f;
	struct gh_group *group;
	struct gh_member *first;

	set_up(&f);
	first = join(&f, 0, false);
	group = first->group;
	join(&f, 1, false);
	ck_assert_ptr_null(pick(f.shared, group, NULL, 0, false));
	ck_assert_ptr_nonnull(pick(f.shared, group, NULL, 0, true));
	ck_assert(gh_shared_online(f.shared, f.name, f.filter, gh_str("m1"), true));
	ck_assert(!gh_shared_online(f.shared, f.name, f.filter, gh_str("m2"), true));
	for (unsigned i = 0; i < 3; i++)
		ck_assert_uint_eq(pick(f.shared, group, NULL, 0, true)->facts.worker, 1);
	/* A repeated SUBSCRIBE: the same member, with its new options. */
	ck_assert_ptr_eq(join(&f, 0, true), first);
	ck_assert_uint_eq(gh_shared_members(f.shared), 2);
	ck_assert(gh_shared_online(f.shared, f.name, f.filter, gh_str("m1"), false));
	for (unsigned i = 0; i < 3; i++)
		ck_assert_uint_eq(pick(f.shared, group, NULL, 0, true)->facts.worker, 0);
	tear_down(&f);
}
END_TEST

enum { CLIENTS = 100 };

/* Everybody once, the connected ones first, then nobody. state: -1: no member, else whether
 * connected. */
static void pick_all(struct fixture *f, const int *state, unsigned members)
{
	struct gh_match match;
	uint64_t tried[CLIENTS];
	bool offline = false;

	gh_match_init(&match, f->index);
	gh_match_run(&match, gh_str("x"), gh_str(""));
	for (unsigned n = 0; n < members; n++) {
		struct gh_member *member = pick(f->shared, match.groups[0], tried, n, true);

		GH_MUST(state[member->facts.worker] == member->facts.connected);
		GH_MUST(!offline || !member->facts.connected);
		offline = !member->facts.connected;
		tried[n] = member->serial;
	}
	GH_MUST(!pick(f->shared, match.groups[0], tried, members, true));
	gh_match_done(&match);
}

/* Random joins, leaves and changes; every one that may have it gets its turn. */
START_TEST(nobody_is_forgotten)
{
	struct fixture f;
	int state[CLIENTS];
	unsigned seed = 4, members = 0;

	set_up(&f);
	memset(state, -1, sizeof(state));
	for (unsigned step = 0; step < 20000; step++) {
		unsigned i = (unsigned)rand_r(&seed) % CLIENTS;
		bool connected = rand_r(&seed) % 2;
		char id[16];
		struct gh_member_facts facts = { .worker = (uint16_t)i, .connected = connected };

		facts.client_id = gh_str_n(id, (size_t)sprintf(id, "c%u", i));
		switch (rand_r(&seed) % 3) {
		case 0:
			gh_shared_join(f.shared, f.name, f.filter, &facts);
			members += state[i] < 0;
			state[i] = connected;
			break;
		case 1:
			GH_MUST(gh_shared_leave(f.shared, f.name, f.filter, facts.client_id) ==
				(state[i] >= 0));
			members -= state[i] >= 0;
			state[i] = -1;
			break;
		default:
			GH_MUST(gh_shared_online(f.shared, f.name, f.filter, facts.client_id,
						 connected) == (state[i] >= 0));
			state[i] = state[i] >= 0 ? connected : -1;
		}
		GH_MUST(gh_shared_members(f.shared) == members);
		GH_MUST(gh_shared_groups(f.shared) == (members > 0));
		if (step % 50 == 0 && members)
			pick_all(&f, state, members);
	}
	tear_down(&f);
}
END_TEST

START_TEST(groups_are_spread)
{
	unsigned counts[4] = { 0 };

	for (unsigned i = 0; i < 4000; i++) {
		char name[16];
		struct gh_str text = gh_str_n(name, (size_t)sprintf(name, "g%u", i));

		counts[gh_shared_worker(&key, text, gh_str("x"), 4)]++;
		ck_assert_uint_eq(gh_shared_worker(&key, text, gh_str("x"), 1), 0);
	}
	for (unsigned i = 0; i < 4; i++)
		ck_assert_uint_gt(counts[i], 800);
}
END_TEST

GH_TEST_MAIN("route/shared", group_lives_with_its_members, connected_take_turns,
	     tried_ones_are_left_out, refused_ones_come_last, members_come_and_go_online,
	     nobody_is_forgotten, groups_are_spread)
