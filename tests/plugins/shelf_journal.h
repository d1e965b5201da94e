/* SPDX-License-Identifier: Apache-2.0 */
/* What was put and erased, one after the other, each by one write. */
#ifndef SHELF_JOURNAL_H
#define SHELF_JOURNAL_H

#include "shelf_set.h"

enum shelf_deed { SHELF_PUT = 1, SHELF_ERASE };

/* Made if it isn't there, and locked: one user at a time. -1: errno. */
int shelf_journal_open(const char *path);
/* What comes of it; what a broken last line left is cut off. A negative error. */
int shelf_journal_read(int fd, struct shelf_set *set);
int shelf_journal_write(int fd, enum shelf_deed deed, const struct gh_record *record);

#endif
