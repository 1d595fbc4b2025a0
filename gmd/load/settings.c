/* SPDX-License-Identifier: BSD-2-Clause */
/* Every option is a row of one table: name, value, where it goes. */
#include "gmd/load/settings.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char settings_usage[] =
    "usage: gmload [OPTIONS] INTERFACE\n"
    "Clients:\n"
    "  --mode MODE         multicast, hybrid (unicast Delay_Req), negotiated or sptp (default multicast)\n"
    "  --clients N         good clients, each with an identity of its own (100)\n"
    "  --rate HZ           Delay_Req of each (8)\n"
    "  --closed-loop       each sends the next as soon as it is answered: measures capacity\n"
    "  --in-flight N       with --closed-loop: so many wait for an answer at once (all)\n"
    "  --obey              none asks oftener than logMinDelayReqInterval allows\n"
    "  --from NET/BITS     each sends from an address of its own of this IPv4 network,\n"
    "                      which negotiating takes\n"
    "  --sync-rate HZ, --announce-rate HZ, --duration S   asked for when negotiating (8, 1, 300)\n"
    "Abuse, beside the good clients:\n"
    "  --abuse HZ|max      one client that sends HZ Delay_Reqs a second, or all it can\n"
    "  --forged N          these come from N made-up identities (at 10000/s without --abuse)\n"
    "Server:\n"
    "  --domain N          PTP domain (127)\n"
    "  --server ADDRESS    IPv4 address; else the first that announces itself\n"
    "  --gateway ADDRESS   router on the way to it\n"
    "  --transport T       udpv4 or ethernet (udpv4)\n"
    "Run:\n"
    "  --seconds S         length (10)\n"
    "  --count N           no more than N Delay_Reqs\n"
    "  --timeout S         an answer later than this does not count (1)\n"
    "  --threads N         of the good clients: 1, 2, 4 or 8 (1)\n"
    "  --expect PERCENT    answered less: exit status 1 (99)\n"
    "  --json              summary as one JSON object\n"
    "  --quiet             no line each second\n";

static const char *const mode_names[] = {"multicast", "hybrid", "negotiated", "sptp", NULL};
static const char *const transport_names[] = {"udpv4", "ethernet", NULL};

const char *load_mode_name(enum load_mode mode)
{
    return mode_names[mode];
}

enum key {
    MODE = 256,
    CLIENTS,
    RATE,
    CLOSED_LOOP,
    IN_FLIGHT,
    OBEY,
    FROM,
    SYNC_RATE,
    ANNOUNCE_RATE,
    DURATION,
    ABUSE,
    FORGED,
    DOMAIN,
    SERVER,
    GATEWAY,
    TRANSPORT,
    SECONDS,
    COUNT,
    TIMEOUT,
    THREADS,
    EXPECT,
    JSON,
    QUIET,
    VERSION,
    HELP
};

static const struct option options[] = {
    {"mode", required_argument, NULL, MODE},
    {"clients", required_argument, NULL, CLIENTS},
    {"rate", required_argument, NULL, RATE},
    {"closed-loop", no_argument, NULL, CLOSED_LOOP},
    {"in-flight", required_argument, NULL, IN_FLIGHT},
    {"obey", no_argument, NULL, OBEY},
    {"from", required_argument, NULL, FROM},
    {"sync-rate", required_argument, NULL, SYNC_RATE},
    {"announce-rate", required_argument, NULL, ANNOUNCE_RATE},
    {"duration", required_argument, NULL, DURATION},
    {"abuse", required_argument, NULL, ABUSE},
    {"forged", required_argument, NULL, FORGED},
    {"domain", required_argument, NULL, DOMAIN},
    {"server", required_argument, NULL, SERVER},
    {"gateway", required_argument, NULL, GATEWAY},
    {"transport", required_argument, NULL, TRANSPORT},
    {"seconds", required_argument, NULL, SECONDS},
    {"count", required_argument, NULL, COUNT},
    {"timeout", required_argument, NULL, TIMEOUT},
    {"threads", required_argument, NULL, THREADS},
    {"expect", required_argument, NULL, EXPECT},
    {"json", no_argument, NULL, JSON},
    {"quiet", no_argument, NULL, QUIET},
    {"version", no_argument, NULL, VERSION},
    {"help", no_argument, NULL, HELP},
    {0},
};

static const char *name_of(int key)
{
    for (const struct option *o = options; o->name; o++)
        if (o->val == key)
            return o->name;
    return "";
}

/* --- values ---------------------------------------------------------------------------------------- */

/* What is being read, and what is wrong with it. */
struct reading {
    int key;
    const char *text;
    char *error;
    int error_size;
    bool failed;
};

static void refuse(struct reading *r, const char *expected)
{
    snprintf(r->error, (size_t)r->error_size, "--%s: found %s, expected %s", name_of(r->key), r->text,
             expected);
    r->failed = true;
}

static double number(struct reading *r, double min, double max)
{
    char *end;
    const double value = strtod(r->text, &end);
    if (*r->text && !*end && value >= min && value <= max)
        return value;
    char expected[64];
    snprintf(expected, sizeof expected, "a number %g..%.15g%s", min, max, r->key == ABUSE ? ", or max" : "");
    refuse(r, expected);
    return min;
}

static uint64_t integer(struct reading *r, uint64_t min, uint64_t max)
{
    const double value = number(r, (double)min, (double)max);
    if (!r->failed && value != floor(value))
        refuse(r, "a whole number");
    return (uint64_t)value;
}

static unsigned choice(struct reading *r, const char *const *names)
{
    char expected[64] = "";
    for (unsigned i = 0; names[i]; i++) {
        if (strcmp(names[i], r->text) == 0)
            return i;
        snprintf(expected + strlen(expected), sizeof expected - strlen(expected), i ? ", %s" : "%s",
                 names[i]);
    }
    refuse(r, expected);
    return 0;
}

static uint32_t ipv4(struct reading *r)
{
    struct in_addr address;
    if (inet_pton(AF_INET, r->text, &address) == 1)
        return ntohl(address.s_addr);
    refuse(r, "an IPv4 address");
    return 0;
}

/* The network's own and its broadcast address are nobody's. */
static void network(struct reading *r, struct load_settings *s)
{
    char text[INET_ADDRSTRLEN + 4];
    char *slash, *end;
    struct in_addr address;
    snprintf(text, sizeof text, "%s", r->text);
    slash = strchr(text, '/');
    if (slash)
        *slash = '\0';
    const long bits = slash ? strtol(slash + 1, &end, 10) : 0;
    if (!slash || end == slash + 1 || *end || bits < 8 || bits > 30 ||
        inet_pton(AF_INET, text, &address) != 1) {
        refuse(r, "an IPv4 network such as 10.77.0.0/16, of 8 to 30 bits");
        return;
    }
    const uint32_t hosts = 0xFFFFFFFFu >> bits;
    s->first_address = (ntohl(address.s_addr) & ~hosts) + 1;
    s->address_count = hosts - 1;
}

/* An interval is a power of two of seconds: the one next to the rate. */
static int8_t log_interval(double rate_hz)
{
    return (int8_t)lround(-log2(rate_hz));
}

static void apply(struct load_settings *s, struct reading *r)
{
    switch (r->key) {
    case MODE:
        s->mode = choice(r, mode_names);
        break;
    case CLIENTS:
        s->clients = (unsigned)integer(r, 1, LOAD_CLIENTS_MAX);
        break;
    case RATE:
        s->rate_hz = number(r, 0.01, 10000);
        break;
    case CLOSED_LOOP:
        s->closed_loop = true;
        break;
    case IN_FLIGHT:
        s->in_flight = (unsigned)integer(r, 1, LOAD_CLIENTS_MAX);
        break;
    case OBEY:
        s->obey = true;
        break;
    case FROM:
        network(r, s);
        break;
    case SYNC_RATE:
        s->grants.log_interval[GRANT_SYNC] = log_interval(number(r, 1.0 / 16, 128));
        break;
    case ANNOUNCE_RATE:
        s->grants.log_interval[GRANT_ANNOUNCE] = log_interval(number(r, 1.0 / 16, 128));
        break;
    case DURATION:
        s->grants.duration_s = (uint32_t)integer(r, 2, UINT32_MAX);
        break;
    case ABUSE:
        s->abuse_hz = strcmp(r->text, "max") == 0 ? INFINITY : number(r, 1, 1e7);
        break;
    case FORGED:
        s->forged = (unsigned)integer(r, 1, 1u << 20);
        break;
    case DOMAIN:
        s->domain = (uint8_t)integer(r, 0, 255);
        break;
    case SERVER:
        s->server = ipv4(r);
        break;
    case GATEWAY:
        s->gateway = ipv4(r);
        break;
    case TRANSPORT:
        s->transport = choice(r, transport_names);
        break;
    case SECONDS:
        s->seconds = number(r, 0.1, LOAD_SECONDS_MAX);
        break;
    case COUNT:
        s->count = integer(r, 1, 1ull << 53);
        break;
    case TIMEOUT:
        s->timeout_ns = (int64_t)(number(r, 0.001, 60) * NS_PER_S);
        break;
    case THREADS:
        s->threads = (unsigned)integer(r, 1, LOAD_THREADS_MAX);
        if (!r->failed && s->threads & (s->threads - 1))
            refuse(r, "1, 2, 4 or 8");
        break;
    case EXPECT:
        s->expect = number(r, 0, 100) / 100;
        break;
    case JSON:
        s->json = true;
        break;
    case QUIET:
        s->quiet = true;
        break;
    default:
        break;
    }
}

/* What does not go together; NULL if all does. */
static const char *contradiction(const struct load_settings *s, char *text, size_t size)
{
    const uint64_t addresses = (uint64_t)s->clients + (s->forged ? s->forged : s->abuse_hz > 0);
    if (s->transport == PACKET_ETHERNET && (s->server || s->address_count))
        return "--transport ethernet has no IPv4 addresses: no --server, no --from";
    if ((s->mode == LOAD_NEGOTIATED || s->mode == LOAD_SPTP) && s->transport == PACKET_ETHERNET)
        return "--mode negotiated and sptp need --transport udpv4";
    if (s->mode == LOAD_NEGOTIATED && !s->address_count && s->clients > 1)
        return "--mode negotiated needs an address for each client: --from NETWORK";
    if (s->mode == LOAD_NEGOTIATED && s->closed_loop)
        return "--mode negotiated has granted rates: no --closed-loop";
    if (s->in_flight && !s->closed_loop)
        return "--in-flight needs --closed-loop";
    if (s->mode == LOAD_SPTP && !s->address_count && addresses > PACKET_OWN_PORTS) {
        snprintf(text, size, "--mode sptp has %d UDP ports for clients of one address: --from NETWORK",
                 PACKET_OWN_PORTS);
        return text;
    }
    if (s->gateway && !s->server)
        return "--gateway needs --server";
    if (s->address_count && s->address_count < addresses) {
        snprintf(text, size, "--from: %u addresses are too few for %llu clients", s->address_count,
                 (unsigned long long)addresses);
        return text;
    }
    return NULL;
}

enum settings_result settings_read(struct load_settings *s, int argc, char **argv, char *error,
                                   int error_size)
{
    *s = (struct load_settings){
        .domain = 127,
        .clients = 100,
        .rate_hz = 8,
        .seconds = 10,
        .timeout_ns = NS_PER_S,
        .threads = 1,
        .expect = 0.99,
        .grants = {.log_interval = {[GRANT_ANNOUNCE] = 0, [GRANT_SYNC] = -3}, .duration_s = 300}};
    optind = 0; /* anew: glibc's way to read another command line */
    opterr = 0;
    int key;
    while ((key = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (key == HELP || key == VERSION)
            return key == HELP ? SETTINGS_HELP : SETTINGS_VERSION;
        if (key == '?' || key == ':') {
            snprintf(error, (size_t)error_size, key == ':' ? "%s: needs a value" : "%s: unknown option",
                     argv[optind - 1]);
            return SETTINGS_WRONG;
        }
        struct reading r = {key, optarg, error, error_size, false};
        apply(s, &r);
        if (r.failed)
            return SETTINGS_WRONG;
    }
    if (argc - optind != 1 || strlen(argv[optind]) >= sizeof s->interface) {
        snprintf(error, (size_t)error_size, "expected the name of one interface");
        return SETTINGS_WRONG;
    }
    memcpy(s->interface, argv[optind], strlen(argv[optind]) + 1);
    s->grants.log_interval[GRANT_DELAY_RESP] = log_interval(s->rate_hz);
    if (s->forged && s->abuse_hz <= 0)
        s->abuse_hz = 10000;
    char text[128];
    const char *why = contradiction(s, text, sizeof text);
    if (why)
        snprintf(error, (size_t)error_size, "%s", why);
    return why ? SETTINGS_WRONG : SETTINGS_RUN;
}
