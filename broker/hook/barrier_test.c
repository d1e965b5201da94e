/* SPDX-License-Identifier: Apache-2.0 */
/* Rounds pass in their order, whoever ends them in which order; what isn't theirs changes nothing. */
#include "hook/barrier.h"
#include "hook/fixture.h"

struct keeper {
	struct gh_instance *instance;
	int says;
	struct gh_barrier got[8];
	unsigned count;
};

static int barrier(void *self, struct gh_barrier barrier)
{
	struct keeper *keeper = self;

	keeper->got[keeper->count++] = barrier;
	return keeper->says;
}

static struct gh_plugin plugin = { .flags = GH_CONCURRENT, .name = "keeper", .barrier = barrier };

struct keepers {
	struct fixture fixture;
	struct keeper at[2];
	struct gh_barriers *barriers;
	char passed[64]; /* "1 2! ": refused ones with '!' */
};

static void passed(void *owner, void *what, int rc)
{
	struct keepers *keepers = owner;
	size_t n = strlen(keepers->passed);

	snprintf(keepers->passed + n, sizeof(keepers->passed) - n, "%s%s ", (const char *)what,
		 rc ? "!" : "");
}

static void keepers_init(struct keepers *keepers, int a, int b)
{
	static const char *const names[] = { "a", "b" };
	const int says[] = { a, b };

	fixture_init(&keepers->fixture);
	for (unsigned i = 0; i < 2; i++) {
		keepers->at[i] = (struct keeper){ .says = says[i] };
		keepers->at[i].instance =
			fixture_add(&keepers->fixture, names[i], &plugin, &keepers->at[i]);
	}
	keepers->fixture.runtime.barrier_count = 2;
	keepers->passed[0] = 0;
	keepers->barriers = gh_barriers_new(keepers->fixture.asker, passed, keepers);
}

static void keepers_done(struct keepers *keepers)
{
	gh_barriers_free(&keepers->barriers);
	fixture_done(&keepers->fixture);
}

static void raise_one(struct keepers *keepers, const char *what)
{
	gh_barriers_raise(keepers->barriers, &keepers->fixture.runtime, (void *)(uintptr_t)what, 0);
}

static void end_by(struct keepers *keepers, unsigned who, struct gh_barrier barrier, int rc)
{
	gh_barrier_end((struct gh_host *)(void *)keepers->at[who].instance, barrier, rc);
	gh_loop_poll(keepers->fixture.loop);
}

START_TEST(at_once)
{
	static const struct {
		int a, b;
		const char *passed;
	} rows[] = { { 0, 0, "1 2 " },
		     { GH_EIO, 0, "1! 2! " },
		     { 0, GH_EBUSY, "1! 2! " },
		     { 77, 0, "1! 2! " } };

	for (unsigned i = 0; i < GH_COUNT(rows); i++) {
		struct keepers keepers;

		keepers_init(&keepers, rows[i].a, rows[i].b);
		raise_one(&keepers, "1");
		raise_one(&keepers, "2");
		ck_assert_str_eq(keepers.passed, rows[i].passed);
		keepers_done(&keepers);
	}
}
END_TEST

START_TEST(in_order)
{
	struct keepers keepers;
	struct keeper *a, *b;

	keepers_init(&keepers, GH_LATER, GH_LATER);
	a = &keepers.at[0];
	b = &keepers.at[1];
	raise_one(&keepers, "1");
	raise_one(&keepers, "2");
	end_by(&keepers, 0, a->got[1], 0);
	end_by(&keepers, 1, b->got[1], GH_EIO);
	end_by(&keepers, 0, a->got[0], 0);
	ck_assert_str_eq(keepers.passed, "");
	end_by(&keepers, 1, b->got[0], 0);
	ck_assert_str_eq(keepers.passed, "1 2! ");
	/* those that need nobody wait for those before them */
	raise_one(&keepers, "3");
	a->says = b->says = 0;
	raise_one(&keepers, "4");
	keepers.fixture.runtime.barrier_count = 0;
	ck_assert(gh_barriers_needed(keepers.barriers, &keepers.fixture.runtime));
	ck_assert_str_eq(keepers.passed, "1 2! ");
	end_by(&keepers, 0, a->got[2], 0);
	end_by(&keepers, 1, b->got[2], 0);
	ck_assert_str_eq(keepers.passed, "1 2! 3 4 ");
	ck_assert(!gh_barriers_needed(keepers.barriers, &keepers.fixture.runtime));
	keepers_done(&keepers);
}
END_TEST

START_TEST(what_is_not_theirs)
{
	struct keepers keepers;
	struct gh_barrier mine;

	keepers_init(&keepers, GH_LATER, 0);
	raise_one(&keepers, "1");
	mine = keepers.at[0].got[0];
	end_by(&keepers, 1, mine, GH_EIO);                              /* another's */
	end_by(&keepers, 0, (struct gh_barrier){ 0 }, GH_EIO);          /* none */
	end_by(&keepers, 0, (struct gh_barrier){ UINT64_MAX }, GH_EIO); /* invented */
	end_by(&keepers, 0, (struct gh_barrier){ mine.id | 1u << 8 }, GH_EIO);
	end_by(&keepers, 0, (struct gh_barrier){ mine.id | 0xff00 }, GH_EIO);
	ck_assert_str_eq(keepers.passed, "");
	end_by(&keepers, 0, mine, 0);
	end_by(&keepers, 0, mine, GH_EIO); /* double */
	ck_assert_str_eq(keepers.passed, "1 ");
	keepers_done(&keepers);
}
END_TEST

START_TEST(the_end)
{
	struct keepers keepers;

	keepers_init(&keepers, GH_LATER, 0);
	raise_one(&keepers, "1");
	gh_barriers_free(&keepers.barriers);
	ck_assert_str_eq(keepers.passed, "1! ");
	end_by(&keepers, 0, keepers.at[0].got[0], 0); /* late */
	ck_assert_str_eq(keepers.passed, "1! ");
	keepers_done(&keepers);
}
END_TEST

GH_TEST_MAIN("hook/barrier", at_once, in_order, what_is_not_theirs, the_end)
