/* What the documents say of mistakes, tried out on one node that sends to itself. */

#include "programs.h"
#include "wayfarer.h"

#include <string.h>

#define RECEIVE_QUEUE_ID 3
#define PATIENCE_NS UINT64_C(1000000)
#define PAGE_BYTES UINT64_C(4096)

/* A request is refused, with this status. */
static bool is_refused(struct wayfarer_device *device, uint16_t opcode, const uint64_t operands[3], unsigned status)
{
    return wayfarer_request(device, opcode, operands, 3, NULL) == WAYFARER_REFUSED && device->status == status;
}

/* Operands of CREATE_ENDPOINT that are wrong. `memory` is good. */
static int wrong_creations(struct wayfarer_device *device, uint64_t memory)
{
    const uint16_t create = WAYFARER_ADMIN_OPCODE_CREATE_ENDPOINT;
    /* Two entries of 16 bytes, one destination. */
    const uint64_t shape = 1 << WAYFARER_ADMIN_ENDPOINT_SHAPE_ENTRIES_LOG2_SHIFT |
                           4 << WAYFARER_ADMIN_ENDPOINT_SHAPE_STRIDE_LOG2_SHIFT;
    const uint64_t shadow = memory + 64;
    const uint64_t bad[][3] = {
        {shape, 0, shadow},                     /* a ring at 0 */
        {shape, memory, 0},                     /* a shadow line at 0 */
        {shape, memory + 64, shadow},           /* a ring that is not on a page */
        {shape, memory, shadow + 8},            /* a shadow line that is not on a multiple of 64 */
        {shape + 7, -PAGE_BYTES, shadow},       /* a page of ring that ends where addresses end */
        {shape | UINT64_C(1) << 33, memory, shadow}, /* a reserved bit */
        {shape & ~UINT64_C(0xff), memory, shadow}, /* one entry */
        {shape - (1 << WAYFARER_ADMIN_ENDPOINT_SHAPE_STRIDE_LOG2_SHIFT), memory, shadow},     /* 8 bytes */
        {shape + (5 << WAYFARER_ADMIN_ENDPOINT_SHAPE_STRIDE_LOG2_SHIFT), memory, shadow},     /* 512 bytes */
        {shape + (13 << WAYFARER_ADMIN_ENDPOINT_SHAPE_WINDOW_LOG2_SHIFT), memory, shadow},    /* 8192 destinations */
    };
    for (size_t number = 0; number < sizeof bad / sizeof bad[0]; number++)
        CHECK(is_refused(device, create, bad[number], WAYFARER_ADMIN_STATUS_BAD_OPERAND));
    /* Memory that the IOMMU does not know. */
    const uint64_t nowhere = UINT64_C(0x00005a5a5a5a5000);
    const uint64_t unmapped[][3] = {{shape, nowhere, shadow}, {shape, memory, nowhere}};
    CHECK(is_refused(device, create, unmapped[0], WAYFARER_ADMIN_STATUS_ADDRESS_REFUSED));
    CHECK(is_refused(device, create, unmapped[1], WAYFARER_ADMIN_STATUS_ADDRESS_REFUSED));
    /* With neither mistake the same operands are good. */
    const uint64_t good[] = {shape, memory, shadow};
    uint64_t created;
    CHECK(wayfarer_request(device, create, good, 3, &created) == WAYFARER_OK);
    const uint64_t endpoint = created & 0xffff;
    CHECK(wayfarer_request(device, WAYFARER_ADMIN_OPCODE_DESTROY_ENDPOINT, &endpoint, 1, NULL) == WAYFARER_OK);
    return 0;
}

/* Requests for an endpoint that are wrong. */
static int wrong_requests(struct wayfarer_endpoint *endpoint, struct wayfarer_endpoint *other)
{
    struct wayfarer_device *device = endpoint->device;
    const uint64_t number = endpoint->number;
    const uint64_t entry = UINT64_C(1) << WAYFARER_QUEUE_STATE_TRANSLATION_VALID_SHIFT;
    const uint16_t bind = WAYFARER_ADMIN_OPCODE_BIND_RECEIVE_QUEUE;
    const uint16_t load = WAYFARER_ADMIN_OPCODE_LOAD_TRANSLATION;
    const uint64_t same[] = {number, RECEIVE_QUEUE_ID}, another[] = {number, RECEIVE_QUEUE_ID + 2, 0},
                   others[] = {other->number, RECEIVE_QUEUE_ID, 0}, beyond[] = {other->number, 4096, 0};
    CHECK(wayfarer_request(device, bind, same, 2, NULL) == WAYFARER_OK);
    CHECK(is_refused(device, bind, another, WAYFARER_ADMIN_STATUS_BAD_OPERAND));
    CHECK(is_refused(device, bind, others, WAYFARER_ADMIN_STATUS_BAD_OPERAND));
    CHECK(is_refused(device, bind, beyond, WAYFARER_ADMIN_STATUS_BAD_OPERAND));
    const uint64_t translations[][3] = {
        {number, 4, entry},                     /* outside the window */
        {number, 0, entry | 1 << 10},           /* a reserved bit */
        {number, 0, entry | UINT64_C(1) << 38}, /* another one */
        {number, 0, entry | 1 << 28},           /* an identifier of 13 bits */
        {number, 0, entry | UINT64_C(1) << 32}, /* virtual channel 1, which the endpoint may not use */
    };
    for (size_t place = 0; place < sizeof translations / sizeof translations[0]; place++)
        CHECK(is_refused(device, load, translations[place], WAYFARER_ADMIN_STATUS_BAD_OPERAND));
    const uint64_t nobody[] = {number ^ 1, 0, entry};
    if (other->number != nobody[0])
        CHECK(is_refused(device, load, nobody, WAYFARER_ADMIN_STATUS_NO_SUCH_ENDPOINT));
    CHECK(is_refused(device, 99, nobody, WAYFARER_ADMIN_STATUS_UNKNOWN_OPCODE));
    return 0;
}

/* A message is rejected with this error. */
static bool is_rejected(struct wayfarer_endpoint *endpoint, uint16_t destination, size_t bytes, unsigned error)
{
    const uint8_t payload[WAYFARER_MESSAGE_MAXIMUM_PAYLOAD_BYTES] = {0};
    return wayfarer_send_basic(endpoint, destination, 0, payload, bytes) == WAYFARER_OK &&
           wayfarer_flush(endpoint, PATIENCE_NS) == WAYFARER_MESSAGE_ERROR && endpoint->error == error;
}

/* Messages and stores that are wrong. The endpoint has four destinations, and entries for 24 bytes. */
static int wrong_messages(struct wayfarer_endpoint *endpoint, uint16_t node)
{
    const struct wayfarer_transport *transport = endpoint->device->transport;
    const uint64_t page = endpoint->number * (uint64_t)WAYFARER_ENDPOINT_PAGE_BYTES;
    struct wayfarer_message message;
    CHECK(wayfarer_load_translation(endpoint, 0, node, RECEIVE_QUEUE_ID, 0) == WAYFARER_OK);
    CHECK(wayfarer_load_translation(endpoint, 1, node, RECEIVE_QUEUE_ID + 2, 0) == WAYFARER_OK);
    CHECK(is_rejected(endpoint, 1, 8, WAYFARER_MESSAGE_ERROR_NOT_RESIDENT));
    CHECK(is_rejected(endpoint, 2, 8, WAYFARER_MESSAGE_ERROR_INVALID_TRANSLATION));
    CHECK(is_rejected(endpoint, 4, 8, WAYFARER_MESSAGE_ERROR_OUTSIDE_WINDOW));
    CHECK(is_rejected(endpoint, 0, 25, WAYFARER_MESSAGE_ERROR_ENTRY_TOO_SMALL));
    /* A producer index beyond the slots is rejected as a whole. */
    transport->write64(transport->context, page + WAYFARER_ENDPOINT_TRANSMIT_PRODUCER_OFFSET,
                       (uint16_t)(endpoint->producer + endpoint->device->transmit_slots + 1));
    uint64_t start = transport->now_ns(transport->context);
    enum wayfarer_result result = WAYFARER_OK;
    while (result == WAYFARER_OK && transport->now_ns(transport->context) - start < PATIENCE_NS) {
        transport->wait(transport->context, PATIENCE_NS);
        result = wayfarer_check(endpoint);
    }
    CHECK(result == WAYFARER_STORE_ERROR && endpoint->error == WAYFARER_MESSAGE_ERROR_OVERFLOW);
    CHECK(wayfarer_receive(endpoint, &message) == WAYFARER_NOTHING);

    /* Reserved bits of a body's header and of an index are ignored. */
    const uint8_t body[24] = {0, 0, 16, 0, 9, 0xf8, 0xff, 0xff, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    uint64_t place = page + endpoint->producer % WAYFARER_MESSAGE_INLINE_BODIES * WAYFARER_MESSAGE_INLINE_BODY_BYTES;
    transport->write_combined(transport->context, place, body, sizeof body);
    transport->fence(transport->context);
    endpoint->producer++;
    transport->write64(transport->context, page + WAYFARER_ENDPOINT_TRANSMIT_PRODUCER_OFFSET,
                       endpoint->producer | UINT64_C(0xffffffffffff0000));
    CHECK(wayfarer_flush(endpoint, PATIENCE_NS) == WAYFARER_OK);
    CHECK(wayfarer_receive(endpoint, &message) == WAYFARER_OK);
    CHECK(message.bytes == 16 && message.tag == 9 && memcmp(message.payload, body + 8, 16) == 0);
    return 0;
}

int mistakes(const struct wayfarer_place *place)
{
    const struct wayfarer_endpoint_options options = {
        .receive_queue_id = RECEIVE_QUEUE_ID,
        .ring_entries_log2 = 2,
        .entry_bytes_log2 = 5,
        .destinations_log2 = 2,
        .inline_bodies = true,
    };
    struct wayfarer_endpoint_options others = options, taken = options;
    others.receive_queue_id++;
    others.inline_bodies = false;
    taken.inline_bodies = false;
    struct wayfarer_device device, second;
    struct wayfarer_endpoint endpoint, other, refused;
    struct wayfarer_memory memory;
    CHECK(wayfarer_open(&device, place->transport, place->node) == WAYFARER_OK);
    CHECK(wayfarer_open(&second, place->transport, place->node) == WAYFARER_DEVICE_IN_USE);
    CHECK(place->transport->allocate(place->transport->context, PAGE_BYTES, &memory));
    /* The driver has given memory when it opened the device (rule 54). */
    const uint64_t given[] = {memory.bus_address, memory.bus_address, 0};
    CHECK(is_refused(&device, WAYFARER_ADMIN_OPCODE_GIVE_MEMORY, given, WAYFARER_ADMIN_STATUS_BAD_OPERAND));
    int failed = wrong_creations(&device, memory.bus_address);
    if (failed)
        return failed;
    place->transport->release(place->transport->context, &memory);

    CHECK(wayfarer_create_endpoint(&device, &endpoint, &options) == WAYFARER_OK);
    CHECK(wayfarer_create_endpoint(&device, &refused, &taken) == WAYFARER_REFUSED);
    CHECK(device.status == WAYFARER_ADMIN_STATUS_IN_USE);
    CHECK(wayfarer_create_endpoint(&device, &other, &others) == WAYFARER_OK);
    CHECK(wayfarer_send_basic(&other, 0, 0, "", 0) == WAYFARER_BAD_ARGUMENT);
    failed = wrong_requests(&endpoint, &other);
    if (failed)
        return failed;
    failed = wrong_messages(&endpoint, place->node);
    if (failed)
        return failed;
    wayfarer_destroy_endpoint(&other);
    wayfarer_destroy_endpoint(&endpoint);
    const uint64_t gone[] = {endpoint.number, 0, 0};
    CHECK(is_refused(&device, WAYFARER_ADMIN_OPCODE_DESTROY_ENDPOINT, gone, WAYFARER_ADMIN_STATUS_NO_SUCH_ENDPOINT));
    wayfarer_close(&device);
    return 0;
}
