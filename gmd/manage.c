/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/manage.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gmd/net/uds.h"

#define MESSAGES_PER_WAKE 64
#define SOCKET_CHECK_NS   (5 * NS_PER_S)
#define ADDRESSES_NS      NS_PER_S /* how old the addresses in answers may be */

struct manage {
    struct daemon *daemon;
    struct manage_config config;
    struct uds uds;
    int watch, timer;
    char problem[160], problem_logged[160];
    struct management_view view;
    struct management_port ports[INSTANCE_PORTS_MAX];
    int64_t addresses_ns; /* when they were looked up */
    struct management_subscribers subscribers;
    struct management_counters counters;
    int64_t busy_until_ns[INSTANCE_PORTS_MAX];
    /* what subscribers were told last */
    uint8_t state_told[INSTANCE_PORTS_MAX];
    struct parent_ds parent_told;
};

/* --- what is shown -------------------------------------------------------------------------------- */

/* profileIdentity: clause I.3.1 and I.4.1; AES67 annex A; ST 2059-2 clause 5.1; RFC 9760. AES-R16 has none of
 * its own: it is a way to serve both AES67 and ST 2059-2. */
static void set_profile(uint8_t identity[6], const char *profile, int delay_mechanism)
{
    static const struct {
        const char *profile;
        uint8_t identity[6];
    } known[] = {
        {"aes67", {0x00, 0x0B, 0x5E, 0x00, 0x01, 0x00}},
        {"st2059-2", {0x68, 0x97, 0xE8, 0x00, 0x01, 0x00}},
        {"st2059-2-2015", {0x68, 0x97, 0xE8, 0x00, 0x01, 0x00}},
        {"enterprise", {0x00, 0x00, 0x5E, 0x00, 0x01, 0x00}},
    };
    const uint8_t standard[6] = {0x00, 0x1B, 0x19, 0x00, delay_mechanism == CONF_P2P ? 2 : 1, 0x00};
    memcpy(identity, standard, sizeof standard);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(profile, known[i].profile) == 0)
            memcpy(identity, known[i].identity, sizeof known[i].identity);
}

static struct address address_of(const struct sockaddr *a)
{
    struct address address = {.family = ADDRESS_IPV4};
    if (a->sa_family == AF_INET) {
        memcpy(address.bytes, &((const struct sockaddr_in *)a)->sin_addr, 4);
    } else {
        address.family = ADDRESS_IPV6;
        memcpy(address.bytes, &((const struct sockaddr_in6 *)a)->sin6_addr, 16);
    }
    return address;
}

/* The first address of the port's kind, which is the interface's primary one. */
static struct address find_address(const struct ifaddrs *list, const struct conf_port *c, const uint8_t *mac)
{
    struct address address = {0};
    if (c->transport == CONF_ETHERNET) {
        address.family = ADDRESS_MAC;
        memcpy(address.bytes, mac, 6);
        return address;
    }
    const int family = c->transport == CONF_UDPV4 ? AF_INET : AF_INET6;
    for (const struct ifaddrs *a = list; a; a = a->ifa_next)
        if (a->ifa_addr && a->ifa_addr->sa_family == family && strcmp(a->ifa_name, c->interface) == 0)
            return address_of(a->ifa_addr);
    return address;
}

/* Interfaces come, go and change. */
static void refresh(struct manage *m, int64_t now_ns)
{
    struct ifaddrs *list = NULL;
    if (now_ns < m->addresses_ns + ADDRESSES_NS)
        return;
    m->addresses_ns = now_ns;
    if (getifaddrs(&list) < 0)
        list = NULL;
    for (unsigned i = 0; i < m->daemon->gm.instance.port_count; i++) {
        const struct daemon_port *p = &m->daemon->ports[i];
        struct management_port *shown = &m->ports[i];
        memcpy(shown->mac, p->info.mac, sizeof shown->mac);
        shown->phc_index = p->info.phc_index;
        shown->hardware_stamping = p->stamping == STAMPING_HARDWARE;
        shown->address = find_address(list, &m->daemon->conf.ports[i], shown->mac);
    }
    freeifaddrs(list);
}

/* --- the UNIX socket ------------------------------------------------------------------------------- */

static void answer_local(struct manage *m, const uint8_t *bytes, size_t len,
                         const struct management_source *source)
{
    struct management_request r;
    uint8_t reply[MANAGEMENT_BYTES_MAX];
    size_t reply_len;
    if (!management_open(&r, bytes, len, source, &m->view, &m->subscribers, &m->counters))
        return;
    while ((reply_len = management_next(&r, &m->view, reply, sizeof reply)) > 0)
        if (uds_send(&m->uds, source->local, reply, reply_len) < 0)
            m->counters.unanswered++;
}

static void on_socket(void *ctx, int fd, short revents)
{
    (void)fd;
    (void)revents;
    struct manage *m = ctx;
    uint8_t bytes[FRAME_BYTES_MAX];
    struct management_peer from;
    size_t len = 0;
    refresh(m, loop_now());
    for (int i = 0; i < MESSAGES_PER_WAKE; i++) {
        const int got = uds_receive(&m->uds, bytes, sizeof bytes, &len, &from);
        if (got == 0)
            break;
        const struct management_source source = {.local = &from, .now_ns = loop_now()};
        answer_local(m, bytes, got > 0 ? len : 0, &source); /* one that did not fit counts as malformed */
    }
}

static void close_socket(struct manage *m)
{
    if (m->watch >= 0)
        loop_unwatch(m->daemon->loop, m->watch);
    m->watch = -1;
    uds_close(&m->uds);
}

static void open_socket(struct manage *m)
{
    if (uds_open(&m->uds, m->config.socket, m->problem, sizeof m->problem) == 0) {
        m->watch = loop_watch(m->daemon->loop, m->uds.fd, POLLIN, on_socket, m);
        m->problem[0] = '\0';
    }
    if (strcmp(m->problem, m->problem_logged) == 0)
        return;
    memcpy(m->problem_logged, m->problem, sizeof m->problem_logged);
    if (m->problem[0])
        log_line(LOG_LEVEL_WARNING, "management socket %s; trying again every %d s", m->problem,
                 (int)(SOCKET_CHECK_NS / NS_PER_S));
    else
        log_line(LOG_LEVEL_NOTICE, "management socket %s: open again", m->config.socket);
}

/* A ptp4l that is started later puts its socket in place of ours, and takes the file away when it ends. */
static void on_check(void *ctx, int64_t now_ns)
{
    struct manage *m = ctx;
    if (m->uds.fd >= 0 && !uds_in_place(&m->uds))
        close_socket(m);
    if (m->uds.fd < 0)
        open_socket(m);
    loop_timer_set(m->daemon->loop, m->timer, now_ns + SOCKET_CHECK_NS);
}

/* --- the network ----------------------------------------------------------------------------------- */

static void answer_network(struct manage *m, struct port *p, const struct frame_in *f,
                           const struct management_source *source)
{
    struct management_request r;
    uint8_t reply[MANAGEMENT_BYTES_MAX];
    size_t len;
    if (!management_open(&r, f->bytes, f->len, source, &m->view, &m->subscribers, &m->counters))
        return;
    while ((len = management_next(&r, &m->view, reply, sizeof reply)) > 0) {
        struct frame_out *out = outbox_next(p->outbox);
        if (!out) {
            m->counters.unanswered++;
            continue;
        }
        out->channel = CHANNEL_GENERAL;
        out->destination = f->multicast ? DEST_PRIMARY_MULTICAST : DEST_UNICAST;
        out->to = f->from;
        out->from = f->to;
        out->len = (uint16_t)len;
        memcpy(out->bytes, reply, len);
        p->counters.tx[MSG_MANAGEMENT]++;
    }
}

static bool is_management(const struct frame_in *f)
{
    return f->channel == CHANNEL_GENERAL && f->len > 0 && (f->bytes[0] & 0xF) == MSG_MANAGEMENT;
}

void manage_frame(struct manage *m, unsigned port, const struct frame_in *f, int64_t now_ns)
{
    struct port *p = &m->daemon->gm.instance.ports[port];
    if (!m->config.network || !is_management(f) || !port_is_active(p))
        return;
    if (!management_admit(&m->busy_until_ns[port], now_ns)) {
        m->counters.limited++;
        return;
    }
    refresh(m, now_ns);
    const struct management_source source = {
        .port = p->identity.port, .unicast = !f->multicast, .now_ns = now_ns};
    answer_network(m, p, f, &source);
}

/* --- notifications --------------------------------------------------------------------------------- */

static void tell(struct manage *m, enum management_event event, uint16_t port, int64_t now_ns)
{
    size_t cursor = 0;
    struct management_subscriber *s;
    while ((s = management_subscribers_next(&m->subscribers, event, now_ns, &cursor))) {
        uint8_t bytes[MANAGEMENT_BYTES_MAX];
        const size_t len = management_notification(s, event, port, &m->view, bytes, sizeof bytes);
        const int error = uds_send(&m->uds, &s->peer, bytes, len);
        if (error)
            m->counters.unanswered++;
        if (error && error != -EAGAIN)
            s->events = 0; /* it is gone: its place is free */
    }
}

void manage_notify(struct manage *m, int64_t now_ns)
{
    const struct instance *in = &m->daemon->gm.instance;
    for (unsigned i = 0; i < in->port_count; i++) {
        if (in->ports[i].state == m->state_told[i])
            continue;
        m->state_told[i] = (uint8_t)in->ports[i].state;
        tell(m, MANAGEMENT_EVENT_PORT_STATE, in->ports[i].identity.port, now_ns);
    }
    if (memcmp(&in->parent_ds, &m->parent_told, sizeof m->parent_told) != 0) {
        m->parent_told = in->parent_ds;
        tell(m, MANAGEMENT_EVENT_PARENT_DATA_SET, 0, now_ns);
    }
}

/* --- life ------------------------------------------------------------------------------------------ */

struct manage *manage_open(struct daemon *d, const struct manage_config *config)
{
    struct manage *m = calloc(1, sizeof *m);
    if (!m)
        abort();
    m->daemon = d;
    m->config = *config;
    m->uds.fd = m->watch = m->timer = -1;
    m->addresses_ns = INT64_MIN / 2;
    m->view = (struct management_view){
        .instance = &d->gm.instance,
        .ports = m->ports,
        .product = ";gmd;",
        .revision = ";;" GMD_VERSION,
        .user_description = config->user_description,
    };
    set_profile(m->view.profile_identity, d->conf.ptp.profile, d->conf.ports[0].delay_mechanism);
    for (unsigned i = 0; i < d->gm.instance.port_count; i++) {
        m->ports[i].interface = d->conf.ports[i].interface;
        m->state_told[i] = (uint8_t)d->gm.instance.ports[i].state;
    }
    m->parent_told = d->gm.instance.parent_ds;
    if (config->socket[0]) {
        open_socket(m);
        m->timer = loop_timer(d->loop, on_check, m);
        loop_timer_set(d->loop, m->timer, loop_now() + SOCKET_CHECK_NS);
    }
    return m;
}

void manage_close(struct manage *m)
{
    close_socket(m);
    free(m);
}

const char *manage_problem(const struct manage *m)
{
    return m->problem;
}

const struct management_counters *manage_counters(const struct manage *m)
{
    return &m->counters;
}
