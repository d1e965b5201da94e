/* SPDX-License-Identifier: Apache-2.0 */
/* The main() of a fuzz target without a fuzzer: every file of its corpus goes through it, as one TAP test. */
#include <dirent.h>
#include <libgen.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The copy is as large as the input, so that a sanitizer sees every byte read behind it. */
static int replay(const char *directory, const char *name)
{
	char path[4096];
	struct stat st;
	uint8_t *data;
	FILE *file;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "rb");
	if (!file || fstat(fileno(file), &st) < 0) {
		printf("not ok 1 - %s: can't read\n", path);
		exit(EXIT_FAILURE);
	}
	if (!S_ISREG(st.st_mode)) {
		fclose(file);
		return 0;
	}
	data = malloc((size_t)st.st_size + !st.st_size);
	if (!data)
		abort();
	n = fread(data, 1, (size_t)st.st_size, file);
	LLVMFuzzerTestOneInput(data, n);
	free(data);
	fclose(file);
	return 1;
}

int main(int argc, char **argv)
{
	const char *name = basename(argv[0]), *source = getenv("srcdir");
	char directory[2048];
	struct dirent *entry;
	int count = 0;
	DIR *corpus;

	if (argc > 1)
		snprintf(directory, sizeof(directory), "%s", argv[1]);
	else
		snprintf(directory, sizeof(directory), "%s/tests/fuzz/corpus/%s",
			 source ? source : ".", name);
	printf("1..1\n");
	fflush(stdout);
	corpus = opendir(directory);
	while (corpus && (entry = readdir(corpus)))
		count += replay(directory, entry->d_name);
	if (corpus)
		closedir(corpus);
	printf("%s 1 - %s: %d inputs of %s\n", count ? "ok" : "not ok", name, count, directory);
	return count ? EXIT_SUCCESS : EXIT_FAILURE;
}
