/* The firmware has stopped: messages go on, requests are not answered, and the next driver finds a working device. */

#include "programs.h"
#include "wayfarer.h"

#include <string.h>

#define RECEIVE_QUEUE_ID 5
#define PATIENCE_NS UINT64_C(1000000)

/* Sends a message to the own node and receives it. */
static int echo(struct wayfarer_endpoint *endpoint)
{
    struct wayfarer_message message;
    CHECK(wayfarer_send_basic(endpoint, 0, 1, "to myself", 9) == WAYFARER_OK);
    CHECK(wayfarer_flush(endpoint, PATIENCE_NS) == WAYFARER_OK);
    CHECK(wayfarer_receive(endpoint, &message) == WAYFARER_OK);
    CHECK(message.bytes == 9 && memcmp(message.payload, "to myself", 9) == 0);
    wayfarer_give_back(endpoint);
    return 0;
}

/* Opens the device and creates an endpoint that leads to itself. */
static int begin(const struct wayfarer_place *place, struct wayfarer_device *device, struct wayfarer_endpoint *endpoint)
{
    const struct wayfarer_endpoint_options options = {
        .receive_queue_id = RECEIVE_QUEUE_ID,
        .ring_entries_log2 = 1,
        .entry_bytes_log2 = 6,
        .inline_bodies = true,
    };
    CHECK(wayfarer_open(device, place->transport, place->node) == WAYFARER_OK);
    CHECK(wayfarer_create_endpoint(device, endpoint, &options) == WAYFARER_OK);
    CHECK(wayfarer_load_translation(endpoint, 0, place->node, RECEIVE_QUEUE_ID, 0) == WAYFARER_OK);
    return echo(endpoint);
}

int silence(const struct wayfarer_place *place)
{
    const struct wayfarer_transport *transport = place->transport;
    struct wayfarer_device device;
    struct wayfarer_endpoint endpoint;
    int failed = begin(place, &device, &endpoint);
    if (failed)
        return failed;
    transport->write32(transport->context, WAYFARER_CONTROL_PROCESSOR_CONTROL_OFFSET,
                       1u << WAYFARER_CONTROL_PROCESSOR_CONTROL_HOLD_SHIFT);
    failed = echo(&endpoint);
    if (failed)
        return failed;
    /* Nobody answers; so the endpoint's memory stays reachable until the NIU is quiet (rules 11 and 39). */
    wayfarer_destroy_endpoint(&endpoint);
    CHECK(device.parked_count == 2);
    wayfarer_close(&device);

    failed = begin(place, &device, &endpoint);
    if (failed)
        return failed;
    wayfarer_destroy_endpoint(&endpoint);
    wayfarer_close(&device);
    return 0;
}
