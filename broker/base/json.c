/* SPDX-License-Identifier: Apache-2.0 */
/* JSON, member by member. */
#include "base/json.h"
#include "base/escape.h"
#include "base/str.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>

enum { DEEPEST = 31 };

void gh_json_init(struct gh_json *json, struct gh_buf *out)
{
	*json = (struct gh_json){ .out = out };
}

static void quoted(struct gh_json *json, struct gh_str s)
{
	gh_buf_u8(json->out, '"');
	gh_escape_json(json->out, s);
	gh_buf_u8(json->out, '"');
}

static void member(struct gh_json *json, const char *name)
{
	uint32_t bit = (uint32_t)1 << json->depth;

	if (json->has_member & bit)
		gh_buf_u8(json->out, ',');
	json->has_member |= bit;
	if (!name)
		return;
	quoted(json, gh_str(name));
	gh_buf_u8(json->out, ':');
}

static void begin(struct gh_json *json, const char *name, uint8_t bracket)
{
	member(json, name);
	gh_buf_u8(json->out, bracket);
	assert(json->depth < DEEPEST);
	json->depth++;
	json->has_member &= ~((uint32_t)1 << json->depth);
}

static void end(struct gh_json *json, uint8_t bracket)
{
	assert(json->depth > 0);
	json->depth--;
	gh_buf_u8(json->out, bracket);
}

void gh_json_object(struct gh_json *json, const char *name)
{
	begin(json, name, '{');
}

void gh_json_array(struct gh_json *json, const char *name)
{
	begin(json, name, '[');
}

void gh_json_end_object(struct gh_json *json)
{
	end(json, '}');
}

void gh_json_end_array(struct gh_json *json)
{
	end(json, ']');
}

void gh_json_str(struct gh_json *json, const char *name, struct gh_str value)
{
	member(json, name);
	if (value.p)
		quoted(json, value);
	else
		gh_buf_add(json->out, "null", 4);
}

void gh_json_number(struct gh_json *json, const char *name, int64_t value)
{
	member(json, name);
	gh_buf_printf(json->out, "%" PRId64, value);
}

void gh_json_float(struct gh_json *json, const char *name, double value)
{
	member(json, name);
	if (isfinite(value))
		gh_buf_printf(json->out, "%.15g", value);
	else
		gh_buf_add(json->out, "null", 4);
}

void gh_json_bool(struct gh_json *json, const char *name, bool value)
{
	member(json, name);
	gh_buf_str(json->out, gh_str(value ? "true" : "false"));
}

void gh_json_raw(struct gh_json *json, const char *name, struct gh_str value)
{
	member(json, name);
	gh_buf_add(json->out, value.p, value.n);
}
