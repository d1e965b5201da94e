/* SPDX-License-Identifier: Apache-2.0 */
/* Who somebody is, merged out of the answers of several modules; immutable and shared once it is
 * made. */
#ifndef GH_HOOK_IDENTITY_H
#define GH_HOOK_IDENTITY_H

#include "base/error.h"

#include <gatehouse/types.h>

#define GH_PRINCIPAL_MAX       256u
#define GH_ATTRIBUTES_MAX      32u
#define GH_ATTRIBUTE_BYTES_MAX 8192u
#define GH_GROUPS_MAX          256u /* of one identity, and 8 KiB of text */

/*
 * Counted by an atomic; any thread may hold and drop references. One allocation. What each module
 * gave is kept apart (parts), so that a later lookup can replace one module's share.
 */
struct gh_shared_identity;

/* The one identity of all anonymous clients: principal "anonymous", realm "", source "anonymous".
 * Static: counting is a no-op. */
struct gh_shared_identity *gh_identity_anonymous(void);
bool gh_identity_is_anonymous(const struct gh_shared_identity *identity);
struct gh_shared_identity *gh_identity_ref(struct gh_shared_identity *identity); /* NULL: NULL */
void gh_identity_unref(struct gh_shared_identity **identity);
const struct gh_identity *gh_identity_view(
	const struct gh_shared_identity *identity); /* lives as long; NULL: NULL */

/* Same principal: realm and name. Either may be NULL: only two NULLs are the same. */
bool gh_identity_same(const struct gh_identity *a, const struct gh_identity *b);

/* The instances that ALLOWed, in the order of the list. NULL at the end. */
const char *gh_identity_part(const struct gh_shared_identity *identity, size_t index);

/* All that one of them gave. Views, valid as long as the identity. False: no more parts. */
struct gh_identity_share {
	const char *source, *realm;
	const char *principal, *limits_class; /* NULL: it named none */
	const char *const *groups;
	const struct gh_pair *attributes;
	size_t group_count, attribute_count;
	int64_t expires; /* 0: never */
};
bool gh_identity_share(const struct gh_shared_identity *identity, size_t index,
		       struct gh_identity_share *share_r);

/*
 * Part by part as bytes, and back, by way of a merge: so all its bounds are checked anew. NULL and the anonymous one come
 * back as such. unpack: a reference, the caller's; NULL: it was NULL, or in->rc says what is wrong.
 */
struct gh_buf;
struct gh_unpack;
void gh_identity_pack(struct gh_buf *out, const struct gh_shared_identity *identity);
struct gh_shared_identity *gh_identity_unpack(struct gh_unpack *in);

/* One part as bytes, and back as the next of a merge. */
struct gh_merge;
void gh_identity_share_pack(struct gh_buf *out, const struct gh_identity_share *share);
void gh_identity_share_unpack(struct gh_unpack *in, struct gh_merge *merge);

/* ---- merging: on one thread
 * --------------------------------------------------------------------------------------- */
/* What one module gives: filled by its answer. */
struct gh_grant {
	char *principal; /* NULL: not named */
	char **groups;
	struct gh_pair *attributes;
	size_t group_count, attribute_count;
	size_t bytes;       /* of groups and attributes */
	int64_t expires;    /* 0: never */
	char *limits_class; /* NULL: none is named */
	const char *bad; /* not NULL: what the core can't take, for people ("principal isn't UTF-8") */
};
void gh_grant_done(struct gh_grant *grant); /* leaves an empty one */
/* These copy; a value that can't be taken sets `bad` and is left out. s needn't be terminated. */
void gh_grant_principal(struct gh_grant *grant, struct gh_str s);
void gh_grant_group(struct gh_grant *grant, struct gh_str s);
void gh_grant_attribute(struct gh_grant *grant, const char *name, const char *value);
void gh_grant_expires(struct gh_grant *grant, int64_t expires);
/* The first holds. Whether there is such a class isn't known here. */
void gh_grant_class(struct gh_grant *grant, struct gh_str name);

/* { 0 } is empty. */
struct gh_merge {
	struct gh_merge_part *parts;
	size_t count;
	/* of the parts so far, for gh_authenticate.so_far; NULL: not asked for yet */
	struct gh_shared_identity *made;
};
void gh_merge_done(struct gh_merge *merge);
/* Somebody is named already, and this grant names somebody else. */
bool gh_merge_contradicts(const struct gh_merge *merge, const struct gh_grant *grant);
/*
 * Adds what instance `source` (of `realm`) gave; takes grant's content, which is empty afterwards.
 * GH_EINVAL, the merge as before: a second principal is named, none is named yet, or together it is
 * more than the core keeps.
 */
int gh_merge_add(struct gh_merge *merge, const char *source, const char *realm,
		 struct gh_grant *grant, struct gh_error *error);
/* What `source` gave in an older identity. GH_ENOENT: nothing. */
int gh_merge_keep(struct gh_merge *merge, const struct gh_shared_identity *old, const char *source,
		  struct gh_error *error);
/* The identity of all parts; NULL while there are none. A reference of the merge's own, valid until
 * it changes. */
struct gh_shared_identity *gh_merge_identity(struct gh_merge *merge);

#endif
