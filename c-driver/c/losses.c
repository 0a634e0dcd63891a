/* A NIU that loses stores, played by this program: the driver stores the messages again, each once and in order. */

#include "programs.h"
#include "wayfarer.h"

#include <string.h>

#define SLOTS 32
/* More than there are indices. */
#define MESSAGES 70000
/* Looks at the shadow line before a message must have room, or all must be answered. */
#define PATIENCE 100000
#define BODIES WAYFARER_MESSAGE_INLINE_BODIES
#define BODY_BYTES WAYFARER_MESSAGE_INLINE_BODY_BYTES

/* An endpoint's page and its transmit queue. */
struct niu {
    uint64_t random;
    unsigned lose_one_of;
    uint32_t accepted, answered; /* messages so far */
    bool is_lost, is_wrong;
    uint8_t losses;
    uint8_t bodies[BODIES][BODY_BYTES];
    uint8_t combined[BODIES][BODY_BYTES]; /* stores that wait for a fence */
    bool is_combined[BODIES];
    uint64_t line[2]; /* the shadow line */
    uint64_t now_ns;
};

static uint64_t draw(uint64_t *random, unsigned limit)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return (*random >> 11) % limit;
}

/* Message `number` of a run: Express, or Basic with so many bytes. */
static bool is_express(uint32_t number)
{
    return number * 2654435761u >> 31;
}

static uint16_t length(uint32_t number)
{
    return (uint16_t)(number * 40503u % (WAYFARER_MESSAGE_MAXIMUM_PAYLOAD_BYTES + 1));
}

static void compose(uint32_t number, uint8_t *payload, unsigned bytes)
{
    for (unsigned place = 0; place < bytes; place++)
        payload[place] = (uint8_t)(number >> place % 3 * 8);
}

/* A store of a message is lost, or refused since an earlier one was. */
static bool loses(struct niu *niu)
{
    if (!niu->is_lost && draw(&niu->random, niu->lose_one_of) == 0) {
        niu->is_lost = true;
        niu->losses = (uint8_t)((niu->losses + 1) % 16);
    }
    return niu->is_lost;
}

/* Accepts the next message if it is the expected one. */
static void accept(struct niu *niu, bool express, const uint8_t *payload, unsigned bytes)
{
    uint8_t expected[WAYFARER_MESSAGE_MAXIMUM_PAYLOAD_BYTES];
    uint32_t number = niu->accepted++;
    unsigned expected_bytes = is_express(number) ? WAYFARER_MESSAGE_EXPRESS_PAYLOAD_BYTES : length(number);
    compose(number, expected, expected_bytes);
    if (express != is_express(number) || bytes != expected_bytes || memcmp(payload, expected, bytes) != 0)
        niu->is_wrong = true;
}

static void write64(void *context, uint64_t offset, uint64_t value)
{
    struct niu *niu = context;
    uint8_t payload[8];
    if (offset == WAYFARER_ENDPOINT_RESUME_OFFSET) {
        niu->is_lost = niu->is_lost && value != (uint16_t)niu->accepted;
    } else if (loses(niu)) {
        return;
    } else if (offset >= WAYFARER_ENDPOINT_EXPRESS_OFFSET) {
        for (unsigned place = 0; place < sizeof payload; place++)
            payload[place] = (uint8_t)(value >> 8 * place);
        accept(niu, true, payload, sizeof payload);
    } else {
        /* No more than the slots, and at least one. */
        uint16_t count = (uint16_t)(value - niu->accepted);
        if (offset != WAYFARER_ENDPOINT_TRANSMIT_PRODUCER_OFFSET || count == 0 || count > SLOTS)
            niu->is_wrong = true;
        for (; count != 0 && !niu->is_wrong; count--) {
            const uint8_t *body = niu->bodies[niu->accepted % BODIES];
            accept(niu, false, body + WAYFARER_MESSAGE_HEADER_BYTES, body[2]);
        }
    }
    if (niu->accepted - niu->answered > SLOTS)
        niu->is_wrong = true;
}

static void write_combined(void *context, uint64_t offset, const void *bytes, size_t count)
{
    struct niu *niu = context;
    memcpy(niu->combined[offset / BODY_BYTES], bytes, count);
    niu->is_combined[offset / BODY_BYTES] = true;
}

static void fence(void *context)
{
    struct niu *niu = context;
    for (unsigned body = 0; body < BODIES; body++) {
        /* The first 16 bytes go the way of messages. */
        size_t kept = 0;
        if (!niu->is_combined[body])
            continue;
        if (loses(niu))
            kept = 16;
        memcpy(niu->bodies[body] + kept, niu->combined[body] + kept, BODY_BYTES - kept);
        niu->is_combined[body] = false;
    }
}

/* Answers some messages, and writes the line now and then. */
static uint64_t load64(void *context, const struct wayfarer_memory *memory, size_t offset)
{
    struct niu *niu = context;
    (void)memory;
    if (offset == 0 && draw(&niu->random, 4) == 0) {
        niu->answered += (uint32_t)draw(&niu->random, niu->accepted - niu->answered + 1);
        niu->line[0] = (uint16_t)niu->answered;
        niu->line[1] = (uint64_t)niu->losses << WAYFARER_MESSAGE_SHADOW_LOSSES_LOSSES_SHIFT |
                       (uint64_t)(uint16_t)niu->accepted << WAYFARER_MESSAGE_SHADOW_LOSSES_LOST_FROM_SHIFT;
    }
    return niu->line[offset / 8];
}

static uint64_t now_ns(void *context)
{
    struct niu *niu = context;
    return niu->now_ns++;
}

static void wait(void *context, uint64_t at_most_ns)
{
    (void)context;
    (void)at_most_ns;
}

int losses(uint64_t seed, unsigned lose_one_of)
{
    struct niu niu = {.random = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15), .lose_one_of = lose_one_of};
    const struct wayfarer_transport transport = {
        .context = &niu,
        .write64 = write64,
        .write_combined = write_combined,
        .fence = fence,
        .load64 = load64,
        .now_ns = now_ns,
        .wait = wait,
    };
    struct wayfarer_device device = {.transport = &transport, .transmit_slots = SLOTS};
    struct wayfarer_endpoint endpoint = {.device = &device, .options.inline_bodies = true};
    uint8_t payload[WAYFARER_MESSAGE_MAXIMUM_PAYLOAD_BYTES];
    for (uint32_t number = 0; number < MESSAGES; number++) {
        enum wayfarer_result result;
        unsigned looks = 0;
        unsigned bytes = is_express(number) ? WAYFARER_MESSAGE_EXPRESS_PAYLOAD_BYTES : length(number);
        compose(number, payload, bytes);
        do {
            result = is_express(number) ? wayfarer_send_express(&endpoint, 1, 2, payload)
                                        : wayfarer_send_basic(&endpoint, 1, 2, payload, bytes);
            CHECK(!niu.is_wrong && looks++ < PATIENCE);
        } while (result == WAYFARER_QUEUE_FULL);
        CHECK(result == WAYFARER_OK);
    }
    CHECK(wayfarer_flush(&endpoint, PATIENCE) == WAYFARER_OK);
    CHECK(!niu.is_wrong && niu.answered == MESSAGES);

    /* Losses that cannot be: before what is done, and behind what was sent. */
    const uint16_t nonsense[] = {(uint16_t)(endpoint.consumer - 1), (uint16_t)(endpoint.producer + 1)};
    for (unsigned place = 0; place < 2; place++) {
        niu.line[1] = (niu.losses + 1u) % 16 << WAYFARER_MESSAGE_SHADOW_LOSSES_LOSSES_SHIFT |
                      (uint64_t)nonsense[place] << WAYFARER_MESSAGE_SHADOW_LOSSES_LOST_FROM_SHIFT;
        CHECK(wayfarer_check(&endpoint) == WAYFARER_BAD_SHADOW_LINE);
    }
    return 0;
}
