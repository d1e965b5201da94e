/* SPDX-License-Identifier: Apache-2.0 */
/* What a store keeps of sessions and messages, as bytes and back: pure functions. */
#ifndef GH_SESSION_RECORD_H
#define GH_SESSION_RECORD_H

#include "base/buf.h"
#include "base/error.h"
#include "session/delivery.h"
#include "session/subscriber.h"

/*
 * A value begins with the version of its form; those of earlier forms are read too. put: appended to *out. get: 0, or
 * GH_EINVAL with what is wrong ("it ends in the middle of 'topic'"), *_r untouched; a value is somebody else's bytes, and nothing in it is believed. Views in *_r point into
 * the value; references are the caller's.
 */

/*
 * Monotonic times end with the process, so what is left of an expiry is kept, and the wall time at which it was: both clocks
 * at one moment. A message that has expired comes back as expired; where the wall clock went back, with no more than was left.
 */
struct gh_record_clock {
	uint64_t now_ms; /* gh_clock_ms() */
	int64_t wall_ms; /* Unix */
};

/* GH_REC_SESSION; key: empty */
struct gh_stored_session {
	struct gh_str realm, principal;
	uint8_t version; /* enum gh_version */
	uint32_t expiry_interval;
	int64_t created_at;    /* Unix seconds */
	int64_t offline_since; /* Unix seconds; 0: it was connected */
	uint16_t last_id; /* of the packet ids that may have been used, which go round; 0: not known */
	struct gh_snapshot *identity; /* never NULL, of that principal; got: connection 0 */
};
void gh_record_put_session(struct gh_buf *out, const struct gh_stored_session *session);
int gh_record_get_session(struct gh_bytes value, struct gh_stored_session *session_r,
			  struct gh_error *error);

/* GH_REC_SUBSCRIPTION; key: the filter as the client wrote it, "$share/..." included */
struct gh_stored_subscription {
	uint32_t id; /* 0: none */
	uint8_t qos, retain_handling;
	bool no_local, retain_as_published;
};
void gh_record_put_subscription(struct gh_buf *out,
				const struct gh_stored_subscription *subscription);
int gh_record_get_subscription(struct gh_bytes value, struct gh_stored_subscription *subscription_r,
			       struct gh_error *error);

/* GH_REC_QUEUED; key: gh_record_order(). Neither group nor cover outlives the process: they are 0 again. */
void gh_record_put_delivery(struct gh_buf *out, const struct gh_delivery *delivery,
			    const struct gh_record_clock *clock);
int gh_record_get_delivery(struct gh_bytes value, const struct gh_record_clock *clock,
			   struct gh_delivery *delivery_r, struct gh_error *error);

/* GH_REC_INFLIGHT; key: gh_record_packet_id() */
struct gh_stored_inflight {
	bool released;
	uint64_t order; /* of the GH_REC_QUEUED that was sent; released: 0 */
	uint64_t place; /* among those that were sent, or were released: they sort by it */
};
void gh_record_put_inflight(struct gh_buf *out, const struct gh_stored_inflight *inflight);
int gh_record_get_inflight(struct gh_bytes value, struct gh_stored_inflight *inflight_r,
			   struct gh_error *error);

/* GH_REC_INBOUND; key: gh_record_packet_id(), value: empty */

/* GH_REC_WILL; key: empty */
struct gh_stored_will {
	struct gh_publication *publication; /* its expires_at isn't kept: 0 */
	uint32_t delay, expiry;             /* seconds */
	bool has_expiry;
};
void gh_record_put_will(struct gh_buf *out, const struct gh_stored_will *will);
int gh_record_get_will(struct gh_bytes value, struct gh_stored_will *will_r, struct gh_error *error);

/* GH_REC_RETAINED; key: the topic */
void gh_record_put_publication(struct gh_buf *out, const struct gh_publication *publication,
			       const struct gh_record_clock *clock);
int gh_record_get_publication(struct gh_bytes value, const struct gh_record_clock *clock,
			      struct gh_publication **publication_r, struct gh_error *error);
/* Unix seconds, rounded up; 0: never. For gh_record.expires. */
int64_t gh_record_expires(const struct gh_publication *publication,
			  const struct gh_record_clock *clock);

/* Keys whose bytes sort as the numbers do. False: it isn't one. */
#define GH_RECORD_ORDER_MAX (UINT64_MAX / 2) /* nobody comes that far */
void gh_record_order(uint8_t key_r[8], uint64_t order);
bool gh_record_order_of(struct gh_bytes key, uint64_t *order_r);
void gh_record_packet_id(uint8_t key_r[2], uint16_t id);
bool gh_record_packet_id_of(struct gh_bytes key, uint16_t *id_r); /* never 0 */

#endif
