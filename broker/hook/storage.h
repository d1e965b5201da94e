/* SPDX-License-Identifier: Apache-2.0 */
/* The store: the one instance that keeps what is to outlive the process. */
#ifndef GH_HOOK_STORAGE_H
#define GH_HOOK_STORAGE_H

#include "hook/instance.h"

#include <gatehouse/hooks.h>

struct gh_storage;
struct gh_kept;

/* Told what a load gives, but what modules keep; the record for the call only. 0, or an error: the load has failed. */
typedef int gh_storage_loaded_fn(void *arg, const struct gh_record *record);

/* Without an instance: nothing is kept, put and erase are 0. */
struct gh_storage *gh_storage_new(gh_storage_loaded_fn *loaded, void *arg);
void gh_storage_free(struct gh_storage **storage); /* closed, or never opened */

/* At the start, when the instance is created and no other is. Holds it until it is closed. */
int gh_storage_open(struct gh_storage *storage, struct gh_instance *instance, struct gh_error *error);
/* Nobody puts or fetches any more: lets go of the instance. Repeated: nothing. */
void gh_storage_close(struct gh_storage *storage);

/* NULL: there is none. Any thread. NULL may be asked. */
struct gh_instance *gh_storage_instance(const struct gh_storage *storage);

/*
 * Any thread, until it is closed. An error is logged, once a second at most, and means that the record may be lost: what depends on
 * it must not be confirmed.
 */
int gh_storage_put(struct gh_storage *storage, const struct gh_record *record);
int gh_storage_erase(struct gh_storage *storage, const struct gh_record *record);

/* Where this instance may keep bytes; NULL: nowhere. */
struct gh_kept *gh_storage_kept(const struct gh_storage *storage, const struct gh_instance *instance);

#endif
