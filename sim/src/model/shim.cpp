// The C side of `NiuModel`: one Verilated NIU, stepped a core cycle at a time.
#include "Vniu.h"
#include "Vniu___024root.h"
#include "verilated.h"
#include <cstdint>
#include <cstring>
#if VM_TRACE
#include "verilated_fst_c.h"
#else
// Built without waveforms: none of these is ever made.
struct VerilatedFstC {
  void dump(uint64_t) {}
  void close() {}
};
#endif

// Mirrors of the structures of the same names in ffi.rs.
struct Inputs {
  uint32_t host_receive_data[4];
  uint64_t config_bar0, config_bar2, config_bar4;
  uint16_t config_requester;
  uint8_t reset;
  uint8_t host_receive_valid, host_receive_last;
  uint8_t host_transmit_ready;
  uint8_t host_transmit_posted_allowed, host_transmit_nonposted_allowed, host_transmit_completion_allowed;
  uint8_t config_maximum_payload, config_maximum_read_request, config_memory_enable, config_master_enable;
  uint8_t link_transmit_ready;
};
struct HostOutputs {
  uint32_t data[4];
  uint8_t nonposted_free;
  uint8_t valid, last;
};
struct LinkBeat {
  uint32_t data[4];
  uint8_t valid, last;
};

struct Niu {
  VerilatedContext context;  // one each: instances are independent and may live on different threads
  Vniu* model = nullptr;
  VerilatedFstC* trace = nullptr;
};

static inline void dump(Niu* niu) {
  if (__builtin_expect(niu->trace != nullptr, 0)) niu->trace->dump(niu->context.time());
}

extern "C" {

// random: 0 = memories and registers without a reset start as zero, else as random values of that seed.
Niu* niu_new(uint32_t random, int traced) {
  Niu* niu = new Niu;
  niu->context.threads(1);
  niu->context.randReset(random ? 2 : 0);
  niu->context.randSeed(int(random & 0x7fffffff));
  niu->context.traceEverOn(traced != 0);
  // Time is told in picoseconds.
  niu->context.timeunit(-12);
  niu->context.timeprecision(-12);
  Verilated::threadContextp(&niu->context);
  niu->model = new Vniu{&niu->context, "TOP"};
  niu->model->core_clock = 0;
  niu->model->processor_clock = 0;
  niu->model->jtag_tck = 0;
  niu->model->jtag_tms = 1;
  niu->model->jtag_tdi = 0;
  niu->model->reset = 1;
  niu->model->eval();
  return niu;
}

void niu_free(Niu* niu) {
  // The destructor uses the thread's current context: without this, freeing several instances hangs.
  Verilated::threadContextp(&niu->context);
  if (niu->trace) {
    niu->trace->close();
    delete niu->trace;
  }
  niu->model->final();
  delete niu->model;
  static VerilatedContext idle;
  Verilated::threadContextp(&idle);
  delete niu;
}

// 0 if the waveform cannot be written.
int niu_trace(Niu* niu, const char* path) {
#if VM_TRACE
  niu->trace = new VerilatedFstC;
  niu->model->trace(niu->trace, 99);
  niu->trace->open(path);
  return niu->trace->isOpen();
#else
  (void)niu, (void)path;
  return 0;
#endif
}

// First half of a core cycle: the clock rises and all inputs but the link's are applied; returns what stands on the link.
void niu_rise(Niu* niu, const Inputs* in, LinkBeat* out) {
  Vniu* m = niu->model;
  m->reset = in->reset;
  m->host_receive_valid = in->host_receive_valid;
  m->host_receive_last = in->host_receive_last;
  memcpy(&m->host_receive_data, in->host_receive_data, 16);
  m->host_transmit_ready = in->host_transmit_ready;
  m->host_transmit_posted_allowed = in->host_transmit_posted_allowed;
  m->host_transmit_nonposted_allowed = in->host_transmit_nonposted_allowed;
  m->host_transmit_completion_allowed = in->host_transmit_completion_allowed;
  m->config_requester = in->config_requester;
  m->config_bar0 = in->config_bar0;
  m->config_bar2 = in->config_bar2;
  m->config_bar4 = in->config_bar4;
  m->config_maximum_payload = in->config_maximum_payload;
  m->config_maximum_read_request = in->config_maximum_read_request;
  m->config_memory_enable = in->config_memory_enable;
  m->config_master_enable = in->config_master_enable;
  m->link_transmit_ready = in->link_transmit_ready;
  m->core_clock = 1;
  m->eval();
  memcpy(out->data, &m->link_transmit_data, 16);
  out->valid = m->link_transmit_valid;
  out->last = m->link_transmit_last;
  dump(niu);
  niu->context.timeInc(WAYFARER_HALF_CYCLE_PS);
}

// Second half: the clock falls and what comes in on the link is applied; returns what stands at the host port. The processor's
// clock runs at half the rate; its edges fall on the core clock's falling edges.
void niu_fall(Niu* niu, const LinkBeat* in, HostOutputs* out) {
  Vniu* m = niu->model;
  m->link_receive_valid = in->valid;
  m->link_receive_last = in->last;
  memcpy(&m->link_receive_data, in->data, 16);
  m->core_clock = 0;
  m->processor_clock = !m->processor_clock;
  m->eval();
  memcpy(out->data, &m->host_transmit_data, 16);
  out->nonposted_free = m->host_receive_nonposted_free;
  out->valid = m->host_transmit_valid;
  out->last = m->host_transmit_last;
  dump(niu);
  niu->context.timeInc(WAYFARER_HALF_CYCLE_PS);
}

// One half-period of the debug transport's clock; returns TDO before the edge.
int niu_jtag(Niu* niu, int tck, int tms, int tdi) {
  Vniu* m = niu->model;
  m->jtag_tms = tms;
  m->jtag_tdi = tdi;
  m->eval();
  int tdo = m->jtag_tdo;
  m->jtag_tck = tck;
  m->eval();
  return tdo;
}

// The processor's RAM: WAYFARER_RAM names it in the Verilated model.
uint32_t* niu_processor_ram(Niu* niu) { return &niu->model->rootp->WAYFARER_RAM[0]; }

}  // extern "C"
