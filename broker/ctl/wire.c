/* SPDX-License-Identifier: Apache-2.0 */
/* What gatehousectl and the broker say to each other. */
#include "ctl/wire.h"

#include "base/str.h"

void gh_wire_request(struct gh_buf *out, const char *const *words, size_t count)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		n += strlen(words[i]) + 1;
	gh_buf_printf(out, "%zu:", n);
	for (size_t i = 0; i < count; i++)
		gh_buf_add(out, words[i], strlen(words[i]) + 1);
}

static int split(const char *p, size_t n, struct gh_words *words_r)
{
	words_r->count = 0;
	while (n > 0) {
		size_t length = strnlen(p, n);

		if (length == n || words_r->count == GH_WIRE_WORDS)
			return GH_EINVAL;
		words_r->word[words_r->count++] = p;
		p += length + 1;
		n -= length + 1;
	}
	return words_r->count > 0 ? 1 : GH_EINVAL;
}

int gh_wire_parse(const struct gh_buf *in, struct gh_words *words_r)
{
	const char *colon = in->n ? memchr(in->p, ':', in->n) : NULL;
	const char *begin = (const char *)in->p;
	uint64_t length;
	size_t head;

	if (!colon)
		return in->n > 6 ? GH_EINVAL : 0;
	head = (size_t)(colon - begin) + 1;
	if (!gh_str_number(gh_str_n(begin, head - 1), GH_WIRE_MAX, &length))
		return GH_EINVAL;
	if (in->n - head > length)
		return GH_EINVAL;
	if (in->n - head < length)
		return 0;
	return split(begin + head, length, words_r);
}
