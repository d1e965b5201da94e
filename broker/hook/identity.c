/* SPDX-License-Identifier: Apache-2.0 */
/* Identities: merged part by part, then frozen into one allocation. */
#include "hook/identity.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* What one instance gave: ranges of the view's groups and attributes. */
struct part {
	const char *source, *realm, *principal, *limits_class; /* the last two NULL: it named none */
	size_t group_count, attribute_count;
	int64_t expires;
};

struct gh_shared_identity {
	struct gh_identity view;
	atomic_uint refs; /* 0: static, not counted */
	size_t part_count;
	struct part *parts;
};

struct gh_merge_part {
	char *source, *realm;
	struct gh_grant grant;
};

static struct gh_shared_identity anonymous = {
	.view = { .size = sizeof(struct gh_identity),
		  .principal = "anonymous",
		  .realm = "",
		  .source = "anonymous" },
};

struct gh_shared_identity *gh_identity_anonymous(void)
{
	return &anonymous;
}

bool gh_identity_is_anonymous(const struct gh_shared_identity *identity)
{
	return identity == &anonymous;
}

struct gh_shared_identity *gh_identity_ref(struct gh_shared_identity *identity)
{
	if (identity && identity != &anonymous)
		atomic_fetch_add_explicit(&identity->refs, 1, memory_order_relaxed);
	return identity;
}

void gh_identity_unref(struct gh_shared_identity **identity)
{
	struct gh_shared_identity *gone = *identity;

	*identity = NULL;
	if (!gone || gone == &anonymous)
		return;
	if (atomic_fetch_sub_explicit(&gone->refs, 1, memory_order_acq_rel) == 1)
		free(gone);
}

const struct gh_identity *gh_identity_view(const struct gh_shared_identity *identity)
{
	return identity ? &identity->view : NULL;
}

bool gh_identity_same(const struct gh_identity *a, const struct gh_identity *b)
{
	if (!a || !b)
		return a == b;
	return strcmp(a->principal, b->principal) == 0 && strcmp(a->realm, b->realm) == 0;
}

const char *gh_identity_part(const struct gh_shared_identity *identity, size_t index)
{
	return index < identity->part_count ? identity->parts[index].source : NULL;
}

bool gh_identity_share(const struct gh_shared_identity *identity, size_t index,
		       struct gh_identity_share *share_r)
{
	const struct part *part = identity->parts;
	size_t group = 0, attribute = 0;

	if (index >= identity->part_count)
		return false;
	for (; index > 0; index--, part++) {
		group += part->group_count;
		attribute += part->attribute_count;
	}
	*share_r = (struct gh_identity_share){ .source = part->source,
					       .realm = part->realm,
					       .principal = part->principal,
					       .limits_class = part->limits_class,
					       .groups = identity->view.groups + group,
					       .attributes = identity->view.attributes + attribute,
					       .group_count = part->group_count,
					       .attribute_count = part->attribute_count,
					       .expires = part->expires };
	return true;
}

/* ---- what one module gives ---- */

void gh_grant_done(struct gh_grant *grant)
{
	for (size_t i = 0; i < grant->group_count; i++)
		free(grant->groups[i]);
	for (size_t i = 0; i < grant->attribute_count; i++) {
		free((char *)grant->attributes[i].name);
		free((char *)grant->attributes[i].value);
	}
	free(grant->groups);
	free(grant->attributes);
	free(grant->principal);
	free(grant->limits_class);
	memset(grant, 0, sizeof(*grant));
}

static bool text_ok(struct gh_str s)
{
	return s.n > 0 && gh_utf8_valid(s.p, s.n);
}

void gh_grant_principal(struct gh_grant *grant, struct gh_str s)
{
	if (!s.n)
		grant->bad = "the principal is empty";
	else if (s.n > GH_PRINCIPAL_MAX)
		grant->bad = "the principal is over 256 bytes";
	else if (!text_ok(s))
		grant->bad = "the principal isn't UTF-8";
	else if (grant->principal && !gh_str_is(s, grant->principal))
		grant->bad = "two principals are named";
	else if (!grant->principal)
		grant->principal = gh_str_dup(s);
}

void gh_grant_group(struct gh_grant *grant, struct gh_str s)
{
	if (!text_ok(s)) {
		grant->bad = "a group is empty or isn't UTF-8";
		return;
	}
	if (grant->group_count >= GH_GROUPS_MAX || grant->bytes + s.n > GH_ATTRIBUTE_BYTES_MAX) {
		grant->bad = "more groups than 256, or than 8 KiB of them";
		return;
	}
	grant->groups =
		gh_realloc_array(grant->groups, grant->group_count + 1, sizeof(*grant->groups));
	grant->groups[grant->group_count++] = gh_str_dup(s);
	grant->bytes += s.n;
}

void gh_grant_attribute(struct gh_grant *grant, const char *name, const char *value)
{
	struct gh_str n = gh_str(name), v = gh_str(value);

	if (!text_ok(n) || !value || (v.n && !text_ok(v))) {
		grant->bad = "an attribute has no name or value, or isn't UTF-8";
		return;
	}
	if (grant->attribute_count >= GH_ATTRIBUTES_MAX ||
	    grant->bytes + n.n + v.n > GH_ATTRIBUTE_BYTES_MAX) {
		grant->bad = "more attributes than 32, or than 8 KiB of them";
		return;
	}
	grant->attributes = gh_realloc_array(grant->attributes, grant->attribute_count + 1,
					     sizeof(*grant->attributes));
	grant->attributes[grant->attribute_count++] =
		(struct gh_pair){ gh_str_dup(n), gh_str_dup(v) };
	grant->bytes += n.n + v.n;
}

/* Of the year 9999: it can be counted in microseconds too. */
#define LAST_SECOND INT64_C(253402300799)

void gh_grant_expires(struct gh_grant *grant, int64_t expires)
{
	if (expires > 0 && (!grant->expires || expires < grant->expires))
		grant->expires = expires;
	else if (expires < 0)
		grant->bad = "it expires before 1970";
	if (expires > LAST_SECOND)
		grant->bad = "it expires after the year 9999";
}

void gh_grant_class(struct gh_grant *grant, struct gh_str name)
{
	if (!text_ok(name))
		grant->bad = "the limits class has no name, or isn't UTF-8";
	else if (!grant->limits_class)
		grant->limits_class = gh_str_dup(name);
}

/* ---- merging ---- */

static void merge_part_done(struct gh_merge_part *part)
{
	gh_grant_done(&part->grant);
	free(part->source);
	free(part->realm);
}

void gh_merge_done(struct gh_merge *merge)
{
	for (size_t i = 0; i < merge->count; i++)
		merge_part_done(&merge->parts[i]);
	free(merge->parts);
	gh_identity_unref(&merge->made);
	memset(merge, 0, sizeof(*merge));
}

/* The part that named the principal; NULL: none yet. */
static const struct gh_merge_part *namer(const struct gh_merge *merge)
{
	for (size_t i = 0; i < merge->count; i++)
		if (merge->parts[i].grant.principal)
			return &merge->parts[i];
	return NULL;
}

static int check_total(const struct gh_merge *merge, const struct gh_grant *grant,
		       struct gh_error *error)
{
	size_t groups = grant->group_count, attributes = grant->attribute_count, bytes = grant->bytes;

	for (size_t i = 0; i < merge->count; i++) {
		groups += merge->parts[i].grant.group_count;
		attributes += merge->parts[i].grant.attribute_count;
		bytes += merge->parts[i].grant.bytes;
	}
	if (groups > GH_GROUPS_MAX)
		return gh_error_set(error, GH_EINVAL, "more than %u groups together", GH_GROUPS_MAX);
	if (attributes > GH_ATTRIBUTES_MAX)
		return gh_error_set(error, GH_EINVAL, "more than %u attributes together",
				    GH_ATTRIBUTES_MAX);
	if (bytes > GH_ATTRIBUTE_BYTES_MAX)
		return gh_error_set(error, GH_EINVAL,
				    "groups and attributes are over %u bytes together",
				    GH_ATTRIBUTE_BYTES_MAX);
	return 0;
}

bool gh_merge_contradicts(const struct gh_merge *merge, const struct gh_grant *grant)
{
	const struct gh_merge_part *first = namer(merge);

	return first && grant->principal && strcmp(first->grant.principal, grant->principal) != 0;
}

static int check_grant(const struct gh_merge *merge, const struct gh_grant *grant,
		       struct gh_error *error)
{
	const struct gh_merge_part *first = namer(merge);

	if (grant->bad)
		return gh_error_set(error, GH_EINVAL, "%s", grant->bad);
	if (!first && !grant->principal)
		return gh_error_set(error, GH_EINVAL, "it allows without naming a principal");
	if (gh_merge_contradicts(merge, grant))
		return gh_error_set(error, GH_EINVAL, "it names '%s', but '%s' has named '%s'",
				    grant->principal, first->source, first->grant.principal);
	return check_total(merge, grant, error);
}

int gh_merge_add(struct gh_merge *merge, const char *source, const char *realm,
		 struct gh_grant *grant, struct gh_error *error)
{
	int rc = check_grant(merge, grant, error);

	if (rc)
		return rc;
	merge->parts = gh_realloc_array(merge->parts, merge->count + 1, sizeof(*merge->parts));
	merge->parts[merge->count++] = (struct gh_merge_part){ .source = gh_strdup(source),
							       .realm = gh_strdup(realm),
							       .grant = *grant };
	memset(grant, 0, sizeof(*grant));
	gh_identity_unref(&merge->made);
	return 0;
}

int gh_merge_keep(struct gh_merge *merge, const struct gh_shared_identity *old, const char *source,
		  struct gh_error *error)
{
	size_t group = 0, attribute = 0;

	for (size_t i = 0; i < old->part_count; i++) {
		const struct part *part = &old->parts[i];
		struct gh_grant grant = { .expires = part->expires };
		int rc;

		if (strcmp(part->source, source) != 0) {
			group += part->group_count;
			attribute += part->attribute_count;
			continue;
		}
		if (part->principal)
			gh_grant_principal(&grant, gh_str(part->principal));
		if (part->limits_class)
			gh_grant_class(&grant, gh_str(part->limits_class));
		for (size_t g = 0; g < part->group_count; g++)
			gh_grant_group(&grant, gh_str(old->view.groups[group + g]));
		for (size_t a = 0; a < part->attribute_count; a++)
			gh_grant_attribute(&grant, old->view.attributes[attribute + a].name,
					   old->view.attributes[attribute + a].value);
		rc = gh_merge_add(merge, source, part->realm, &grant, error);
		gh_grant_done(&grant);
		return rc;
	}
	return gh_error_set(error, GH_ENOENT, "'%s' has given nothing before", source);
}

/* ---- freezing: one block of struct, parts, pointers, then texts ---- */

struct size {
	size_t groups, attributes, text;
};

static struct size measure(const struct gh_merge *merge)
{
	struct size size = { 0, 0, 0 };

	for (size_t i = 0; i < merge->count; i++) {
		const struct gh_merge_part *part = &merge->parts[i];
		const struct gh_grant *grant = &part->grant;

		size.groups += grant->group_count;
		size.attributes += grant->attribute_count;
		size.text += strlen(part->source) + strlen(part->realm) + 2 + grant->bytes +
			     grant->group_count + 2 * grant->attribute_count +
			     (grant->principal ? strlen(grant->principal) + 1 : 0) +
			     (grant->limits_class ? strlen(grant->limits_class) + 1 : 0);
	}
	return size;
}

static const char *put(char **text, const char *s)
{
	size_t n;
	char *at = *text;

	if (!s)
		return NULL;
	n = strlen(s) + 1;
	memcpy(at, s, n);
	*text += n;
	return at;
}

static void freeze_part(struct gh_shared_identity *identity, const struct gh_merge_part *from,
			const char **groups, struct gh_pair *attributes, char **text)
{
	struct part *part = &identity->parts[identity->part_count++];
	const struct gh_grant *grant = &from->grant;

	*part = (struct part){ .source = put(text, from->source),
			       .realm = put(text, from->realm),
			       .principal = put(text, grant->principal),
			       .limits_class = put(text, grant->limits_class),
			       .group_count = grant->group_count,
			       .attribute_count = grant->attribute_count,
			       .expires = grant->expires };
	for (size_t i = 0; i < grant->group_count; i++)
		groups[identity->view.group_count++] = put(text, grant->groups[i]);
	for (size_t i = 0; i < grant->attribute_count; i++)
		attributes[identity->view.attribute_count++] =
			(struct gh_pair){ put(text, grant->attributes[i].name),
					  put(text, grant->attributes[i].value) };
	if (part->expires && (!identity->view.expires || part->expires < identity->view.expires))
		identity->view.expires = part->expires;
	if (!identity->view.limits_class)
		identity->view.limits_class = part->limits_class;
	if (part->principal && !identity->view.principal) {
		identity->view.principal = part->principal;
		identity->view.realm = part->realm;
		identity->view.source = part->source;
	}
}

static struct gh_shared_identity *freeze(const struct gh_merge *merge)
{
	struct size size = measure(merge);
	struct gh_shared_identity *identity = gh_alloc(
		sizeof(*identity) + merge->count * sizeof(struct part) +
		size.attributes * sizeof(struct gh_pair) + size.groups * sizeof(char *) + size.text);
	struct part *parts = (struct part *)(identity + 1);
	struct gh_pair *attributes = (struct gh_pair *)(parts + merge->count);
	const char **groups = (const char **)(attributes + size.attributes);
	char *text = (char *)(groups + size.groups);

	memset(identity, 0, sizeof(*identity));
	atomic_init(&identity->refs, 1);
	identity->parts = parts;
	identity->view.size = sizeof(identity->view);
	identity->view.groups = groups;
	identity->view.attributes = attributes;
	for (size_t i = 0; i < merge->count; i++)
		freeze_part(identity, &merge->parts[i], groups, attributes, &text);
	return identity;
}

struct gh_shared_identity *gh_merge_identity(struct gh_merge *merge)
{
	if (!merge->made && merge->count)
		merge->made = freeze(merge);
	return merge->made;
}
