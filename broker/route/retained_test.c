/* SPDX-License-Identifier: Apache-2.0 */
/* The retained store against a plain array, its bounds, its walk, and threads. */
#include "route/retained.h"

#include "base/str.h"
#include "base/test.h"

#include <gatehouse/lib.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static const struct gh_hash_key key = { 9, 10 };
static const struct gh_retained_limits unlimited = { UINT64_MAX, UINT64_MAX };

static struct gh_publication *message(struct gh_str topic, unsigned number, uint64_t expires_at)
{
	struct gh_publication_facts facts = { .topic = topic,
					      .payload = { &number, number ? sizeof(number) : 0 },
					      .retain = true,
					      .expires_at = expires_at };

	return gh_publication_new(&facts);
}

/* Number 0: an empty payload. */
static enum gh_retained_result set_at(struct gh_retained *retained, struct gh_str topic,
				      unsigned number)
{
	struct gh_publication *publication = message(topic, number, 0);
	enum gh_retained_result result = gh_retained_set(retained, publication);

	gh_publication_unref(&publication);
	return result;
}

static enum gh_retained_result set(struct gh_retained *retained, const char *topic, unsigned number)
{
	return set_at(retained, gh_str(topic), number);
}

static unsigned number_of(const struct gh_publication *publication)
{
	unsigned number;

	memcpy(&number, gh_publication_payload(publication).p, sizeof(number));
	return number;
}

static unsigned get(struct gh_retained *retained, const char *topic)
{
	struct gh_publication *found = gh_retained_get(retained, gh_str(topic), 0);
	unsigned number = found ? number_of(found) : 0;

	gh_publication_unref(&found);
	return number;
}

static size_t count_matches(struct gh_retained *retained, struct gh_str filter, uint64_t now)
{
	struct gh_retained_list list = { 0 };
	size_t n, work = SIZE_MAX;

	gh_retained_match(retained, filter, now, &list, &work);
	n = list.count;
	for (size_t i = 0; i < n; i++)
		GH_MUST(gh_topic_match(filter, gh_publication_topic(list.publications[i])));
	gh_retained_list_done(&list);
	GH_MUST(!list.publications);
	return n;
}

START_TEST(sets_replaces_erases)
{
	struct gh_retained *retained = gh_retained_new(&key, &unlimited);
	struct gh_publication *old;

	ck_assert_int_eq(set(retained, "a/b", 0), GH_RETAINED_NOTHING);
	ck_assert_int_eq(set(retained, "a/b", 1), GH_RETAINED_STORED);
	ck_assert_int_eq(set(retained, "a/b/c", 2), GH_RETAINED_STORED);
	ck_assert_int_eq(set(retained, "a", 0), GH_RETAINED_NOTHING);
	ck_assert_uint_eq(get(retained, "a"), 0);
	old = gh_retained_get(retained, gh_str("a/b"), 0);
	ck_assert(!atomic_load(&old->superseded));
	ck_assert_int_eq(set(retained, "a/b", 3), GH_RETAINED_STORED);
	ck_assert(atomic_load(&old->superseded));
	ck_assert_int_eq(gh_retained_set(retained, old), GH_RETAINED_STORED);
	ck_assert(!atomic_load(&old->superseded));
	ck_assert_int_eq(gh_retained_set(retained, old), GH_RETAINED_STORED);
	ck_assert(!atomic_load(&old->superseded));
	ck_assert_uint_eq(gh_retained_count(retained), 2);
	ck_assert_int_eq(set(retained, "a/b", 0), GH_RETAINED_ERASED);
	ck_assert_int_eq(set(retained, "a/b", 0), GH_RETAINED_NOTHING);
	ck_assert(atomic_load(&old->superseded));
	gh_publication_unref(&old);
	ck_assert_uint_eq(get(retained, "a/b/c"), 2);
	ck_assert_int_eq(set(retained, "a/b/c", 0), GH_RETAINED_ERASED);
	ck_assert_uint_eq(gh_retained_count(retained), 0);
	ck_assert_uint_eq(gh_retained_bytes(retained), 0);
	gh_retained_free(&retained);
}
END_TEST

static const struct {
	const char *filter;
	size_t matches;
} filters[] = {
	/* among: a, a/b, a/c, a/b/d, /, //, $SYS, $SYS/x, b/$x */
	{ "#", 7 },       { "+", 1 },       { "+/+", 4 },   { "a", 1 },      { "a/#", 4 },
	{ "a/+", 2 },     { "a/+/#", 3 },   { "a/b/#", 2 }, { "+/b", 1 },    { "+/+/+", 2 },
	{ "/#", 2 },      { "/+", 1 },      { "$SYS", 1 },  { "$SYS/#", 2 }, { "$SYS/+", 1 },
	{ "+/x", 0 },     { "b/+", 1 },     { "b/#", 1 },   { "c", 0 },      { "c/#", 0 },
	{ "a/b/d/#", 1 }, { "a/b/d/+", 0 }, { "+/#", 7 },   { "a/+/d", 1 },  { "//#", 2 },
};

START_TEST(matches_as_the_standard_says)
{
	static const char *const topics[] = { "a",  "a/b",  "a/c",    "a/b/d", "/",
					      "//", "$SYS", "$SYS/x", "b/$x" };
	struct gh_retained *retained = gh_retained_new(&key, &unlimited);

	ck_assert_uint_eq(count_matches(retained, gh_str("#"), 0), 0);
	for (unsigned i = 0; i < GH_COUNT(topics); i++)
		set(retained, topics[i], i + 1);
	for (unsigned i = 0; i < GH_COUNT(filters); i++) {
		size_t n = count_matches(retained, gh_str(filters[i].filter), 0);

		ck_assert_msg(n == filters[i].matches, "%s: %zu", filters[i].filter, n);
	}
	gh_retained_free(&retained);
}
END_TEST

/* A topic of few words, so that much overlaps; wildcards if it is a filter. */
static struct gh_str random_text(char *out, bool filter, unsigned *seed)
{
	static const char *const words[] = { "a", "b", "", "$s", "a-level-that-is-long", "c" };
	unsigned levels = 1 + (unsigned)rand_r(seed) % 5;
	size_t n = 0;

	for (unsigned i = 0; i < levels; i++) {
		unsigned dice = (unsigned)rand_r(seed) % 10;
		const char *word = words[(unsigned)rand_r(seed) % GH_COUNT(words)];

		if (filter && dice < 4)
			word = dice ? "+" : "#";
		n += (size_t)sprintf(out + n, "%s%s", i ? "/" : "", word);
		if (*word == '#')
			break;
	}
	return n ? gh_str_n(out, n) : gh_str("a");
}

enum { TOPICS = 400 };

struct topic {
	char text[128];
	struct gh_str name;
	unsigned number; /* 0: not retained */
	uint64_t expires_at;
};

/* No two are equal. */
static void make_topics(struct topic *topics, unsigned *seed)
{
	for (unsigned i = 0; i < TOPICS; i++) {
		bool again = false;

		topics[i].name = random_text(topics[i].text, false, seed);
		for (unsigned j = 0; j < i; j++)
			again |= gh_str_equal(topics[i].name, topics[j].name);
		i -= again;
	}
}

static void change(struct gh_retained *retained, struct topic *topic, unsigned number, unsigned *seed)
{
	bool erase = rand_r(seed) % 2;
	struct gh_publication *publication;

	topic->expires_at = (unsigned)rand_r(seed) % 3 ? 0 : 1 + (unsigned)rand_r(seed) % 100;
	publication = message(topic->name, erase ? 0 : number, topic->expires_at);
	GH_MUST(gh_retained_set(retained, publication) == (!erase          ? GH_RETAINED_STORED
							   : topic->number ? GH_RETAINED_ERASED
									   : GH_RETAINED_NOTHING));
	topic->number = erase ? 0 : number;
	gh_publication_unref(&publication);
}

static size_t expected(const struct topic *topics, struct gh_str filter, uint64_t now)
{
	size_t n = 0;

	for (unsigned i = 0; i < TOPICS; i++)
		n += topics[i].number && (!topics[i].expires_at || topics[i].expires_at > now) &&
		     gh_topic_match(filter, topics[i].name);
	return n;
}

START_TEST(agrees_with_an_array)
{
	struct gh_retained *retained = gh_retained_new(&key, &unlimited);
	struct topic *topics = calloc(TOPICS, sizeof(*topics));
	unsigned seed = 21;

	make_topics(topics, &seed);
	for (unsigned step = 1; step <= 100000; step++) {
		struct topic *topic = &topics[(unsigned)rand_r(&seed) % TOPICS];
		struct gh_publication *found;
		char text[128];
		struct gh_str filter;
		uint64_t now = step % 120;

		change(retained, topic, step, &seed);
		topic = &topics[(unsigned)rand_r(&seed) % TOPICS];
		found = gh_retained_get(retained, topic->name, 0);
		GH_MUST((found ? number_of(found) : 0) == topic->number);
		gh_publication_unref(&found);
		if (step % 20)
			continue;
		filter = random_text(text, true, &seed);
		GH_MUST(count_matches(retained, filter, now) == expected(topics, filter, now));
	}
	for (unsigned i = 0; i < TOPICS; i++)
		if (topics[i].number)
			set(retained, topics[i].text, 0);
	GH_MUST(gh_retained_count(retained) == 0);
	GH_MUST(gh_retained_bytes(retained) == 0);
	gh_retained_free(&retained);
	free(topics);
}
END_TEST

START_TEST(bounds_count)
{
	struct gh_retained *retained =
		gh_retained_new(&key, &(struct gh_retained_limits){ 2, UINT64_MAX });

	ck_assert_int_eq(set(retained, "a", 1), GH_RETAINED_STORED);
	ck_assert_int_eq(set(retained, "b", 1), GH_RETAINED_STORED);
	ck_assert_int_eq(set(retained, "c", 1), GH_RETAINED_FULL);
	ck_assert_uint_eq(get(retained, "c"), 0);
	ck_assert_int_eq(set(retained, "b", 2), GH_RETAINED_STORED);
	ck_assert_int_eq(set(retained, "a", 0), GH_RETAINED_ERASED);
	ck_assert_int_eq(set(retained, "c", 1), GH_RETAINED_STORED);
	gh_retained_set_limits(retained, &(struct gh_retained_limits){ 1, 1 });
	ck_assert_uint_eq(gh_retained_count(retained), 2);
	ck_assert_int_eq(set(retained, "b", 3), GH_RETAINED_STORED);
	ck_assert_int_eq(set(retained, "b", 0), GH_RETAINED_ERASED);
	gh_retained_free(&retained);
}
END_TEST

START_TEST(bounds_bytes)
{
	struct gh_retained_limits limits = { UINT64_MAX, UINT64_MAX };
	struct gh_retained *retained = gh_retained_new(&key, &limits);
	struct gh_publication_facts facts = { .topic = gh_str("a"), .payload = { "1234567890", 10 } };
	struct gh_publication *large = gh_publication_new(&facts);
	char slashes[1001];

	set(retained, "a", 1);
	limits.bytes = gh_retained_bytes(retained);
	gh_retained_set_limits(retained, &limits);
	ck_assert_int_eq(set(retained, "a", 2), GH_RETAINED_STORED);
	ck_assert_int_eq(gh_retained_set(retained, large), GH_RETAINED_FULL);
	ck_assert_uint_eq(get(retained, "a"), 2);
	ck_assert_int_eq(set(retained, "b", 1), GH_RETAINED_FULL);
	ck_assert_uint_eq(gh_retained_count(retained), 1);
	ck_assert_uint_eq(gh_retained_bytes(retained), limits.bytes);
	/* Levels cost what they take, not the byte they are in the topic. */
	memset(slashes, '/', 1000);
	slashes[1000] = '\0';
	limits.bytes += 10000;
	gh_retained_set_limits(retained, &limits);
	ck_assert_int_eq(set(retained, slashes, 1), GH_RETAINED_FULL);
	gh_publication_unref(&large);
	gh_retained_free(&retained);
}
END_TEST

START_TEST(deepest_topic)
{
	enum { N = 65535 };
	struct gh_retained *retained = gh_retained_new(&key, &unlimited);
	char *slashes = malloc(N), *pluses = malloc(N);
	struct gh_publication *publication;

	for (size_t i = 0; i < N; i++) {
		slashes[i] = '/';
		pluses[i] = i % 2 ? '/' : '+';
	}
	publication = message(gh_str_n(slashes, N), 1, 0);
	ck_assert_int_eq(gh_retained_set(retained, publication), GH_RETAINED_STORED);
	gh_publication_unref(&publication);
	publication = message(gh_str_n(slashes, N / 2), 1, 0);
	ck_assert_int_eq(gh_retained_set(retained, publication), GH_RETAINED_STORED);
	ck_assert_uint_eq(count_matches(retained, gh_str("#"), 0), 2);
	ck_assert_uint_eq(count_matches(retained, gh_str_n(pluses, N), 0), 1);
	ck_assert_uint_eq(count_matches(retained, gh_str_n(slashes, N), 0), 1);
	gh_publication_unref(&publication);
	gh_retained_free(&retained);
	free(slashes);
	free(pluses);
}
END_TEST

static void fill(struct gh_retained *retained, unsigned first, unsigned end)
{
	for (unsigned i = first; i < end; i++) {
		char topic[32];
		struct gh_publication *publication;

		sprintf(topic, "t%u/%u", i % 50, i);
		publication = message(gh_str(topic), i + 1, i % 10 == 9 ? 1000 : 0);
		gh_retained_set(retained, publication);
		gh_publication_unref(&publication);
	}
}

/* Slices of a walk while other topics come and go: each that stays comes once, each that has
 * expired goes. */
START_TEST(walks_in_slices)
{
	enum { N = 5000 };
	struct gh_retained *retained = gh_retained_new(&key, &unlimited);
	struct gh_retained_cursor cursor = { 0, 0 };
	unsigned *told = calloc(2 * N, sizeof(*told));
	unsigned next = N;
	bool more = true;

	fill(retained, 0, N);
	while (more) {
		struct gh_retained_list list = { 0 };

		more = gh_retained_walk(retained, &cursor, 100, 1000, &list);
		ck_assert_uint_le(list.count, 100);
		for (size_t i = 0; i < list.count; i++)
			told[number_of(list.publications[i]) - 1]++;
		gh_retained_list_done(&list);
		fill(retained, next, next + 10);
		next += 10;
	}
	for (unsigned i = 0; i < N; i++)
		ck_assert_uint_eq(told[i], i % 10 != 9);
	for (unsigned i = N; i < 2 * N; i++)
		ck_assert_uint_le(told[i], i % 10 != 9);
	ck_assert_uint_lt(gh_retained_count(retained), next - N / 10 + 1);
	gh_retained_free(&retained);
	free(told);
}
END_TEST

struct hammer {
	struct gh_retained *retained;
	unsigned number;
};

static void *write_topics(void *arg)
{
	struct hammer *hammer = arg;
	unsigned seed = hammer->number;

	for (unsigned i = 1; i <= 20000; i++) {
		char topic[32];

		sprintf(topic, "%u/%u", (unsigned)rand_r(&seed) % 4, (unsigned)rand_r(&seed) % 20);
		set(hammer->retained, topic, rand_r(&seed) % 3 ? i : 0);
	}
	return NULL;
}

static void *read_topics(void *arg)
{
	struct hammer *hammer = arg;
	struct gh_retained_cursor cursor = { 0, 0 };

	for (unsigned i = 0; i < 2000; i++) {
		struct gh_retained_list list = { 0 };

		count_matches(hammer->retained, gh_str(i % 2 ? "#" : "1/+"), 0);
		get(hammer->retained, "2/3");
		if (!gh_retained_walk(hammer->retained, &cursor, 30, 0, &list))
			cursor = (struct gh_retained_cursor){ 0, 0 };
		for (size_t l = 0; l < list.count; l += 7)
			set_at(hammer->retained, gh_publication_topic(list.publications[l]), 0);
		gh_retained_list_done(&list);
	}
	return NULL;
}

START_TEST(threads)
{
	struct gh_retained *retained =
		gh_retained_new(&key, &(struct gh_retained_limits){ 60, UINT64_MAX });
	struct hammer hammers[4];
	pthread_t ids[4];

	for (unsigned i = 0; i < 4; i++) {
		hammers[i] = (struct hammer){ retained, i };
		pthread_create(&ids[i], NULL, i < 2 ? write_topics : read_topics, &hammers[i]);
	}
	for (unsigned i = 0; i < 4; i++)
		pthread_join(ids[i], NULL);
	ck_assert_uint_le(gh_retained_count(retained), 60);
	ck_assert_uint_eq(count_matches(retained, gh_str("#"), 0), gh_retained_count(retained));
	for (unsigned i = 0; i < 80; i++) {
		char topic[32];

		sprintf(topic, "%u/%u", i / 20, i % 20);
		set(retained, topic, 0);
	}
	ck_assert_uint_eq(gh_retained_count(retained), 0);
	ck_assert_uint_eq(gh_retained_bytes(retained), 0);
	gh_retained_free(&retained);
}
END_TEST

/* What a keeper was told: "+a=1 -b". */
struct keeper {
	char told[200];
	int rc;
};

static int keeper_put(void *arg, const struct gh_publication *publication)
{
	struct gh_str topic = gh_publication_topic(publication);
	struct keeper *keeper = arg;
	size_t n = strlen(keeper->told);

	snprintf(keeper->told + n, sizeof(keeper->told) - n, "+%.*s=%u ", (int)topic.n, topic.p,
		 number_of(publication));
	return keeper->rc;
}

static int keeper_erase(void *arg, struct gh_str topic)
{
	struct keeper *keeper = arg;
	size_t n = strlen(keeper->told);

	snprintf(keeper->told + n, sizeof(keeper->told) - n, "-%.*s ", (int)topic.n, topic.p);
	return keeper->rc;
}

START_TEST(keeper_is_told)
{
	static const struct gh_retained_keeper callbacks = { keeper_put, keeper_erase };
	static const struct gh_retained_limits one = { 2, UINT64_MAX };
	struct gh_retained *retained = gh_retained_new(&key, &one);
	struct gh_retained_cursor cursor = { 0 };
	struct gh_retained_list list = { 0 };
	struct gh_publication *publication = message(gh_str("b"), 3, 10);
	struct keeper keeper = { 0 };

	set(retained, "a", 1); /* nobody is told yet */
	gh_retained_keep(retained, &callbacks, &keeper);
	ck_assert_int_eq(set(retained, "a", 2), GH_RETAINED_STORED);
	ck_assert_int_eq(gh_retained_set(retained, publication), GH_RETAINED_STORED);
	ck_assert_int_eq(set(retained, "c", 4), GH_RETAINED_FULL);
	ck_assert_int_eq(set(retained, "c", 0), GH_RETAINED_NOTHING);
	while (gh_retained_walk(retained, &cursor, 100, 11, &list)) /* b is over */
		;
	ck_assert_int_eq(set(retained, "a", 0), GH_RETAINED_ERASED);
	ck_assert_str_eq(keeper.told, "+a=2 +b=3 -c -b -a ");
	keeper.rc = GH_EIO;
	ck_assert_int_eq(set(retained, "d", 5), GH_RETAINED_UNKEPT);
	ck_assert_uint_eq(get(retained, "d"), 5);
	ck_assert_int_eq(set(retained, "d", 0), GH_RETAINED_UNKEPT);
	ck_assert_uint_eq(get(retained, "d"), 0);
	gh_retained_list_done(&list);
	gh_publication_unref(&publication);
	gh_retained_free(&retained);
}
END_TEST

GH_TEST_MAIN("route/retained", sets_replaces_erases, matches_as_the_standard_says,
	     agrees_with_an_array, bounds_count, bounds_bytes, deepest_topic, walks_in_slices,
	     threads, keeper_is_told)
