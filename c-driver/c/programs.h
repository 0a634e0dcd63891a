/* Programs that use the driver, one a node. */
#ifndef WAYFARER_PROGRAMS_H
#define WAYFARER_PROGRAMS_H

#include "driver.h"

/* In a function that returns 0, or the line of the first check that has failed. */
#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            return __LINE__;                                                                                           \
    } while (0)

/* Where a program runs. */
struct wayfarer_place {
    const struct wayfarer_transport *transport;
    uint16_t node, peer;
    /* Comes back when the programs of all nodes have called it: what a launcher of parallel programs offers. */
    void (*barrier)(void *context);
};

/* What `ping` has counted. */
struct ping_counts {
    uint32_t express_sent, basic_sent;
    uint32_t express_received, basic_received;
    uint32_t queue_full;    /* times that the transmit queue had no room */
    uint32_t niu_received;  /* what the NIU's counter says */
    uint32_t niu_ring_full; /* messages that found the ring full */
};

/* All return as `CHECK` says. */

/* Exchanges messages of all sizes with the other node and checks each of them. */
int ping(const struct wayfarer_place *place, struct ping_counts *counts);
/* Makes mistakes, and checks that the NIU answers each of them as the documents say. */
int mistakes(const struct wayfarer_place *place);
/* Sends messages to a NIU that loses one store in `lose_one_of`. It needs no device. */
int losses(uint64_t seed, unsigned lose_one_of);
/* Stops the firmware, ends without it, and opens the device again. */
int silence(const struct wayfarer_place *place);

#endif
