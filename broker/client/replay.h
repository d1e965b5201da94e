/* SPDX-License-Identifier: Apache-2.0 */
/* What is true already, told to one instance. */
#ifndef GH_CLIENT_REPLAY_H
#define GH_CLIENT_REPLAY_H

#include "hook/acts.h"

/* gh_acts.replay; broker: the gh_broker. Each worker goes through its sessions in slices; it ends without a word when the
 * instance is replaced. Subscriptions are told of offline sessions too. */
int gh_replay_to(void *broker, struct gh_instance *instance, uint64_t mask);

#endif
