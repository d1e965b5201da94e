/* SPDX-License-Identifier: Apache-2.0 */
/* The directory that an instance may write in. */
#ifndef GH_HOOK_DIRECTORY_H
#define GH_HOOK_DIRECTORY_H

struct gh_instance;

/*
 * STATE-DIRECTORY/plugins/INSTANCE, absolute; made with what is missing above it by the first call.
 * Any thread. Lives as long as the instance. NULL: it can't be made, which is logged once. While a
 * configuration is only checked (struct gh_hooks) it is named and not made.
 */
const char *gh_directory_of(struct gh_instance *instance);

#endif
