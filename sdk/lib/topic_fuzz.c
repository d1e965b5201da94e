/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: two filters and a topic, separated by newlines, against a slower matcher that is
 * obviously right. */
#include <gatehouse/lib.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool truth)
{
	if (!truth)
		abort();
}

/* Up to the next newline. */
static struct gh_str field(const uint8_t **data, size_t *size)
{
	struct gh_str text = { (const char *)*data, 0 };

	while (text.n < *size && text.p[text.n] != '\n')
		text.n++;
	*data += text.n < *size ? text.n + 1 : text.n;
	*size -= text.n < *size ? text.n + 1 : text.n;
	return text;
}

static bool valid(struct gh_str text, bool wildcards)
{
	struct gh_str rest = text, level;

	if (text.n == 0 || text.n > 65535 || memchr(text.p, 0, text.n))
		return false;
	while (gh_topic_level(&rest, &level)) {
		bool plus = memchr(level.p, '+', level.n), hash = memchr(level.p, '#', level.n);

		if ((plus || hash) && (!wildcards || level.n != 1))
			return false;
		if (hash && rest.p)
			return false;
	}
	return true;
}

/* Byte by byte, from here on. */
static bool matches(const char *f, const char *f_end, const char *t, const char *t_end)
{
	for (; f < f_end; f++) {
		if (*f == '#')
			return true;
		if (t == t_end && *f == '/' && f + 1 < f_end && f[1] == '#')
			return true;
		if (*f == '+') {
			while (t < t_end && *t != '/')
				t++;
			continue;
		}
		if (t == t_end || *t++ != *f)
			return false;
	}
	return t == t_end;
}

static bool naive(struct gh_str filter, struct gh_str topic)
{
	if (topic.p[0] == '$' && filter.p[0] != '$')
		return false;
	return matches(filter.p, filter.p + filter.n, topic.p, topic.p + topic.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gh_str one = field(&data, &size), two = field(&data, &size);
	struct gh_str topic = { (const char *)data, size };
	bool overlap, first, second;

	must(gh_topic_filter_valid(one) == valid(one, true));
	must(gh_topic_filter_valid(two) == valid(two, true));
	must(gh_topic_name_valid(topic) == valid(topic, false));
	if (!valid(one, true) || !valid(two, true))
		return 0;
	overlap = gh_topic_overlaps(one, two);
	must(overlap == gh_topic_overlaps(two, one));
	must(gh_topic_covers(one, one) && gh_topic_overlaps(one, one));
	must(overlap || !gh_topic_covers(one, two));
	if (gh_topic_name_valid(two))
		must(gh_topic_covers(one, two) == naive(one, two) && overlap == naive(one, two));
	if (!valid(topic, false))
		return 0;
	first = gh_topic_match(one, topic);
	second = gh_topic_match(two, topic);
	must(first == naive(one, topic) && second == naive(two, topic));
	must(overlap || !(first && second));
	must(first || !second || !gh_topic_covers(one, two));
	return 0;
}
