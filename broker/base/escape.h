/* SPDX-License-Identifier: Apache-2.0 */
/* Text from anywhere made safe for one line of log or JSON: the only place that escapes. */
#ifndef GH_BASE_ESCAPE_H
#define GH_BASE_ESCAPE_H

#include "base/buf.h"

/* For a quoted field of a text line: ' and \ get a backslash, control characters and bytes that aren't UTF-8 become
 * \n \t \r \xHH, invisible or bidirectional Unicode controls \u{...}. */
void gh_escape_text(struct gh_buf *buf, struct gh_str s);
/* The same for the message of a line, which quotes its 'subject' itself: ' stays as it is. */
void gh_escape_message(struct gh_buf *buf, struct gh_str s);
/* The inside of a JSON string; bytes that aren't UTF-8 become U+FFFD, what is invisible \uXXXX. */
void gh_escape_json(struct gh_buf *buf, struct gh_str s);

#endif
