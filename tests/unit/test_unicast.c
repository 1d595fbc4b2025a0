/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of unicast negotiation: what is granted, sent, renewed, expired and cancelled. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/unicast_rig.h"

static struct unicast_rig r;

static void set_up(const char *profile, uint32_t capacity_hz)
{
    unicast_rig_init(&r, profile, 256, capacity_hz);
}

static void pass(int64_t ns)
{
    r.base.now += ns;
}

/* What is sent within ns, by action; Sync intervals of client n are checked to the tick. */
static void run(int64_t ns, unsigned sent[3])
{
    memset(sent, 0, 3 * sizeof(sent[0]));
    int64_t end = r.base.now + ns;
    while (unicast_deadline(&r.u) <= end) {
        struct unicast_event events[8];
        if (unicast_deadline(&r.u) > r.base.now)
            r.base.now = unicast_deadline(&r.u);
        unsigned count;
        do {
            count = unicast_due(&r.u, r.base.now, events, 8);
            for (unsigned i = 0; i < count; i++) {
                sent[events[i].action]++;
                assert_memory_equal(&events[i].from, &rig_local, sizeof(rig_local));
            }
        } while (count == 8);
        assert_true(unicast_deadline(&r.u) > r.base.now);
    }
    r.base.now = end;
}

static void grants_within_the_profile(void **state)
{
    (void)state;
    const struct {
        const char *profile;
        enum unicast_service service;
        int8_t log_interval;
        uint32_t duration_s, granted_s;
        int8_t granted;
    } rows[] = {
        {"g8275.2", UNICAST_ANNOUNCE, 0, 300, 300, 0},
        {"g8275.2", UNICAST_ANNOUNCE, -3, 5000, 1000, -3},
        {"g8275.2", UNICAST_ANNOUNCE, -4, 300, 0, -4},
        {"g8275.2", UNICAST_ANNOUNCE, 1, 300, 0, 1},
        {"g8275.2", UNICAST_SYNC, -7, 60, 60, -7},
        {"g8275.2", UNICAST_SYNC, -7, 59, 0, -7},
        {"g8275.2", UNICAST_SYNC, -8, 300, 0, -8},
        {"g8275.2", UNICAST_DELAY_RESP, -7, 1000, 1000, -7},
        {"g8275.2", UNICAST_PDELAY_RESP, 0, 300, 0, 0},
        {"g8265.1", UNICAST_ANNOUNCE, 4, 300, 300, 4},
        {"g8265.1", UNICAST_DELAY_RESP, 5, 300, 0, 5},
        {"st2059-2", UNICAST_SYNC, -3, 0xFFFFFFFF, 3600, -3},
        {"st2059-2", UNICAST_SYNC, 0, 300, 0, 0},
        {"st2059-2", UNICAST_SYNC, -8, 300, 300, -7}, /* as fast as may be */
        {"st2059-2", UNICAST_SYNC, -9, 300, 0, -9},   /* nonsense */
        {"st2059-2", UNICAST_SYNC, 127, 300, 0, 127},
        {"st2059-2", UNICAST_SYNC, -128, 300, 0, -128},
        {"aes67", UNICAST_ANNOUNCE, -1, 300, 0, -1},
        {"enterprise", UNICAST_SYNC, 0, 300, 0, 0},
        {"custom", UNICAST_SYNC, 7, 1, 1, 7},
        {"custom", UNICAST_SYNC, 0, 0, 0, 0},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        set_up(rows[i].profile, 100000);
        rig_establish(&r.base, 1);
        struct answer a = ask_for(&r, 1, rows[i].service, rows[i].log_interval, rows[i].duration_s);
        assert_int_equal(a.type, TLV_GRANT_UNICAST_TRANSMISSION);
        assert_int_equal(a.message_type, rig_types[rows[i].service]);
        assert_int_equal(a.duration_s, rows[i].granted_s);
        assert_int_equal(a.log_interval, rows[i].granted);
        assert_int_equal(a.flags, rows[i].granted_s > 0); /* renewal invited */
        assert_int_equal(r.u.counters.live[rows[i].service], rows[i].granted_s > 0);
        unicast_rig_end(&r);
    }
}

/* unicast.log_interval_min: nobody gets more, whatever the profile would let it have. */
static void grants_no_client_more_than_configured(void **state)
{
    (void)state;
    const struct {
        const char *profile;
        enum unicast_service service;
        int8_t asked, granted;
        bool is;
    } rows[] = {
        {"st2059-2", UNICAST_SYNC, -7, -4, true},       {"st2059-2", UNICAST_DELAY_RESP, -3, -3, true},
        {"g8275.2", UNICAST_SYNC, -7, -7, false},       {"g8275.2", UNICAST_SYNC, -4, -4, true},
        {"g8275.2", UNICAST_DELAY_RESP, -5, -5, false}, {"custom", UNICAST_ANNOUNCE, -5, -5, false},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        set_up(rows[i].profile, 100000);
        r.u.config.log_interval_min = -4;
        rig_establish(&r.base, 1);
        struct answer a = ask_for(&r, 1, rows[i].service, rows[i].asked, 300);
        assert_int_equal(a.log_interval, rows[i].granted);
        assert_int_equal(a.duration_s, rows[i].is ? 300 : 0);
        unicast_rig_end(&r);
    }
}

static void remembers_what_it_refused(void **state)
{
    (void)state;
    set_up("g8275.2", 100000);
    rig_establish(&r.base, 1);
    const struct client *cl = client_of(&r, 1);
    assert_int_equal(cl->unfit_why, UNICAST_GRANTED);
    ask_for(&r, 1, UNICAST_SYNC, -8, 300);
    assert_int_equal(cl->unfit_why, UNICAST_INTERVAL);
    assert_int_equal(cl->unfit_service, UNICAST_SYNC);
    assert_int_equal(cl->unfit_interval, -8);
    ask_for(&r, 1, UNICAST_ANNOUNCE, 0, 300); /* another one that is granted changes nothing */
    assert_int_equal(cl->unfit_why, UNICAST_INTERVAL);
    ask_for(&r, 1, UNICAST_SYNC, -4, 300);
    assert_int_equal(cl->unfit_why, UNICAST_GRANTED);
    unicast_rig_end(&r);
}

static void answers_several_in_one_message(void **state)
{
    (void)state;
    set_up("st2059-2", 100000);
    add_request(&r, UNICAST_ANNOUNCE, 0, 300);
    add_request(&r, UNICAST_SYNC, -3, 300);
    add_cancel(&r, TLV_CANCEL_UNICAST_TRANSMISSION, UNICAST_PDELAY_RESP);
    add_request(&r, UNICAST_DELAY_RESP, -3, 300);
    add_tlv(&r, TLV_REQUEST_UNICAST_TRANSMISSION, "\x40\0\0\0\1\0", 6); /* of no such messageType */
    add_tlv(&r, TLV_REQUEST_UNICAST_TRANSMISSION, "\x00\0\0\0", 4);
    add_tlv(&r, TLV_PATH_TRACE, "12345678", 8);
    signal_from(&r, 1);
    assert_int_equal(answer_at(&r, 0).message_type, MSG_ANNOUNCE);
    assert_int_equal(answer_at(&r, 1).message_type, MSG_SYNC);
    assert_int_equal(answer_at(&r, 2).type, TLV_ACKNOWLEDGE_CANCEL_UNICAST_TRANSMISSION);
    assert_int_equal(answer_at(&r, 3).message_type, MSG_DELAY_RESP);
    assert_int_equal(answer_at(&r, 3).duration_s, 60); /* a newcomer's */
    assert_int_equal(answer_at(&r, 4).message_type, 4);
    assert_int_equal(answer_at(&r, 4).duration_s, 0);
    assert_int_equal(answer_at(&r, 5).type, 0);
    assert_int_equal(r.u.counters.malformed, 1);
    assert_int_equal(r.u.counters.requests[UNICAST_GRANTED], 3);
    assert_int_equal(r.u.counters.requests[UNICAST_NOT_SERVED], 1);

    struct client *cl = client_of(&r, 1);
    assert_true(cl->granted && cl->held);
    assert_int_equal(cl->log_interval, -3);
    unicast_rig_end(&r);
}

/* A reply holds what fits; none of what does not fit is granted. */
static void bounds_the_answer(void **state)
{
    (void)state;
    set_up("st2059-2", 100000);
    for (unsigned i = 0; i < 50; i++)
        add_request(&r, UNICAST_SYNC, -3, 300);
    signal_from(&r, 1);
    assert_int_equal(r.reply_len, UNICAST_REPLY_MAX / 12 * 12);
    assert_int_equal(r.u.counters.requests[UNICAST_GRANTED], UNICAST_REPLY_MAX / 12);
    unicast_rig_end(&r);
}

static void sends_what_was_granted(void **state)
{
    (void)state;
    set_up("st2059-2", 100000);
    rig_establish(&r.base, 1);
    add_request(&r, UNICAST_ANNOUNCE, 0, 100);
    add_request(&r, UNICAST_SYNC, -3, 100);
    signal_from(&r, 1);
    unsigned sent[3];
    run(80 * S, sent);
    assert_int_equal(sent[UNICAST_SEND_SYNC], 640);
    assert_int_equal(sent[UNICAST_SEND_ANNOUNCE], 80);

    add_request(&r, UNICAST_SYNC, -3, 100); /* Sync alone is renewed, and goes on in its rhythm */
    signal_from(&r, 1);
    run(80 * S, sent);
    assert_int_equal(sent[UNICAST_SEND_SYNC], 640);
    assert_in_range(sent[UNICAST_SEND_ANNOUNCE], 20, 22);
    assert_int_equal(r.u.counters.expired, 1);

    run(60 * S, sent);
    assert_in_range(sent[UNICAST_SEND_SYNC], 20 * 8, 22 * 8);
    assert_int_equal(r.u.counters.expired, 2);
    assert_true(unicast_deadline(&r.u) == INT64_MAX);
    assert_false(client_of(&r, 1)->held);
    assert_int_equal(r.base.budget.reserved, 0);
    unicast_rig_end(&r);
}

static void counts_sequences_for_each(void **state)
{
    (void)state;
    set_up("st2059-2", 100000);
    for (uint32_t n = 0; n < 10; n++)
        ask_for(&r, n, UNICAST_SYNC, -3, 60);
    uint16_t next[10] = {0};
    for (int64_t end = r.base.now + 10 * S; r.base.now < end;) {
        struct unicast_event events[4];
        r.base.now = unicast_deadline(&r.u);
        unsigned count = unicast_due(&r.u, r.base.now, events, 4);
        for (unsigned i = 0; i < count; i++) {
            assert_int_equal(events[i].log_interval, -3);
            assert_int_equal(events[i].sequence_id, next[events[i].identity.clock.id[7]]++);
            assert_int_equal(events[i].to.bytes[3], events[i].identity.clock.id[7]);
        }
    }
    for (unsigned n = 0; n < 10; n++)
        assert_in_range(next[n], 79, 81);
    unicast_rig_end(&r);
}

static void holds_a_client_to_its_grant(void **state)
{
    (void)state;
    set_up("st2059-2", 100000);
    rig_establish(&r.base, 1);
    ask_for(&r, 1, UNICAST_DELAY_RESP, -5, 100);
    struct client_request q = request_of(1, 0); /* 1/s is announced, 32/s granted */
    unsigned answered = 0;
    for (unsigned i = 0; i < 3200; i++, pass(S / 32))
        answered += rig_serve(&r.base, &q);
    assert_int_equal(answered, 3200);
    assert_int_equal(client_of(&r, 1)->mode, CLIENT_NEGOTIATED);
    unsigned sent[3];
    run(2 * S, sent);
    answered = 0;
    for (unsigned i = 0; i < 3200; i++, pass(S / 32))
        answered += rig_serve(&r.base, &q);
    assert_in_range(answered, 150, 170);
    assert_int_equal(client_of(&r, 1)->mode, CLIENT_HYBRID);
    unicast_rig_end(&r);
}

static void ends_what_is_cancelled(void **state)
{
    (void)state;
    set_up("st2059-2", 100000);
    ask_for(&r, 1, UNICAST_SYNC, -3, 60);
    for (unsigned i = 0; i < 2; i++) { /* again, if the acknowledgement was lost */
        add_cancel(&r, TLV_CANCEL_UNICAST_TRANSMISSION, UNICAST_SYNC);
        signal_from(&r, 1);
        assert_int_equal(answer_at(&r, 0).type, TLV_ACKNOWLEDGE_CANCEL_UNICAST_TRANSMISSION);
        assert_int_equal(answer_at(&r, 0).message_type, MSG_SYNC);
        assert_int_equal(r.u.counters.live[UNICAST_SYNC], 0);
    }
    unsigned sent[3];
    run(10 * S, sent);
    assert_int_equal(sent[UNICAST_SEND_SYNC], 0);
    assert_int_equal(r.base.budget.reserved, 0);

    ask_for(&r, 1, UNICAST_SYNC, -3, 60);
    add_tlv(&r, TLV_CANCEL_UNICAST_TRANSMISSION, "\x01\0", 2); /* its grants to us are meant, not ours */
    assert_int_equal(signal_from(&r, 1), 0);
    assert_int_equal(r.u.counters.live[UNICAST_SYNC], 1);
    add_cancel(&r, TLV_CANCEL_UNICAST_TRANSMISSION, UNICAST_SYNC);
    assert_int_equal(signal_from(&r, 99), 0); /* of a stranger: no answer, no record */
    assert_null(client_of(&r, 99));
    unicast_rig_end(&r);
}

static void withdraws_gracefully(void **state)
{
    (void)state;
    set_up("st2059-2", 100000);
    enum { CLIENTS = 100 };
    for (uint32_t n = 0; n < CLIENTS; n++) {
        add_request(&r, UNICAST_ANNOUNCE, 0, 60);
        add_request(&r, UNICAST_SYNC, -3, 60);
        signal_from(&r, n);
    }
    unicast_withdraw(&r.u, r.base.now);
    assert_false(unicast_settled(&r.u));
    assert_int_equal(r.base.budget.reserved, 0);
    assert_int_equal(ask_for(&r, 1, UNICAST_SYNC, -3, 60).duration_s, 0);

    unsigned told[CLIENTS] = {0}, most = 0;
    for (int64_t end = r.base.now + 10 * S; unicast_deadline(&r.u) < end;) {
        struct unicast_event events[CLIENTS];
        r.base.now = unicast_deadline(&r.u);
        unsigned count = unicast_due(&r.u, r.base.now, events, CLIENTS);
        most = count > most ? count : most;
        for (unsigned i = 0; i < count; i++) {
            assert_int_equal(events[i].action, UNICAST_SEND_CANCEL);
            assert_int_equal(events[i].services, 1 << UNICAST_ANNOUNCE | 1 << UNICAST_SYNC);
            uint8_t n = events[i].identity.clock.id[7];
            if (++told[n] == 1 && n % 2 == 0)
                continue; /* this one is lost */
            uint8_t chain[UNICAST_REPLY_MAX];
            assert_int_equal(unicast_cancel_tlvs(&events[i], chain), 2 * 6);
            if (n % 10 == 9)
                continue; /* these never answer */
            add_cancel(&r, TLV_ACKNOWLEDGE_CANCEL_UNICAST_TRANSMISSION, UNICAST_ANNOUNCE);
            add_cancel(&r, TLV_ACKNOWLEDGE_CANCEL_UNICAST_TRANSMISSION, UNICAST_SYNC);
            assert_int_equal(signal_from(&r, n), 0);
        }
    }
    assert_true(unicast_settled(&r.u));
    assert_true(most <= 2); /* not all at once */
    for (unsigned n = 0; n < CLIENTS; n++)
        assert_int_equal(told[n], n % 10 == 9 ? UNICAST_CANCEL_TRIES : n % 2 == 0 ? 2 : 1);
    assert_int_equal(r.u.counters.unacknowledged, 2 * CLIENTS / 10);
    assert_false(client_of(&r, 1)->held);

    unicast_resume(&r.u);
    pass(S);
    assert_int_equal(ask_for(&r, 1, UNICAST_SYNC, -3, 60).duration_s, 60);
    unicast_rig_end(&r);
}

static void refuses_beyond_the_budget(void **state)
{
    (void)state;
    set_up("g8275.2", 1000);
    for (uint32_t n = 1; n <= 10; n++)
        rig_establish(&r.base, n);
    unsigned granted = 0;
    for (uint32_t n = 1; n <= 10; n++)
        granted += ask_for(&r, n, UNICAST_SYNC, -6, 300).duration_s > 0; /* 64/s, each two messages */
    assert_int_equal(granted, 6);                                        /* four fifths of the capacity */
    assert_int_equal(r.u.counters.requests[UNICAST_BUDGET], 4);
    assert_int_equal(ask_for(&r, 1, UNICAST_SYNC, -6, 300).duration_s, 300); /* renewal is safe */
    assert_int_equal(ask_for(&r, 10, UNICAST_SYNC, -5, 300).duration_s, 0);
    assert_int_equal(ask_for(&r, 10, UNICAST_SYNC, 0, 300).duration_s, 300); /* so much is left */
    unicast_rig_end(&r);
}

/* Under pressure new grants have longer intervals where the profile lets them; renewed ones keep theirs, and
 * Announce comes as asked for. */
static void grants_longer_intervals_under_pressure(void **state)
{
    (void)state;
    set_up("st2059-2", 100000);
    rig_establish(&r.base, 1);
    ask_for(&r, 1, UNICAST_SYNC, -7, 300);
    r.base.budget.steps = 3;
    assert_int_equal(ask_for(&r, 1, UNICAST_SYNC, -7, 300).log_interval, -7);
    assert_int_equal(ask_for(&r, 2, UNICAST_SYNC, -7, 300).log_interval, -4);
    assert_int_equal(ask_for(&r, 2, UNICAST_SYNC, -3, 300).log_interval, -3);
    assert_int_equal(ask_for(&r, 2, UNICAST_ANNOUNCE, -3, 300).log_interval, -3);
    assert_int_equal(ask_for(&r, 2, UNICAST_DELAY_RESP, -7, 300).log_interval, -4);
    r.base.budget.steps = 12;
    assert_int_equal(ask_for(&r, 3, UNICAST_SYNC, -7, 300).log_interval, -1); /* the profile's longest */
    unicast_rig_end(&r);

    set_up("g8275.2", 100000); /* as requested or not at all */
    r.base.budget.steps = 3;
    assert_int_equal(ask_for(&r, 1, UNICAST_SYNC, -7, 300).duration_s, 0);
    assert_int_equal(r.u.counters.requests[UNICAST_BUDGET], 1);
    assert_int_equal(ask_for(&r, 1, UNICAST_SYNC, -4, 300).duration_s, 60);
    unicast_rig_end(&r);
}

static void limits_signaling_itself(void **state)
{
    (void)state;
    set_up("st2059-2", 100000);
    unsigned answered = 0;
    for (unsigned i = 0; i < 1000; i++)
        answered += ask_for(&r, 1, UNICAST_SYNC, -3, 60).type != 0;
    assert_int_equal(answered, 16);
    assert_int_equal(r.u.counters.limited, 1000 - 16);
    pass(4 * S);
    for (unsigned i = 0; i < 100; i++)
        answered += ask_for(&r, 1, UNICAST_SYNC, -3, 60).type != 0;
    assert_int_equal(answered, 20);
    pass((1LL << 32) * MS + 2 * S); /* the clock of this bucket has come round */
    assert_int_equal(ask_for(&r, 1, UNICAST_SYNC, -3, 60).duration_s, 60);
    unicast_rig_end(&r);
}

static void knows_its_own_addresses(void **state)
{
    (void)state;
    set_up("st2059-2", 100000);
    struct address a = rig_local;
    for (unsigned i = 0; i < 20; i++) {
        ask_for(&r, i, UNICAST_SYNC, -3, 60);
        a.bytes[3] = (uint8_t)i;
        unicast_set_local(&r.u, client_of(&r, i), &a);
    }
    assert_int_equal(r.u.local_count, UNICAST_LOCAL_MAX);
    struct unicast_event events[20];
    pass(S);
    assert_int_equal(unicast_due(&r.u, r.base.now, events, 20), 20);
    for (unsigned i = 0; i < 20; i++) {
        uint8_t n = events[i].identity.clock.id[7];
        if (n < UNICAST_LOCAL_MAX - 1)
            assert_int_equal(events[i].from.bytes[3], n);
        else if (n >= UNICAST_LOCAL_MAX)
            assert_int_equal(events[i].from.family, ADDRESS_NONE);
    }
    unicast_rig_end(&r);
}

static void is_small(void **state)
{
    (void)state;
    const unsigned capacity = 16384;
    size_t all = clients_size(capacity) + unicast_size(capacity) + sizeof(struct unicast);
    print_message("%.1f bytes a client in all\n", (double)all / capacity);
    assert_true(all / capacity < 256);
    assert_string_equal(unicast_service_name(UNICAST_PDELAY_RESP), "pdelay_resp");
    assert_string_equal(unicast_refusal_name(UNICAST_WITHDRAWN), "withdrawn");
    assert_string_equal(unicast_refusal_name((enum unicast_refusal)99), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grants_within_the_profile),
        cmocka_unit_test(grants_no_client_more_than_configured),
        cmocka_unit_test(remembers_what_it_refused),
        cmocka_unit_test(answers_several_in_one_message),
        cmocka_unit_test(bounds_the_answer),
        cmocka_unit_test(sends_what_was_granted),
        cmocka_unit_test(counts_sequences_for_each),
        cmocka_unit_test(holds_a_client_to_its_grant),
        cmocka_unit_test(ends_what_is_cancelled),
        cmocka_unit_test(withdraws_gracefully),
        cmocka_unit_test(refuses_beyond_the_budget),
        cmocka_unit_test(grants_longer_intervals_under_pressure),
        cmocka_unit_test(limits_signaling_itself),
        cmocka_unit_test(knows_its_own_addresses),
        cmocka_unit_test(is_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
