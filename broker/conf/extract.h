/* SPDX-License-Identifier: Apache-2.0 */
/* What one instance needs of the settings, as bytes for a process of its own, and back. */
#ifndef GH_CONF_EXTRACT_H
#define GH_CONF_EXTRACT_H

#include "base/pack.h"
#include "conf/settings.h"

/*
 * Its section as it was written, with all positions; of the rest the state directory, the level of the log, hook-timeout, what a
 * message may be (packet-size, topic-length, topic-levels, user-properties) and the names of the classes. Nothing else of the
 * configuration crosses.
 */
void gh_settings_extract(struct gh_buf *out, const struct gh_settings *settings,
			 const struct gh_plugin_settings *plugin);

/*
 * Settings of one plugin and one listener without address and lists, which has the classes' names; freed as others are. NULL:
 * in->rc says what is wrong. The bounds of conf/yaml.h (nodes, depth) hold here too.
 */
struct gh_settings *gh_settings_extracted(struct gh_unpack *in);

#endif
