/* SPDX-License-Identifier: Apache-2.0 */
/* The interest table: never a false negative, also while other workers change theirs. */
#include "route/interest.h"

#include "base/str.h"
#include "base/test.h"

#include <gatehouse/lib.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

static const struct gh_hash_key key = { 5, 6 };

static const struct {
	const char *filter, *topic;
	bool named;
} pairs[] = {
	{ "a/b", "a/b", true },
	{ "a/b", "a/c", false },
	{ "#", "a/b", true },
	{ "+/b", "x/b", true },
	{ "#", "$SYS/x", false },
	{ "$SYS/#", "$SYS/x", true },
	{ "a/#", "a", true },
	{ "a/#", "a/b/c/d/e", true },
	{ "a/#", "b", false },
	{ "a/b/c/d", "a/b/c/d", true },
	{ "a/b/c/d/e", "a/b/c/d/e", true },
	{ "/+", "/x", true },
	{ "/", "/", true },
	{ "/x", "x", false },
	{ "a//+", "a//b", true },
	{ "a", "a/b", true /* the prefix is there: a match in vain */ },
	{ "a/b", "a", false },
};

START_TEST(names_whoever_may_match)
{
	for (size_t i = 0; i < GH_COUNT(pairs); i++) {
		struct gh_interest *interest = gh_interest_new(&key, 64);

		gh_interest_add(interest, 63, gh_str(pairs[i].filter));
		gh_interest_add(interest, 63, gh_str(pairs[i].filter));
		ck_assert_msg(gh_interest_lookup(interest, gh_str(pairs[i].topic)) ==
				      (pairs[i].named ? 1ull << 63 : 0),
			      "%s %s", pairs[i].filter, pairs[i].topic);
		gh_interest_remove(interest, 63, gh_str(pairs[i].filter));
		ck_assert_uint_eq(gh_interest_lookup(interest, gh_str(pairs[i].topic)) != 0,
				  pairs[i].named);
		gh_interest_remove(interest, 63, gh_str(pairs[i].filter));
		ck_assert_uint_eq(gh_interest_lookup(interest, gh_str(pairs[i].topic)), 0);
		gh_interest_free(&interest);
	}
}
END_TEST

START_TEST(no_false_negative)
{
	static const char *const parts[] = { "a", "b", "", "+", "#", "$x" };
	struct gh_interest *interest = gh_interest_new(&key, 1);
	unsigned seed = 9;

	for (unsigned i = 0; i < 200000; i++) {
		char text[2][64];
		struct gh_str filter, topic;

		for (unsigned t = 0; t < 2; t++) {
			int n = 0;

			for (unsigned level = 0; level < 1 + i % 6; level++) {
				const char *part = parts[(unsigned)rand_r(&seed) % GH_COUNT(parts)];

				if (t == 1 && (*part == '+' || *part == '#'))
					part = "a";
				n += sprintf(text[t] + n, "%s%s", level ? "/" : "", part);
				if (*part == '#')
					break;
			}
		}
		filter = gh_str(text[0]);
		topic = gh_str(text[1]);
		if (!filter.n || !topic.n || !gh_topic_match(filter, topic))
			continue;
		gh_interest_add(interest, 0, filter);
		GH_MUST(gh_interest_lookup(interest, topic) == 1);
		gh_interest_remove(interest, 0, filter);
	}
	gh_interest_free(&interest);
}
END_TEST

struct shared {
	struct gh_interest *interest;
	atomic_uint there[3]; /* odd: this worker's filter is in */
	atomic_bool stop;
};
struct worker {
	struct shared *shared;
	unsigned number;
};

/* Enters and takes out the same filter as the others, and says when it is in. */
static void *toggle(void *arg)
{
	struct worker *worker = arg;
	struct shared *shared = worker->shared;
	uint64_t mine = 1ull << worker->number;

	for (unsigned i = 0; i < 20000; i++) {
		gh_interest_add(shared->interest, worker->number, gh_str("a/b/#"));
		atomic_fetch_add(&shared->there[worker->number], 1);
		for (unsigned j = 0; j < 20; j++)
			GH_MUST(gh_interest_lookup(shared->interest, gh_str("a/b")) & mine);
		atomic_fetch_add(&shared->there[worker->number], 1);
		gh_interest_remove(shared->interest, worker->number, gh_str("a/b/#"));
	}
	return NULL;
}

static void *look(void *arg)
{
	struct shared *shared = arg;

	while (!atomic_load(&shared->stop)) {
		for (unsigned i = 0; i < 3; i++) {
			unsigned before = atomic_load(&shared->there[i]);
			uint64_t mask = gh_interest_lookup(shared->interest, gh_str("a/b/c"));
			bool in = before % 2 && atomic_load(&shared->there[i]) == before;

			GH_MUST(!in || mask & 1ull << i);
		}
	}
	return NULL;
}

START_TEST(workers_do_not_disturb_each_other)
{
	struct shared shared = { .interest = gh_interest_new(&key, 4) };
	struct worker workers[3];
	pthread_t threads[3], reader;

	/* One whose filter stays must be named all the time. */
	gh_interest_add(shared.interest, 3, gh_str("a/b/c"));
	pthread_create(&reader, NULL, look, &shared);
	for (unsigned i = 0; i < 3; i++) {
		workers[i] = (struct worker){ &shared, i };
		pthread_create(&threads[i], NULL, toggle, &workers[i]);
	}
	for (unsigned i = 0; i < 100000; i++)
		GH_MUST(gh_interest_lookup(shared.interest, gh_str("a/b/c")) & 1ull << 3);
	for (unsigned i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	atomic_store(&shared.stop, true);
	pthread_join(reader, NULL);
	GH_MUST(gh_interest_lookup(shared.interest, gh_str("a/b/c")) == 1ull << 3);
	gh_interest_free(&shared.interest);
}
END_TEST

GH_TEST_MAIN("route/interest", names_whoever_may_match, no_false_negative,
	     workers_do_not_disturb_each_other)
