/* SPDX-License-Identifier: Apache-2.0 */
/* What abidiff compares: through these everything is reached that crosses between broker and module. */
#include <gatehouse/plugin.h>

#define SHOW(type, name) \
	extern type *const gh_show_##name; \
	type *const gh_show_##name = NULL

SHOW(const struct gh_plugin, plugin);
SHOW(const struct gh_host_api, host_api);
SHOW(const struct gh_object, object);
SHOW(const struct gh_list, list);
SHOW(enum gh_error_code, error_code);
SHOW(enum gh_verdict, verdict);
SHOW(enum gh_cause, cause);
SHOW(enum gh_transport, transport);
SHOW(enum gh_action, action);
SHOW(enum gh_level, level);
SHOW(enum gh_metric_kind, metric_kind);
SHOW(enum gh_answer_key, answer_key);
SHOW(enum gh_option_type, option_type);
