/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of who may be answered in the daemon's stead: nobody whom the daemon itself would refuse. */
#include "gmd/ptp/respond.h"

#include "tests/unit/ptp_rig.h"

#define CLIENT_ID 0x99

static const struct address client_address = {.family = ADDRESS_IPV4, .bytes = {192, 0, 2, 33}};
static const struct address other_address = {.family = ADDRESS_IPV4, .bytes = {192, 0, 2, 34}};
static const struct address ours = {.family = ADDRESS_IPV4, .bytes = {192, 0, 2, 1}};

struct circumstances {
    bool unicast_only, grant_needed, granted, established, senior;
};

/* What the daemon makes of a request. */
static bool ask(struct rig *r, bool multicast, const struct address *from, uint16_t sequence_id)
{
    uint8_t bytes[64];
    struct ptp_message m = rig_message(MSG_DELAY_REQ, CLIENT_ID, sequence_id);
    const struct frame_in f = {.bytes = bytes,
                               .len = (size_t)wire_encode(&m, bytes, sizeof(bytes)),
                               .from = *from,
                               .to = ours,
                               .multicast = multicast,
                               .has_timestamp = true,
                               .timestamp_ns = rig_tai(r)};
    rig_forget(r);
    instance_receive(&r->in, 0, &f, r->now);
    rig_drain(r);
    return rig_count(r, MSG_DELAY_RESP) == 1;
}

static struct rig *master_of(const struct circumstances *c)
{
    struct rig *r =
        rig_master((struct rig_options){.id = 1, .log_announce = 1, .unicast_only = c->unicast_only});
    r->in.service->config.unicast.limits.grant_needed = c->grant_needed;
    return r;
}

static struct client *client_of(struct rig *r, const struct circumstances *c)
{
    ask(r, false, &client_address, 1);
    for (unsigned i = 1; c->established && i < CLIENT_PROBATION; i++) {
        r->now += NS_PER_S;
        ask(r, false, &client_address, (uint16_t)(1 + i));
    }
    struct client *cl = clients_at(r->in.service->clients, 0);
    clients_set_grant(r->in.service->clients, cl, c->granted, c->granted ? -4 : LOG_INTERVAL_NONE);
    cl->senior = c->senior;
    r->now += NS_PER_S;
    return cl;
}

/* All there are: what is allowed is what the daemon does, and what is not is a newcomer's, or what it
 * refuses. */
static void no_other_than_the_daemon_answers(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 32; bits++) {
        const struct circumstances c = {bits & 1, bits & 2, bits & 4, bits & 8, bits & 16};
        struct rig *r = master_of(&c);
        struct client *cl = client_of(r, &c);
        const unsigned ways = respond_elsewhere(&r->in, cl, r->now);
        const bool known = client_rank(cl) != CLIENT_LAST;
        const bool unicast = ask(r, false, &client_address, 10),
                   multicast = ask(r, true, &client_address, 11);
        assert_int_equal(unicast, c.granted || !c.grant_needed);
        assert_int_equal(multicast, !c.unicast_only);
        assert_int_equal(ways & RESPOND_UNICAST, known && unicast ? RESPOND_UNICAST : 0);
        assert_int_equal(ways & RESPOND_MULTICAST, known && multicast ? RESPOND_MULTICAST : 0);
        rig_free(r);
    }
}

/* Two that use one identity are told apart by all that they ask, while it lasts. */
static void identities_used_twice_are_watched(void **state)
{
    (void)state;
    static const uint16_t other_ids[] = {5000, 7}; /* cloned; one sequence from two addresses */
    for (unsigned k = 0; k < 2; k++) {
        const struct circumstances c = {.established = true};
        struct rig *r = master_of(&c);
        struct client *cl = client_of(r, &c);
        assert_int_equal(respond_elsewhere(&r->in, cl, r->now), RESPOND_UNICAST | RESPOND_MULTICAST);
        ask(r, true, &client_address, 6);
        ask(r, true, &other_address, other_ids[k]);
        assert_int_equal(client_faults(cl, r->now), k == 0 ? FAULT_CLONED : FAULT_TWO_ADDRESSES);
        assert_int_equal(respond_elsewhere(&r->in, cl, r->now), 0);
        r->now += 180 * NS_PER_S;
        assert_int_equal(respond_elsewhere(&r->in, cl, r->now), RESPOND_UNICAST | RESPOND_MULTICAST);
        rig_free(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_other_than_the_daemon_answers),
        cmocka_unit_test(identities_used_twice_are_watched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
