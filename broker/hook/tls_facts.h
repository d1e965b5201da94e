/* SPDX-License-Identifier: Apache-2.0 */
/* What TLS established, as a copy that outlives the connection: immutable, counted, one block. */
#ifndef GH_HOOK_TLS_FACTS_H
#define GH_HOOK_TLS_FACTS_H

#include <gatehouse/types.h>

/* Any thread may hold and drop references. */
struct gh_tls_facts;

struct gh_tls_facts *gh_tls_facts_new(const struct gh_tls *tls);   /* with the chain */
struct gh_tls_facts *gh_tls_facts_ref(struct gh_tls_facts *facts); /* NULL: NULL */
void gh_tls_facts_unref(struct gh_tls_facts **facts);
const struct gh_tls *gh_tls_facts_view(const struct gh_tls_facts *facts);

#endif
