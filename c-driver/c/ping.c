/* Two nodes send each other Basic messages of all sizes, with an Express message behind each. */

#include "programs.h"
#include "wayfarer.h"

#include <string.h>

#define RECEIVE_QUEUE_ID 7
/* The destination that leads to the other node. */
#define PEER 1
#define MAXIMUM_BYTES WAYFARER_MESSAGE_MAXIMUM_PAYLOAD_BYTES
#define MESSAGES (2 * (MAXIMUM_BYTES + 1))
/* How long nothing may happen. */
#define PATIENCE_NS UINT64_C(1000000)

/* Message `number` of a node. Even ones are Basic, of a byte more each; odd ones are Express. */
struct expected {
    bool is_express;
    uint8_t tag;
    uint8_t bytes;
    uint8_t payload[MAXIMUM_BYTES];
};

static struct expected message(unsigned node, unsigned number)
{
    struct expected it = {.is_express = number % 2};
    it.bytes = (uint8_t)(it.is_express ? WAYFARER_MESSAGE_EXPRESS_PAYLOAD_BYTES : number / 2);
    it.tag = (uint8_t)(it.is_express ? number / 2 % (1 << WAYFARER_ENDPOINT_EXPRESS_TAG_BITS) : number / 2);
    for (unsigned place = 0; place < it.bytes; place++)
        it.payload[place] = (uint8_t)(131 * number + 7 * place + 89 * node + (number >> 8));
    return it;
}

static enum wayfarer_result send(struct wayfarer_endpoint *endpoint, const struct expected *it)
{
    if (it->is_express)
        return wayfarer_send_express(endpoint, PEER, it->tag, it->payload);
    return wayfarer_send_basic(endpoint, PEER, it->tag, it->payload, it->bytes);
}

/* Sends while there is room, and takes what has arrived; gives entries back four at a time. */
static int exchange(const struct wayfarer_place *place, struct wayfarer_endpoint *endpoint, struct ping_counts *counts)
{
    const struct wayfarer_transport *transport = place->transport;
    struct wayfarer_message received;
    unsigned sent = 0, taken = 0;
    uint64_t last_ns = transport->now_ns(transport->context);
    while (sent < MESSAGES || taken < MESSAGES) {
        bool is_busy = false;
        if (sent < MESSAGES) {
            struct expected next = message(place->node, sent);
            enum wayfarer_result result = send(endpoint, &next);
            CHECK(result == WAYFARER_OK || result == WAYFARER_QUEUE_FULL);
            counts->queue_full += result == WAYFARER_QUEUE_FULL;
            if (result == WAYFARER_OK) {
                *(next.is_express ? &counts->express_sent : &counts->basic_sent) += 1;
                sent++;
                is_busy = true;
            }
        }
        if (wayfarer_receive(endpoint, &received) == WAYFARER_OK) {
            CHECK(taken < MESSAGES);
            struct expected next = message(place->peer, taken);
            CHECK(received.source_node == place->peer);
            CHECK(received.receive_queue_id == RECEIVE_QUEUE_ID);
            CHECK(!received.gap);
            CHECK(received.tag == next.tag);
            CHECK(received.bytes == next.bytes);
            CHECK(memcmp(received.payload, next.payload, next.bytes) == 0);
            *(next.is_express ? &counts->express_received : &counts->basic_received) += 1;
            taken++;
            if (taken % 4 == 0 || taken == MESSAGES)
                wayfarer_give_back(endpoint);
            is_busy = true;
        }
        if (is_busy)
            last_ns = transport->now_ns(transport->context);
        else
            transport->wait(transport->context, PATIENCE_NS);
        CHECK(transport->now_ns(transport->context) - last_ns < PATIENCE_NS);
    }
    CHECK(wayfarer_flush(endpoint, PATIENCE_NS) == WAYFARER_OK);
    return 0;
}

int ping(const struct wayfarer_place *place, struct ping_counts *counts)
{
    const struct wayfarer_endpoint_options options = {
        .receive_queue_id = RECEIVE_QUEUE_ID,
        .ring_entries_log2 = 3,
        .entry_bytes_log2 = 8,
        .destinations_log2 = 1,
        .inline_bodies = true,
    };
    struct wayfarer_device device;
    struct wayfarer_endpoint endpoint;
    struct wayfarer_message left_over;
    memset(counts, 0, sizeof *counts);
    CHECK(wayfarer_open(&device, place->transport, place->node) == WAYFARER_OK);
    CHECK(wayfarer_create_endpoint(&device, &endpoint, &options) == WAYFARER_OK);
    CHECK(wayfarer_load_translation(&endpoint, PEER, place->peer, RECEIVE_QUEUE_ID, 0) == WAYFARER_OK);

    /* A message is rejected if its receive queue does not exist (rule 37). */
    place->barrier(place->transport->context);
    int failed = exchange(place, &endpoint, counts);
    if (failed)
        return failed;
    place->barrier(place->transport->context);
    CHECK(wayfarer_receive(&endpoint, &left_over) == WAYFARER_NOTHING);

    wayfarer_destroy_endpoint(&endpoint);
    CHECK(wayfarer_read_counter(&device, WAYFARER_CONTROL_COUNTER_MESSAGES_RECEIVED, &counts->niu_received) ==
          WAYFARER_OK);
    CHECK(wayfarer_read_counter(&device, WAYFARER_CONTROL_COUNTER_RECEIVE_FULL, &counts->niu_ring_full) == WAYFARER_OK);
    wayfarer_close(&device);
    return 0;
}
