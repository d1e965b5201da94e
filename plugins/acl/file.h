/* SPDX-License-Identifier: Apache-2.0 */
/* Rule files on disk. */
#ifndef GH_ACL_FILE_H
#define GH_ACL_FILE_H

#include "rules.h"

/* What acl_rules_read() loads with. Refuses what others than root and we could write; arg: points to an unsigned of
 * GH_SECRET_ flags that refuses less, or NULL. */
int acl_file_load(void *arg, const char *path, char **text_r, size_t *n_r, char *why,
		  size_t why_size);

#endif
