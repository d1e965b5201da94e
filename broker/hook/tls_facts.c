/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of what TLS established: struct, the chain's views, its certificates, then texts. */
#include "hook/tls_facts.h"

#include "base/mem.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct gh_tls_facts {
	struct gh_tls tls;
	atomic_uint refs;
	struct gh_bytes chain[];
};

static size_t length(const char *s)
{
	return s ? strlen(s) + 1 : 0;
}

static size_t measure(const struct gh_tls *tls)
{
	size_t n = length(tls->cipher) + length(tls->group) + length(tls->sni) + length(tls->alpn) +
		   length(tls->psk_identity) + length(tls->psk_source);

	for (size_t i = 0; i < tls->chain_length; i++)
		n += sizeof(struct gh_bytes) + tls->chain[i].n;
	return n;
}

static const char *put(char **at, const void *p, size_t n)
{
	char *to = *at;

	if (!p)
		return NULL;
	memcpy(to, p, n);
	*at += n;
	return to;
}

static const char *put_text(char **at, const char *s)
{
	return put(at, s, length(s));
}

struct gh_tls_facts *gh_tls_facts_new(const struct gh_tls *tls)
{
	struct gh_tls_facts *facts = gh_alloc(sizeof(*facts) + measure(tls));
	char *at = (char *)(facts->chain + tls->chain_length);

	atomic_init(&facts->refs, 1);
	facts->tls = *tls;
	facts->tls.size = sizeof(facts->tls);
	facts->tls.chain = tls->chain_length ? facts->chain : NULL;
	for (size_t i = 0; i < tls->chain_length; i++)
		facts->chain[i] = (struct gh_bytes){ put(&at, tls->chain[i].p, tls->chain[i].n),
						     tls->chain[i].n };
	facts->tls.cipher = put_text(&at, tls->cipher);
	facts->tls.group = put_text(&at, tls->group);
	facts->tls.sni = put_text(&at, tls->sni);
	facts->tls.alpn = put_text(&at, tls->alpn);
	facts->tls.psk_identity = put_text(&at, tls->psk_identity);
	facts->tls.psk_source = put_text(&at, tls->psk_source);
	return facts;
}

struct gh_tls_facts *gh_tls_facts_ref(struct gh_tls_facts *facts)
{
	if (facts)
		atomic_fetch_add_explicit(&facts->refs, 1, memory_order_relaxed);
	return facts;
}

void gh_tls_facts_unref(struct gh_tls_facts **facts)
{
	struct gh_tls_facts *gone = *facts;

	*facts = NULL;
	if (gone && atomic_fetch_sub_explicit(&gone->refs, 1, memory_order_acq_rel) == 1)
		free(gone);
}

const struct gh_tls *gh_tls_facts_view(const struct gh_tls_facts *facts)
{
	return &facts->tls;
}
