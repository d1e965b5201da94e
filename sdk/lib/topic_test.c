/* SPDX-License-Identifier: Apache-2.0 */
#include <gatehouse/lib.h>
#include <string.h>
#include "base/test.h"

static struct gh_str text_n(const char *p, size_t n)
{
	return (struct gh_str){ p, n };
}

static struct gh_str text(const char *s)
{
	return text_n(s, strlen(s));
}

static bool text_is(struct gh_str is, const char *want)
{
	return is.n == strlen(want) && (is.n == 0 || memcmp(is.p, want, is.n) == 0);
}

START_TEST(names)
{
	static const struct {
		const char *text;
		bool valid;
	} rows[] = {
		{ "a", true },
		{ "/", true },
		{ "//", true },
		{ "a/b/c", true },
		{ " ", true },
		{ "$SYS/x", true },
		{ "caf\xc3\xa9/\xe2\x82\xac", true },
		{ "", false },
		{ "+", false },
		{ "#", false },
		{ "a/+", false },
		{ "a+b", false },
		{ "sport/tennis#", false },
		{ "1234567+", false },
		{ "#2345678", false },
		{ "12345678+", false },
		{ "1234567/12345#78", false },
		{ "1234567/1234567", true },
	};

	for (size_t i = 0; i < GH_COUNT(rows); i++)
		ck_assert_msg(gh_topic_name_valid(text(rows[i].text)) == rows[i].valid, "'%s'",
			      rows[i].text);
	ck_assert(!gh_topic_name_valid(text_n("a\0b", 3)));
	ck_assert(!gh_topic_name_valid(text_n("0123456\0", 8)));
	ck_assert(!gh_topic_name_valid(text_n("\0", 1)));
}
END_TEST

/* Wherever it stands among others, also across the steps of eight bytes. */
START_TEST(names_at_every_place)
{
	char name[40];

	for (size_t n = 1; n <= sizeof(name); n++) {
		for (size_t i = 0; i < n; i++) {
			for (const char *c = "+#"; *c; c++) {
				memset(name, '*', sizeof(name)); /* '*' lies next to '+' */
				ck_assert(gh_topic_name_valid(text_n(name, n)));
				name[i] = *c;
				ck_assert(!gh_topic_name_valid(text_n(name, n)));
			}
			name[i] = '\0';
			ck_assert(!gh_topic_name_valid(text_n(name, n)));
		}
	}
}
END_TEST

START_TEST(lengths)
{
	char *big = malloc(65536);

	memset(big, 'a', 65536);
	ck_assert(gh_topic_name_valid(text_n(big, 65535)));
	ck_assert(gh_topic_filter_valid(text_n(big, 65535)));
	ck_assert(!gh_topic_name_valid(text_n(big, 65536)));
	ck_assert(!gh_topic_filter_valid(text_n(big, 65536)));
	free(big);
}
END_TEST

START_TEST(filters)
{
	static const struct {
		const char *text;
		bool valid;
	} rows[] = {
		{ "a", true },
		{ "#", true },
		{ "+", true },
		{ "/", true },
		{ "/+", true },
		{ "+/", true },
		{ "+/+/+", true },
		{ "a/#", true },
		{ "/#", true },
		{ "+/#", true },
		{ "a/+/b/#", true },
		{ "a//#", true },
		{ "$share/g/x", true },
		{ "$SYS/#", true },
		{ "", false },
		{ "##", false },
		{ "++", false },
		{ "a#", false },
		{ "a+", false },
		{ "+a", false },
		{ "#a", false },
		{ "a/#/b", false },
		{ "#/", false },
		{ "#/a", false },
		{ "a/b+/c", false },
		{ "a/+b/c", false },
		{ "a/+#", false },
		{ "a/#+", false },
		{ "sport/tennis#", false },
		{ "sport/tennis/#/ranking", false },
	};

	for (size_t i = 0; i < GH_COUNT(rows); i++)
		ck_assert_msg(gh_topic_filter_valid(text(rows[i].text)) == rows[i].valid, "'%s'",
			      rows[i].text);
	ck_assert(!gh_topic_filter_valid(text_n("a\0", 2)));
}
END_TEST

START_TEST(counts_levels)
{
	static const struct {
		const char *text;
		const char *levels[4]; /* ended by NULL */
	} rows[] = {
		{ "a", { "a" } },
		{ "a/b", { "a", "b" } },
		{ "a/", { "a", "" } },
		{ "/a", { "", "a" } },
		{ "/", { "", "" } },
		{ "//", { "", "", "" } },
		{ "ab//c", { "ab", "", "c" } },
	};
	struct gh_str rest, level;

	for (size_t i = 0; i < GH_COUNT(rows); i++) {
		rest = text(rows[i].text);
		for (const char *const *want = rows[i].levels; *want; want++) {
			ck_assert_msg(gh_topic_level(&rest, &level), "'%s' ends early", rows[i].text);
			ck_assert_msg(text_is(level, *want), "'%s': '%.*s' for '%s'", rows[i].text,
				      (int)level.n, level.p, *want);
		}
		ck_assert_msg(!gh_topic_level(&rest, &level), "'%s' doesn't end", rows[i].text);
	}
}
END_TEST

START_TEST(matching)
{
	static const struct {
		const char *filter, *topic;
		bool matches;
	} rows[] = {
		{ "a", "a", true },
		{ "a", "A", false },
		{ "a", "b", false },
		{ "a", "ab", false },
		{ "a", "a/", false },
		{ "a", "/a", false },
		{ "a/b", "a/b", true },
		{ "a/b", "a", false },
		{ "a", "a/b", false },
		{ "#", "a", true },
		{ "#", "/", true },
		{ "#", "a/b/c", true },
		{ "+", "a", true },
		{ "+", "a/b", false },
		{ "+", "/a", false },
		{ "/+", "/a", true },
		{ "+/+", "/a", true },
		{ "+/+", "/", true },
		{ "a/#", "a", true },
		{ "a/#", "a/", true },
		{ "a/#", "a/b/c", true },
		{ "a/#", "ab", false },
		{ "a/+", "a", false },
		{ "a/+", "a/", true },
		{ "a/+/c", "a/b/c", true },
		{ "a/+/c", "a//c", true },
		{ "a/+/c", "a/b/d", false },
		{ "a/+/c", "a/b/b/c", false },
		{ "a/+/#", "a", false },
		{ "a/+/#", "a/b", true },
		{ "sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true },
		{ "#", "$SYS/x", false },
		{ "+/x", "$SYS/x", false },
		{ "+", "$SYS", false },
		{ "$SYS/#", "$SYS/x", true },
		{ "$SYS/+", "$SYS/x", true },
		{ "$SYS/#", "$SYS", true },
		{ "a/#", "a/$b", true },
		{ "a/+", "a/$b", true },
	};

	for (size_t i = 0; i < GH_COUNT(rows); i++)
		ck_assert_msg(gh_topic_match(text(rows[i].filter), text(rows[i].topic)) ==
				      rows[i].matches,
			      "'%s' and '%s'", rows[i].filter, rows[i].topic);
}
END_TEST

START_TEST(covering)
{
	static const struct {
		const char *filter, *requested;
		bool covers, overlaps;
	} rows[] = {
		{ "a", "a", true, true },
		{ "a", "b", false, false },
		{ "#", "a/b", true, true },
		{ "#", "#", true, true },
		{ "#", "+", true, true },
		{ "#", "+/#", true, true },
		{ "+/#", "#", true, true },
		{ "+/#", "+/#", true, true },
		{ "+/+/#", "#", false, true },
		{ "+", "#", false, true },
		{ "+", "+", true, true },
		{ "+", "a", true, true },
		{ "a", "+", false, true },
		{ "a/+", "a/#", false, true },
		{ "a/#", "a/+", true, true },
		{ "a/#", "a", true, true },
		{ "a/#", "a/#", true, true },
		{ "a", "a/#", false, true },
		{ "a/+/#", "a/#", false, true },
		{ "a/#", "#", false, true },
		{ "a/#", "+/#", false, true },
		{ "a/b", "a/b/#", false, true },
		{ "a/b", "a", false, false },
		{ "a/+", "a", false, false },
		{ "a/+/c", "a/b/+", false, true },
		{ "a/+/c", "a/b/d", false, false },
		{ "+/b", "a/+", false, true },
		{ "+/+", "a/b", true, true },
		{ "+/+", "/", true, true },
		{ "+/+", "+/+/+", false, false },
		{ "+", "/#", false, false },
		{ "/+/#", "/#", true, true },
		{ "/", "/#", false, true },
		{ "#", "$SYS/#", false, false },
		{ "#", "$SYS", false, false },
		{ "+/#", "$SYS/#", false, false },
		{ "$SYS/#", "#", false, false },
		{ "$SYS/#", "+/x", false, false },
		{ "$SYS/#", "$SYS/+/x", true, true },
		{ "$SYS/+", "$SYS/#", false, true },
		{ "a/+", "a/$x", true, true },
	};

	for (size_t i = 0; i < GH_COUNT(rows); i++) {
		struct gh_str filter = text(rows[i].filter), requested = text(rows[i].requested);

		ck_assert_msg(gh_topic_covers(filter, requested) == rows[i].covers,
			      "'%s' covers '%s'", rows[i].filter, rows[i].requested);
		ck_assert_msg(gh_topic_overlaps(filter, requested) == rows[i].overlaps,
			      "'%s' overlaps '%s'", rows[i].filter, rows[i].requested);
		ck_assert_msg(gh_topic_overlaps(requested, filter) == rows[i].overlaps,
			      "'%s' overlaps '%s'", rows[i].requested, rows[i].filter);
	}
}
END_TEST

/* The n-th of all texts of at most `max` levels over the words, e.g. for enumerating all pairs. */
static bool nth(size_t n, const char *const *words, size_t word_count, size_t max, char *text_r)
{
	for (size_t levels = 1, all = word_count; levels <= max; levels++, all *= word_count) {
		if (n >= all) {
			n -= all;
			continue;
		}
		*text_r = '\0';
		for (size_t i = 0; i < levels; i++, n /= word_count) {
			strcat(text_r, i ? "/" : "");
			strcat(text_r, words[n % word_count]);
		}
		return true;
	}
	return false;
}

/* Covers and overlaps say what matching every topic says. "z" stands for a word no filter has, four
 * levels for more than any filter of three counts. */
START_TEST(covering_by_enumeration)
{
	static const char *const filter_words[] = { "", "a", "$", "+", "#" };
	static const char *const topic_words[] = { "", "a", "$", "z" };
	char f[32], r[32], t[32];

	for (size_t i = 0; nth(i, filter_words, GH_COUNT(filter_words), 3, f); i++) {
		for (size_t j = 0; nth(j, filter_words, GH_COUNT(filter_words), 3, r); j++) {
			bool covers = true, overlaps = false;

			if (!gh_topic_filter_valid(text(f)) || !gh_topic_filter_valid(text(r)))
				continue;
			for (size_t k = 0; nth(k, topic_words, GH_COUNT(topic_words), 4, t); k++) {
				if (!*t || !gh_topic_match(text(r), text(t)))
					continue;
				if (gh_topic_match(text(f), text(t)))
					overlaps = true;
				else
					covers = false;
			}
			ck_assert_msg(gh_topic_covers(text(f), text(r)) == covers,
				      "'%s' covers '%s'", f, r);
			ck_assert_msg(gh_topic_overlaps(text(f), text(r)) == overlaps,
				      "'%s' overlaps '%s'", f, r);
		}
	}
}
END_TEST

GH_TEST_MAIN("sdk/topic", names, names_at_every_place, lengths, filters, counts_levels, matching,
	     covering, covering_by_enumeration)
