/* SPDX-License-Identifier: Apache-2.0 */
/* An acl_file of mosquitto, read as mosquitto reads it and written as rules. Pure. */
#ifndef GH_ACL_IMPORT_H
#define GH_ACL_IMPORT_H

#include <stdio.h>
#include "text.h"

/* Writes to `to` what means the same (gatehouse-acl(1) names the differences), or nothing and GH_EINVAL with the problem. */
int acl_import(const char *file, struct gh_str text, FILE *to, struct acl_problem *problem_r);

#endif
