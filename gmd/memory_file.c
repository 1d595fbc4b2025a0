/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/memory_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gmd/log.h"
#include "holdover/memory.h"

#define WRITE_EVERY_NS (600 * NS_PER_S)
#define BOOT_ID        "/proc/sys/kernel/random/boot_id"
#define BOOT_ID_LEN    36
#define RETRACE_PPB    1.0 /* an oscillator that had no power comes back elsewhere */

void memory_file_init(struct memory_file *m, const char *path, const char *owner)
{
    *m = (struct memory_file){.path = path, .due_ns = INT64_MIN};
    snprintf(m->owner, sizeof m->owner, "%s", owner);
    snprintf(m->status, sizeof m->status, path[0] ? "nothing learned yet" : "not kept");
}

/* All of a file, or -1 with errno: EFBIG if it does not fit. */
static ssize_t read_all(const char *path, char *text, size_t size)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t len = fd < 0 ? -1 : read(fd, text, size);
    const int error = errno;
    if (fd >= 0)
        close(fd);
    errno = error;
    if (len == (ssize_t)size) {
        errno = EFBIG;
        len = -1;
    }
    text[len < 0 ? 0 : len] = '\0';
    return len;
}

/* Before what holdover/memory.h writes stand two lines: whose it is, and of which boot. */
static size_t header(const struct memory_file *m, char *text, size_t size)
{
    char boot[BOOT_ID_LEN + 2] = "";
    read_all(BOOT_ID, boot, sizeof boot);
    return (size_t)snprintf(text, size, "gmd memory of %s\nboot %.36s\n", m->owner, boot);
}

/* What follows the header, or NULL and why. Of this boot: the oscillator was not switched off since. */
static const char *behind_header(const struct memory_file *m, const char *text, bool *same_boot,
                                 const char **why)
{
    char expected[sizeof m->owner + 128];
    const size_t len = header(m, expected, sizeof expected);
    const char *boot = strchr(expected, '\n') + 1;
    const size_t first = (size_t)(boot - expected);
    *why = "it is another clock's, or no memory of gmd's";
    if (strncmp(text, expected, first) != 0)
        return NULL;
    *same_boot = strncmp(text + first, boot, len - first) == 0;
    const char *rest = strchr(text + first, '\n');
    return rest ? rest + 1 : NULL;
}

/* NULL, or why the file is not used. */
static const char *take_in(const struct memory_file *m, struct discipline *d, int64_t tai_s, bool *same_boot)
{
    static char text[MEMORY_SIZE + 512];
    const char *why = NULL;
    const ssize_t len = read_all(m->path, text, sizeof text);
    if (len < 0)
        return strerror(errno);
    const char *rest = behind_header(m, text, same_boot, &why);
    if (!rest)
        return why;
    return memory_read(&d->estimator, rest, (size_t)len - (size_t)(rest - text), tai_s,
                       *same_boot ? 0 : RETRACE_PPB);
}

void memory_file_read(struct memory_file *m, struct discipline *d, int64_t tai_s)
{
    bool same_boot = false;
    if (!m->path[0] || (access(m->path, F_OK) < 0 && errno == ENOENT))
        return;
    const char *why = take_in(m, d, tai_s, &same_boot);
    m->trouble = why != NULL;
    if (why)
        snprintf(m->status, sizeof m->status, "refused: %s", why);
    else
        snprintf(m->status, sizeof m->status, "in use%s",
                 same_boot ? "" : ", with allowance for a cold start");
    log_line(why ? LOG_LEVEL_WARNING : LOG_LEVEL_NOTICE, "%s: %s", m->path, m->status);
}

/* A disk that is almost full takes a part first, and says why not the rest when asked again. */
static bool write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        const ssize_t n = write(fd, text, len);
        if (n <= 0)
            return false;
        text += n;
        len -= (size_t)n;
    }
    return true;
}

/* A file that is there is whole: the old one until the new one is on the disk. */
static int write_file(const char *path, const char *text, size_t len)
{
    char new[256];
    snprintf(new, sizeof new, "%s.new", path);
    const int fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return -1;
    const bool replaced = write_all(fd, text, len) && fsync(fd) == 0 && rename(new, path) == 0;
    const int error = errno;
    if (!replaced)
        unlink(new);
    close(fd);
    errno = error;
    return replaced ? 0 : -1;
}

/* The text in force, or 0 when there is nothing worth writing. */
static size_t compose(const struct memory_file *m, const struct discipline *d, int64_t tai_s, char *text,
                      size_t size)
{
    const size_t at = header(m, text, size);
    const size_t len = memory_write(&d->estimator, tai_s, text + at, size - at);
    return len ? at + len : 0;
}

static void reap(struct memory_file *m, int options)
{
    int status = 0;
    if (m->writer == 0 || TEMP_FAILURE_RETRY(waitpid(m->writer, &status, options)) == 0)
        return;
    m->writer = 0;
    m->trouble = status != 0;
    if (status == 0)
        snprintf(m->status, sizeof m->status, "kept");
    else
        snprintf(m->status, sizeof m->status, "cannot be written: %s",
                 WIFEXITED(status) ? strerror(WEXITSTATUS(status)) : "the writer died");
    if (m->trouble)
        log_line(LOG_LEVEL_WARNING, "%s: %s", m->path, m->status);
}

static void begin_write(struct memory_file *m, const struct discipline *d, int64_t tai_s)
{
    static char text[MEMORY_SIZE + 512];
    const size_t len = compose(m, d, tai_s, text, sizeof text);
    if (len == 0)
        return;
    m->writer = fork();
    if (m->writer == 0)
        _exit(write_file(m->path, text, len) < 0 ? errno : 0);
    if (m->writer < 0)
        m->writer = 0;
}

void memory_file_tick(struct memory_file *m, const struct discipline *d, int64_t now_ns, int64_t tai_s)
{
    if (!m->path[0])
        return;
    reap(m, WNOHANG);
    if (m->due_ns == INT64_MIN)
        m->due_ns = now_ns + WRITE_EVERY_NS;
    if (now_ns < m->due_ns || m->writer || d->status.state != DISCIPLINE_LOCKED)
        return;
    m->due_ns = now_ns + WRITE_EVERY_NS;
    begin_write(m, d, tai_s);
}

void memory_file_close(struct memory_file *m, const struct discipline *d, int64_t tai_s)
{
    if (!m->path || !m->path[0])
        return;
    reap(m, 0);
    if (d->status.locked_first_ns != INT64_MIN)
        begin_write(m, d, tai_s);
    reap(m, 0);
}
