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

#include "gmd/client_list.h"
#include "gmd/display.h"
#include "gmd/metrics.h"

#define DEFAULT_SOCKET "/run/gmd/control"
#define WORDS_MAX      3
#define WIDTH          100 /* where the terminal does not tell its own */

static const char usage[] =
    "usage: gmctl [-s SOCKET] [--json] COMMAND [OPTIONS]\n"
    "  status             state, quality, ports and alarms at a glance\n"
    "  clock              the clock that is served\n"
    "  gnss               receiver, pulses, leap seconds\n"
    "  holdover           discipline: state, offset, frequency, error bound\n"
    "  stability          MTIE and TDEV while locked, against PRTC-A and PRTC-B\n"
    "  host               the host's CLOCK_REALTIME, where gmd keeps it\n"
    "  ports              PTP ports and their counters\n"
    "  peers              other grandmasters heard\n"
    "  clients            who asks for time, fastest first\n"
    "      --sort ORDER   rate, rate60, requests, answered, refused, jitter, first, last,\n"
    "                     address or client\n"
    "      --top N        no more than N of them\n"
    "      --fault NAME   too_fast, wrong_domain, wrong_version, cloned, two_addresses, any\n"
    "      --mode NAME    multicast, hybrid, negotiated, peer, sptp\n"
    "      --address A    at an address or in a prefix: 10.7.0.0/16, fd00::/64\n"
    "  alarms             what is wrong, since when, and what clears it\n"
    "  rules              every alarm that there is, active or not\n"
    "  process            gmd itself: version, start, memory, processor time\n"
    "  metrics            all that in the text format of Prometheus\n"
    "      --top N        no more than N clients one by one, up to 100; 10 by default\n"
    "  watch [SECONDS]    status again and again\n"
    "  sim SWITCH on|off  a simulated receiver's antenna, fix, pulse or link\n"
    "  sim clock-step S   move the simulated clock behind gmd's back by S seconds\n"
    "gmctl --help-metrics tells every metric.\n"
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

/* What gmd has said; NULL, and a complaint printed, if that is none or an error. */
static json_t *parse_line(const char *line)
{
    json_error_t where;
    json_t *answer = json_loads(line, 0, &where);
    const char *error = json_string_value(json_object_get(answer, "error"));
    if (answer && !error)
        return answer;
    if (!answer)
        fprintf(stderr, "gmctl: gmd answered what is no JSON: %s\n", where.text);
    else
        fprintf(stderr, "gmctl: %s\n", error);
    json_decref(answer);
    return NULL;
}

static void print_answer(const json_t *answer, bool as_json, bool again)
{
    if (as_json) {
        json_dumpf(answer, stdout, JSON_COMPACT | JSON_REAL_PRECISION(12));
        putchar('\n');
    } else {
        if (again && isatty(STDOUT_FILENO))
            fputs("\033[H\033[J", stdout);
        display(answer, terminal_width(), stdout);
        if (again && !isatty(STDOUT_FILENO))
            putchar('\n');
    }
    fflush(stdout);
}

struct session {
    int fd;
    FILE *stream;
    char *line;
    size_t size;
};

static bool session_open(struct session *s, const char *path)
{
    *s = (struct session){.fd = connect_to(path)};
    if (s->fd < 0)
        return false;
    s->stream = fdopen(s->fd, "r");
    if (!s->stream)
        abort();
    return true;
}

static void session_close(struct session *s)
{
    free(s->line);
    fclose(s->stream);
}

/* If gmd has closed the connection already, what it had to say can still be read. */
static void session_ask(struct session *s, const json_t *request)
{
    char *text = json_dumps(request, JSON_COMPACT);
    if (!text)
        abort();
    send(s->fd, text, strlen(text), MSG_NOSIGNAL);
    send(s->fd, "\n", 1, MSG_NOSIGNAL);
    free(text);
}

/* The next answer, or NULL and a complaint printed. */
static json_t *session_answer(struct session *s)
{
    if (getline(&s->line, &s->size, s->stream) > 0)
        return parse_line(s->line);
    fputs("gmctl: gmd closed the connection\n", stderr);
    return NULL;
}

/* One answer, or endless ones when watching. */
static int ask(struct session *s, const json_t *request, bool as_json)
{
    const bool again = strcmp(json_string_value(json_object_get(request, "command")), "watch") == 0;
    session_ask(s, request);
    json_t *answer;
    do {
        answer = session_answer(s);
        if (answer)
            print_answer(answer, as_json, again);
        json_decref(answer);
    } while (answer && again);
    return answer ? 0 : 1;
}

/* All pages of the clients as one answer; NULL, and a complaint printed, if one of them does not come. */
static json_t *fetch_clients(struct session *s, const json_t *request, size_t top)
{
    struct client_list list;
    json_t *next = json_deep_copy(request), *page = NULL;
    client_list_init(&list, client_key_find(json_string_value(json_object_get(request, "sort"))), top);
    while (next) {
        session_ask(s, next);
        json_decref(next);
        json_decref(page);
        page = session_answer(s);
        if (page)
            client_list_add(&list, page);
        next = page ? client_list_next(&list, request, page) : NULL;
    }
    json_t *all = page ? client_list_answer(&list, page) : NULL;
    client_list_free(&list);
    json_decref(page);
    return all;
}

static int ask_clients(struct session *s, const json_t *request, size_t top, bool as_json)
{
    json_t *all = fetch_clients(s, request, top);
    if (!all)
        return 1;
    json_t *rows = client_list_brief(all);
    print_answer(as_json ? all : rows, as_json, false);
    json_decref(rows);
    json_decref(all);
    return 0;
}

/* One of the reports that metrics are made of. */
static json_t *fetch_report(struct session *s, const char *name, size_t top)
{
    json_t *request = json_pack("{s:s}", "command", name), *answer;
    if (strcmp(name, METRICS_CLIENTS) == 0) {
        json_object_set_new(request, "sort", json_string(METRICS_ORDER));
        answer = fetch_clients(s, request, top);
    } else {
        session_ask(s, request);
        answer = session_answer(s);
    }
    json_decref(request);
    return answer;
}

static int ask_metrics(struct session *s, size_t top, bool as_json)
{
    json_t *reports = json_object();
    bool all = true;
    for (const char *const *name = metrics_reports; *name && all; name++) {
        json_t *answer = fetch_report(s, *name, top);
        all = answer && json_object_set_new(reports, *name, answer) == 0;
    }
    if (all && as_json)
        print_answer(reports, true, false);
    else if (all)
        metrics_write(reports, top, stdout);
    json_decref(reports);
    return all ? 0 : 1;
}

/* Who moves the text to where others read it must know if it is not whole. */
static int close_output(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fprintf(stderr, "gmctl: standard output: %s\n", strerror(errno));
    return 1;
}

/* The exit status of a wrong command line. */
static int misused(const char *complaint, const char *word)
{
    if (complaint)
        fprintf(stderr, "gmctl: %s: %s\n", complaint, word);
    fputs("gmctl --help tells more\n", stderr);
    return 2;
}

enum { SORT = 256, TOP, FAULT, MODE, ADDRESS, HELP_METRICS };

static const struct option options[] = {{"socket", required_argument, NULL, 's'},
                                        {"json", no_argument, NULL, 'j'},
                                        {"version", no_argument, NULL, 'v'},
                                        {"help", no_argument, NULL, 'h'},
                                        {"sort", required_argument, NULL, SORT},
                                        {"top", required_argument, NULL, TOP},
                                        {"fault", required_argument, NULL, FAULT},
                                        {"mode", required_argument, NULL, MODE},
                                        {"address", required_argument, NULL, ADDRESS},
                                        {"help-metrics", optional_argument, NULL, HELP_METRICS},
                                        {0}};

/* The member of the request that this option becomes; NULL: none. */
static const char *member_of(int option)
{
    static const char *const members[] = {"sort", NULL, "fault", "mode", "address"};
    return option >= SORT && option <= ADDRESS ? members[option - SORT] : NULL;
}

/* Options may stand behind words; a negative number is a word. -1 where the next is a word. */
static int next_option(int argc, char **argv)
{
    double number;
    return number_argument(argv[optind], &number) ? -1 : getopt_long(argc, argv, "+s:jh", options, NULL);
}

/* What the command line asks for. */
struct wish {
    const char *path;
    bool as_json;
    char *words[WORDS_MAX];
    int word_count;
    size_t top;
    json_t *which; /* clients, as the request says it */
};

/* --top N, or --sort, --fault ... */
static bool choose_clients(struct wish *w, int option, const char *text)
{
    char *end;
    if (option == SORT && !client_key_find(text))
        return false;
    if (option != TOP)
        return json_object_set_new(w->which, member_of(option), json_string(text)) == 0;
    w->top = strtoul(text, &end, 10);
    return *text >= '1' && *text <= '9' && *end == '\0';
}

/* Exit status. */
static int carry_out(const struct wish *w, json_t *request)
{
    struct session s;
    int status;
    if (!session_open(&s, w->path))
        return 1;
    if (strcmp(w->words[0], "clients") == 0) {
        json_object_set_new(request, "sort", json_string("rate"));
        json_object_update(request, w->which);
        status = ask_clients(&s, request, w->top, w->as_json);
    } else if (strcmp(w->words[0], "metrics") == 0) {
        status = ask_metrics(&s, w->top ? w->top : METRICS_TOP, w->as_json);
    } else {
        status = ask(&s, request, w->as_json);
    }
    session_close(&s);
    return close_output(status);
}

/* NULL, or what is wrong with the options for this command. */
static const char *unfit_options(const struct wish *w)
{
    const bool metrics = strcmp(w->words[0], "metrics") == 0;
    if (metrics && w->top > METRICS_TOP_MAX)
        return "--top is too large for";
    if (strcmp(w->words[0], "clients") == 0 || (metrics && json_object_size(w->which) == 0))
        return NULL;
    return w->top || json_object_size(w->which) ? "options of clients, not of" : NULL;
}

/* What getopt and the words make of it: -1, or the exit status. */
static int read_wish(struct wish *w, int argc, char **argv)
{
    while (optind < argc) {
        const int option = next_option(argc, argv);
        switch (option) {
        case -1:
            if (optind == argc) /* behind "--" */
                break;
            if (w->word_count == WORDS_MAX)
                return misused("too many words", argv[optind]);
            w->words[w->word_count++] = argv[optind++];
            break;
        case 's':
            w->path = optarg;
            break;
        case 'j':
            w->as_json = true;
            break;
        case 'v':
            puts("gmctl " GMD_VERSION);
            return 0;
        case 'h':
            fputs(usage, stdout);
            return 0;
        case HELP_METRICS:
            metrics_help(optarg && strcmp(optarg, "mdoc") == 0, stdout);
            return 0;
        case SORT:
        case TOP:
        case FAULT:
        case MODE:
        case ADDRESS:
            if (!choose_clients(w, option, optarg))
                return misused(option == TOP ? "--top is to be a number from 1 on" : "no such order", optarg);
            break;
        default: /* getopt has said what is wrong */
            return misused(NULL, NULL);
        }
    }
    return -1;
}

int main(int argc, char **argv)
{
    struct wish w = {.path = DEFAULT_SOCKET, .which = json_object()};
    int status = read_wish(&w, argc, argv);
    if (status < 0 && w.word_count == 0) {
        fputs(usage, stderr);
        status = 2;
    }
    json_t *request = status < 0 ? request_of(w.word_count, w.words) : NULL;
    const char *complaint = !request ? "wrong words for" : unfit_options(&w);
    if (status < 0 && complaint)
        status = misused(complaint, w.words[0]);
    if (status < 0)
        status = carry_out(&w, request);
    json_decref(request);
    json_decref(w.which);
    return status;
}
