/* SPDX-License-Identifier: Apache-2.0 */
/* Identities as bytes that are kept, and back through a merge. */
#include "hook/identity.h"

#include "base/pack.h"
#include "base/str.h"
#include "hook/chain.h"

#include <stdlib.h>
#include <string.h>

/* What a packed identity begins with. */
enum { NOBODY, ANONYMOUS, MERGED };

void gh_identity_share_pack(struct gh_buf *out, const struct gh_identity_share *share)
{
	gh_pack_text(out, gh_str(share->source));
	gh_pack_text(out, gh_str(share->realm));
	gh_pack_maybe(out, share->principal);
	gh_pack_number(out, (uint64_t)share->expires);
	gh_pack_number(out, share->group_count);
	for (size_t i = 0; i < share->group_count; i++)
		gh_pack_text(out, gh_str(share->groups[i]));
	gh_pack_number(out, share->attribute_count);
	for (size_t i = 0; i < share->attribute_count; i++) {
		gh_pack_text(out, gh_str(share->attributes[i].name));
		gh_pack_text(out, gh_str(share->attributes[i].value));
	}
	gh_pack_maybe(out, share->limits_class);
}

void gh_identity_pack(struct gh_buf *out, const struct gh_shared_identity *identity)
{
	struct gh_identity_share share;
	size_t count = 0;

	if (!identity || gh_identity_is_anonymous(identity)) {
		gh_buf_u8(out, identity ? ANONYMOUS : NOBODY);
		return;
	}
	gh_buf_u8(out, MERGED);
	while (gh_identity_part(identity, count))
		count++;
	gh_pack_number(out, count);
	for (size_t i = 0; gh_identity_share(identity, i, &share); i++)
		gh_identity_share_pack(out, &share);
}

static void unpack_groups(struct gh_unpack *in, struct gh_grant *grant)
{
	uint64_t count = gh_unpack_number(in, "groups", 0, GH_GROUPS_MAX);

	for (; count > 0 && !in->rc; count--) {
		struct gh_str group = gh_unpack_text(in, "group", GH_ATTRIBUTE_BYTES_MAX);

		if (!in->rc)
			gh_grant_group(grant, group);
	}
}

static void unpack_attributes(struct gh_unpack *in, struct gh_grant *grant)
{
	uint64_t count = gh_unpack_number(in, "attributes", 0, GH_ATTRIBUTES_MAX);

	for (; count > 0 && !in->rc; count--) {
		struct gh_str name = gh_unpack_text(in, "attribute name", GH_ATTRIBUTE_BYTES_MAX);
		struct gh_str value = gh_unpack_text(in, "attribute value", GH_ATTRIBUTE_BYTES_MAX);
		char *n, *v;

		if (in->rc)
			return;
		n = gh_str_dup(name);
		v = gh_str_dup(value);
		gh_grant_attribute(grant, n, v);
		free(n);
		free(v);
	}
}

static void unpack_grant(struct gh_unpack *in, struct gh_grant *grant)
{
	struct gh_str principal = gh_unpack_maybe(in, "principal", GH_PRINCIPAL_MAX);
	struct gh_str class;

	if (principal.p)
		gh_grant_principal(grant, principal);
	gh_grant_expires(grant, (int64_t)gh_unpack_number(in, "identity expires", 0, INT64_MAX));
	unpack_groups(in, grant);
	unpack_attributes(in, grant);
	class = gh_unpack_maybe(in, "limits class", UINT16_MAX);
	if (class.p)
		gh_grant_class(grant, class);
}

static void add(struct gh_unpack *in, struct gh_merge *merge, struct gh_str source,
		struct gh_str realm, struct gh_grant *grant)
{
	struct gh_error error = { 0 };
	char *s = gh_str_dup(source), *r = gh_str_dup(realm);

	if (gh_merge_add(merge, s, r, grant, &error))
		gh_unpack_fail(in, "'identity': %s", error.text);
	free(s);
	free(r);
}

void gh_identity_share_unpack(struct gh_unpack *in, struct gh_merge *merge)
{
	struct gh_str source = gh_unpack_text(in, "source", UINT16_MAX);
	struct gh_str realm = gh_unpack_text(in, "identity realm", UINT16_MAX);
	struct gh_grant grant = { 0 };

	unpack_grant(in, &grant);
	if (!in->rc)
		add(in, merge, source, realm, &grant);
	gh_grant_done(&grant);
}

static struct gh_shared_identity *unpack_merged(struct gh_unpack *in)
{
	uint64_t count = gh_unpack_number(in, "parts", 1, GH_CHAIN_MAX);
	struct gh_shared_identity *identity = NULL;
	struct gh_merge merge = { 0 };

	for (; count > 0 && !in->rc; count--)
		gh_identity_share_unpack(in, &merge);
	if (!in->rc)
		identity = gh_identity_ref(gh_merge_identity(&merge));
	gh_merge_done(&merge);
	return identity;
}

struct gh_shared_identity *gh_identity_unpack(struct gh_unpack *in)
{
	switch (gh_unpack_number(in, "identity", NOBODY, MERGED)) {
	case ANONYMOUS: return gh_identity_anonymous();
	case MERGED: return unpack_merged(in);
	default: return NULL;
	}
}
