/* SPDX-License-Identifier: Apache-2.0 */
/* What crosses to an isolated instance and back: fields, messages, subjects. */
#include "hook/carry_priv.h"

#include "base/mem.h"

#include <gatehouse/lib.h>
#include <stdlib.h>
#include <string.h>

/* ---- fields ---- */

void gh_carry_reserve(struct gh_buf *out, size_t n, size_t count)
{
	enum { LENGTH_MAX = 10 };

	gh_buf_reserve(out, n + count * LENGTH_MAX);
}

void gh_carry_view(struct gh_buf *out, struct gh_bytes bytes)
{
	gh_pack_number(out, bytes.p ? (uint64_t)bytes.n + 1 : 0);
	if (bytes.p)
		gh_buf_add(out, bytes.p, bytes.n);
}

struct gh_bytes gh_carry_read_view(struct gh_unpack *in, const char *field)
{
	uint64_t n = gh_unpack_number(in, field, 0, UINT64_MAX);

	if (!n)
		return (struct gh_bytes){ 0 };
	if (n - 1 > gh_unpack_left(in))
		gh_unpack_fail(in, "it ends in the middle of '%s'", field);
	return gh_unpack_run(in, field, in->rc ? 0 : (size_t)(n - 1));
}

void gh_carry_str(struct gh_buf *out, struct gh_str str)
{
	gh_carry_view(out, (struct gh_bytes){ str.p, str.n });
}

struct gh_str gh_carry_read_str(struct gh_unpack *in, const char *field)
{
	return gh_unpack_maybe(in, field, UINT16_MAX);
}

void gh_carry_signed(struct gh_buf *out, int64_t v)
{
	gh_pack_number(out, (uint64_t)v);
}

int64_t gh_carry_read_signed(struct gh_unpack *in, const char *field)
{
	return (int64_t)gh_unpack_number(in, field, 0, UINT64_MAX);
}

uint32_t gh_carry_read_u32(struct gh_unpack *in, const char *field)
{
	return (uint32_t)gh_unpack_number(in, field, 0, UINT32_MAX);
}

void gh_carry_read_text(struct gh_unpack *in, const char *field, struct gh_carry_texts *texts,
			const char **to)
{
	struct gh_bytes text = gh_carry_read_view(in, field);

	*to = NULL;
	if (text.n && memchr(text.p, 0, text.n))
		gh_unpack_fail(in, "'%s' has a NUL in it", field);
	if (in->rc || !text.p)
		return;
	texts->rows[texts->count].to = to;
	texts->rows[texts->count++].text = text;
}

bool gh_carry_end(const struct gh_unpack *in, const struct gh_carry_texts *texts,
		  struct gh_carried *carried)
{
	char *at;

	if (in->rc) {
		gh_carried_done(carried);
		return false;
	}
	carried->texts_size = 0;
	for (size_t i = 0; i < texts->count; i++)
		carried->texts_size += texts->rows[i].text.n + 1;
	at = carried->texts = carried->texts_size ? gh_alloc(carried->texts_size) : NULL;
	for (size_t i = 0; i < texts->count; i++) {
		struct gh_bytes text = texts->rows[i].text;

		*texts->rows[i].to = at;
		memcpy(at, text.p, text.n);
		at[text.n] = 0;
		at += text.n + 1;
	}
	return true;
}

void gh_carried_done(struct gh_carried *carried)
{
	gh_identity_unref(&carried->so_far);
	if (carried->texts)
		gh_wipe(carried->texts, carried->texts_size);
	free(carried->texts);
	*carried = (struct gh_carried){ 0 };
}

/* ---- messages ---- */

enum { RETAIN = 1, DUPLICATE = 2 };

void gh_carry_message(struct gh_buf *out, const struct gh_message *message)
{
	gh_buf_u8(out,
		  (uint8_t)((message->retain ? RETAIN : 0) | (message->duplicate ? DUPLICATE : 0)));
	gh_pack_number(out, message->qos);
	gh_carry_str(out, message->topic);
	gh_carry_view(out, message->payload);
	gh_carry_view(out, message->properties);
	gh_pack_maybe(out, message->origin);
}

void gh_carry_read_message(struct gh_unpack *in, struct gh_carry_texts *texts,
			   struct gh_message *message)
{
	uint8_t flags = gh_unpack_flags(in, "message flags", RETAIN | DUPLICATE);

	message->size = sizeof(*message);
	message->retain = flags & RETAIN;
	message->duplicate = flags & DUPLICATE;
	message->qos = (uint8_t)gh_unpack_number(in, "qos", 0, 2);
	message->topic = gh_carry_read_str(in, "topic");
	message->payload = gh_carry_read_view(in, "payload");
	message->properties = gh_carry_read_view(in, "properties");
	gh_carry_read_text(in, "origin", texts, &message->origin);
}

const struct gh_message *gh_carried_message(struct gh_unpack *in, struct gh_carried *carried)
{
	struct gh_carry_texts texts = { .count = 0 };

	gh_carry_read_message(in, &texts, &carried->message);
	return gh_carry_end(in, &texts, carried) ? &carried->message : NULL;
}

/* ---- subjects ---- */

void gh_carry_subject(struct gh_buf *out, const struct gh_subject *subject)
{
	gh_pack_number(out, subject->kind);
	gh_pack_number(out, subject->number);
	gh_pack_maybe(out, subject->text);
}

void gh_carry_read_subject(struct gh_unpack *in, struct gh_carry_texts *texts,
			   struct gh_subject *subject)
{
	subject->kind = (uint32_t)gh_unpack_number(in, "subject", GH_CONNECTION, GH_EVERYONE);
	subject->number = gh_unpack_number(in, "subject number", 0, UINT64_MAX);
	gh_carry_read_text(in, "subject text", texts, &subject->text);
}

const struct gh_subject *gh_carried_subject(struct gh_unpack *in, struct gh_carried *carried)
{
	struct gh_carry_texts texts = { .count = 0 };

	gh_carry_read_subject(in, &texts, &carried->subject);
	return gh_carry_end(in, &texts, carried) ? &carried->subject : NULL;
}
