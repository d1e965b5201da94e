/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions, their registry, and walks that go on while sessions come and go. */
#include "session/registry.h"

#include "base/str.h"
#include "base/test.h"

#include <stdio.h>
#include <string.h>

static const struct gh_session_owner alice = { { "staff", 5 }, { "alice", 5 } };
static const struct gh_hash_key key = { 1, 2 };

static struct gh_session *add(struct gh_registry *registry, unsigned number)
{
	char id[32];
	int n = snprintf(id, sizeof(id), "client-%u", number);
	struct gh_session *session = gh_session_new(gh_str_n(id, (size_t)n), &alice);

	session->created_at = number;
	gh_registry_add(registry, session);
	return session;
}

static void drop(struct gh_registry *registry, struct gh_session *session)
{
	gh_registry_remove(registry, session);
	gh_session_free(&session);
}

static void drop_all(struct gh_registry **registry)
{
	struct gh_registry_walk walk;
	struct gh_session *session;

	gh_registry_walk_begin(*registry, &walk);
	while ((session = gh_registry_walk_next(*registry, &walk)))
		drop(*registry, session);
	gh_registry_free(registry);
	ck_assert_ptr_null(*registry);
}

START_TEST(session_keeps_its_texts)
{
	struct gh_session *session = gh_session_new(gh_str("c\n1"), &alice);
	struct gh_session_owner other = { gh_str("corp"), gh_str("alice") };
	struct gh_session_owner longer = { gh_str("staff"), gh_str("alicea") };
	/* The same bytes, cut elsewhere. */
	struct gh_session_owner shifted = { gh_str("staffa"), gh_str("lice") };

	ck_assert(gh_str_is(gh_session_client_id(session), "c\n1"));
	ck_assert(gh_str_is(gh_session_realm(session), "staff"));
	ck_assert(gh_str_is(gh_session_principal(session), "alice"));
	ck_assert(gh_session_owned_by(session, &alice));
	ck_assert(!gh_session_owned_by(session, &other));
	ck_assert(!gh_session_owned_by(session, &longer));
	ck_assert(!gh_session_owned_by(session, &shifted));
	gh_session_free(&session);
	ck_assert_ptr_null(session);
	gh_session_free(&session);
}
END_TEST

START_TEST(session_drops_what_it_holds)
{
	struct gh_session *session = gh_session_new(gh_str("c"), &alice);
	struct gh_publication_facts facts = { .topic = { "t", 1 }, .qos = 1 };
	struct gh_publication *publication = gh_publication_new(&facts);
	struct gh_queue_limits limits = { 10, 10000, GH_QUEUE_DROP_NEWEST };
	struct gh_delivery waiting = { .publication = gh_publication_ref(publication), .qos = 1 };
	struct gh_delivery sent = { .publication = gh_publication_ref(publication), .qos = 1 };
	size_t before = gh_session_cost(session);

	gh_queue_push(&session->queue, &limits, &waiting, NULL, NULL);
	gh_window_open(&session->window, 1);
	gh_window_add(&session->window, &sent);
	session->will = gh_session_will_new(gh_publication_ref(publication));
	ck_assert_uint_gt(gh_session_cost(session), before);
	ck_assert_uint_eq(atomic_load(&publication->refs), 4);
	gh_session_free(&session);
	ck_assert_uint_eq(atomic_load(&publication->refs), 1);
	gh_publication_unref(&publication);
}
END_TEST

START_TEST(finds_by_client_id)
{
	struct gh_registry *registry = gh_registry_new(&key);

	for (unsigned i = 0; i < 5000; i++)
		add(registry, i);
	GH_MUST(gh_registry_count(registry) == 5000);
	for (unsigned i = 0; i < 5000; i += 2) {
		char id[32];
		struct gh_session *session;

		snprintf(id, sizeof(id), "client-%u", i);
		session = gh_registry_find(registry, gh_str(id));
		GH_MUST(session->created_at == i);
		drop(registry, session);
		GH_MUST(!gh_registry_find(registry, gh_str(id)));
	}
	GH_MUST(gh_registry_count(registry) == 2500);
	GH_MUST(!gh_registry_find(registry, gh_str("client-")));
	drop_all(&registry);
}
END_TEST

/* Two walks at once, while sessions are removed (the one just told too) and added. */
START_TEST(walks_survive_changes)
{
	struct gh_registry *registry = gh_registry_new(&key);
	struct gh_session *sessions[1000], *session;
	struct gh_registry_walk walk, other;
	unsigned told[2000] = { 0 };

	for (unsigned i = 0; i < 1000; i++)
		sessions[i] = add(registry, i);
	gh_registry_walk_begin(registry, &walk);
	gh_registry_walk_begin(registry, &other);
	while ((session = gh_registry_walk_next(registry, &walk))) {
		unsigned i = (unsigned)session->created_at;

		told[i]++;
		gh_registry_walk_next(registry, &other);
		if (i < 1000 && i % 3 == 0)
			drop(registry, session);
		if (i < 999 && i % 3 == 0)
			drop(registry, sessions[i + 1]);
		if (i < 1000)
			add(registry, 1000 + i);
	}
	for (unsigned i = 0; i < 2000; i++)
		ck_assert_uint_eq(told[i], i >= 1000 ? (i - 1000) % 3 != 1 || i == 1999 : i % 3 != 1);
	gh_registry_walk_end(&other);
	gh_registry_walk_end(&other);
	ck_assert_ptr_null(gh_registry_walk_next(registry, &walk));
	drop_all(&registry);
}
END_TEST

GH_TEST_MAIN("session/registry", session_keeps_its_texts, session_drops_what_it_holds,
	     finds_by_client_id, walks_survive_changes)
