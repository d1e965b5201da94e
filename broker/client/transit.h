/* SPDX-License-Identifier: Apache-2.0 */
/* One message while it is being routed: views of what came in, kept only if somebody has to keep it. */
#ifndef GH_CLIENT_TRANSIT_H
#define GH_CLIENT_TRANSIT_H

#include "base/buf.h"
#include "session/publication.h"

/*
 * On the stack of who routes it. A QoS 0 message to connected subscribers of the same worker is encoded from the read buffer
 * and never copied; a queue, a window, another worker or the retained store want a publication, made on first demand.
 */
struct gh_transit {
	struct gh_publication_facts facts;
	struct gh_bytes forward; /* properties a subscriber gets; valid once forward_known */
	struct gh_publication *publication; /* a reference; NULL: not made yet */
	struct gh_buf forward_copy;
	bool forward_known;
};

/* facts: borrowed until gh_transit_done(). */
void gh_transit_init(struct gh_transit *transit, const struct gh_publication_facts *facts);
/* Of one that exists: takes no reference, so the caller's must last. */
void gh_transit_of(struct gh_transit *transit, struct gh_publication *publication);
void gh_transit_done(struct gh_transit *transit);

/* Borrowed; NULL when memory is out. */
struct gh_publication *gh_transit_publication(struct gh_transit *transit);
struct gh_bytes gh_transit_forward(struct gh_transit *transit);

#endif
