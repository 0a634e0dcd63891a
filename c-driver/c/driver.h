/*
 * A driver for the Wayfarer NIU in plain C11. docs/contracts/1-host-abi.md says what a driver must do: "rule 9" is one
 * of its rules. abi/include/wayfarer.h has the numbers. A driver needs to know nothing else.
 *
 * The driver reaches the device through a transport of a few functions. It has no threads and no locks: one thread may
 * use a device and its endpoints.
 */
#ifndef WAYFARER_DRIVER_H
#define WAYFARER_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Memory that the device may read and write. */
struct wayfarer_memory {
    uint64_t bus_address; /* where the device sees its first byte */
    void *host;           /* the transport's own */
};

/* What the driver needs of the machine it runs on. `context` is the first argument of all functions. */
struct wayfarer_transport {
    void *context;

    /* One load of 4 bytes from BAR0. False if the device has answered with an error, or not at all. */
    bool (*read32)(void *context, uint32_t offset, uint32_t *value);
    /* One store of 4 bytes to BAR0, mapped uncached. */
    void (*write32)(void *context, uint32_t offset, uint32_t value);
    /* One store of 8 bytes to BAR2, never split; mapped uncached, never write-combining. */
    void (*write64)(void *context, uint64_t offset, uint64_t value);
    /* Stores to BAR4, which may be mapped write-combining: they may wait for the next fence. */
    void (*write_combined)(void *context, uint64_t offset, const void *bytes, size_t count);
    /* What was stored to memory and to BAR4 before is visible to the device before any store to BAR0 or BAR2 after. */
    void (*fence)(void *context);

    /* Zeroed memory at consecutive bus addresses, on a page of 4 KiB, not at bus address 0. */
    bool (*allocate)(void *context, size_t bytes, struct wayfarer_memory *memory);
    void (*release)(void *context, struct wayfarer_memory *memory);
    /* One load of 8 aligned bytes (little-endian); loads after it see at least what the device wrote before them. */
    uint64_t (*load64)(void *context, const struct wayfarer_memory *memory, size_t offset);
    void (*load)(void *context, const struct wayfarer_memory *memory, size_t offset, void *bytes, size_t count);
    void (*store)(void *context, const struct wayfarer_memory *memory, size_t offset, const void *bytes, size_t count);

    /* A clock that never goes back. */
    uint64_t (*now_ns)(void *context);
    /* One turn of a polling loop: returns after a short while, and at the latest after `at_most_ns`. */
    void (*wait)(void *context, uint64_t at_most_ns);
};

enum wayfarer_result {
    WAYFARER_OK = 0,
    WAYFARER_UNREACHABLE,     /* a read of the device has failed */
    WAYFARER_NO_MEMORY,       /* the transport has none */
    WAYFARER_NOT_A_NIU,       /* another magic number */
    WAYFARER_OTHER_VERSION,   /* hardware or firmware have another major version */
    WAYFARER_DEVICE_IN_USE,   /* another driver has the device */
    WAYFARER_DEVICE_LOST,     /* another driver has taken the device over */
    WAYFARER_NOT_QUIET,       /* the NIU did not end its requests to the host */
    WAYFARER_FIRMWARE_SILENT, /* no answer in time, or too many requests without one */
    WAYFARER_REFUSED,         /* the firmware refuses; `device->status` says why */
    WAYFARER_BAD_ARGUMENT,    /* the message cannot be sent in this form */
    WAYFARER_QUEUE_FULL,      /* no room for another message now */
    WAYFARER_NOTHING,         /* no message has arrived */
    WAYFARER_TIMED_OUT,       /* messages are still in flight */
    WAYFARER_MESSAGE_ERROR,   /* messages were rejected; `endpoint->error` says why the last one was */
    WAYFARER_STORE_ERROR,     /* stores were rejected; likewise */
    WAYFARER_QUEUE_FAILED,    /* the transmit queue sends nothing any more */
    WAYFARER_BAD_SHADOW_LINE, /* the shadow line tells of a loss that cannot be */
};

/* Entries of the admin rings. */
#define WAYFARER_ADMIN_ENTRIES_LOG2 4
#define WAYFARER_ADMIN_ENTRIES (1 << WAYFARER_ADMIN_ENTRIES_LOG2)
/* Pieces of memory in doubt that are remembered; more are never released. */
#define WAYFARER_PARKED 16

struct wayfarer_device {
    const struct wayfarer_transport *transport;
    struct wayfarer_memory submissions, completions;
    struct wayfarer_memory table, miss_ring; /* for endpoints that are away; at bus address 0: not allocated */
    uint32_t generation; /* of the admin rings */
    uint16_t submitted;  /* submissions made */
    uint16_t answered;   /* submissions answered, or lost before an answered one */
    uint16_t status;     /* WAYFARER_ADMIN_STATUS_* of the last request */
    uint16_t transmit_slots;
    uint32_t firmware_version; /* as in the register abi_version */
    unsigned parked_count;     /* memory that the device may still use */
    struct wayfarer_memory parked[WAYFARER_PARKED];
};

struct wayfarer_endpoint_options {
    uint16_t receive_queue_id;
    uint8_t ring_entries_log2; /* 1 to 15 */
    uint8_t entry_bytes_log2;  /* 4 to 8; an entry holds 8 bytes less of payload */
    uint8_t destinations_log2; /* 0 to 12 */
    bool virtual_channel_1;
    bool priority;
    bool inline_bodies; /* without them Express messages only */
    bool drops;         /* messages that find the ring full are lost, and their senders do not wait (V18) */
    uint8_t give_up;    /* 0 to 15; 0: never */
};

/* A message as it was stored, until its outcome is known (rule 60). */
struct wayfarer_copy {
    uint64_t value;  /* Express: its payload */
    uint16_t offset; /* Express: where in the page it was stored */
    uint16_t bytes;  /* Basic: header and payload, which stand in `bodies`; Express: 0 */
};

struct wayfarer_endpoint {
    struct wayfarer_device *device;
    struct wayfarer_endpoint_options options;
    uint16_t number;
    struct wayfarer_memory ring, shadow;
    uint16_t producer; /* messages sent */
    uint16_t consumer; /* messages whose outcome is known */
    uint16_t taken;    /* entries taken from the ring */
    uint16_t message_errors, store_errors; /* as the shadow line last had them */
    uint8_t error;                         /* WAYFARER_MESSAGE_ERROR_* */
    uint8_t losses;                        /* after which the driver has resumed, modulo 16 */
    struct wayfarer_copy copies[64];       /* message i in copy i modulo 64, and in body i modulo 16 */
    uint8_t bodies[16][256];
};

struct wayfarer_message {
    uint16_t source_node, source_endpoint, receive_queue_id;
    uint8_t tag;
    uint8_t bytes;
    bool gap; /* a message may be missing before this one */
    uint8_t payload[248];
};

/* Opens the device and gives it the node's number. */
enum wayfarer_result wayfarer_open(struct wayfarer_device *device, const struct wayfarer_transport *transport,
                                   uint16_t node);
/* Gives the device back. Its endpoints must have been destroyed. */
void wayfarer_close(struct wayfarer_device *device);
/* Makes one admin request and waits for its answer. `result` may be null. */
enum wayfarer_result wayfarer_request(struct wayfarer_device *device, uint16_t opcode, const uint64_t *operands,
                                      unsigned count, uint64_t *result);
/* Reads a counter (WAYFARER_CONTROL_COUNTER_*). */
enum wayfarer_result wayfarer_read_counter(struct wayfarer_device *device, unsigned counter, uint32_t *value);

/* Creates an endpoint. Messages for its receive queue arrive from now on. */
enum wayfarer_result wayfarer_create_endpoint(struct wayfarer_device *device, struct wayfarer_endpoint *endpoint,
                                              const struct wayfarer_endpoint_options *options);
void wayfarer_destroy_endpoint(struct wayfarer_endpoint *endpoint);
/* Makes `destination` lead to a receive queue of a node. */
enum wayfarer_result wayfarer_load_translation(struct wayfarer_endpoint *endpoint, uint16_t destination,
                                               uint16_t node, uint16_t receive_queue_id, unsigned virtual_channel);

/* Sends 8 bytes with one store. `destination` is less than 64, `tag` less than 4. */
enum wayfarer_result wayfarer_send_express(struct wayfarer_endpoint *endpoint, uint16_t destination, uint8_t tag,
                                           const uint8_t payload[8]);
/* Sends up to 248 bytes. */
enum wayfarer_result wayfarer_send_basic(struct wayfarer_endpoint *endpoint, uint16_t destination, uint8_t tag,
                                         const void *payload, size_t bytes);
/* Looks at the shadow line: says what the NIU has reported since the last look. This call, and all that send, wait or
   receive, store lost messages again. While messages are in flight, one of them must be called now and then (rule 61).
 */
enum wayfarer_result wayfarer_check(struct wayfarer_endpoint *endpoint);
/* Waits until the outcome of all messages is known. */
enum wayfarer_result wayfarer_flush(struct wayfarer_endpoint *endpoint, uint64_t at_most_ns);

/* Copies the next message out of the ring. */
enum wayfarer_result wayfarer_receive(struct wayfarer_endpoint *endpoint, struct wayfarer_message *message);
/* Gives all entries that were taken back to the NIU. */
void wayfarer_give_back(struct wayfarer_endpoint *endpoint);

#endif
