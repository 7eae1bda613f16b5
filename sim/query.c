// SPDX-License-Identifier: MIT
#include "query.h"

#include "a2s.h"
#include "bans.h"
#include "base/fd.h"
#include "cvars.h"
#include "loop.h"
#include "net.h"
#include "options.h"
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define QUERY_PACKET_MAX  2048u
#define QUERY_SENDERS_MAX 256u // addresses whose rate is remembered
#define QUERY_BATCH       64   // packets taken before other work gets its turn
#define QUERY_PORTS       4u

enum port_kind { PORT_GAME, PORT_CLIENT, PORT_TV, PORT_EPHEMERAL };

struct sender {
    struct in_addr address;
    double         tokens;
    uint64_t       seen_us;
};

struct query {
    struct game        *game;
    int                 fds[QUERY_PORTS];
    uint16_t            ports[QUERY_PORTS];
    struct loop_source *source;
    bool                is_silent;
    uint64_t            key; // of the challenges
    uint32_t            split_id;
    struct sender       everybody;
    struct sender       senders[QUERY_SENDERS_MAX];
    uint64_t            n_in_bytes;
    uint64_t            n_out_bytes;
    uint64_t            traffic_since_us;
    uint8_t             answer[A2S_ANSWER_MAX];
    struct a2s_parts    parts;
};

// One datagram: who sent it, and to which of our addresses.
struct packet {
    struct sockaddr_in from;
    struct in_addr     to;
    size_t             n_bytes;
    uint8_t            bytes[QUERY_PACKET_MAX];
};

// --- the conditions ---------------------------------------------------------------------------

static bool take_token(struct sender *sender, double rate, double window_s)
{
    uint64_t now_us = loop_now_us();
    double   most = MAX(rate * window_s, 1.0);

    sender->tokens += rate * (double)(now_us - sender->seen_us) / 1e6;
    sender->tokens = MIN(sender->tokens, most);
    sender->seen_us = now_us;
    if (sender->tokens < 1)
        return false;
    sender->tokens--;
    return true;
}

static struct sender *sender_find(struct query *query, struct in_addr address)
{
    struct sender *oldest = query->senders;

    for (size_t i = 0; i < QUERY_SENDERS_MAX; i++) {
        struct sender *sender = &query->senders[i];
        if (sender->seen_us && sender->address.s_addr == address.s_addr)
            return sender;
        if (sender->seen_us < oldest->seen_us)
            oldest = sender;
    }
    *oldest = (struct sender){ .address = address }; // an unlimited past: starts with all tokens
    return oldest;
}

static bool is_within_rate(struct query *query, struct in_addr address)
{
    const struct cvars *cvars = query->game->cvars;
    double              window_s = cvars_number(cvars, "sv_max_queries_window");
    double              rate = cvars_number(cvars, "sv_max_queries_sec");
    double              rate_of_all = cvars_number(cvars, "sv_max_queries_sec_global");

    if (rate > 0 && !take_token(sender_find(query, address), rate, window_s))
        return false;
    return rate_of_all <= 0 || take_token(&query->everybody, rate_of_all, window_s);
}

static bool is_loopback(struct in_addr address)
{
    return ntohl(address.s_addr) >> 24 == 127;
}

static bool is_welcome(struct query *query, const struct packet *packet)
{
    if (query->is_silent || is_loopback(packet->from.sin_addr) || is_loopback(packet->to))
        return false;
    if (bans_has_address(query->game->bans, packet->from.sin_addr))
        return false;
    return is_within_rate(query, packet->from.sin_addr);
}

// --- challenges -------------------------------------------------------------------------------

static uint32_t challenge_of(const struct query *query, const struct packet *packet,
                             uint64_t period)
{
    uint64_t mixed = query->key ^ packet->from.sin_addr.s_addr ^ period << 32;

    for (int i = 0; i < 3; i++) {
        mixed ^= mixed >> 31;
        mixed *= 0x9e3779b97f4a7c15u;
    }
    uint32_t challenge = (uint32_t)(mixed >> 32);
    return challenge == UINT32_MAX ? 0 : challenge; // -1 asks for one
}

static uint64_t period_now(const struct query *query)
{
    double period_ms = cvars_number(query->game->cvars, "sim_challenge_ms");

    return loop_now_us() / (uint64_t)(MAX(period_ms, 1.0) * 1000);
}

static bool has_challenge(const struct query *query, const struct packet *packet, size_t offset)
{
    uint64_t period = period_now(query);
    uint32_t given;

    if (packet->n_bytes < offset + sizeof given)
        return false;
    memcpy(&given, packet->bytes + offset, sizeof given);
    return given == challenge_of(query, packet, period) ||
           given == challenge_of(query, packet, period - 1);
}

// --- answering --------------------------------------------------------------------------------

// Sends from the address that was asked, as a client behind a firewall needs it.
static void send_datagram(struct query *query, const struct packet *packet, const uint8_t *bytes,
                          size_t n_bytes)
{
    union {
        struct cmsghdr header;
        char           room[CMSG_SPACE(sizeof(struct in_pktinfo))];
    } control = { 0 };
    struct sockaddr_in to = packet->from;
    struct iovec       vector = { (void *)(uintptr_t)bytes, n_bytes };
    struct msghdr      message = {
             .msg_name = &to,
             .msg_namelen = sizeof to,
             .msg_iov = &vector,
             .msg_iovlen = 1,
             .msg_control = &control,
             .msg_controllen = sizeof control.room,
    };
    struct in_pktinfo info = { .ipi_spec_dst = packet->to };

    control.header = (struct cmsghdr){ .cmsg_level = IPPROTO_IP,
                                       .cmsg_type = IP_PKTINFO,
                                       .cmsg_len = CMSG_LEN(sizeof info) };
    memcpy(CMSG_DATA(&control.header), &info, sizeof info);
    if (sendmsg(query->fds[PORT_GAME], &message, 0) > 0)
        query->n_out_bytes += n_bytes;
}

static void send_challenge(struct query *query, const struct packet *packet)
{
    uint8_t  bytes[9] = { 0xff, 0xff, 0xff, 0xff, 'A' };
    uint32_t challenge = challenge_of(query, packet, period_now(query));

    memcpy(bytes + 5, &challenge, sizeof challenge);
    send_datagram(query, packet, bytes, sizeof bytes);
}

static void send_answer(struct query *query, const struct packet *packet, size_t n_answer)
{
    const struct cvars *cvars = query->game->cvars;

    a2s_split(&query->parts, query->answer, n_answer, ++query->split_id,
              (size_t)cvars_number(cvars, "sim_split_size"), cvars_is_on(cvars, "sim_bzip2"));
    for (size_t i = 0; i < query->parts.count; i++) {
        size_t part = cvars_is_on(cvars, "sim_reorder") ? query->parts.count - 1 - i : i;
        send_datagram(query, packet, query->parts.bytes[part], query->parts.sizes[part]);
    }
}

static const struct request {
    uint8_t     kind;
    const char *payload; // behind the kind, its NUL included; NULL: none
    size_t (*answer)(uint8_t bytes[A2S_ANSWER_MAX], const struct game *game); // NULL: a challenge
} requests[] = {
    { 'T', "Source Engine Query", a2s_info },
    { 'U', NULL, a2s_players },
    { 'V', NULL, a2s_rules },
    { 'W', NULL, NULL },
};

static void answer_packet(struct query *query, const struct packet *packet)
{
    static const uint8_t head[4] = { 0xff, 0xff, 0xff, 0xff };

    if (packet->n_bytes < 5 || memcmp(packet->bytes, head, sizeof head) != 0)
        return;
    for (size_t i = 0; i < ELEMENTS(requests); i++) {
        const struct request *request = &requests[i];
        size_t                n_payload = request->payload ? strlen(request->payload) + 1 : 0;
        bool is_it = request->kind == packet->bytes[4] && packet->n_bytes >= 5 + n_payload &&
                     (!n_payload || memcmp(packet->bytes + 5, request->payload, n_payload) == 0);
        if (!is_it)
            continue;
        if (!is_welcome(query, packet))
            return;
        if (!request->answer || !has_challenge(query, packet, 5 + n_payload))
            send_challenge(query, packet);
        else
            send_answer(query, packet, request->answer(query->answer, query->game));
        return;
    }
}

static bool receive(struct packet *ret, int fd)
{
    union {
        struct cmsghdr header;
        char           room[CMSG_SPACE(sizeof(struct in_pktinfo))];
    } control;
    struct iovec  vector = { ret->bytes, sizeof ret->bytes };
    struct msghdr message = {
        .msg_name = &ret->from,
        .msg_namelen = sizeof ret->from,
        .msg_iov = &vector,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control,
    };
    struct in_pktinfo info = { 0 };

    ssize_t n = recvmsg(fd, &message, 0);
    if (n < 0)
        return false;
    const struct cmsghdr *part = CMSG_FIRSTHDR(&message);
    if (part && part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_PKTINFO)
        memcpy(&info, CMSG_DATA(part), sizeof info);
    ret->to = info.ipi_addr;
    ret->n_bytes = (size_t)n;
    return true;
}

static void on_readable(void *userdata, uint64_t events)
{
    struct query *query = userdata;
    struct packet packet;

    (void)events; // errors are read away like packets
    for (int i = 0; i < QUERY_BATCH && receive(&packet, query->fds[PORT_GAME]); i++) {
        query->n_in_bytes += packet.n_bytes;
        answer_packet(query, &packet);
    }
}

// --- open and close ---------------------------------------------------------------------------

static int bind_ports(struct query *query, struct error *err)
{
    const struct options *options = query->game->options;
    const struct {
        uint16_t port;
        bool     is_strict;
        bool     is_wanted;
    } rows[QUERY_PORTS] = {
        [PORT_GAME] = { options->port, options->is_port_strict, true },
        [PORT_CLIENT] = { options->client_port, false, true },
        [PORT_TV] = { options->tv_port, false, options->is_tv_enabled },
        [PORT_EPHEMERAL] = { 0, false, true },
    };
    struct in_addr address;

    if (net_address_parse(&address, options->ip, err) < 0)
        return -1;
    for (size_t i = 0; i < QUERY_PORTS; i++)
        if (rows[i].is_wanted && net_udp_bind(&query->fds[i], &query->ports[i], address,
                                              rows[i].port, rows[i].is_strict, err) < 0)
            return -1;
    return 0;
}

static void query_freep(struct query **query)
{
    *query = query_free(*query);
}

int query_new(struct query **ret, struct game *game, struct error *err)
{
    AUTO(query_freep)
    struct query *query = calloc(1, sizeof *query);
    if (!query)
        return error_sys(err, ENOMEM, "allocating the queries");

    query->game = game;
    query->is_silent = true; // until a map runs
    query->traffic_since_us = loop_now_us();
    memset(query->fds, -1, sizeof query->fds);
    if (getrandom(&query->key, sizeof query->key, 0) < 0)
        return error_sys(err, errno, "drawing a random key");
    if (bind_ports(query, err) < 0)
        return -1;
    if (loop_add_fd(&query->source, game->loop, query->fds[PORT_GAME], EPOLLIN, on_readable, query,
                    err) < 0)
        return -1;

    *ret = TAKE(query);
    return 0;
}

struct query *query_free(struct query *query)
{
    if (!query)
        return NULL;

    loop_source_free(query->source);
    for (size_t i = 0; i < QUERY_PORTS; i++)
        fd_close(query->fds[i]);
    free(query);
    return NULL;
}

uint16_t query_port(const struct query *query)
{
    return query->ports[PORT_GAME];
}

uint16_t query_client_port(const struct query *query)
{
    return query->ports[PORT_CLIENT];
}

uint16_t query_tv_port(const struct query *query)
{
    return query->ports[PORT_TV];
}

void query_set_silent(struct query *query, bool is_silent)
{
    query->is_silent = is_silent;
}

void query_traffic(struct query *query, struct query_traffic *ret)
{
    uint64_t now_us = loop_now_us();
    double   passed_s = MAX((double)(now_us - query->traffic_since_us) / 1e6, 1e-3);

    *ret = (struct query_traffic){ (double)query->n_in_bytes / passed_s,
                                   (double)query->n_out_bytes / passed_s };
    query->n_in_bytes = query->n_out_bytes = 0;
    query->traffic_since_us = now_us;
}
