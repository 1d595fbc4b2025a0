/* SPDX-License-Identifier: BSD-2-Clause */
/* The look at a file's text before libconfig reads it. libconfig (1.5, Debian 12) ends the process when it is
 * given a directory, and silently cuts integers to 32 bits: domain = 4294967423 would become 127. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/complaint.h"

#define FILE_SIZE_MAX (1 << 20)
#define INCLUDES_MAX  64 /* in all: files that include each other have no end */
#define PATH_SIZE     4096

struct scan {
    const char *file;
    int line;
    const char *key; /* the name seen last ... */
    int key_len;
    const char *dir;
    int *includes; /* seen so far, in all files */
    struct complaints *complaints;
};

/* The file's text, or NULL with *why. A FIFO without a writer must not block: O_NONBLOCK. */
static char *read_text(const char *file, const char **why)
{
    struct stat st;
    char *text = NULL;
    int fd = open(file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

    *why = NULL;
    if (fd < 0 || fstat(fd, &st) < 0) {
        *why = strerror(errno);
    } else if (!S_ISREG(st.st_mode)) {
        *why = "not a regular file";
    } else if (st.st_size > FILE_SIZE_MAX) {
        *why = "larger than 1 MiB";
    } else if (!(text = calloc(1, (size_t)st.st_size + 1)) || read(fd, text, (size_t)st.st_size) < 0) {
        *why = strerror(errno);
        free(text);
        text = NULL;
    }
    if (fd >= 0)
        close(fd);
    return text;
}

static void scan_file(const char *file, const char *dir, int *includes, struct complaints *c);

/* Behind "@include": blanks and a name in quotes. */
static const char *scan_include(struct scan *s, const char *p)
{
    char path[PATH_SIZE], quoted[128];
    const char *why;

    p += strspn(p, " \t");
    if (*p != '"')
        return p;
    size_t len = strcspn(++p, "\"\n");
    snprintf(path, sizeof path, "%s/%.*s", s->dir, (int)len, p);
    p += len + (p[len] == '"');
    if (++*s->includes > INCLUDES_MAX) {
        if (*s->includes == INCLUDES_MAX + 1)
            conf_complain(s->complaints, s->file, s->line, "@include",
                          "found an endless chain, expected at most %d", INCLUDES_MAX);
        return p;
    }
    free(read_text(path, &why));
    if (why)
        conf_complain(s->complaints, s->file, s->line, "@include",
                      "found %s (%s), expected the name of a readable file beside the first",
                      conf_quote(path, quoted, sizeof quoted), why);
    else
        scan_file(path, s->dir, s->includes, s->complaints);
    return p;
}

static const char *scan_number(struct scan *s, const char *p)
{
    char *end, key[64];
    const char *digits = p + (*p == '-' || *p == '+');
    bool hex = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');

    errno = 0;
    long long value = strtoll(p, &end, hex ? 16 : 10);
    bool overflow = errno == ERANGE;
    if (!hex && (end == p || *end == '.' || *end == 'e' || *end == 'E')) { /* end == p: .5 */
        strtod(p, &end);
        return end;
    }
    bool wide = *end == 'L';
    if (overflow || (!wide && (value > INT_MAX || value < INT_MIN))) {
        snprintf(key, sizeof key, "%.*s", s->key_len, s->key);
        conf_complain(s->complaints, s->file, s->line, key,
                      "found %.*s, expected an integer of 32 bits, or a decimal point in a number",
                      (int)(end - p < 40 ? end - p : 40), p);
    }
    return end;
}

/* To the closing quote or comment end, counting lines. */
static const char *scan_until(struct scan *s, const char *p, const char *end)
{
    size_t len = strlen(end);

    while (*p && strncmp(p, end, len) != 0) {
        if (*p == '\\' && *end == '"' && p[1])
            p++;
        s->line += *p++ == '\n';
    }
    return *p ? p + len : p;
}

static const char *scan_name(struct scan *s, const char *p)
{
    s->key = p;
    while (isalnum((unsigned char)*p) || *p == '_' || *p == '-' || *p == '*')
        p++;
    s->key_len = (int)(p - s->key);
    return p;
}

static bool starts_number(const char *p)
{
    if (*p == '-' || *p == '+')
        p++;
    return isdigit((unsigned char)*p) || (*p == '.' && isdigit((unsigned char)p[1]));
}

static const char *scan_token(struct scan *s, const char *p)
{
    if (*p == '#' || strncmp(p, "//", 2) == 0)
        return p + strcspn(p, "\n");
    if (strncmp(p, "/*", 2) == 0)
        return scan_until(s, p + 2, "*/");
    if (*p == '"')
        return scan_until(s, p + 1, "\"");
    if (strncmp(p, "@include", 8) == 0)
        return scan_include(s, p + 8);
    if (isalpha((unsigned char)*p) || *p == '*')
        return scan_name(s, p);
    if (starts_number(p))
        return scan_number(s, p);
    s->line += *p == '\n';
    return p + 1;
}

static void scan_file(const char *file, const char *dir, int *includes, struct complaints *c)
{
    struct scan s = {.file = file, .line = 1, .key = "", .dir = dir, .includes = includes, .complaints = c};
    const char *why;
    char *text = read_text(file, &why);

    if (!text) {
        conf_complain(c, file, 0, "", "found nothing to read (%s), expected a configuration file", why);
        return;
    }
    for (const char *p = text; *p;)
        p = scan_token(&s, p);
    free(text);
}

void conf_scan(const char *file, const char *dir, struct complaints *c)
{
    int includes = 0;

    scan_file(file, dir, &includes, c);
}

const char *conf_scan_line(const char *file, int line, char *buf, size_t size)
{
    const char *why;
    char *text = read_text(file, &why);
    const char *p = text ? text : "";

    for (int at = 1; at < line && *p; p++)
        at += *p == '\n';
    p += strspn(p, " \t\r");
    size_t len = strcspn(p, "\n");
    while (len && isspace((unsigned char)p[len - 1]))
        len--;
    snprintf(buf, size, "%.*s", (int)(len < size ? len : size - 1), p);
    free(text);
    return buf;
}
