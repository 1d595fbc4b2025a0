/* SPDX-License-Identifier: BSD-2-Clause */
/* What one request costs in the client table and the budget, ns of CPU: printed, not judged. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "gmd/ptp/budget.h"

#define CAPACITY 16384
#define REQUESTS 20000000

static double cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static struct client_request request_of(uint32_t n)
{
    return (struct client_request){
        .identity = {{{2, 0, 0, 0xFF, 0xFE, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}}, 1},
        .from = {.family = ADDRESS_IPV4, .bytes = {10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}},
        .port = 1,
        .mode = CLIENT_HYBRID,
        .log_interval = -7,
    };
}

/* clients ask in turn, or in an order as of chance; identities: more than there are clients never come back
 */
static void measure(const char *what, uint32_t identities, uint32_t step, double interval_ns)
{
    struct clients *c = calloc(1, clients_size(CAPACITY));
    struct clients_config config = {
        .capacity = CAPACITY, .per_address = 64, .idle_ns = 300 * NS_PER_S, .key = {{1, 2}}};
    struct budget budget;
    if (c == NULL)
        abort();
    clients_init(c, &config);
    budget_init(&budget, &(struct budget_config){.capacity_hz = 1000000, .log_interval = -7}, 0);

    uint64_t answered = 0;
    uint32_t n = 0;
    double started_ns = cpu_ns();
    for (uint64_t i = 0; i < REQUESTS; i++) {
        struct client_request r = request_of(n);
        r.sequence_id = (uint16_t)(i / identities);
        int64_t now_ns = (int64_t)((double)i * interval_ns);
        struct client *cl = clients_request(c, &r, now_ns);
        if (budget_request(&budget, cl, 1, now_ns) == REFUSED_NOT) {
            client_answer(cl);
            answered++;
        }
        n = (n + step) % identities;
    }
    printf("%-44s %6.1f ns a request, %5.1f %% answered\n", what, (cpu_ns() - started_ns) / REQUESTS,
           100.0 * (double)answered / REQUESTS);
    free(c);
}

int main(void)
{
    printf("bytes per client in the table: %.1f\n", (double)clients_size(CAPACITY) / CAPACITY);
    measure("one client", 1, 1, 2000);
    measure("one client that floods", 1, 1, 20);
    measure("16,384 clients, each in its turn", CAPACITY, 1, 2000);
    measure("16,384 clients, as of chance", CAPACITY, 10007, 2000);
    measure("forged identities without end", 1u << 24, 1, 20);
    return 0;
}
