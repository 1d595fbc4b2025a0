/* SPDX-License-Identifier: BSD-2-Clause */
/* gmctl: asks a running gmd over its control socket and prints the answer for people, or as the JSON it is.
 */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define DEFAULT_SOCKET "/run/gmd/control"
#define COLUMNS_MAX    32
#define WORDS_MAX      3

static const char usage[] = "usage: gmctl [-s SOCKET] [--json] COMMAND\n"
                            "  status             state, quality, ports and alarms at a glance\n"
                            "  clock              the clock that is served\n"
                            "  gnss               receiver, pulses, leap seconds\n"
                            "  holdover           discipline: state, offset, frequency, error bound\n"
                            "  ports              PTP ports and their counters\n"
                            "  peers              other grandmasters heard\n"
                            "  clients            who asks for time\n"
                            "  alarms             what is wrong, since when, and what clears it\n"
                            "  watch [SECONDS]    status again and again\n"
                            "  sim SWITCH on|off  a simulated receiver's antenna, fix, pulse or link\n"
                            "  sim clock-step S   move the simulated clock behind gmd's back by S seconds\n"
                            "SOCKET is " DEFAULT_SOCKET " by default.\n";

/* --- for people: an object is a list of names, an array of objects a table ------------------------- */

static void print_value(const json_t *value, FILE *out)
{
    switch (json_typeof(value)) {
    case JSON_STRING:
        fputs(*json_string_value(value) ? json_string_value(value) : "-", out);
        break;
    case JSON_INTEGER:
        fprintf(out, "%lld", (long long)json_integer_value(value));
        break;
    case JSON_REAL:
        fprintf(out, "%.*f", json_real_value(value) >= 1e6 || json_real_value(value) <= -1e6 ? 0 : 3,
                json_real_value(value));
        break;
    case JSON_TRUE:
        fputs("yes", out);
        break;
    case JSON_FALSE:
        fputs("no", out);
        break;
    case JSON_NULL:
        fputs("-", out);
        break;
    case JSON_ARRAY: {
        size_t i;
        const json_t *item;
        json_array_foreach(value, i, item)
        {
            fputs(i ? ", " : "", out);
            print_value(item, out);
        }
        if (json_array_size(value) == 0)
            fputs("none", out);
        break;
    }
    case JSON_OBJECT: {
        const char *key, *separator = "";
        json_t *item;
        json_object_foreach((json_t *)value, key, item)
        {
            fprintf(out, "%s%s ", separator, key);
            print_value(item, out);
            separator = ", ";
        }
        break;
    }
    }
}

/* A cell as text; the caller frees it. */
static char *cell(const json_t *value)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        abort();
    print_value(value, out);
    fclose(out);
    return text;
}

static void print_row(const json_t *row, const int *widths, bool heading)
{
    const char *key;
    json_t *value;
    int column = 0;
    json_object_foreach((json_t *)row, key, value)
    {
        if (column == COLUMNS_MAX)
            break;
        char *text = heading ? strdup(key) : cell(value);
        printf("  %-*s", widths[column], text);
        free(text);
        column++;
    }
    putchar('\n');
}

static void print_table(const json_t *rows)
{
    int widths[COLUMNS_MAX] = {0};
    size_t i;
    const json_t *row;
    json_array_foreach(rows, i, row)
    {
        const char *key;
        json_t *value;
        int column = 0;
        json_object_foreach((json_t *)row, key, value)
        {
            if (column == COLUMNS_MAX)
                break;
            char *text = cell(value);
            const int width = (int)(strlen(text) > strlen(key) ? strlen(text) : strlen(key));
            free(text);
            if (width > widths[column])
                widths[column] = width;
            column++;
        }
    }
    print_row(json_array_get(rows, 0), widths, true);
    json_array_foreach(rows, i, row) print_row(row, widths, false);
}

static void print_answer(const json_t *answer)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)answer, key, value)
    {
        if (json_is_array(value) && json_is_object(json_array_get(value, 0))) {
            printf("%s\n", key);
            print_table(value);
            continue;
        }
        printf("%-20s ", key);
        print_value(value, stdout);
        putchar('\n');
    }
}

/* --- asking ---------------------------------------------------------------------------------------- */

/* A descriptor, or -1 with a complaint printed. */
static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        fprintf(stderr, "gmctl: %s: longer than a socket's path may be\n", path);
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path));
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        const bool down = errno == ENOENT || errno == ECONNREFUSED;
        fprintf(stderr, "gmctl: %s: %s\n", path, down ? "gmd does not run here" : strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}

static bool number_argument(const char *text, double *value)
{
    char *end;
    *value = strtod(text, &end);
    return *text && !*end;
}

/* The request for the words of the command line, or NULL when they make none. */
static json_t *request_of(int argc, char **argv)
{
    double value;
    if (argc == 1)
        return strcmp(argv[0], "sim") == 0 ? NULL : json_pack("{s:s}", "command", argv[0]);
    if (argc == 2 && strcmp(argv[0], "watch") == 0 && number_argument(argv[1], &value))
        return json_pack("{s:s, s:f}", "command", "watch", "interval", value);
    if (argc != 3 || strcmp(argv[0], "sim") != 0)
        return NULL;
    if (strcmp(argv[1], "clock-step") == 0)
        return number_argument(argv[2], &value)
                   ? json_pack("{s:s, s:f}", "command", "sim", "clock_step_s", value)
                   : NULL;
    const bool on = strcmp(argv[2], "on") == 0;
    if (!on && strcmp(argv[2], "off") != 0)
        return NULL;
    return json_pack("{s:s, s:s, s:b}", "command", "sim", "switch", argv[1], "on", on);
}

static int print_line(const char *line, bool as_json, bool again)
{
    json_error_t where;
    json_t *answer = json_loads(line, 0, &where);
    const char *error = json_string_value(json_object_get(answer, "error"));
    if (!answer)
        fprintf(stderr, "gmctl: gmd answered what is no JSON: %s\n", where.text);
    else if (error)
        fprintf(stderr, "gmctl: %s\n", error);
    else if (as_json)
        fputs(line, stdout);
    else {
        if (again && isatty(STDOUT_FILENO))
            fputs("\033[H\033[J", stdout);
        print_answer(answer);
        if (again && !isatty(STDOUT_FILENO))
            putchar('\n');
    }
    fflush(stdout);
    const int status = answer && !error ? 0 : 1;
    json_decref(answer);
    return status;
}

/* If gmd has closed the connection already, what it had to say can still be read. */
static FILE *send_request(int fd, const json_t *request)
{
    char *text = json_dumps(request, JSON_COMPACT);
    if (!text)
        abort();
    send(fd, text, strlen(text), MSG_NOSIGNAL);
    send(fd, "\n", 1, MSG_NOSIGNAL);
    free(text);
    return fdopen(fd, "r");
}

static int ask(const char *path, json_t *request, bool as_json)
{
    const bool again = strcmp(json_string_value(json_object_get(request, "command")), "watch") == 0;
    const int fd = connect_to(path);
    if (fd < 0)
        return 1;
    FILE *stream = send_request(fd, request);
    if (!stream)
        abort();
    char *line = NULL;
    size_t size = 0;
    int status;
    do {
        if (getline(&line, &size, stream) <= 0) {
            fputs("gmctl: gmd closed the connection\n", stderr);
            status = 1;
            break;
        }
        status = print_line(line, as_json, again);
    } while (again && status == 0);
    free(line);
    fclose(stream);
    return status;
}

/* Options may stand behind words; a negative number is a word. -1 where the next is a word. */
static int next_option(int argc, char **argv, const struct option *options)
{
    double number;
    return number_argument(argv[optind], &number) ? -1 : getopt_long(argc, argv, "+s:jh", options, NULL);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"socket", required_argument, NULL, 's'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"version", no_argument, NULL, 'v'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    const char *path = DEFAULT_SOCKET;
    bool as_json = false;
    char *words[WORDS_MAX];
    int word_count = 0;
    while (optind < argc) {
        switch (next_option(argc, argv, options)) {
        case -1:
            if (optind == argc) /* behind "--" */
                break;
            if (word_count == WORDS_MAX) {
                fputs(usage, stderr);
                return 2;
            }
            words[word_count++] = argv[optind++];
            break;
        case 's':
            path = optarg;
            break;
        case 'j':
            as_json = true;
            break;
        case 'v':
            puts("gmctl " GMD_VERSION);
            return 0;
        case 'h':
            fputs(usage, stdout);
            return 0;
        default:
            fputs(usage, stderr);
            return 2;
        }
    }
    json_t *request = word_count ? request_of(word_count, words) : NULL;
    if (!request) {
        fputs(usage, stderr);
        return 2;
    }
    const int status = ask(path, request, as_json);
    json_decref(request);
    return status;
}
