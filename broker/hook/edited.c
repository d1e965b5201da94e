/* SPDX-License-Identifier: Apache-2.0 */
/* Edits of a message: each makes a whole new one, since others may still read the one before. */
#include "hook/edited.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"

#include <gatehouse/lib.h>
#include <stdlib.h>

/* A module that loops doesn't eat the memory. */
#define PROPERTIES_MAX 1024u

struct property_edit {
	char *name, *value; /* value NULL: remove */
	bool done;          /* it has replaced one */
};

struct gh_edits {
	struct gh_buf topic, payload;
	bool has_topic, has_payload;
	struct property_edit *properties;
	size_t property_count;
	const char *bad; /* constant */
};

struct gh_edits *gh_edits_new(void)
{
	return gh_zalloc(sizeof(struct gh_edits));
}

void gh_edits_free(struct gh_edits **edits)
{
	struct gh_edits *gone = *edits;

	*edits = NULL;
	if (!gone)
		return;
	for (size_t i = 0; i < gone->property_count; i++) {
		free(gone->properties[i].name);
		free(gone->properties[i].value);
	}
	free(gone->properties);
	gh_buf_done(&gone->topic);
	gh_buf_done(&gone->payload);
	free(gone);
}

void gh_edits_topic(struct gh_edits *edits, const void *p, size_t n)
{
	struct gh_str topic = { p, n };

	if (!gh_topic_name_valid(topic) || !gh_utf8_valid(p, n)) {
		edits->bad = "the topic that it names is none";
		return;
	}
	edits->has_topic = true;
	edits->topic.n = 0;
	gh_buf_add(&edits->topic, p, n);
}

void gh_edits_payload(struct gh_edits *edits, const void *p, size_t n)
{
	if (n > UINT32_MAX / 2) {
		edits->bad = "its payload is too large";
		return;
	}
	edits->has_payload = true;
	edits->payload.n = 0;
	gh_buf_add(&edits->payload, p, n);
}

static bool text_fits(const char *text)
{
	size_t n = strlen(text);

	return n <= UINT16_MAX && gh_utf8_valid(text, n);
}

void gh_edits_property(struct gh_edits *edits, const char *name, const char *value)
{
	if (!name || !text_fits(name) || (value && !text_fits(value)) ||
	    edits->property_count == PROPERTIES_MAX) {
		edits->bad = "a user property of it isn't UTF-8, too long, or one too many";
		return;
	}
	edits->properties = gh_realloc_array(edits->properties, edits->property_count + 1,
					     sizeof(*edits->properties));
	edits->properties[edits->property_count++] =
		(struct property_edit){ .name = gh_strdup(name),
					.value = value ? gh_strdup(value) : NULL };
}

struct gh_edits_view gh_edits_view(const struct gh_edits *edits)
{
	return (struct gh_edits_view){
		.has_topic = edits->has_topic,
		.has_payload = edits->has_payload,
		.topic = { (const char *)edits->topic.p, edits->topic.n },
		.payload = { edits->payload.p, edits->payload.n },
		.property_count = edits->property_count,
		.bad = edits->bad,
	};
}

struct gh_pair gh_edits_pair(const struct gh_edits *edits, size_t index)
{
	const struct property_edit *edit = &edits->properties[index];

	return (struct gh_pair){ edit->name, edit->value };
}

/* ---- user properties ---- */

static void put_text(struct gh_buf *out, const char *text)
{
	size_t n = strlen(text);

	gh_buf_u8(out, (uint8_t)(n >> 8));
	gh_buf_u8(out, (uint8_t)n);
	gh_buf_add(out, text, n);
}

static void put_property(struct gh_buf *out, const struct property_edit *edit)
{
	gh_buf_u8(out, GH_PROPERTY_USER);
	put_text(out, edit->name);
	put_text(out, edit->value);
}

static bool is_named(const struct gh_property *property, const char *name)
{
	return property->id == GH_PROPERTY_USER && gh_str_equal(property->name, gh_str(name));
}

static void edit_one(struct gh_buf *out, const struct gh_property *property, struct gh_bytes raw,
		     struct property_edit *edit)
{
	if (!is_named(property, edit->name) || (edit->value && edit->done))
		gh_buf_add(out, raw.p, raw.n);
	else if (edit->value) {
		edit->done = true;
		put_property(out, edit);
	}
}

/* One edit over all of them. */
static void edit_all(struct gh_buf *properties, struct property_edit *edit)
{
	struct gh_bytes rest = { properties->p, properties->n };
	struct gh_buf out = { 0 };
	struct gh_property property;
	const uint8_t *at = rest.p;

	edit->done = false;
	while (gh_property_next(&rest, &property) > 0) {
		edit_one(&out, &property,
			 (struct gh_bytes){ at, (size_t)((const uint8_t *)rest.p - at) }, edit);
		at = rest.p;
	}
	if (edit->value && !edit->done)
		put_property(&out, edit);
	gh_buf_done(properties);
	*properties = out;
}

/* ---- the whole ---- */

static const char *copy(char **at, const void *p, size_t n)
{
	char *to = *at;

	if (n)
		memcpy(to, p, n);
	*at += n;
	return to;
}

static struct gh_edited *assemble(const struct gh_message *message)
{
	struct gh_edited *edited = gh_alloc(sizeof(*edited) + message->topic.n +
					    message->payload.n + message->properties.n);
	char *at = edited->bytes;

	atomic_init(&edited->refs, 1);
	edited->message = *message;
	edited->message.topic.p = copy(&at, message->topic.p, message->topic.n);
	edited->message.payload.p = copy(&at, message->payload.p, message->payload.n);
	edited->message.properties.p = copy(&at, message->properties.p, message->properties.n);
	return edited;
}

int gh_edited_make(const struct gh_message *before, const struct gh_edits *edits, struct gh_str first,
		   size_t max, struct gh_edited **edited_r, struct gh_error *error)
{
	struct gh_message message = *before;
	struct gh_buf properties = { 0 };
	int rc = 0;

	if (edits->bad)
		return gh_error_set(error, GH_EINVAL, "%s", edits->bad);
	if (edits->has_topic)
		message.topic = (struct gh_str){ (const char *)edits->topic.p, edits->topic.n };
	if (edits->has_payload)
		message.payload = (struct gh_bytes){ edits->payload.p, edits->payload.n };
	gh_buf_add(&properties, before->properties.p, before->properties.n);
	for (size_t i = 0; i < edits->property_count; i++)
		edit_all(&properties, &edits->properties[i]);
	message.properties = (struct gh_bytes){ properties.p, properties.n };
	if (message.topic.n + message.payload.n + message.properties.n > max) {
		rc = gh_error_set(error, GH_EINVAL,
				  "what it makes of the message is over packet-size");
	} else {
		*edited_r = assemble(&message);
		(*edited_r)->topic_changed = !gh_str_equal(message.topic, first);
	}
	gh_buf_done(&properties);
	return rc;
}

struct gh_edited *gh_edited_ref(struct gh_edited *edited)
{
	if (edited)
		atomic_fetch_add_explicit(&edited->refs, 1, memory_order_relaxed);
	return edited;
}

void gh_edited_unref(struct gh_edited **edited)
{
	struct gh_edited *gone = *edited;

	*edited = NULL;
	if (gone && atomic_fetch_sub_explicit(&gone->refs, 1, memory_order_acq_rel) == 1)
		free(gone);
}
