/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/ptp/service.h"

/* Each part begins where anything may. */
static size_t aligned(size_t size)
{
    return (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
}

size_t service_size(unsigned capacity)
{
    return aligned(sizeof(struct service)) + aligned(clients_size(capacity)) + unicast_size(capacity);
}

void service_init(struct service *s, const struct service_config *config, int64_t now_ns)
{
    uint8_t *at = (uint8_t *)s + aligned(sizeof(*s));
    s->config = *config;
    s->clients = (struct clients *)at;
    clients_init(s->clients, &config->clients);
    budget_init(&s->budget, &config->budget, now_ns);
    at += aligned(clients_size(config->clients.capacity));
    unicast_init(&s->unicast, at, &config->unicast, s->clients, &s->budget, now_ns);
    s->unicast.withdrawn = true;
}

void service_init_plain(struct service *s, uint64_t seed)
{
    const struct service_config config = {
        .clients = {.capacity = SERVICE_PLAIN_CLIENTS,
                    .per_address = SERVICE_PLAIN_CLIENTS,
                    .idle_ns = 300 * NS_PER_S,
                    .key = {{seed, ~seed}}},
        .budget = {.capacity_hz = 1000000, .log_interval = 0, .log_interval_max = 0, .seed = seed},
        .unicast = {.limits = *unicast_limits_of("custom"), .grants_most_s = 3600, .log_interval_min = -7},
        .negotiate = true,
    };
    service_init(s, &config, 0);
}
