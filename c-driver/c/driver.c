#include "driver.h"
#include "wayfarer.h"

#include <string.h>

/* A field of a word, and a word with a field. */
#define MASK(field) ((UINT64_C(1) << WAYFARER_##field##_WIDTH) - 1)
#define GET(word, field) (((uint64_t)(word) >> WAYFARER_##field##_SHIFT) & MASK(field))
#define PUT(value, field) (((uint64_t)(value)&MASK(field)) << WAYFARER_##field##_SHIFT)

/* How long a request to the firmware may take, its start after a reset included (rule 33). */
#define REQUEST_NS UINT64_C(20000000)
/* How long the NIU may take to be quiet (rule 48), and the time between two looks. */
#define QUIET_NS UINT64_C(50000000)
#define QUIET_STEP_NS UINT64_C(500)
/* How long a claim to the device must stand (rule 38). */
#define CLAIM_NS UINT64_C(5000)

_Static_assert(sizeof(((struct wayfarer_message *)0)->payload) == WAYFARER_MESSAGE_MAXIMUM_PAYLOAD_BYTES,
               "the longest message fits");
_Static_assert(sizeof(((struct wayfarer_endpoint *)0)->copies) ==
                   WAYFARER_MESSAGE_MAXIMUM_TRANSMIT_SLOTS * sizeof(struct wayfarer_copy),
               "a copy for each slot");
_Static_assert(sizeof(((struct wayfarer_endpoint *)0)->bodies) == WAYFARER_ENDPOINT_PAGE_BYTES,
               "a copy for each inline body");

/* Everything in memory is little-endian, whatever the host is. */
static void store_word(uint8_t *bytes, uint64_t word)
{
    for (unsigned place = 0; place < 8; place++)
        bytes[place] = (uint8_t)(word >> (8 * place));
}

static uint64_t load_word(const uint8_t *bytes)
{
    uint64_t word = 0;
    for (unsigned place = 0; place < 8; place++)
        word |= (uint64_t)bytes[place] << (8 * place);
    return word;
}

/* Registers. */

static bool read_register(struct wayfarer_device *device, uint32_t offset, uint32_t *value)
{
    return device->transport->read32(device->transport->context, offset, value);
}

static void write_register(struct wayfarer_device *device, uint32_t offset, uint64_t value)
{
    device->transport->write32(device->transport->context, offset, (uint32_t)value);
}

static void write_address(struct wayfarer_device *device, uint32_t low_offset, uint64_t address)
{
    write_register(device, low_offset, address & 0xffffffff);
    write_register(device, low_offset + 4, address >> 32);
}

enum wayfarer_result wayfarer_read_counter(struct wayfarer_device *device, unsigned counter, uint32_t *value)
{
    return read_register(device, WAYFARER_CONTROL_COUNTERS_OFFSET + 4 * counter, value) ? WAYFARER_OK
                                                                                         : WAYFARER_UNREACHABLE;
}

/* Memory, time. */

static uint64_t now(struct wayfarer_device *device)
{
    return device->transport->now_ns(device->transport->context);
}

/* Waits for a moment of a limit that began at `start`; false when the limit is over. */
static bool wait_within(struct wayfarer_device *device, uint64_t start, uint64_t limit, uint64_t step)
{
    uint64_t waited = now(device) - start;
    if (waited >= limit)
        return false;
    uint64_t left = limit - waited;
    device->transport->wait(device->transport->context, left < step ? left : step);
    return true;
}

static bool allocate(struct wayfarer_device *device, size_t bytes, struct wayfarer_memory *memory)
{
    return device->transport->allocate(device->transport->context, bytes, memory);
}

static void release(struct wayfarer_device *device, struct wayfarer_memory *memory)
{
    device->transport->release(device->transport->context, memory);
}

/* Keeps memory that the device may still use until it is quiet (rule 11). */
static void park(struct wayfarer_device *device, const struct wayfarer_memory *memory)
{
    if (device->parked_count < WAYFARER_PARKED)
        device->parked[device->parked_count++] = *memory;
}

/* The device: opening and closing. */

static bool has_our_version(uint64_t version)
{
    return GET(version, CONTROL_ABI_VERSION_MAJOR) == WAYFARER_ABI_VERSION_MAJOR;
}

/* Whether our token still stands in `scratch`, and no driver has set up its rings. */
static enum wayfarer_result check_claim(struct wayfarer_device *device, uint32_t token)
{
    uint32_t scratch, entries;
    if (!read_register(device, WAYFARER_CONTROL_SCRATCH_OFFSET, &scratch) ||
        !read_register(device, WAYFARER_CONTROL_ADMIN_ENTRIES_OFFSET, &entries))
        return WAYFARER_UNREACHABLE;
    bool is_ours = scratch == token && GET(entries, CONTROL_ADMIN_ENTRIES_LOG2) == 0;
    return is_ours ? WAYFARER_OK : WAYFARER_DEVICE_IN_USE;
}

/* Claims the device (rule 38). */
static enum wayfarer_result claim(struct wayfarer_device *device, uint32_t token)
{
    write_register(device, WAYFARER_CONTROL_SCRATCH_OFFSET, token);
    uint64_t start = now(device);
    while (wait_within(device, start, CLAIM_NS, CLAIM_NS))
        ;
    return check_claim(device, token);
}

/* Stops the NIU's requests to the host and waits until the last one is over (rules 47 to 49). */
static enum wayfarer_result quiesce(struct wayfarer_device *device, uint32_t next_generation)
{
    write_register(device, WAYFARER_CONTROL_QUIESCE_OFFSET, PUT(next_generation, CONTROL_QUIESCE_GENERATION));
    uint64_t start = now(device);
    uint32_t status;
    do {
        if (!read_register(device, WAYFARER_CONTROL_STATUS_OFFSET, &status))
            return WAYFARER_UNREACHABLE;
        if (GET(status, CONTROL_STATUS_QUIET))
            return WAYFARER_OK;
    } while (wait_within(device, start, QUIET_NS, QUIET_STEP_NS));
    return WAYFARER_NOT_QUIET;
}

/* Sets up the admin rings (rule 32). */
static void set_up_rings(struct wayfarer_device *device)
{
    write_register(device, WAYFARER_CONTROL_ADMIN_DOORBELL_OFFSET, 0);
    write_address(device, WAYFARER_CONTROL_ADMIN_SUBMISSION_LOW_OFFSET, device->submissions.bus_address);
    write_address(device, WAYFARER_CONTROL_ADMIN_COMPLETION_LOW_OFFSET, device->completions.bus_address);
    write_register(device, WAYFARER_CONTROL_ADMIN_ENTRIES_OFFSET,
                   PUT(WAYFARER_ADMIN_ENTRIES_LOG2, CONTROL_ADMIN_ENTRIES_LOG2) |
                       PUT(device->generation, CONTROL_ADMIN_ENTRIES_GENERATION));
}

/* Takes possession of the device, whose rings are allocated. */
static enum wayfarer_result take(struct wayfarer_device *device)
{
    uint32_t token = (uint32_t)(device->submissions.bus_address >> 12) ^ (uint32_t)now(device);
    uint32_t entries, control;
    enum wayfarer_result result = claim(device, token);
    if (result != WAYFARER_OK)
        return result;
    if (!read_register(device, WAYFARER_CONTROL_ADMIN_ENTRIES_OFFSET, &entries))
        return WAYFARER_UNREACHABLE;
    device->generation = (GET(entries, CONTROL_ADMIN_ENTRIES_GENERATION) + 1) & MASK(CONTROL_ADMIN_ENTRIES_GENERATION);
    result = quiesce(device, device->generation);
    if (result == WAYFARER_OK)
        result = check_claim(device, token);
    if (result != WAYFARER_OK)
        return result;
    set_up_rings(device);
    if (!read_register(device, WAYFARER_CONTROL_PROCESSOR_CONTROL_OFFSET, &control))
        return WAYFARER_UNREACHABLE;
    if (GET(control, CONTROL_PROCESSOR_CONTROL_HOLD))
        write_register(device, WAYFARER_CONTROL_PROCESSOR_CONTROL_OFFSET, 0);
    return WAYFARER_OK;
}

/* Turns the admin queue off (rule 39). */
static void turn_off(struct wayfarer_device *device)
{
    write_register(device, WAYFARER_CONTROL_ADMIN_ENTRIES_OFFSET,
                   PUT(device->generation, CONTROL_ADMIN_ENTRIES_GENERATION));
    write_register(device, WAYFARER_CONTROL_ADMIN_DOORBELL_OFFSET, 0);
}

/* Gives the firmware memory for endpoints that are away (rule 54). */
static enum wayfarer_result give_memory(struct wayfarer_device *device, size_t endpoints)
{
    if (!allocate(device, endpoints * WAYFARER_ADMIN_TABLE_ENTRY_BYTES, &device->table) ||
        !allocate(device, WAYFARER_ADMIN_MISS_RING_BYTES, &device->miss_ring))
        return WAYFARER_NO_MEMORY;
    uint64_t operands[] = {device->table.bus_address, device->miss_ring.bus_address};
    return wayfarer_request(device, WAYFARER_ADMIN_OPCODE_GIVE_MEMORY, operands, 2, NULL);
}

enum wayfarer_result wayfarer_open(struct wayfarer_device *device, const struct wayfarer_transport *transport,
                                   uint16_t node)
{
    memset(device, 0, sizeof *device);
    device->transport = transport;
    uint32_t magic, version, sizes, entries;
    if (!read_register(device, WAYFARER_CONTROL_MAGIC_OFFSET, &magic) ||
        !read_register(device, WAYFARER_CONTROL_ABI_VERSION_OFFSET, &version) ||
        !read_register(device, WAYFARER_CONTROL_SIZES_OFFSET, &sizes) ||
        !read_register(device, WAYFARER_CONTROL_ADMIN_ENTRIES_OFFSET, &entries))
        return WAYFARER_UNREACHABLE;
    if (magic != WAYFARER_CONTROL_MAGIC)
        return WAYFARER_NOT_A_NIU;
    if (!has_our_version(version))
        return WAYFARER_OTHER_VERSION;
    if (GET(entries, CONTROL_ADMIN_ENTRIES_LOG2) != 0)
        return WAYFARER_DEVICE_IN_USE;
    device->transmit_slots = (uint16_t)(1u << GET(sizes, CONTROL_SIZES_TRANSMIT_SLOTS_LOG2));

    if (!allocate(device, WAYFARER_ADMIN_ENTRIES * WAYFARER_ADMIN_SUBMISSION_BYTES, &device->submissions))
        return WAYFARER_NO_MEMORY;
    if (!allocate(device, WAYFARER_ADMIN_ENTRIES * WAYFARER_ADMIN_COMPLETION_BYTES, &device->completions)) {
        release(device, &device->submissions);
        return WAYFARER_NO_MEMORY;
    }
    enum wayfarer_result result = take(device);
    if (result != WAYFARER_OK) {
        release(device, &device->submissions);
        release(device, &device->completions);
        return result;
    }
    write_register(device, WAYFARER_CONTROL_NODE_OFFSET, PUT(node, CONTROL_NODE_NUMBER));

    /* The answer says that the firmware is alive: nothing else has to be waited for. */
    uint64_t identity = 0;
    result = wayfarer_request(device, WAYFARER_ADMIN_OPCODE_IDENTIFY, NULL, 0, &identity);
    device->firmware_version = (uint32_t)(identity >> 32);
    if (result == WAYFARER_OK && !has_our_version(device->firmware_version))
        result = WAYFARER_OTHER_VERSION;
    if (result == WAYFARER_OK)
        result = give_memory(device, (size_t)1 << GET(sizes, CONTROL_SIZES_ENDPOINTS_LOG2));
    if (result != WAYFARER_OK)
        wayfarer_close(device);
    return result;
}

void wayfarer_close(struct wayfarer_device *device)
{
    /* What the firmware was given is in use until the NIU is quiet (rule 55). */
    bool is_given = device->miss_ring.bus_address != 0;
    bool is_done = device->submitted == device->answered && device->parked_count == 0 && !is_given;
    uint32_t entries;
    if (!read_register(device, WAYFARER_CONTROL_ADMIN_ENTRIES_OFFSET, &entries))
        return; /* whether the device uses the memory is not known */
    /* Another driver that has the device has found it quiet (rule 40). */
    if (GET(entries, CONTROL_ADMIN_ENTRIES_GENERATION) == device->generation) {
        uint32_t next = (device->generation + 1) & MASK(CONTROL_ADMIN_ENTRIES_GENERATION);
        if (!is_done && quiesce(device, next) != WAYFARER_OK)
            return;
        turn_off(device);
    }
    for (unsigned number = 0; number < device->parked_count; number++)
        release(device, &device->parked[number]);
    if (device->table.bus_address != 0)
        release(device, &device->table);
    if (is_given)
        release(device, &device->miss_ring);
    release(device, &device->submissions);
    release(device, &device->completions);
}

/* Admin requests. */

/* Whether submission `index` is answered; sets `status` and `result` (rule 33). */
static bool take_answer(struct wayfarer_device *device, uint16_t index, uint64_t *result)
{
    const struct wayfarer_transport *transport = device->transport;
    size_t offset = (index % WAYFARER_ADMIN_ENTRIES) * WAYFARER_ADMIN_COMPLETION_BYTES;
    uint64_t completion = transport->load64(transport->context, &device->completions, offset);
    unsigned phase = !((index >> WAYFARER_ADMIN_ENTRIES_LOG2) & 1);
    uint16_t taken = (uint16_t)(index + 1);
    if (GET(completion, ADMIN_COMPLETION_PHASE) != phase || GET(completion, ADMIN_COMPLETION_CONSUMER) != taken)
        return false;
    device->answered = taken;
    device->status = (uint16_t)GET(completion, ADMIN_COMPLETION_STATUS);
    *result = transport->load64(transport->context, &device->completions, offset + 8);
    return true;
}

enum wayfarer_result wayfarer_request(struct wayfarer_device *device, uint16_t opcode, const uint64_t *operands,
                                      unsigned count, uint64_t *result)
{
    const struct wayfarer_transport *transport = device->transport;
    uint32_t entries;
    uint64_t answer;
    if (!read_register(device, WAYFARER_CONTROL_ADMIN_ENTRIES_OFFSET, &entries))
        return WAYFARER_UNREACHABLE;
    if (GET(entries, CONTROL_ADMIN_ENTRIES_GENERATION) != device->generation)
        return WAYFARER_DEVICE_LOST;
    for (uint16_t index = device->answered; index != device->submitted; index++)
        take_answer(device, index, &answer);
    if ((uint16_t)(device->submitted - device->answered) >= WAYFARER_ADMIN_ENTRIES)
        return WAYFARER_FIRMWARE_SILENT;

    uint16_t index = device->submitted++;
    uint8_t submission[WAYFARER_ADMIN_SUBMISSION_BYTES] = {0};
    store_word(submission, PUT(opcode, ADMIN_SUBMISSION_OPCODE) | PUT(index, ADMIN_SUBMISSION_IDENTIFIER));
    for (unsigned number = 0; number < count; number++)
        store_word(submission + 16 + 8 * number, operands[number]);
    transport->store(transport->context, &device->submissions,
                     (index % WAYFARER_ADMIN_ENTRIES) * sizeof submission, submission, sizeof submission);
    transport->fence(transport->context);
    write_register(device, WAYFARER_CONTROL_ADMIN_DOORBELL_OFFSET, device->submitted);

    uint64_t start = now(device);
    do {
        if (!take_answer(device, index, &answer))
            continue;
        if (result)
            *result = answer;
        return device->status == WAYFARER_ADMIN_STATUS_DONE ? WAYFARER_OK : WAYFARER_REFUSED;
    } while (wait_within(device, start, REQUEST_NS, REQUEST_NS));
    return WAYFARER_FIRMWARE_SILENT;
}

/* Endpoints. */

static uint64_t page(const struct wayfarer_endpoint *endpoint)
{
    return (uint64_t)endpoint->number * WAYFARER_ENDPOINT_PAGE_BYTES;
}

enum wayfarer_result wayfarer_create_endpoint(struct wayfarer_device *device, struct wayfarer_endpoint *endpoint,
                                              const struct wayfarer_endpoint_options *options)
{
    static const uint8_t zeros[WAYFARER_ENDPOINT_PAGE_BYTES];
    const struct wayfarer_transport *transport = device->transport;
    memset(endpoint, 0, sizeof *endpoint);
    endpoint->device = device;
    endpoint->options = *options;
    if (options->ring_entries_log2 > WAYFARER_MESSAGE_MAXIMUM_ENTRIES_LOG2 ||
        options->entry_bytes_log2 > WAYFARER_MESSAGE_MAXIMUM_STRIDE_LOG2)
        return WAYFARER_BAD_ARGUMENT;
    if (!allocate(device, (size_t)1 << (options->ring_entries_log2 + options->entry_bytes_log2), &endpoint->ring))
        return WAYFARER_NO_MEMORY;
    if (!allocate(device, 64, &endpoint->shadow)) {
        release(device, &endpoint->ring);
        return WAYFARER_NO_MEMORY;
    }
    uint64_t created = 0;
    uint64_t creation[] = {
        PUT(options->ring_entries_log2, ADMIN_ENDPOINT_SHAPE_ENTRIES_LOG2) |
            PUT(options->entry_bytes_log2, ADMIN_ENDPOINT_SHAPE_STRIDE_LOG2) |
            PUT(options->destinations_log2, ADMIN_ENDPOINT_SHAPE_WINDOW_LOG2) |
            PUT(options->virtual_channel_1, ADMIN_ENDPOINT_SHAPE_VIRTUAL_CHANNEL_1) |
            PUT(options->priority, ADMIN_ENDPOINT_SHAPE_PRIORITY) |
            PUT(options->inline_bodies, ADMIN_ENDPOINT_SHAPE_INLINE) |
            PUT(options->drops, ADMIN_ENDPOINT_SHAPE_DROPS) |
            PUT(options->give_up, ADMIN_ENDPOINT_SHAPE_GIVE_UP),
        endpoint->ring.bus_address,
        endpoint->shadow.bus_address,
    };
    enum wayfarer_result result =
        wayfarer_request(device, WAYFARER_ADMIN_OPCODE_CREATE_ENDPOINT, creation, 3, &created);
    bool is_certain = result == WAYFARER_REFUSED && device->status != WAYFARER_ADMIN_STATUS_FAILED;
    if (is_certain) {
        release(device, &endpoint->ring);
        release(device, &endpoint->shadow);
    } else if (result != WAYFARER_OK) {
        park(device, &endpoint->ring);
        park(device, &endpoint->shadow);
    }
    if (result != WAYFARER_OK)
        return result;
    endpoint->number = (uint16_t)GET(created, ADMIN_ENDPOINT_RESULT_ENDPOINT);

    /* What a former owner composed is none of the next one's business (rule 7). */
    if (options->inline_bodies)
        transport->write_combined(transport->context, page(endpoint), zeros, sizeof zeros);
    uint64_t binding[] = {endpoint->number, options->receive_queue_id};
    result = wayfarer_request(device, WAYFARER_ADMIN_OPCODE_BIND_RECEIVE_QUEUE, binding, 2, NULL);
    if (result != WAYFARER_OK) {
        uint16_t status = device->status;
        wayfarer_destroy_endpoint(endpoint);
        device->status = status;
    }
    return result;
}

void wayfarer_destroy_endpoint(struct wayfarer_endpoint *endpoint)
{
    struct wayfarer_device *device = endpoint->device;
    uint64_t number = endpoint->number;
    bool is_gone = wayfarer_request(device, WAYFARER_ADMIN_OPCODE_DESTROY_ENDPOINT, &number, 1, NULL) == WAYFARER_OK;
    if (is_gone) {
        release(device, &endpoint->ring);
        release(device, &endpoint->shadow);
    } else {
        park(device, &endpoint->ring);
        park(device, &endpoint->shadow);
    }
}

enum wayfarer_result wayfarer_load_translation(struct wayfarer_endpoint *endpoint, uint16_t destination,
                                               uint16_t node, uint16_t receive_queue_id, unsigned virtual_channel)
{
    uint64_t operands[] = {
        endpoint->number,
        destination,
        PUT(node, QUEUE_STATE_TRANSLATION_NODE) |
            PUT(receive_queue_id, QUEUE_STATE_TRANSLATION_RECEIVE_QUEUE_ID) |
            PUT(virtual_channel, QUEUE_STATE_TRANSLATION_VIRTUAL_CHANNEL) | PUT(1, QUEUE_STATE_TRANSLATION_VALID),
    };
    return wayfarer_request(endpoint->device, WAYFARER_ADMIN_OPCODE_LOAD_TRANSLATION, operands, 3, NULL);
}

/* Sending. */

static void store_to_page(struct wayfarer_endpoint *endpoint, uint64_t offset, uint64_t value)
{
    const struct wayfarer_transport *transport = endpoint->device->transport;
    transport->write64(transport->context, page(endpoint) + offset, value);
}

/* Stores a message whose copy is kept. */
static void store_message(struct wayfarer_endpoint *endpoint, uint16_t index)
{
    const struct wayfarer_transport *transport = endpoint->device->transport;
    const struct wayfarer_copy *copy = &endpoint->copies[index % WAYFARER_MESSAGE_MAXIMUM_TRANSMIT_SLOTS];
    if (copy->bytes == 0) {
        store_to_page(endpoint, copy->offset, copy->value);
        return;
    }
    unsigned body = index % WAYFARER_MESSAGE_INLINE_BODIES;
    transport->write_combined(transport->context, page(endpoint) + body * WAYFARER_MESSAGE_INLINE_BODY_BYTES,
                              endpoint->bodies[body], copy->bytes);
    /* The body must be there before the index that covers it (rule 16). */
    transport->fence(transport->context);
    store_to_page(endpoint, WAYFARER_ENDPOINT_TRANSMIT_PRODUCER_OFFSET, (uint16_t)(index + 1));
}

/* Stores messages again that were lost since the last look (rule 59). */
static enum wayfarer_result make_good(struct wayfarer_endpoint *endpoint)
{
    const struct wayfarer_transport *transport = endpoint->device->transport;
    uint64_t word = transport->load64(transport->context, &endpoint->shadow, WAYFARER_MESSAGE_SHADOW_LOSSES_OFFSET);
    uint8_t losses = (uint8_t)GET(word, MESSAGE_SHADOW_LOSSES_LOSSES);
    uint16_t lost_from = (uint16_t)GET(word, MESSAGE_SHADOW_LOSSES_LOST_FROM);
    if (losses == endpoint->losses)
        return WAYFARER_OK;
    if ((uint16_t)(lost_from - endpoint->consumer) > (uint16_t)(endpoint->producer - endpoint->consumer))
        return WAYFARER_BAD_SHADOW_LINE;
    endpoint->losses = losses;
    transport->fence(transport->context);
    store_to_page(endpoint, WAYFARER_ENDPOINT_RESUME_OFFSET, lost_from);
    for (uint16_t index = lost_from; index != endpoint->producer; index++)
        store_message(endpoint, index);
    return WAYFARER_OK;
}

/* Whether fewer than `most` messages are in flight. The consumer index is read only if they seem to be more. */
static enum wayfarer_result make_room(struct wayfarer_endpoint *endpoint, unsigned most)
{
    enum wayfarer_result result = make_good(endpoint);
    if (result != WAYFARER_OK || (uint16_t)(endpoint->producer - endpoint->consumer) < most)
        return result;
    result = wayfarer_check(endpoint);
    if (result != WAYFARER_OK)
        return result;
    return (uint16_t)(endpoint->producer - endpoint->consumer) < most ? WAYFARER_OK : WAYFARER_QUEUE_FULL;
}

enum wayfarer_result wayfarer_send_express(struct wayfarer_endpoint *endpoint, uint16_t destination, uint8_t tag,
                                           const uint8_t payload[8])
{
    if (destination >> WAYFARER_ENDPOINT_EXPRESS_DESTINATION_BITS || tag >> WAYFARER_ENDPOINT_EXPRESS_TAG_BITS)
        return WAYFARER_BAD_ARGUMENT;
    enum wayfarer_result result = make_room(endpoint, endpoint->device->transmit_slots);
    if (result != WAYFARER_OK)
        return result;
    uint16_t index = endpoint->producer++;
    struct wayfarer_copy *copy = &endpoint->copies[index % WAYFARER_MESSAGE_MAXIMUM_TRANSMIT_SLOTS];
    copy->offset = (uint16_t)(WAYFARER_ENDPOINT_EXPRESS_OFFSET +
                              ((unsigned)destination << WAYFARER_ENDPOINT_EXPRESS_DESTINATION_SHIFT) +
                              ((unsigned)tag << WAYFARER_ENDPOINT_EXPRESS_TAG_SHIFT));
    copy->value = load_word(payload);
    copy->bytes = 0;
    store_message(endpoint, index);
    return WAYFARER_OK;
}

enum wayfarer_result wayfarer_send_basic(struct wayfarer_endpoint *endpoint, uint16_t destination, uint8_t tag,
                                         const void *payload, size_t bytes)
{
    uint16_t slots = endpoint->device->transmit_slots;
    if (!endpoint->options.inline_bodies || bytes > WAYFARER_MESSAGE_MAXIMUM_PAYLOAD_BYTES)
        return WAYFARER_BAD_ARGUMENT;
    /* Body and slot must be free (rule 9). */
    enum wayfarer_result result =
        make_room(endpoint, slots < WAYFARER_MESSAGE_INLINE_BODIES ? slots : WAYFARER_MESSAGE_INLINE_BODIES);
    if (result != WAYFARER_OK)
        return result;
    uint16_t index = endpoint->producer++;
    uint8_t *body = endpoint->bodies[index % WAYFARER_MESSAGE_INLINE_BODIES];
    store_word(body, PUT(destination, MESSAGE_TRANSMIT_HEADER_DESTINATION) |
                         PUT(bytes, MESSAGE_TRANSMIT_HEADER_LENGTH) | PUT(tag, MESSAGE_TRANSMIT_HEADER_TAG));
    memcpy(body + WAYFARER_MESSAGE_HEADER_BYTES, payload, bytes);
    endpoint->copies[index % WAYFARER_MESSAGE_MAXIMUM_TRANSMIT_SLOTS].bytes =
        (uint16_t)(WAYFARER_MESSAGE_HEADER_BYTES + bytes);
    store_message(endpoint, index);
    return WAYFARER_OK;
}

enum wayfarer_result wayfarer_check(struct wayfarer_endpoint *endpoint)
{
    const struct wayfarer_transport *transport = endpoint->device->transport;
    enum wayfarer_result result = make_good(endpoint);
    if (result != WAYFARER_OK)
        return result;
    uint64_t line = transport->load64(transport->context, &endpoint->shadow, 0);
    uint16_t message_errors = (uint16_t)GET(line, MESSAGE_SHADOW_MESSAGE_ERRORS);
    uint16_t store_errors = (uint16_t)GET(line, MESSAGE_SHADOW_STORE_ERRORS);
    endpoint->consumer = (uint16_t)GET(line, MESSAGE_SHADOW_CONSUMER);
    if (message_errors != endpoint->message_errors) {
        endpoint->message_errors = message_errors;
        endpoint->error = (uint8_t)GET(line, MESSAGE_SHADOW_MESSAGE_ERROR);
        return WAYFARER_MESSAGE_ERROR;
    }
    if (store_errors != endpoint->store_errors) {
        endpoint->store_errors = store_errors;
        endpoint->error = (uint8_t)GET(line, MESSAGE_SHADOW_STORE_ERROR);
        return WAYFARER_STORE_ERROR;
    }
    return GET(line, MESSAGE_SHADOW_FAILED) ? WAYFARER_QUEUE_FAILED : WAYFARER_OK;
}

enum wayfarer_result wayfarer_flush(struct wayfarer_endpoint *endpoint, uint64_t at_most_ns)
{
    uint64_t start = now(endpoint->device);
    do {
        enum wayfarer_result result = wayfarer_check(endpoint);
        if (result != WAYFARER_OK || endpoint->consumer == endpoint->producer)
            return result;
    } while (wait_within(endpoint->device, start, at_most_ns, at_most_ns));
    return WAYFARER_TIMED_OUT;
}

/* Receiving. */

enum wayfarer_result wayfarer_receive(struct wayfarer_endpoint *endpoint, struct wayfarer_message *message)
{
    const struct wayfarer_transport *transport = endpoint->device->transport;
    enum wayfarer_result result = make_good(endpoint);
    if (result != WAYFARER_OK)
        return result;
    unsigned entries_log2 = endpoint->options.ring_entries_log2;
    size_t offset = (size_t)(endpoint->taken & ((1u << entries_log2) - 1)) << endpoint->options.entry_bytes_log2;
    /* The descriptor first: it says whether the rest is valid (rule 17). */
    uint64_t descriptor = transport->load64(transport->context, &endpoint->ring, offset);
    unsigned phase = !((endpoint->taken >> entries_log2) & 1);
    if (GET(descriptor, MESSAGE_RECEIVE_DESCRIPTOR_PHASE) != phase)
        return WAYFARER_NOTHING;
    message->source_node = (uint16_t)GET(descriptor, MESSAGE_RECEIVE_DESCRIPTOR_SOURCE_NODE);
    message->source_endpoint = (uint16_t)GET(descriptor, MESSAGE_RECEIVE_DESCRIPTOR_SOURCE_ENDPOINT);
    message->receive_queue_id = (uint16_t)GET(descriptor, MESSAGE_RECEIVE_DESCRIPTOR_RECEIVE_QUEUE_ID);
    message->tag = (uint8_t)GET(descriptor, MESSAGE_RECEIVE_DESCRIPTOR_TAG);
    message->bytes = (uint8_t)GET(descriptor, MESSAGE_RECEIVE_DESCRIPTOR_LENGTH);
    message->gap = GET(descriptor, MESSAGE_RECEIVE_DESCRIPTOR_GAP);
    transport->load(transport->context, &endpoint->ring, offset + WAYFARER_MESSAGE_HEADER_BYTES, message->payload,
                    message->bytes);
    endpoint->taken++;
    return WAYFARER_OK;
}

void wayfarer_give_back(struct wayfarer_endpoint *endpoint)
{
    store_to_page(endpoint, WAYFARER_ENDPOINT_RECEIVE_CONSUMER_OFFSET, endpoint->taken);
}
