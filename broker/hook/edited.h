/* SPDX-License-Identifier: Apache-2.0 */
/* A message as the modules of a `message:` list have made it. */
#ifndef GH_HOOK_EDITED_H
#define GH_HOOK_EDITED_H

#include "base/error.h"

#include <gatehouse/types.h>
#include <stdatomic.h>

/* What one module wants changed; of the answer that carries it. */
struct gh_edits;
struct gh_edits *gh_edits_new(void);
void gh_edits_free(struct gh_edits **edits);
/* Each copies. What the core can't take is noted, and gh_edited_make() refuses it. */
void gh_edits_topic(struct gh_edits *edits, const void *p, size_t n);
void gh_edits_payload(struct gh_edits *edits, const void *p, size_t n);
/* value NULL: all user properties of that name go; else the first of it is replaced, or one is added. */
void gh_edits_property(struct gh_edits *edits, const char *name, const char *value);

/* What is wanted, where it is to be told again. Views, valid until it changes. */
struct gh_edits_view {
	bool has_topic, has_payload;
	struct gh_str topic;
	struct gh_bytes payload;
	size_t property_count;
	const char *bad; /* what the core can't take, for people, constant; NULL: nothing */
};
struct gh_edits_view gh_edits_view(const struct gh_edits *edits);
struct gh_pair gh_edits_pair(const struct gh_edits *edits, size_t index); /* a property */

/* Whole, immutable and counted: a job on another thread may still read it. */
struct gh_edited {
	atomic_uint refs;
	bool topic_changed;        /* another one than at first */
	struct gh_message message; /* its views lead into bytes */
	char bytes[];
};

/* `before` as changed by `edits`; topic_changed where the topic isn't `first`. max: bytes of topic,
 * payload and properties together. GH_EINVAL: the topic isn't one, a text isn't MQTT's UTF-8, it would
 * be longer than max; error says so. */
int gh_edited_make(const struct gh_message *before, const struct gh_edits *edits, struct gh_str first,
		   size_t max, struct gh_edited **edited_r, struct gh_error *error);
struct gh_edited *gh_edited_ref(struct gh_edited *edited); /* NULL: NULL */
void gh_edited_unref(struct gh_edited **edited);

#endif
