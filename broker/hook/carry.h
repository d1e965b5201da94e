/* SPDX-License-Identifier: Apache-2.0 */
/* What crosses between the broker and the process of an isolated instance, as bytes and back. */
#ifndef GH_HOOK_CARRY_H
#define GH_HOOK_CARRY_H

#include "base/buf.h"
#include "base/pack.h"
#include "hook/answer.h"
#include "hook/args.h"

#include <gatehouse/hooks.h>

/*
 * Each side reads what the other may have made up: whatever can't be is a failure of the unpack, and what is allocated is
 * bounded by the bytes that came. Each thing has one form in bytes. Unpacked texts that the ABI terminates are copied; other
 * views lead into the bytes that are read and live as long as these. What isn't one thing alone (a topic with wildcards,
 * properties that aren't MQTT's) isn't judged here.
 * Secrets leave no copy: the buffer grows before the first byte of one is written, and no more until all of that thing is. A
 * caller that adds to it afterwards reserves first; and wipes it in the end.
 */

/* What unpacked structs point to. { 0 } is empty, as it must be for an unpack, and is left so by one that fails. */
struct gh_carried {
	union gh_args_in in;
	struct gh_authenticate connect;
	struct gh_message message;
	struct gh_event event;
	struct gh_subject subject;
	struct gh_shared_identity *so_far;
	char *texts; /* wiped by gh_carried_done() */
	size_t texts_size;
};
void gh_carried_done(struct gh_carried *carried);

/*
 * All facts of a client, of whatever kind: with its connection, what TLS established and who it is (the view alone: parts become
 * one). Unpacked: a snapshot that keeps all of them, the caller's reference; NULL: in->rc says what is wrong.
 */
void gh_carry_client(struct gh_buf *out, const struct gh_client *client);
struct gh_snapshot *gh_carried_client(struct gh_unpack *in);

/*
 * The argument of a hook but its client and, of an exchange, its state: point is AUTHENTICATE, EXCHANGE, LOOKUP, AUTHORIZE or
 * PUBLISH. Unpacked: *carried holds it, with `client` as its client; NULL: in->rc says what is wrong. so_far (authenticate) is
 * carried->so_far and its view.
 */
void gh_carry_args(struct gh_buf *out, enum gh_hook_point point, const void *in);
const void *gh_carried_args(struct gh_unpack *in, enum gh_hook_point point,
			    const struct gh_client *client, struct gh_carried *carried);

/* Likewise; an event may have no client. */
void gh_carry_event(struct gh_buf *out, const struct gh_event *event);
const struct gh_event *gh_carried_event(struct gh_unpack *in, const struct gh_client *client,
					struct gh_carried *carried);

/*
 * An answer as a list of (key, value): all that the setters have set, verdict first. Unpacked by the same setters into one that
 * is initialised. What made the answer bad in the other process (a principal that isn't UTF-8) is told as GH_ERROR, for that
 * reason, whatever it has said itself: so nothing bad comes in honestly, and it fails. Returns the verdict, GH_ERROR where in->rc
 * says what is wrong (the answer is half filled then); GH_PENDING doesn't cross. Both answers are of a login, or neither.
 */
void gh_carry_answer(struct gh_buf *out, const struct gh_answer *answer, enum gh_verdict verdict);
enum gh_verdict gh_carried_answer(struct gh_unpack *in, struct gh_answer *answer);

/* For acts and the subject hook. NULL: in->rc says what is wrong. */
void gh_carry_message(struct gh_buf *out, const struct gh_message *message);
const struct gh_message *gh_carried_message(struct gh_unpack *in, struct gh_carried *carried);
void gh_carry_subject(struct gh_buf *out, const struct gh_subject *subject);
const struct gh_subject *gh_carried_subject(struct gh_unpack *in, struct gh_carried *carried);

#endif
