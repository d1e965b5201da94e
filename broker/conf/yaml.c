/* SPDX-License-Identifier: Apache-2.0 */
/* One file: libyaml's events become nodes, on a stack of bounded depth. */
#include "base/mem.h"
#include "base/str.h"
#include "conf/yaml_priv.h"

#include <stdlib.h>
#include <yaml.h>

struct frame {
	struct gh_conf_node *node, *last;
	const char *key; /* of the map's member that comes next; NULL: the key comes next */
	struct gh_conf_place key_place;
};

struct reader {
	struct gh_conf *conf;
	const struct gh_yaml_source *source;
	struct gh_error *error;
	struct frame frames[GH_CONF_DEPTH];
	unsigned depth;
	unsigned documents;
	struct gh_conf_node *root;
};

static struct gh_conf_place place_of(const struct reader *reader, const yaml_mark_t *mark)
{
	return (struct gh_conf_place){ reader->source->name, (unsigned)mark->line + 1,
				       (unsigned)mark->column + 1 };
}

static int syntax_error(struct reader *reader, const yaml_parser_t *parser)
{
	struct gh_conf_place place = place_of(reader, &parser->problem_mark);
	const char *hint = gh_yaml_hint(reader->source, place.line);

	if (parser->error == YAML_READER_ERROR) {
		/* a reader's error has an offset, no mark */
		place = (struct gh_conf_place){ reader->source->name, 1, 1 };
		for (size_t i = 0; i < parser->problem_offset && i < reader->source->n; i++) {
			bool eol = reader->source->p[i] == '\n';

			place.line += eol;
			place.column = eol ? 1 : place.column + 1;
		}
		return gh_conf_error(reader->error, &place, "%s: expected UTF-8 text",
				     parser->problem);
	}
	if (!*hint && parser->context)
		hint = gh_yaml_hint(reader->source, (unsigned)parser->context_mark.line + 1);
	if (!*hint && place.line > 1) /* what a comment has swallowed is missed on the next line */
		hint = gh_yaml_hint(reader->source, place.line - 1);
	return gh_conf_error(reader->error, &place, "%s%s%s%s", parser->problem,
			     parser->context ? " " : "", parser->context ? parser->context : "",
			     hint);
}

static int key_node(struct reader *reader, struct frame *frame, const struct gh_conf_node *node)
{
	const struct gh_conf_node *twin;

	if (node->kind != GH_CONF_VALUE || !*node->text)
		return gh_conf_error(reader->error, &node->place,
				     "expected a word as key, found %s%s",
				     node->kind == GH_CONF_MAP    ? "a map"
				     : node->kind == GH_CONF_LIST ? "a list"
								  : "nothing",
				     gh_yaml_hint(reader->source, node->place.line));
	twin = gh_conf_get(frame->node, node->text);
	if (twin)
		return gh_conf_error(reader->error, &node->place,
				     "key '%.100s' stands twice, first in line %u", node->text,
				     twin->key_place.line);
	frame->key = node->text;
	frame->key_place = node->place;
	return 0;
}

static void append(struct frame *frame, struct gh_conf_node *node)
{
	if (frame->last)
		frame->last->next = node;
	else
		frame->node->first = node;
	frame->last = node;
	frame->node->count++;
}

/* Puts a node where it belongs: it is the root, an element, a key or the value of one. */
static int attach(struct reader *reader, struct gh_conf_node *node)
{
	struct frame *frame = reader->depth ? &reader->frames[reader->depth - 1] : NULL;

	if (!frame) {
		reader->root = node;
		return 0;
	}
	if (frame->node->kind == GH_CONF_MAP) {
		if (!frame->key)
			return key_node(reader, frame, node);
		node->key = frame->key;
		node->key_place = frame->key_place;
		frame->key = NULL;
	}
	append(frame, node);
	return 0;
}

static int new_node(struct reader *reader, enum gh_conf_kind kind, const yaml_event_t *event,
		    bool marked, struct gh_conf_node **node_r)
{
	struct gh_conf_place place = place_of(reader, &event->start_mark);
	struct gh_conf_node *node;

	if (marked)
		return gh_conf_error(reader->error, &place,
				     "anchors (&) and tags (!) aren't used here%s",
				     gh_yaml_hint(reader->source, place.line));
	if (reader->conf->nodes++ >= GH_CONF_NODES)
		return gh_conf_error(reader->error, &place, "more than %u values", GH_CONF_NODES);
	node = gh_arena_alloc(&reader->conf->arena, sizeof(*node));
	node->place = place;
	node->kind = kind;
	*node_r = node;
	return 0;
}

/* Where it is no trap of YAML: whoever leaves a map or a list empty hears how that is written. */
static int nothing(const struct reader *reader, const struct gh_conf_place *place)
{
	const struct frame *frame = reader->depth ? &reader->frames[reader->depth - 1] : NULL;
	const char *hint = gh_yaml_hint(reader->source, place->line);

	if (frame && frame->key && !*hint)
		return gh_conf_error(reader->error, place,
				     "'%.100s': expected a value, found nothing (an empty map is {}, "
				     "an empty list [], an empty text '')",
				     frame->key);
	return gh_conf_error(reader->error, place, "expected a value, found nothing%s", hint);
}

static int scalar(struct reader *reader, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	size_t n = event->data.scalar.length;
	struct gh_conf_node *node;
	int rc = new_node(reader, GH_CONF_VALUE, event,
			  event->data.scalar.anchor || event->data.scalar.tag, &node);

	if (rc < 0)
		return rc;
	if (memchr(text, 0, n))
		return gh_conf_error(reader->error, &node->place,
				     "a value with a NUL character in it");
	if (n == 0 && event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
		return nothing(reader, &node->place);
	node->text = gh_arena_strndup(&reader->conf->arena, text, n);
	return attach(reader, node);
}

static int open_container(struct reader *reader, enum gh_conf_kind kind, const yaml_event_t *event,
			  bool marked, bool flow)
{
	struct gh_conf_node *node;
	int rc = new_node(reader, kind, event, marked, &node);

	if (rc < 0)
		return rc;
	node->flow = flow;
	if (reader->depth >= GH_CONF_DEPTH)
		return gh_conf_error(reader->error, &node->place,
				     "more than %u lists and maps inside each other", GH_CONF_DEPTH);
	rc = attach(reader, node);
	if (rc < 0)
		return rc;
	reader->frames[reader->depth++] = (struct frame){ .node = node };
	return 0;
}

static int alias(struct reader *reader, const yaml_event_t *event)
{
	struct gh_conf_place place = place_of(reader, &event->start_mark);

	return gh_conf_error(
		reader->error, &place,
		"aliases aren't used here ('*' begins an alias in YAML, write the value in quotes)");
}

static int document(struct reader *reader, const yaml_event_t *event)
{
	struct gh_conf_place place = place_of(reader, &event->start_mark);

	if (reader->documents++)
		return gh_conf_error(reader->error, &place, "a second document begins, expected one");
	return 0;
}

static int handle(struct reader *reader, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT: return document(reader, event);
	case YAML_SCALAR_EVENT: return scalar(reader, event);
	case YAML_SEQUENCE_START_EVENT:
		return open_container(reader, GH_CONF_LIST, event,
				      event->data.sequence_start.anchor ||
					      event->data.sequence_start.tag,
				      event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE);
	case YAML_MAPPING_START_EVENT:
		return open_container(reader, GH_CONF_MAP, event,
				      event->data.mapping_start.anchor ||
					      event->data.mapping_start.tag,
				      event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT: reader->depth--; return 0;
	case YAML_ALIAS_EVENT: return alias(reader, event);
	default: return 0;
	}
}

static int read_events(struct reader *reader, yaml_parser_t *parser)
{
	bool end = false;
	int rc = 0;

	while (rc == 0 && !end) {
		yaml_event_t event;

		if (!yaml_parser_parse(parser, &event))
			return syntax_error(reader, parser);
		rc = handle(reader, &event);
		end = event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
	return rc;
}

int gh_yaml_parse(struct gh_conf *conf, const struct gh_yaml_source *source,
		  struct gh_conf_node **root_r, struct gh_error *error)
{
	struct reader *reader = gh_zalloc(sizeof(*reader));
	yaml_parser_t parser;
	int rc = GH_EIO;

	reader->conf = conf;
	reader->source = source;
	reader->error = error;
	if (yaml_parser_initialize(&parser)) {
		yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
		yaml_parser_set_input_string(&parser, (const unsigned char *)source->p, source->n);
		rc = read_events(reader, &parser);
		yaml_parser_delete(&parser);
	}
	if (rc == 0 && !reader->root) {
		reader->root = gh_arena_alloc(&conf->arena, sizeof(*reader->root));
		reader->root->kind = GH_CONF_MAP;
		reader->root->place = (struct gh_conf_place){ source->name, 1, 1 };
	}
	if (rc == 0 && reader->root->kind != GH_CONF_MAP)
		rc = gh_conf_error(error, &reader->root->place,
				   "expected a map ('key: value'), found %s",
				   reader->root->kind == GH_CONF_LIST ? "a list" : "a single value");
	if (rc == 0)
		*root_r = reader->root;
	free(reader);
	return rc;
}
