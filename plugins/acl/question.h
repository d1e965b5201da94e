/* SPDX-License-Identifier: Apache-2.0 */
/* The question that `gatehouse-acl test` puts to a file, from its options. */
#ifndef GH_ACL_QUESTION_H
#define GH_ACL_QUESTION_H

#include <gatehouse/plugin.h>

#define ACL_GROUPS_MAX     64
#define ACL_ATTRIBUTES_MAX 32

/* Borrows from argv. */
struct acl_question {
	struct gh_authorize in;
	struct gh_client client;
	struct gh_identity identity;
	const char *groups[ACL_GROUPS_MAX];
	struct gh_pair attributes[ACL_ATTRIBUTES_MAX];
};

/* Reads all options and leaves optind at the first that is none; false: told on stderr. */
bool acl_question_options(int argc, char **argv, struct acl_question *question);

/* One line on stderr, after the program's name. */
void acl_say(const char *fmt, ...) GH_PRINTF(1, 2);

#endif
