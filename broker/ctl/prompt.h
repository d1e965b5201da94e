/* SPDX-License-Identifier: Apache-2.0 */
/* Asking for a secret. */
#ifndef GH_CTL_PROMPT_H
#define GH_CTL_PROMPT_H

#include "base/buf.h"

/*
 * One line, without its end: typed on the terminal, which doesn't echo it, where standard input is one; else read from it, and
 * nothing beyond. At most `max` bytes, at least one. `secret` is empty, and the caller's to wipe whatever comes of it; there
 * are no other copies. NULL: fine; else what is wrong. A signal that ends the program ends it here too, the terminal as it was.
 */
const char *gh_prompt(const char *text, size_t max, struct gh_buf *secret);

#endif
