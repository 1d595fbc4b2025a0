/* SPDX-License-Identifier: BSD-2-Clause */
/* Masters are told apart by identity and domain; those beyond HEARD_MASTERS are not looked at. */
#include "gmd/load/heard.h"

#include <stdio.h>
#include <string.h>

#include "bmca/dataset.h"

int64_t interval_of(int8_t log_interval)
{
    if (log_interval < -10 || log_interval > 10)
        return 0;
    return log_interval < 0 ? NS_PER_S >> -log_interval : NS_PER_S << log_interval;
}

static struct heard_master *find(struct heard *h, const struct ptp_header *header)
{
    for (unsigned i = 0; i < h->count; i++) {
        struct heard_master *m = &h->masters[i];
        if (m->domain == header->domain_number && port_identity_compare(&m->identity, &header->source) == 0)
            return m;
    }
    if (h->count == HEARD_MASTERS)
        return NULL;
    struct heard_master *m = &h->masters[h->count++];
    *m = (struct heard_master){.identity = header->source, .domain = header->domain_number};
    return m;
}

void heard_message(struct heard *h, const struct ptp_message *m, const struct packet *packet, bool last,
                   int64_t now_ns)
{
    const struct ptp_header *header = &m->header;
    const int64_t interval_ns = interval_of(header->log_message_interval);
    struct heard_master *master = find(h, header);
    if (!master)
        return;
    switch (header->message_type) {
    case MSG_ANNOUNCE:
        master->announces++;
        master->address = packet->source;
        memcpy(master->mac, packet->source_mac, sizeof master->mac);
        if (!last)
            stream_message(&master->announce, header->sequence_id, false, interval_ns, now_ns,
                           &h->announce_errors);
        break;
    case MSG_SYNC:
        if (!last)
            stream_message(&master->sync, header->sequence_id, header->flags & FLAG_TWO_STEP, interval_ns,
                           now_ns, &h->sync_errors);
        break;
    case MSG_FOLLOW_UP:
        stream_follow_up(&master->sync, header->sequence_id, last);
        break;
    default:
        break;
    }
}

const struct heard_master *heard_find(const struct heard *h, uint8_t domain)
{
    for (unsigned i = 0; i < h->count; i++)
        if (h->masters[i].domain == domain && h->masters[i].announces)
            return &h->masters[i];
    return NULL;
}

const char *heard_explain(const struct heard *h, uint8_t domain, char *text, int size)
{
    char identity[PORT_IDENTITY_STRLEN];
    const struct heard_master *master = heard_find(h, domain);
    if (master)
        snprintf(text, (size_t)size, "%s announces itself in domain %u, but does not answer",
                 port_identity_format(&master->identity, identity), domain);
    else if (h->count)
        snprintf(text, (size_t)size, "no Announce in domain %u, but %s speaks in domain %u: --domain %u?",
                 domain, port_identity_format(&h->masters[0].identity, identity), h->masters[0].domain,
                 h->masters[0].domain);
    else if (h->malformed)
        snprintf(text, (size_t)size,
                 "nothing of PTP version 2 was heard, but %llu malformed or other messages",
                 (unsigned long long)h->malformed);
    else
        snprintf(text, (size_t)size,
                 "no Announce was heard, in no domain: no grandmaster here, or not by multicast");
    return text;
}
