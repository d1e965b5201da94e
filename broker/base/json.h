/* SPDX-License-Identifier: Apache-2.0 */
/* Writes JSON into a buffer; nesting and commas are kept here, so what comes out is always well formed. */
#ifndef GH_BASE_JSON_H
#define GH_BASE_JSON_H

#include "base/buf.h"

struct gh_json {
	struct gh_buf *out;
	unsigned depth;      /* at most 31 */
	uint32_t has_member; /* bit per depth: a comma is due */
};

void gh_json_init(struct gh_json *json, struct gh_buf *out);
/* name NULL: an element of an array, or the outermost value. */
void gh_json_object(struct gh_json *json, const char *name);
void gh_json_array(struct gh_json *json, const char *name);
void gh_json_end_object(struct gh_json *json);
void gh_json_end_array(struct gh_json *json);
void gh_json_str(struct gh_json *json, const char *name, struct gh_str value); /* p NULL: null */
void gh_json_number(struct gh_json *json, const char *name, int64_t value);
/* 15 digits; what is not finite becomes null, for JSON has no word for it. */
void gh_json_float(struct gh_json *json, const char *name, double value);
void gh_json_bool(struct gh_json *json, const char *name, bool value);
/* One value that is JSON already. */
void gh_json_raw(struct gh_json *json, const char *name, struct gh_str value);

#endif
