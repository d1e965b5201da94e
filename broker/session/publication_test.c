/* SPDX-License-Identifier: Apache-2.0 */
/* Publications keep what they were made of, byte by byte, and are freed once, whoever is last. */
#include "session/publication.h"

#include "base/str.h"
#include "base/test.h"
#include "hook/snapshot.h"

#include <pthread.h>
#include <string.h>

/* user property "k" -> "v"; topic alias 7; message expiry 60 s; user property "a" -> "". */
static const uint8_t raw[] = { 0x26, 0, 1, 'k', 0,    1, 'v', 0x23, 0, 7, 0x02,
			       0,    0, 0, 60,  0x26, 0, 1,   'a',  0, 0 };
static const uint8_t forwarded[] = { 0x26, 0, 1, 'k', 0, 1, 'v', 0x26, 0, 1, 'a', 0, 0 };

START_TEST(keeps_everything)
{
	struct gh_publication_facts facts = { .topic = gh_str("a/b"),
					      .payload = { "x\0y", 3 },
					      .properties = { raw, sizeof(raw) },
					      .forward_n = sizeof(forwarded),
					      .origin = gh_str("me"),
					      .qos = 2,
					      .retain = true,
					      .is_text = true };
	struct gh_publication *p = gh_publication_new(&facts);

	ck_assert(gh_str_is(gh_publication_topic(p), "a/b"));
	ck_assert(gh_str_is(gh_publication_origin(p), "me"));
	ck_assert_uint_eq(gh_publication_payload(p).n, 3);
	ck_assert_mem_eq(gh_publication_payload(p).p, "x\0y", 3);
	ck_assert_uint_eq(gh_publication_properties(p).n, sizeof(forwarded));
	ck_assert_mem_eq(gh_publication_properties(p).p, forwarded, sizeof(forwarded));
	ck_assert(p->qos == 2 && p->retain && p->is_text);
	ck_assert_uint_ge(gh_publication_cost(p), sizeof(*p) + 3 + 3 + 2 + sizeof(forwarded));
	gh_publication_unref(&p);
	ck_assert_ptr_null(p);
	gh_publication_unref(&p);
}
END_TEST

START_TEST(all_may_be_empty)
{
	struct gh_publication_facts facts = { .topic = gh_str("t") };
	struct gh_publication *p = gh_publication_new(&facts);

	ck_assert_uint_eq(gh_publication_payload(p).n, 0);
	ck_assert_uint_eq(gh_publication_properties(p).n, 0);
	ck_assert_uint_eq(gh_publication_origin(p).n, 0);
	ck_assert(!gh_publication_expired(p, UINT64_MAX));
	gh_publication_unref(&p);
}
END_TEST

START_TEST(remaining_expiry)
{
	struct gh_publication_facts facts = { .topic = gh_str("t"), .expires_at = 61000 };
	struct gh_publication *p = gh_publication_new(&facts);

	ck_assert_uint_eq(gh_publication_remaining(p, 1000), 60);
	ck_assert_uint_eq(gh_publication_remaining(p, 1001), 60);
	ck_assert_uint_eq(gh_publication_remaining(p, 2000), 59);
	ck_assert_uint_eq(gh_publication_remaining(p, 60999), 1);
	ck_assert(!gh_publication_expired(p, 60999));
	ck_assert(gh_publication_expired(p, 61000));
	ck_assert_uint_eq(gh_publication_remaining(p, 62000), 0);
	gh_publication_unref(&p);
}
END_TEST

static void *take_and_drop(void *arg)
{
	for (int i = 0; i < 50000; i++) {
		struct gh_publication *mine = gh_publication_ref(arg);

		GH_MUST(gh_str_is(gh_publication_topic(mine), "t"));
		gh_publication_unref(&mine);
	}
	gh_publication_unref((struct gh_publication **)&arg);
	return NULL;
}

START_TEST(counts_across_threads)
{
	struct gh_client client = { .size = sizeof(client), .client_id = "me" };
	struct gh_snapshot *author = gh_snapshot_new(&client, NULL);
	struct gh_publication_facts facts = { .topic = gh_str("t"), .author = author };
	struct gh_publication *p = gh_publication_new(&facts);
	pthread_t threads[3];

	gh_snapshot_unref(&author);
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, take_and_drop, gh_publication_ref(p));
	ck_assert_str_eq(gh_snapshot_client(p->author)->client_id, "me");
	gh_publication_unref(&p);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
}
END_TEST

GH_TEST_MAIN("session/publication", keeps_everything, all_may_be_empty, remaining_expiry,
	     counts_across_threads)
