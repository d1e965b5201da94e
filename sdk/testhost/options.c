/* SPDX-License-Identifier: Apache-2.0 */
/* What a script writes as options, made a struct of the module's. */
#include "options.h"
#include "testhost.h"

#include <errno.h>
#include <fcntl.h>
#include <gatehouse/lib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECRET_MOST = 65536 };

/* ---- what is written ---- */

static void words_done(struct gh_setting *setting)
{
	for (size_t i = 0; i < setting->word_count; i++)
		free(setting->words[i]);
	free(setting->words);
	setting->words = NULL;
	setting->word_count = 0;
}

void gh_setting_done(struct gh_setting *setting)
{
	words_done(setting);
	for (size_t i = 0; i < setting->count; i++)
		gh_setting_done(&setting->below[i]);
	free(setting->below);
	free(setting->key);
	free(setting->place);
	*setting = (struct gh_setting){ 0 };
}

static struct gh_setting *below(const struct gh_setting *setting, const char *key, size_t n)
{
	for (size_t i = 0; i < setting->count; i++)
		if (strlen(setting->below[i].key) == n && memcmp(setting->below[i].key, key, n) == 0)
			return &setting->below[i];
	return NULL;
}

static struct gh_setting *add_below(struct gh_setting *setting, const char *key, size_t n)
{
	setting->below = gh_grow(setting->below, setting->count + 1, sizeof(*setting->below));
	setting->below[setting->count] = (struct gh_setting){ .key = gh_copy_n(key, n) };
	return &setting->below[setting->count++];
}

static void remove_below(struct gh_setting *setting, struct gh_setting *gone)
{
	size_t index = (size_t)(gone - setting->below);

	gh_setting_done(gone);
	setting->count--;
	memmove(gone, gone + 1, (setting->count - index) * sizeof(*gone));
}

void gh_setting_put(struct gh_setting *root, const char *path, const char *const *words,
		    size_t count, const char *place)
{
	struct gh_setting *at = root, *next;
	size_t n;

	for (;; at = next, path += n + 1) {
		n = strcspn(path, ".");
		next = below(at, path, n);
		if (!count && !path[n]) {
			if (next)
				remove_below(at, next);
			return;
		}
		if (!next)
			next = add_below(at, path, n);
		free(next->place);
		next->place = gh_copy(place);
		if (!path[n])
			break;
	}
	words_done(next);
	next->words = gh_new(count * sizeof(*next->words));
	for (; next->word_count < count; next->word_count++)
		next->words[next->word_count] = gh_copy(words[next->word_count]);
}

const struct gh_setting *gh_setting_find(const struct gh_setting *root, const char *path)
{
	const struct gh_setting *at = root, *next;
	size_t n;

	for (;; path += n + 1) {
		n = strcspn(path, ".");
		next = below(at, path, n);
		if (!next)
			return at == root ? NULL : at;
		at = next;
		if (!path[n])
			return at;
	}
}

/* ---- the struct ---- */

struct chunk {
	void *p;
	size_t n;
};

struct gh_config {
	void *p;
	struct chunk *chunks; /* the struct first */
	size_t count;
};

struct filler {
	struct gh_config *config;
	const char *base;
	struct gh_error *error;
};

static void *chunk(const struct filler *f, size_t n)
{
	struct gh_config *config = f->config;
	void *p = gh_new(n);

	config->chunks = gh_grow(config->chunks, config->count + 1, sizeof(*config->chunks));
	config->chunks[config->count++] = (struct chunk){ p, n };
	return p;
}

static const char *keep(const struct filler *f, const char *s)
{
	return memcpy(chunk(f, strlen(s) + 1), s, strlen(s) + 1);
}

static void store(const struct gh_option *row, void *config, const void *value)
{
	memcpy((char *)config + row->offset, value, row->field_size);
}

static const char *place_of(const struct gh_setting *setting)
{
	return setting && setting->place ? setting->place : "options";
}

static int unexpected(const struct filler *f, const struct gh_option *row,
		      const struct gh_setting *setting)
{
	char *expected = gh_option_expected(row);

	if (setting->word_count == 1)
		gh_error_set(f->error, GH_EINVAL, "%s: option '%s': expected %s, found '%s'",
			     place_of(setting), setting->key, expected, setting->words[0]);
	else
		gh_error_set(f->error, GH_EINVAL, "%s: option '%s': expected %s, found %zu words",
			     place_of(setting), setting->key, expected, setting->word_count);
	free(expected);
	return GH_EINVAL;
}

static const char *absolute(const struct filler *f, const char *path)
{
	char *whole;
	const char *kept;

	if (*path == '/')
		return keep(f, path);
	whole = gh_format("%s/%s", f->base, path);
	kept = keep(f, whole);
	free(whole);
	return kept;
}

/* Opened already; the rest is what the broker asks of secrets. */
static int read_secret(const struct filler *f, int fd, const char *path, struct gh_bytes *secret_r)
{
	uint8_t *p = chunk(f, SECRET_MOST + 2); /* wiped with the struct */
	size_t n = 0;
	struct stat st;
	ssize_t got;

	if (fstat(fd, &st) == 0 && (st.st_mode & 077))
		return gh_error_set(f->error, GH_EINVAL, "'%s' has mode %04o: chmod 0600 '%s'",
				    path, (unsigned)st.st_mode & 07777, path);
	while (n < SECRET_MOST + 2 && (got = read(fd, p + n, SECRET_MOST + 2 - n)) != 0) {
		if (got < 0 && errno != EINTR)
			return gh_error_set(f->error, GH_EIO, "cannot read '%s': %s", path,
					    strerror(errno));
		n += got > 0 ? (size_t)got : 0;
	}
	if (n && p[n - 1] == '\n')
		n--;
	if (!n || n > SECRET_MOST)
		return gh_error_set(f->error, GH_EINVAL,
				    "'%s' has %s in it, expected a secret of 1 to %d bytes", path,
				    n ? "too much" : "nothing", SECRET_MOST);
	*secret_r = (struct gh_bytes){ p, n };
	return 0;
}

static int secret(const struct filler *f, const struct gh_option *row,
		  const struct gh_setting *setting, void *config)
{
	const char *path = absolute(f, setting->words[0]);
	struct gh_secret_file file;
	struct gh_bytes bytes = { 0 };
	char why[256];
	int rc = gh_secret_open(path, GH_SECRET_ANY_MODE, &file, why, sizeof(why));

	if (rc < 0)
		return gh_error_set(f->error, rc, "%s: option '%s': %s", place_of(setting),
				    row->name, why);
	rc = read_secret(f, file.fd, path, &bytes);
	gh_secret_close(&file);
	store(row, config, &bytes);
	return rc;
}

static int strings(const struct filler *f, const struct gh_option *row,
		   const struct gh_setting *setting, void *config)
{
	const char **items = chunk(f, setting->word_count * sizeof(*items));
	struct gh_list list = { items, setting->word_count };

	if (!gh_count_fits(row, setting->word_count) || setting->count)
		return unexpected(f, row, setting);
	for (size_t i = 0; i < setting->word_count; i++)
		items[i] = keep(f, setting->words[i]);
	store(row, config, &list);
	return 0;
}

static int fill(const struct filler *f, const struct gh_option *rows,
		const struct gh_setting *setting, const char *name, void *config);

/* Entries with numbers are a list; with names, a map by the row "name". */
static int table(const struct filler *f, const struct gh_option *row,
		 const struct gh_setting *setting, void *config)
{
	struct gh_list list = { .count = setting->count };
	char *items = chunk(f, setting->count * row->row_size);
	uint64_t index;
	int rc = 0;

	list.items = items;
	if (setting->word_count || !gh_count_fits(row, setting->count))
		return unexpected(f, row, setting);
	for (size_t i = 0; i < setting->count && !rc; i++) {
		const struct gh_setting *entry = &setting->below[i];
		bool numbered = gh_count_read(entry->key, UINT32_MAX, &index);

		rc = fill(f, row->rows, entry, numbered ? NULL : entry->key,
			  items + i * row->row_size);
	}
	store(row, config, &list);
	return rc;
}

static int value(const struct filler *f, const struct gh_option *row,
		 const struct gh_setting *setting, void *config)
{
	union gh_number number;
	const char *text;

	if (row->type == GH_STRINGS)
		return strings(f, row, setting, config);
	if (row->type == GH_TABLE)
		return table(f, row, setting, config);
	if (setting->word_count != 1 || setting->count)
		return unexpected(f, row, setting);
	text = setting->words[0];
	if (gh_numeric(row->type)) {
		if (!gh_number_read(row, text, true, &number))
			return unexpected(f, row, setting);
		store(row, config, &number);
		return 0;
	}
	if ((row->type != GH_STRING && !*text) || (row->type == GH_URL && !gh_url_valid(text)))
		return unexpected(f, row, setting);
	if (row->type == GH_SECRET)
		return secret(f, row, setting, config);
	if (!gh_count_fits(row, strlen(text)))
		return unexpected(f, row, setting);
	text = row->type == GH_PATH ? absolute(f, text) : keep(f, text);
	store(row, config, &text);
	return 0;
}

static void standard(const struct filler *f, const struct gh_option *row, void *config)
{
	struct gh_list list = { 0 };
	union gh_number number;
	const char *text, **items;

	if (!row->standard)
		return; /* zeroed */
	if (gh_numeric(row->type)) {
		gh_number_read(row, row->standard, false, &number);
		store(row, config, &number);
		return;
	}
	if (row->type != GH_STRINGS) {
		text = row->type == GH_PATH ? absolute(f, row->standard) : keep(f, row->standard);
		store(row, config, &text);
		return;
	}
	list.items = items = chunk(f, (strlen(row->standard) + 1) * sizeof(*items));
	for (const char *p = row->standard; *(p += strspn(p, ", ")); p += strcspn(p, ", ")) {
		char *word = gh_copy_n(p, strcspn(p, ", "));

		items[list.count++] = keep(f, word);
		free(word);
	}
	store(row, config, &list);
}

static int unknown_key(const struct filler *f, const struct gh_option *rows,
		       const struct gh_setting *setting)
{
	struct gh_text known = { 0 };

	for (const struct gh_option *row = rows; row->name; row++) {
		gh_text_print(&known, "%s", row == rows ? "" : ", ");
		for (const char *p = row->name; *p; p++)
			gh_text_put(&known, *p == '_' ? "-" : p, 1);
	}
	gh_error_set(f->error, GH_EINVAL, "%s: no option '%s', expected one of %s",
		     place_of(setting), setting->key, known.p ? known.p : "none");
	gh_text_done(&known);
	return GH_EINVAL;
}

static int check_keys(const struct filler *f, const struct gh_option *rows,
		      const struct gh_setting *setting)
{
	for (size_t i = 0; i < setting->count; i++) {
		const struct gh_option *row = rows;

		while (row->name && !gh_option_is(row, setting->below[i].key))
			row++;
		if (!row->name)
			return unknown_key(f, rows, &setting->below[i]);
	}
	return 0;
}

static const struct gh_setting *written(const struct gh_setting *setting, const struct gh_option *row)
{
	for (size_t i = 0; i < setting->count; i++)
		if (gh_option_is(row, setting->below[i].key))
			return &setting->below[i];
	return NULL;
}

/* name: of an entry of a map. */
static int fill(const struct filler *f, const struct gh_option *rows,
		const struct gh_setting *setting, const char *name, void *config)
{
	const struct gh_setting *one;
	const char *text;
	int rc = check_keys(f, rows, setting);

	for (const struct gh_option *row = rows; row->name && !rc; row++) {
		one = written(setting, row);
		if (one) {
			rc = value(f, row, one, config);
		} else if (name && row->type == GH_STRING && gh_option_is(row, "name")) {
			text = keep(f, name);
			store(row, config, &text);
		} else if (row->flags & GH_REQUIRED) {
			rc = gh_error_set(f->error, GH_EINVAL, "%s: option '%s' is missing: %s",
					  place_of(setting), row->name,
					  row->help ? row->help : gh_kind_of(row->type)->expected);
		} else {
			standard(f, row, config);
		}
	}
	return rc;
}

int gh_config_new(const struct gh_option *rows, size_t size, const struct gh_setting *root,
		  const char *base, struct gh_config **config_r, struct gh_error *error)
{
	struct gh_config *config = gh_new(sizeof(*config));
	struct filler f = { config, base, error };
	int rc;

	config->p = chunk(&f, size);
	rc = fill(&f, rows, root, NULL, config->p);
	if (rc)
		gh_config_free(&config);
	else
		*config_r = config;
	return rc;
}

const void *gh_config_struct(const struct gh_config *config)
{
	return config->p;
}

void gh_config_free(struct gh_config **config)
{
	struct gh_config *gone = *config;

	*config = NULL;
	if (!gone)
		return;
	for (size_t i = 0; i < gone->count; i++) {
		gh_wipe(gone->chunks[i].p, gone->chunks[i].n);
		free(gone->chunks[i].p);
	}
	free(gone->chunks);
	free(gone);
}
