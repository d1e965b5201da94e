/* SPDX-License-Identifier: Apache-2.0 */
/* gatehouse.yaml(5) says of every option its type and default, and of no option that there isn't. */
#include "base/buf.h"
#include "base/str.h"
#include "base/test.h"
#include "conf/option.h"
#include "conf/settings.h"

#include <stdio.h>

static struct gh_buf page;

static void read_page(void)
{
	const char *srcdir = getenv("srcdir");
	char path[4096];
	FILE *in;

	snprintf(path, sizeof(path), "%s/man/gatehouse.yaml.5", srcdir ? srcdir : ".");
	in = fopen(path, "r");
	ck_assert_msg(in != NULL, "%s", path);
	page.n = fread(gh_buf_reserve(&page, 1 << 20), 1, 1 << 20, in);
	fclose(in);
	gh_buf_u8(&page, 0);
}

/* ".It Ic NAME : Ar TYPE Pq DEFAULT", ".It Ic NAME : Cm a | b Pq DEFAULT"; the last part only where there is a default. */
static void item(const struct gh_option *row, struct gh_buf *line)
{
	static const char *const types[] = {
		[GH_BOOL] = "Cm yes | no",     [GH_INT] = "Ar number",  [GH_SIZE] = "Ar size",
		[GH_DURATION] = "Ar duration", [GH_STRING] = "Ar text", [GH_PATH] = "Ar path",
		[GH_NODE] = "Ar section",
	};

	line->n = 0;
	gh_buf_printf(line, "\n.It Ic %s : ", row->name);
	if (row->type == GH_ENUM) {
		gh_buf_printf(line, "Cm ");
		for (const char *p = row->unit; *p; p++)
			gh_buf_printf(line, "%s%c%s", *p == '|' ? " " : "", *p, *p == '|' ? " " : "");
	} else {
		gh_buf_printf(line, "%s", types[row->type]);
	}
	if (row->flags & GH_REQUIRED)
		gh_buf_printf(line, " Pq required");
	else if (row->standard)
		gh_buf_printf(line, " Pq %s", row->standard);
	gh_buf_printf(line, "\n");
	gh_buf_u8(line, 0);
}

/* The part of the page below ".Ss TITLE", terminated; to be freed. */
static char *part(const char *title)
{
	char heading[100];
	const char *begin, *end;

	snprintf(heading, sizeof(heading), "\n.Ss %s\n", title);
	begin = strstr((char *)page.p, heading);
	ck_assert_msg(begin != NULL, "no .Ss %s", title);
	begin += strlen(heading) - 1;
	end = strstr(begin, "\n.Ss ");
	if (!end)
		end = strstr(begin, "\n.Sh ");
	return gh_str_dup(gh_str_n(begin, end ? (size_t)(end - begin + 1) : strlen(begin)));
}

START_TEST(every_option_and_no_other)
{
	const struct gh_settings_table *tables;
	struct gh_buf line = { 0 };
	size_t count;

	read_page();
	tables = gh_settings_tables(&count);
	for (size_t i = 0; i < count; i++) {
		size_t n = strcspn(tables[i].section, "."), items = 0, rows = 0;
		char title[64], *text;

		snprintf(title, sizeof(title), "%.*s", n ? (int)n : 7,
			 n ? tables[i].section : "The top");
		text = part(title);
		for (const struct gh_option *row = tables[i].rows; row->name; row++, rows++) {
			item(row, &line);
			ck_assert_msg(strstr(text, (char *)line.p) != NULL,
				      "below .Ss %s, expected: %s", title, line.p + 1);
		}
		for (const char *p = text; (p = strstr(p, "\n.It Ic ")); p++)
			items++;
		ck_assert_msg(items == rows, "below .Ss %s: %zu options, expected %zu", title,
			      items, rows);
		free(text);
	}
	gh_buf_done(&line);
	gh_buf_done(&page);
}
END_TEST

GH_TEST_MAIN("conf/page", every_option_and_no_other)
