/* SPDX-License-Identifier: Apache-2.0 */
/* Index and match against <gatehouse/lib.h>'s plain matcher, one filter after another. */
#include "route/match.h"

#include "base/str.h"
#include "base/test.h"

#include <gatehouse/lib.h>
#include <stdio.h>
#include <string.h>

static const struct gh_hash_key key = { 3, 4 };
static const struct gh_session_owner owner = { { "r", 1 }, { "p", 1 } };

static struct gh_session *session_new(unsigned number)
{
	char id[16];

	return gh_session_new(gh_str_n(id, (size_t)snprintf(id, sizeof(id), "c%u", number)), &owner);
}

static void session_free(struct gh_index *index, struct gh_session **session)
{
	gh_list_each(&(*session)->subscriptions, node, next)
		gh_index_remove(index, gh_container(node, struct gh_subscriber, in_session));
	gh_session_free(session);
}

static struct gh_subscriber *add(struct gh_index *index, struct gh_session *session,
				 const char *filter)
{
	bool new;

	return gh_index_add(index, session, gh_str(filter), false, &new);
}

static void count_hit(void *arg, struct gh_subscriber *subscriber)
{
	(void)subscriber;
	++*(unsigned *)arg;
}

static unsigned hits(struct gh_index *index, struct gh_str topic)
{
	unsigned n = 0;

	gh_index_match(index, topic, count_hit, &n);
	return n;
}

static const struct {
	const char *filter, *topic;
	bool matches;
} pairs[] = {
	{ "a", "a", true },          { "a", "b", false },        { "a", "a/b", false },
	{ "a/b", "a", false },       { "#", "a", true },         { "#", "a/b/c", true },
	{ "#", "/", true },          { "#", "$SYS", false },     { "#", "$SYS/x", false },
	{ "+", "a", true },          { "+", "$SYS", false },     { "+", "a/b", false },
	{ "+", "/", false },         { "+/+", "/", true },       { "/+", "/", true },
	{ "+/+", "/finance", true }, { "/+", "/finance", true }, { "+", "/finance", false },
	{ "a/#", "a", true },        { "a/#", "a/b/c", true },   { "a/#", "b", false },
	{ "a/#", "a/", true },       { "a/+", "a", false },      { "a/+", "a/", true },
	{ "a/+/#", "a", false },     { "a/+/#", "a/b", true },   { "+/#", "a", true },
	{ "+/b/#", "$x/b", false },  { "$x/#", "$x/b", true },   { "$x/+", "$x/b", true },
	{ "$x/+/#", "$x/$y", true }, { "a/+", "a/$y", true },    { "a/#", "a/$y", true },
	{ "a//b", "a//b", true },    { "a/+/b", "a//b", true },  { "a//b", "a/b", false },
	{ "/", "/", true },          { "/", "//", false },       { "//#", "/", true },
	{ "//#", "a/", false },      { "ab", "a", false },       { "A", "a", false },
	{ "+/+/c", "a/b/c", true },  { "+/b", "a/b/c", false },  { "a/b/c/#", "a/b", false },
};

START_TEST(matches_as_the_standard_says)
{
	for (size_t i = 0; i < GH_COUNT(pairs); i++) {
		struct gh_index *index = gh_index_new(&key, NULL, 0);
		struct gh_session *session = session_new(0);
		struct gh_subscriber *subscriber = add(index, session, pairs[i].filter);

		ck_assert_msg(hits(index, gh_str(pairs[i].topic)) == pairs[i].matches, "%s %s",
			      pairs[i].filter, pairs[i].topic);
		gh_index_remove(index, subscriber);
		ck_assert_uint_eq(hits(index, gh_str(pairs[i].topic)), 0);
		session_free(index, &session);
		gh_index_free(&index);
	}
}
END_TEST

static const char *const words[] = { "a", "b", "", "$s", "long-level-of-a-topic", "c" };

/* Few words, so that much overlaps. */
static struct gh_str random_text(char *out, bool filter, unsigned *seed)
{
	unsigned levels = 1 + (unsigned)rand_r(seed) % 5;
	size_t n = 0;

	for (unsigned i = 0; i < levels; i++) {
		unsigned dice = (unsigned)rand_r(seed) % 10;
		const char *word = words[(unsigned)rand_r(seed) % GH_COUNT(words)];

		if (filter && dice < 3)
			word = "+";
		if (filter && dice == 3)
			word = "#";
		n += (size_t)sprintf(out + n, "%s%s", i ? "/" : "", word);
		if (*word == '#')
			break;
	}
	if (n == 0)
		n = (size_t)sprintf(out, "a");
	return gh_str_n(out, n);
}

struct filter {
	char text[128];
	struct gh_str filter;
	struct gh_subscriber *subscriber;
	unsigned session;
};

static void check_all(struct gh_index *index, const struct filter *filters, unsigned count,
		      unsigned *seed)
{
	for (unsigned i = 0; i < 25; i++) {
		char text[128];
		struct gh_str topic = random_text(text, false, seed);
		unsigned expected = 0;

		for (unsigned f = 0; f < count; f++)
			expected += filters[f].subscriber && gh_topic_match(filters[f].filter, topic);
		GH_MUST(hits(index, topic) == expected);
	}
}

/* 100,000 changes; every 200 of them, 25 topics. */
START_TEST(agrees_with_plain_matching)
{
	enum { SESSIONS = 7, FILTERS = 400 };
	struct gh_index *index = gh_index_new(&key, NULL, 0);
	struct filter *filters = calloc(FILTERS, sizeof(*filters));
	struct gh_session *sessions[SESSIONS];
	unsigned seed = 11, count = 0;

	for (unsigned i = 0; i < SESSIONS; i++)
		sessions[i] = session_new(i);
	for (unsigned step = 0; step < 100000; step++) {
		struct filter *f = &filters[(unsigned)rand_r(&seed) % FILTERS];
		struct gh_buf text = { 0 };
		bool new;

		if (f->subscriber) {
			gh_index_filter(index, f->subscriber, &text);
			GH_MUST(gh_str_equal(gh_str_n((char *)text.p, text.n), f->filter));
			gh_buf_done(&text);
			GH_MUST(gh_index_find(index, sessions[f->session], f->filter, false) ==
				f->subscriber);
			gh_index_remove(index, f->subscriber);
			GH_MUST(!gh_index_find(index, sessions[f->session], f->filter, false));
			f->subscriber = NULL;
			count--;
		} else {
			f->filter = random_text(f->text, true, &seed);
			f->session = (unsigned)rand_r(&seed) % SESSIONS;
			f->subscriber =
				gh_index_add(index, sessions[f->session], f->filter, false, &new);
			if (!new)
				f->subscriber = NULL;
			count += new;
		}
		GH_MUST(gh_index_count(index) == count);
		if (step % 200 == 0)
			check_all(index, filters, FILTERS, &seed);
	}
	for (unsigned i = 0; i < SESSIONS; i++)
		session_free(index, &sessions[i]);
	GH_MUST(gh_index_count(index) == 0);
	GH_MUST(hits(index, gh_str("a")) == 0);
	gh_index_free(&index);
	free(filters);
}
END_TEST

/* What was freed is used again: ten times as many changes take no more memory. */
START_TEST(memory_is_used_again)
{
	struct gh_index *index = gh_index_new(&key, NULL, 0);
	struct gh_session *session = session_new(0);
	size_t once = 0;

	for (unsigned round = 0; round < 10; round++) {
		for (unsigned i = 0; i < 2000; i++) {
			char text[64];

			sprintf(text, "round-%u/+/a-level-that-is-long-%u/#", round, i);
			add(index, session, text);
		}
		session_free(index, &session);
		session = session_new(0);
		if (round == 0)
			once = gh_index_bytes(index);
	}
	ck_assert_uint_le(gh_index_bytes(index), once);
	session_free(index, &session);
	gh_index_free(&index);
}
END_TEST

/* Nothing recurses: the longest filter and topic there can be. */
START_TEST(deepest_filter)
{
	enum { N = 65535 };
	struct gh_index *index = gh_index_new(&key, NULL, 0);
	struct gh_session *session = session_new(0);
	char *slashes = malloc(N), *pluses = malloc(N);
	struct gh_buf text = { 0 };
	bool new;

	for (size_t i = 0; i < N; i++) {
		slashes[i] = '/';
		pluses[i] = i % 2 ? '/' : '+';
	}
	gh_index_add(index, session, gh_str_n(slashes, N), false, &new);
	gh_index_filter(index, gh_index_add(index, session, gh_str_n(pluses, N), false, &new), &text);
	ck_assert_uint_eq(text.n, N);
	ck_assert_mem_eq(text.p, pluses, N);
	ck_assert_uint_eq(hits(index, gh_str_n(slashes, N)), 1);
	ck_assert_uint_eq(hits(index, gh_str_n(slashes, N / 2)), 1);
	ck_assert_uint_eq(hits(index, gh_str_n(slashes, N / 2 - 1)), 0);
	session_free(index, &session);
	ck_assert_uint_eq(hits(index, gh_str_n(slashes, N)), 0);
	gh_index_free(&index);
	gh_buf_done(&text);
	free(slashes);
	free(pluses);
}
END_TEST

START_TEST(same_subscription_is_found_again)
{
	struct gh_index *index = gh_index_new(&key, NULL, 0);
	struct gh_session *a = session_new(1), *b = session_new(2);
	struct gh_subscriber *first, *other;
	bool new;

	first = gh_index_add(index, a, gh_str("x/+"), false, &new);
	ck_assert(new);
	ck_assert_ptr_eq(gh_index_add(index, a, gh_str("x/+"), false, &new), first);
	ck_assert(!new);
	other = gh_index_add(index, b, gh_str("x/+"), false, &new);
	ck_assert(new &&other != first);
	ck_assert_ptr_eq(gh_index_find(index, a, gh_str("x/+"), false), first);
	ck_assert_ptr_null(gh_index_find(index, a, gh_str("x/#"), false));
	ck_assert_ptr_null(gh_index_find(index, a, gh_str("x"), false));
	ck_assert_uint_eq(a->subscription_count, 1);
	session_free(index, &a);
	ck_assert_uint_eq(hits(index, gh_str("x/y")), 1);
	session_free(index, &b);
	gh_index_free(&index);
}
END_TEST

/* A shared subscription stands beside: found, told, but no topic matches it. */
START_TEST(shares_match_nothing)
{
	struct gh_index *index = gh_index_new(&key, NULL, 0);
	struct gh_session *session = session_new(1);
	struct gh_subscriber *share;
	struct gh_buf text = { 0 };
	bool new;

	share = gh_index_add(index, session, gh_str("$share/g/a/#"), true, &new);
	ck_assert(new && share->share);
	ck_assert_ptr_eq(gh_index_find(index, session, gh_str("$share/g/a/#"), true), share);
	ck_assert_ptr_null(gh_index_find(index, session, gh_str("$share/g/a/#"), false));
	ck_assert_uint_eq(hits(index, gh_str("a/b")), 0);
	ck_assert_uint_eq(hits(index, gh_str("$share/g/a/b")), 0);
	gh_index_filter(index, share, &text);
	ck_assert(gh_str_is(gh_str_n((char *)text.p, text.n), "$share/g/a/#"));
	session_free(index, &session);
	gh_buf_done(&text);
	gh_index_free(&index);
}
END_TEST

START_TEST(overlapping_filters_are_one_target)
{
	struct gh_index *index = gh_index_new(&key, NULL, 0);
	struct gh_session *a = session_new(1), *b = session_new(2);
	struct gh_group *group = (struct gh_group *)(void *)&index;
	struct gh_subscriber *shared = gh_index_add_group(index, group, gh_str("x/#"));
	static const char *const filters[] = { "x/y", "x/+", "#" };
	struct gh_match match;
	const uint32_t *ids;

	gh_match_init(&match, index);
	for (unsigned i = 0; i < 3; i++) {
		struct gh_subscriber *subscriber = add(index, a, filters[i]);

		subscriber->qos = i == 1 ? 2 : 0;
		subscriber->id = 10 + i;
		subscriber->covered = i;
		subscriber->retain_as_published = i == 2;
	}
	add(index, b, "x/y")->qos = 1;
	for (unsigned round = 0; round < 2; round++) {
		struct gh_target *first, *second;
		unsigned sum = 0;

		gh_match_run(&match, gh_str("x/y"), gh_str(""));
		ck_assert_uint_eq(match.target_count, 2);
		ck_assert_uint_eq(match.group_count, 1);
		ck_assert_ptr_eq(match.groups[0], group);
		first = &match.targets[match.targets[0].session == a ? 0 : 1];
		second = &match.targets[match.targets[0].session == a ? 1 : 0];
		ck_assert(first->session == a && first->qos == 2 && first->covered == 2);
		ck_assert(first->retain_as_published && first->id_count == 3);
		ids = gh_match_ids(&match, first);
		for (unsigned i = 0; i < 3; i++)
			sum |= 1u << (ids[i] - 10);
		ck_assert_uint_eq(sum, 7);
		ck_assert(second->session == b && second->qos == 1 && second->id_count == 0);
		ck_assert(!second->retain_as_published && second->covered == 0);
	}
	gh_match_run(&match, gh_str("z"), gh_str(""));
	ck_assert_uint_eq(match.target_count, 1);
	ck_assert_uint_eq(match.targets[0].qos, 0);
	ck_assert_uint_eq(*gh_match_ids(&match, &match.targets[0]), 12);
	gh_match_done(&match);
	gh_index_remove(index, shared);
	session_free(index, &a);
	session_free(index, &b);
	gh_index_free(&index);
}
END_TEST

START_TEST(no_local)
{
	struct gh_index *index = gh_index_new(&key, NULL, 0);
	struct gh_session *a = session_new(1), *b = session_new(2);
	struct gh_match match;

	gh_match_init(&match, index);
	add(index, a, "x")->no_local = true;
	add(index, b, "x")->no_local = true;
	gh_match_run(&match, gh_str("x"), gh_str("c1"));
	ck_assert_uint_eq(match.target_count, 1);
	ck_assert_ptr_eq(match.targets[0].session, b);
	/* Another filter of its own that isn't no-local still gets it, with what that one says. */
	add(index, a, "x")->qos = 2;
	add(index, a, "#")->qos = 1;
	gh_match_run(&match, gh_str("x"), gh_str("c1"));
	ck_assert_uint_eq(match.target_count, 2);
	ck_assert_uint_eq(match.targets[0].qos + match.targets[1].qos, 1);
	gh_match_run(&match, gh_str("x"), gh_str(""));
	ck_assert_uint_eq(match.targets[0].qos + match.targets[1].qos, 2);
	gh_match_done(&match);
	session_free(index, &a);
	session_free(index, &b);
	gh_index_free(&index);
}
END_TEST

/* Many sessions at one filter, leaving in any order. */
START_TEST(many_at_one_filter)
{
	enum { N = 3000 };
	struct gh_index *index = gh_index_new(&key, NULL, 0);
	struct gh_session *sessions[N];
	unsigned seed = 2;

	for (unsigned i = 0; i < N; i++) {
		sessions[i] = session_new(i);
		add(index, sessions[i], "x/#");
	}
	for (unsigned left = N; left; left--) {
		unsigned i = (unsigned)rand_r(&seed) % left;

		if (left % 100 == 0 || left < 20)
			ck_assert_uint_eq(hits(index, gh_str("x")), left);
		session_free(index, &sessions[i]);
		sessions[i] = sessions[left - 1];
	}
	ck_assert_uint_eq(hits(index, gh_str("x")), 0);
	gh_index_free(&index);
}
END_TEST

/* The index enters its filters in the interest table, each node's once. */
START_TEST(interest_is_kept)
{
	struct gh_interest *interest = gh_interest_new(&key, 2);
	struct gh_index *index = gh_index_new(&key, interest, 1);
	struct gh_session *a = session_new(1), *b = session_new(2);
	struct gh_group *group = (struct gh_group *)(void *)&index;
	struct gh_subscriber *shared;
	bool new;

	add(index, a, "x/y/+");
	add(index, b, "x/y/+");
	ck_assert_uint_eq(gh_interest_lookup(interest, gh_str("x/y/z")), 2);
	session_free(index, &a);
	ck_assert_uint_eq(gh_interest_lookup(interest, gh_str("x/y/z")), 2);
	session_free(index, &b);
	ck_assert_uint_eq(gh_interest_lookup(interest, gh_str("x/y/z")), 0);
	shared = gh_index_add_group(index, group, gh_str("x/#"));
	ck_assert_uint_eq(gh_interest_lookup(interest, gh_str("x")), 2);
	gh_index_remove(index, shared);
	ck_assert_uint_eq(gh_interest_lookup(interest, gh_str("x")), 0);
	a = session_new(1);
	gh_index_add(index, a, gh_str("$share/g/x"), true, &new);
	ck_assert_uint_eq(gh_interest_lookup(interest, gh_str("x")), 0);
	ck_assert_uint_eq(gh_interest_lookup(interest, gh_str("$share/g/x")), 0);
	session_free(index, &a);
	gh_index_free(&index);
	gh_interest_free(&interest);
}
END_TEST

GH_TEST_MAIN("route/index", matches_as_the_standard_says, agrees_with_plain_matching,
	     memory_is_used_again, deepest_filter, same_subscription_is_found_again,
	     shares_match_nothing, overlapping_filters_are_one_target, no_local, many_at_one_filter,
	     interest_is_kept)
