/* SPDX-License-Identifier: Apache-2.0 */
/* What gatehousectl and the broker say to each other. */
#include "ctl/wire.h"

#include "base/str.h"

void gh_wire_request(struct gh_buf *out, const char *const *words, size_t count,
		     struct gh_bytes secret)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		n += strlen(words[i]) + 1;
	gh_buf_reserve(out, n + secret.n + 32); /* at once: growing leaves copies behind */
	gh_buf_printf(out, "%zu", n);
	if (secret.p)
		gh_buf_printf(out, "+%zu", secret.n);
	gh_buf_u8(out, ':');
	for (size_t i = 0; i < count; i++)
		gh_buf_add(out, words[i], strlen(words[i]) + 1);
	gh_buf_add(out, secret.p, secret.n);
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
	words_r->word[words_r->count] = NULL;
	return words_r->count > 0 ? 1 : GH_EINVAL;
}

/* LENGTH or LENGTH+SIZE */
static bool parse_head(struct gh_str head, uint64_t *length_r, uint64_t *size_r, bool *secret_r)
{
	const char *plus = memchr(head.p, '+', head.n);
	size_t n = plus ? (size_t)(plus - head.p) : head.n;

	*size_r = 0;
	*secret_r = plus;
	return gh_str_number(gh_str_n(head.p, n), GH_WIRE_MAX, length_r) &&
	       (!plus ||
		gh_str_number(gh_str_n(plus + 1, head.n - n - 1), GH_WIRE_SECRET_MAX, size_r));
}

int gh_wire_parse(const struct gh_buf *in, struct gh_words *words_r)
{
	const char *colon = in->n ? memchr(in->p, ':', in->n) : NULL;
	const char *begin = (const char *)in->p;
	uint64_t length, size;
	bool secret;
	size_t head;

	if (!colon)
		return in->n > 12 ? GH_EINVAL : 0;
	head = (size_t)(colon - begin) + 1;
	if (!parse_head(gh_str_n(begin, head - 1), &length, &size, &secret))
		return GH_EINVAL;
	if (in->n - head > length + size)
		return GH_EINVAL;
	if (in->n - head < length + size)
		return 0;
	words_r->secret = secret ? in->p + head + length : NULL;
	words_r->secret_size = size;
	return split(begin + head, length, words_r);
}
