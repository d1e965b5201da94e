/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: a message and what module after module makes of it, beside a plain model of edits. */
#include "base/buf.h"
#include "base/str.h"
#include "base/utf8.h"
#include "hook/edited.h"
#include "mqtt/property.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX   1024u
#define MODULES_MAX 8u
#define ITEMS_MAX   512u

static void must(bool truth)
{
	if (!truth)
		abort();
}

/* ---- the input, read from its beginning ---- */

struct input {
	const uint8_t *p;
	size_t n;
	unsigned costly; /* edits that cost a whole pass each and may still come */
};

static unsigned byte(struct input *in)
{
	if (!in->n)
		return 0;
	in->n--;
	return *in->p++;
}

static unsigned number(struct input *in)
{
	unsigned high = byte(in);

	return high << 8 | byte(in);
}

/* Length and bytes. */
static struct gh_bytes piece(struct input *in)
{
	size_t n = byte(in);
	struct gh_bytes piece = { in->p, n < in->n ? n : in->n };

	in->p += piece.n;
	in->n -= piece.n;
	return piece;
}

static unsigned costly(struct input *in)
{
	unsigned count = number(in);

	if (in->costly == 0)
		return 1;
	in->costly--;
	return count;
}

/* A terminated text, repeated where it is to be longer than an input may be. */
static char *text(struct input *in, unsigned repeat)
{
	struct gh_bytes once = piece(in);
	struct gh_buf out = { 0 };

	while (repeat-- && out.n <= UINT16_MAX)
		gh_buf_add(&out, once.p, once.n);
	gh_buf_u8(&out, 0);
	return (char *)out.p;
}

/* ---- the model: a list of properties, each whole ---- */

struct item {
	struct gh_buf raw; /* of any but a user property */
	char *name, *value;
};

struct model {
	struct gh_buf topic, payload;
	struct item items[ITEMS_MAX];
	size_t count, bytes; /* bytes: of properties */
	unsigned edits;      /* of properties, since the last module */
	bool bad;
};

static char *copy(struct gh_str from)
{
	char *to = malloc(from.n + 1);

	memcpy(to, from.p, from.n);
	to[from.n] = 0;
	return to;
}

static size_t item_size(const struct item *item)
{
	return item->name ? 5 + strlen(item->name) + strlen(item->value) : item->raw.n;
}

static void item_free(struct item *item)
{
	gh_buf_done(&item->raw);
	free(item->name);
	free(item->value);
	*item = (struct item){ 0 };
}

static void append(struct model *model, struct item item)
{
	must(model->count < ITEMS_MAX);
	model->items[model->count++] = item;
	model->bytes += item_size(&item);
}

static void set_property(struct model *model, const char *name, const char *value)
{
	for (size_t i = 0; i < model->count; i++) {
		struct item *item = &model->items[i];

		if (!item->name || strcmp(item->name, name) != 0)
			continue;
		model->bytes += strlen(value) - strlen(item->value);
		free(item->value);
		item->value = strdup(value);
		return;
	}
	append(model, (struct item){ .name = strdup(name), .value = strdup(value) });
}

static void remove_property(struct model *model, const char *name)
{
	size_t kept = 0;

	for (size_t i = 0; i < model->count; i++) {
		struct item *item = &model->items[i];

		if (item->name && strcmp(item->name, name) == 0) {
			model->bytes -= item_size(item);
			item_free(item);
		} else {
			model->items[kept++] = *item;
		}
	}
	model->count = kept;
}

static bool fits(const char *string)
{
	return strlen(string) <= 65535 && gh_utf8_valid(string, strlen(string));
}

static void replace(struct gh_buf *buf, struct gh_bytes with)
{
	buf->n = 0;
	gh_buf_add(buf, with.p, with.n);
}

static void model_free(struct model *model)
{
	for (size_t i = 0; i < model->count; i++)
		item_free(&model->items[i]);
	gh_buf_done(&model->topic);
	gh_buf_done(&model->payload);
	free(model);
}

/* ---- the message as it comes in ---- */

/* What the decoder lets through of these bytes: up to the first that it doesn't. */
static struct gh_bytes take_properties(struct model *model, struct gh_bytes raw)
{
	struct gh_property_reader reader = { .rest = raw, .packet = GH_IN(GH_PACKET_PUBLISH) };
	struct gh_property property;
	struct gh_malformed why;
	const uint8_t *at = raw.p;

	while (gh_property_read(&reader, &property, &why) > 0) {
		struct item item = { 0 };

		if (property.id != GH_PROPERTY_USER) {
			gh_buf_add(&item.raw, at, (size_t)((const uint8_t *)reader.rest.p - at));
		} else {
			item.name = copy(property.name);
			item.value = copy((struct gh_str){ (const char *)property.value.p,
							   property.value.n });
		}
		append(model, item);
		at = reader.rest.p;
	}
	return (struct gh_bytes){ raw.p, (size_t)(at - (const uint8_t *)raw.p) };
}

static struct gh_message first_message(struct input *in, struct model *model)
{
	struct gh_message message = { .size = sizeof(message), .origin = "fuzz" };
	struct gh_bytes topic = piece(in);

	message.qos = byte(in) & 1;
	message.retain = true;
	message.topic = (struct gh_str){ (const char *)topic.p, topic.n };
	if (!gh_topic_name_valid(message.topic) || !gh_utf8_valid(topic.p, topic.n))
		message.topic = (struct gh_str){ "t", 1 };
	message.payload = piece(in);
	message.properties = take_properties(model, piece(in));
	replace(&model->topic, (struct gh_bytes){ message.topic.p, message.topic.n });
	replace(&model->payload, message.payload);
	return message;
}

/* ---- one edit, of both ---- */

static void edit_topic(struct input *in, struct model *model, struct gh_edits *edits)
{
	struct gh_bytes topic = piece(in);

	gh_edits_topic(edits, topic.p, topic.n);
	if (gh_topic_name_valid((struct gh_str){ (const char *)topic.p, topic.n }) &&
	    gh_utf8_valid(topic.p, topic.n))
		replace(&model->topic, topic);
	else
		model->bad = true;
}

static void edit_payload(struct input *in, struct model *model, struct gh_edits *edits)
{
	struct gh_bytes payload = piece(in);

	gh_edits_payload(edits, payload.p, payload.n);
	replace(&model->payload, payload);
}

static void edit_property(struct input *in, struct model *model, struct gh_edits *edits, unsigned kind)
{
	char *name = text(in, kind == 4 ? costly(in) : 1);
	char *value = kind == 2 ? NULL : text(in, kind == 5 ? costly(in) : 1);

	gh_edits_property(edits, name, value);
	if (!fits(name) || (value && !fits(value)) || model->edits == 1024)
		model->bad = true;
	else if (value)
		set_property(model, name, value);
	else
		remove_property(model, name);
	model->edits += !model->bad;
	free(name);
	free(value);
}

/* So many at once that there is one too many. */
static void edit_often(struct input *in, struct model *model, struct gh_edits *edits)
{
	unsigned count = costly(in) % 1100;

	for (unsigned i = 0; i < count; i++) {
		gh_edits_property(edits, "often", "x");
		if (model->edits < 1024 && !model->bad)
			set_property(model, "often", "x");
		model->bad = model->bad || model->edits == 1024;
		model->edits += !model->bad;
	}
}

/* False: this module is done. */
static bool edit(struct input *in, struct model *model, struct gh_edits *edits)
{
	unsigned kind = byte(in) % 8;

	switch (kind) {
	case 0: edit_topic(in, model, edits); return true;
	case 1: edit_payload(in, model, edits); return true;
	case 6: edit_often(in, model, edits); return true;
	case 7: return false;
	default: edit_property(in, model, edits, kind); return true;
	}
}

/* ---- what comes out ---- */

static void same_property(const struct item *item, const struct gh_property *property,
			  struct gh_bytes raw)
{
	if (item->name) {
		must(property->id == GH_PROPERTY_USER);
		must(gh_str_equal(property->name, gh_str(item->name)));
		must(gh_str_equal((struct gh_str){ (const char *)property->value.p, property->value.n },
				  gh_str(item->value)));
	} else {
		must(property->id != GH_PROPERTY_USER && raw.n == item->raw.n);
		must(memcmp(raw.p, item->raw.p, raw.n) == 0);
	}
}

static void same_properties(const struct model *model, struct gh_bytes raw)
{
	struct gh_property_reader reader = { .rest = raw, .packet = GH_IN(GH_PACKET_PUBLISH) };
	const uint8_t *at = raw.p;
	struct gh_property property;
	struct gh_malformed why;

	for (size_t i = 0; i < model->count; i++) {
		must(gh_property_read(&reader, &property, &why) == 1);
		same_property(&model->items[i], &property,
			      (struct gh_bytes){ at, (size_t)((const uint8_t *)reader.rest.p - at) });
		at = reader.rest.p;
	}
	must(gh_property_read(&reader, &property, &why) == 0 && raw.n == model->bytes);
}

static bool same_bytes(const struct gh_buf *wanted, const void *p, size_t n)
{
	return wanted->n == n && (n == 0 || memcmp(wanted->p, p, n) == 0);
}

static void same(const struct model *model, const struct gh_message *message)
{
	must(message->size == sizeof(*message) && strcmp(message->origin, "fuzz") == 0);
	must(message->retain && !message->duplicate);
	must(same_bytes(&model->topic, message->topic.p, message->topic.n));
	must(same_bytes(&model->payload, message->payload.p, message->payload.n));
	same_properties(model, message->properties);
}

/* One module's edits of `before`. False: it was refused, and everything ends. */
static bool module(struct input *in, struct model *model, const struct gh_message *before,
		   struct gh_str first, size_t max, struct gh_edited **edited)
{
	struct gh_edits *edits = gh_edits_new();
	struct gh_edited *made = NULL;
	struct gh_error error = { 0 };
	int rc;

	model->edits = 0;
	while (in->n && edit(in, model, edits))
		;
	rc = gh_edited_make(before, edits, first, max, &made, &error);
	gh_edits_free(&edits);
	must((rc == 0) == (!model->bad && model->topic.n + model->payload.n + model->bytes <= max));
	must((rc == 0) == (made != NULL) && (rc == 0) != (error.text[0] != 0));
	if (rc < 0)
		return false;
	must(made->message.qos == before->qos);
	must(made->topic_changed == !gh_str_equal(made->message.topic, first));
	gh_edited_unref(edited); /* it stands alone: nothing leads into the one before */
	*edited = made;
	same(model, &made->message);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { .p = data, .n = size < INPUT_MAX ? size : INPUT_MAX, .costly = 2 };
	struct model *model = calloc(1, sizeof(*model));
	size_t max = byte(&in) & 1 ? number(&in) : SIZE_MAX;
	struct gh_message message = first_message(&in, model);
	struct gh_edited *edited = NULL;

	same(model, &message);
	for (unsigned i = 0; in.n && i < MODULES_MAX; i++)
		if (!module(&in, model, edited ? &edited->message : &message, message.topic, max,
			    &edited))
			break;
	gh_edited_unref(&edited);
	model_free(model);
	return 0;
}
