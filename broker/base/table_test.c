/* SPDX-License-Identifier: Apache-2.0 */
#include "base/table.h"
#include "base/test.h"

#include <string.h>

struct item {
	uint32_t key;
	bool in;
};

static bool same(const void *element, const void *key)
{
	return ((const struct item *)element)->key == *(const uint32_t *)key;
}

/* Few distinct hashes: long runs, wrapping round the end. */
static uint64_t bad_hash(uint32_t key)
{
	return (uint64_t)(key % 13) - 3;
}

static uint64_t good_hash(uint32_t key)
{
	return key * 0x9e3779b97f4a7c15u;
}

START_TEST(empty_table)
{
	struct gh_table table = { 0 };
	uint32_t key = 1;
	size_t cursor = 0;

	ck_assert_ptr_null(gh_table_find(&table, 1, same, &key));
	ck_assert(!gh_table_remove(&table, 1, &key));
	ck_assert_ptr_null(gh_table_next(&table, &cursor));
	ck_assert_ptr_null(table.slots);
	gh_table_done(&table);
}
END_TEST

static void churn(uint64_t (*hash)(uint32_t), uint32_t count, unsigned rounds)
{
	struct item *items = calloc(count, sizeof(*items));
	struct gh_table table = { 0 };
	size_t expected = 0, cursor = 0, seen = 0;
	unsigned random = 1;

	for (unsigned round = 0; round < rounds; round++) {
		struct item *item;

		random = random * 1103515245 + 12345;
		item = &items[(random >> 8) % count];
		item->key = (uint32_t)(item - items);
		if (item->in)
			ck_assert(gh_table_remove(&table, hash(item->key), item));
		else
			gh_table_add(&table, hash(item->key), item);
		item->in = !item->in;
		expected += item->in ? 1 : (size_t)-1;
		ck_assert_uint_eq(table.count, expected);
	}
	for (uint32_t key = 0; key < count; key++)
		ck_assert_ptr_eq(gh_table_find(&table, hash(key), same, &key),
				 items[key].in ? &items[key] : NULL);
	while (gh_table_next(&table, &cursor))
		seen++;
	ck_assert_uint_eq(seen, expected);
	for (uint32_t key = 0; key < count; key++)
		if (items[key].in)
			ck_assert(gh_table_remove(&table, hash(key), &items[key]));
	ck_assert_uint_eq(table.count, 0);
	ck_assert_uint_le(table.size, 16);
	gh_table_done(&table);
	free(items);
}

START_TEST(finds_exactly_what_is_in_it)
{
	churn(good_hash, 1, 100);
	churn(good_hash, 5000, 50000);
	churn(bad_hash, 200, 20000);
}
END_TEST

START_TEST(grows_and_shrinks)
{
	static struct item items[10000];
	struct gh_table table = { 0 };
	size_t largest;

	for (uint32_t i = 0; i < GH_COUNT(items); i++) {
		items[i].key = i;
		gh_table_add(&table, good_hash(i), &items[i]);
	}
	largest = table.size;
	ck_assert_uint_ge(largest, GH_COUNT(items));
	for (uint32_t i = 0; i < GH_COUNT(items) - 10; i++)
		gh_table_remove(&table, good_hash(i), &items[i]);
	ck_assert_uint_lt(table.size, largest / 32);
	gh_table_done(&table);
}
END_TEST

GH_TEST_MAIN("base/table", empty_table, finds_exactly_what_is_in_it, grows_and_shrinks)
