/* SPDX-License-Identifier: BSD-2-Clause */
/* The least that a server of Delay_Req can do with sockets: each one received comes back as a Delay_Resp of
 * the right size to the right client, in batches, without clients, clock, time stamps or rules. What gmd is
 * measured against.
 *
 *     echo INTERFACE [multicast]      until it is terminated */
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH          64
#define DELAY_REQ_LEN  44
#define DELAY_RESP_LEN 54
#define MULTICAST      0xE0000181 /* 224.0.1.129 */

enum port { EVENT = 319, GENERAL = 320 };

static void fail(const char *what)
{
    perror(what);
    _exit(1);
}

static int open_port(const char *interface, uint16_t port)
{
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const int one = 1, zero = 0;
    const struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface, (socklen_t)strlen(interface)) < 0 ||
        setsockopt(fd, IPPROTO_IP, IP_MULTICAST_LOOP, &zero, sizeof zero) < 0 ||
        bind(fd, (const struct sockaddr *)&any, sizeof any) < 0)
        fail("port");
    return fd;
}

/* Delay_Resp of a Delay_Req: clause 13.8; everything else of the header stays. */
static void respond(const uint8_t *request, uint8_t *response)
{
    memset(response, 0, DELAY_RESP_LEN);
    memcpy(response, request, DELAY_REQ_LEN);
    response[0] = (uint8_t)((request[0] & 0xF0) | 0x09);
    response[3] = DELAY_RESP_LEN;
    response[32] = 3;
    memcpy(response + 44, request + 20, 10);
}

static void serve(int event, int general, int multicast)
{
    static uint8_t in[BATCH][256], out[BATCH][DELAY_RESP_LEN];
    static struct sockaddr_in from[BATCH];
    struct iovec in_iov[BATCH], out_iov[BATCH];
    struct mmsghdr received[BATCH] = {0}, sent[BATCH] = {0};
    const struct sockaddr_in group = {
        .sin_family = AF_INET, .sin_port = htons(GENERAL), .sin_addr.s_addr = htonl(MULTICAST)};
    for (int i = 0; i < BATCH; i++) {
        in_iov[i] = (struct iovec){in[i], sizeof in[i]};
        out_iov[i] = (struct iovec){out[i], sizeof out[i]};
        received[i].msg_hdr = (struct msghdr){.msg_name = &from[i], .msg_iov = &in_iov[i], .msg_iovlen = 1};
        sent[i].msg_hdr = (struct msghdr){
            .msg_name = &from[i], .msg_namelen = sizeof from[i], .msg_iov = &out_iov[i], .msg_iovlen = 1};
    }
    for (;;) {
        for (int i = 0; i < BATCH; i++)
            received[i].msg_hdr.msg_namelen = sizeof from[i];
        const int n = recvmmsg(event, received, BATCH, MSG_WAITFORONE, NULL);
        if (n < 0)
            continue;
        unsigned answers = 0;
        for (int i = 0; i < n; i++) {
            if (received[i].msg_len < DELAY_REQ_LEN || (in[i][0] & 0x0F) != 0x01)
                continue;
            respond(in[i], out[answers]);
            from[answers] = multicast ? group : from[i];
            from[answers].sin_port = htons(GENERAL);
            answers++;
        }
        for (unsigned done = 0; done < answers;) {
            const int m = sendmmsg(general, sent + done, answers - done, 0);
            done += m > 0 ? (unsigned)m : 1; /* one that cannot be sent is left out */
        }
    }
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 3) {
        fputs("usage: echo INTERFACE [multicast]\n", stderr);
        return 2;
    }
    const int event = open_port(argv[1], EVENT), general = open_port(argv[1], GENERAL);
    if (argc == 3) {
        const struct ip_mreqn group = {.imr_multiaddr.s_addr = htonl(MULTICAST),
                                       .imr_ifindex = (int)if_nametoindex(argv[1])};
        if (setsockopt(event, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof group) < 0 ||
            setsockopt(general, IPPROTO_IP, IP_MULTICAST_IF, &group, sizeof group) < 0)
            fail("224.0.1.129");
    }
    puts("ready");
    fflush(stdout);
    serve(event, general, argc == 3);
    return 0;
}
