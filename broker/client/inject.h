/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that modules publish. */
#ifndef GH_CLIENT_INJECT_H
#define GH_CLIENT_INJECT_H

#include "hook/acts.h"

/* gh_acts.inject; broker: the gh_broker. Routed by the worker that the caller is, else by one that the topic chooses: so one
 * thread's messages to a topic keep their order. */
int gh_inject_message(void *broker, const struct gh_instance *by,
		      const struct gh_injection *injection);

#endif
