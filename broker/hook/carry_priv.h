/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that carry share: fields as bytes and back. */
#ifndef GH_HOOK_CARRY_PRIV_H
#define GH_HOOK_CARRY_PRIV_H

#include "hook/carry.h"

/* Room for `count` fields of together n bytes: secrets that are written into it are not copied once more by a buffer that grows. */
void gh_carry_reserve(struct gh_buf *out, size_t n, size_t count);

/* Bytes that may be missing: p NULL, which isn't the same as none of them. Read: a view. */
void gh_carry_view(struct gh_buf *out, struct gh_bytes bytes);
struct gh_bytes gh_carry_read_view(struct gh_unpack *in, const char *field);
/* Likewise, but text of MQTT, of at most 65,535 bytes. */
void gh_carry_str(struct gh_buf *out, struct gh_str str);
struct gh_str gh_carry_read_str(struct gh_unpack *in, const char *field);
/* Of any sign. */
void gh_carry_signed(struct gh_buf *out, int64_t v);
int64_t gh_carry_read_signed(struct gh_unpack *in, const char *field);
uint32_t gh_carry_read_u32(struct gh_unpack *in, const char *field);

/*
 * What is to be terminated: bytes without NUL, which need not be UTF-8, written by gh_pack_maybe(). They are noted while all
 * is read and copied when it is known to be whole; until then the targets are NULL.
 */
#define GH_CARRY_TEXTS_MAX 16
struct gh_carry_texts {
	struct {
		const char **to;
		struct gh_bytes text;
	} rows[GH_CARRY_TEXTS_MAX];
	size_t count;
};
void gh_carry_read_text(struct gh_unpack *in, const char *field, struct gh_carry_texts *texts,
			const char **to);
/* Copies them into carried->texts. False: in->rc says what is wrong, and *carried is empty. */
bool gh_carry_end(const struct gh_unpack *in, const struct gh_carry_texts *texts,
		  struct gh_carried *carried);

/* Parts of what has more of them: what is to be terminated goes to `texts`. */
void gh_carry_identity(struct gh_buf *out, const struct gh_identity *identity); /* NULL: NULL */
/* A reference, the caller's. NULL: it was NULL, or in->rc says what is wrong. */
struct gh_shared_identity *gh_carry_read_identity(struct gh_unpack *in);
void gh_carry_read_message(struct gh_unpack *in, struct gh_carry_texts *texts,
			   struct gh_message *message);
void gh_carry_read_subject(struct gh_unpack *in, struct gh_carry_texts *texts,
			   struct gh_subject *subject);

#endif
