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
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "gmd/display.h"

#define DEFAULT_SOCKET "/run/gmd/control"
#define WORDS_MAX      3
#define WIDTH          100 /* where the terminal does not tell its own */

static const char usage[] = "usage: gmctl [-s SOCKET] [--json] COMMAND\n"
                            "  status             state, quality, ports and alarms at a glance\n"
                            "  clock              the clock that is served\n"
                            "  gnss               receiver, pulses, leap seconds\n"
                            "  holdover           discipline: state, offset, frequency, error bound\n"
                            "  stability          MTIE and TDEV while locked, against PRTC-A and PRTC-B\n"
                            "  host               the host's CLOCK_REALTIME, where gmd keeps it\n"
                            "  ports              PTP ports and their counters\n"
                            "  peers              other grandmasters heard\n"
                            "  clients            who asks for time\n"
                            "  alarms             what is wrong, since when, and what clears it\n"
                            "  watch [SECONDS]    status again and again\n"
                            "  sim SWITCH on|off  a simulated receiver's antenna, fix, pulse or link\n"
                            "  sim clock-step S   move the simulated clock behind gmd's back by S seconds\n"
                            "SOCKET is " DEFAULT_SOCKET " by default.\n";

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

static int terminal_width(void)
{
    struct winsize size;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : WIDTH;
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
        display(answer, terminal_width(), stdout);
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

/* The exit status of a wrong command line. */
static int misused(const char *complaint, const char *word)
{
    if (complaint)
        fprintf(stderr, "gmctl: %s: %s\n", complaint, word);
    fputs("gmctl --help tells more\n", stderr);
    return 2;
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
            if (word_count == WORDS_MAX)
                return misused("too many words", argv[optind]);
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
        default: /* getopt has said what is wrong */
            return misused(NULL, NULL);
        }
    }
    if (!word_count) {
        fputs(usage, stderr);
        return 2;
    }
    json_t *request = request_of(word_count, words);
    if (!request)
        return misused("wrong words for", words[0]);
    const int status = ask(path, request, as_json);
    json_decref(request);
    return status;
}
