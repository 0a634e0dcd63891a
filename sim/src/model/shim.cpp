// The C side of `NiuModel`: one Verilated NIU, stepped a core cycle at a time.
#include "Vniu.h"
#include "Vniu___024root.h"
#include "verilated.h"
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>
#include <vector>
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
  uint8_t config_msix_enable, config_msix_function_mask;
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

// What an idle NIU needs (`build/idle.rs`).
namespace idle {

struct Member {
  const char* name;
  size_t offset, size;
};
#define NIU_MEMBER(member) \
  {#member, offsetof(Vniu___024root, member), sizeof(static_cast<Vniu___024root*>(nullptr)->member)},
#define NIU_STATE(member) NIU_MEMBER(member)
#define NIU_CROSSING(member)
const Member STATE[] = {
#include "niu_state.inc"
};
#undef NIU_STATE
#undef NIU_CROSSING
#define NIU_STATE(member)
#define NIU_CROSSING(member) NIU_MEMBER(member)
const Member CROSSINGS[] = {
#include "niu_state.inc"
};
#undef NIU_STATE
#undef NIU_CROSSING
#undef NIU_MEMBER

// Memories from this size on are compared only by `--check-skip`: what is read of them stands in registers too.
const size_t MEMORY_BYTES = 512;
const size_t CHUNK_BYTES = 64;

typedef uint64_t Words __attribute__((vector_size(16)));

// A piece of the model with members that are compared.
struct Chunk {
  size_t offset;
  alignas(16) uint8_t mask[CHUNK_BYTES];
};

struct Layout {
  std::vector<Chunk> chunks;
  Layout() {
    std::map<size_t, Chunk> found;
    for (const Member& member : STATE) {
      if (member.size >= MEMORY_BYTES) continue;
      for (size_t byte = member.offset; byte < member.offset + member.size; byte++) {
        // The last chunk ends with the model.
        size_t offset = std::min(byte / CHUNK_BYTES * CHUNK_BYTES, sizeof(Vniu___024root) - CHUNK_BYTES);
        Chunk& chunk = found[offset];
        chunk.offset = offset;
        chunk.mask[byte - offset] = 0xff;
      }
    }
    for (const auto& entry : found) chunks.push_back(entry.second);
  }
};
const Layout& layout() {
  static const Layout layout;
  return layout;
}

// What is remembered of a model.
struct Watch {
  std::vector<uint8_t> state;     // chunk by chunk
  std::vector<uint8_t> crossings;
  std::vector<uint8_t> whole;     // of the whole model, to check
  size_t suspect = 0;             // the chunk that changed last
  int still = 0;                  // cycles without a change
};

// The processor's own rest. It sleeps in `wfi` until an interrupt: nothing of its clock changes but its time, once what
// it had begun has ended. Only a still NIU's processor is left out, so that nothing crosses to it.
struct Sleep {
  int drowsy = 0;        // edges of its clock that it was seen asleep
  uint64_t left = 0;     // edges that may be left out; 0: it is awake
  uint64_t edges = 0;    // edges of both kinds that were left out
  uint64_t cycles = 0;   // core cycles without the processor's clock, in all
};

// Edges after which all that it had begun has ended.
const int DROWSY_EDGES = 32;
// A sleep shorter than this is not worth its beginning and end.
const uint64_t LEAST_EDGES = 16;

inline bool differs(const Chunk& chunk, const uint8_t* root, const uint8_t* saved) {
  Words sum = {0, 0};
  for (size_t at = 0; at < CHUNK_BYTES; at += sizeof(Words)) {
    Words now, then, mask;
    memcpy(&now, root + chunk.offset + at, sizeof now);
    memcpy(&then, saved + at, sizeof then);
    memcpy(&mask, chunk.mask + at, sizeof mask);
    sum |= (now ^ then) & mask;
  }
  return (sum[0] | sum[1]) != 0;
}

// Whether a crossing has changed since the last call, or the outbox is about to.
inline bool crossed(Watch& watch, const Vniu___024root* root) {
  const uint8_t* bytes = reinterpret_cast<const uint8_t*>(root);
  bool changed = false;
  size_t at = 0;
  for (const Member& member : CROSSINGS) {
    changed |= memcmp(&watch.crossings[at], bytes + member.offset, member.size) != 0;
    memcpy(&watch.crossings[at], bytes + member.offset, member.size);
    at += member.size;
  }
  return changed ||
         root->niu_cell__DOT__niu__DOT__processor__DOT__environment__DOT__peripherals__024outbox_enables != 0;
}

}  // namespace idle

// A member of the NIU in the Verilated model.
#define NIU(member) niu_cell__DOT__niu__DOT__##member
// Members of its soft core, and of its timer.
#define CORE(member) NIU(processor__DOT__soft_core__DOT__vexriscv__DOT__##member)
#define TIMER(member) NIU(processor__DOT__environment__DOT__peripherals__DOT__timer__DOT__##member)
struct Niu {
  VerilatedContext context;  // one each: instances are independent and may live on different threads
  Vniu* model = nullptr;
  VerilatedFstC* trace = nullptr;
  idle::Watch watch;
  idle::Sleep sleep;
};

// The edges that were left out: the processor's time goes on by them. Its clock stands as if it had run.
static void wake_processor(Niu* niu) {
  idle::Sleep& sleep = niu->sleep;
  sleep.drowsy = 0;
  sleep.left = 0;
  if (sleep.edges == 0) return;
  Vniu* m = niu->model;
  const Vniu___024root* root = m->rootp;
  m->timer_count = root->TIMER(count__024q) + sleep.edges / 2;
  m->timer_load = 1;
  m->eval();
  m->timer_load = 0;
  if (sleep.edges % 2 != 0) m->processor_clock = !m->processor_clock;
  m->eval();
  sleep.edges = 0;
}

// Whether the processor is asleep. What would wake it, has done so a few edges later.
static inline bool is_asleep(const Vniu___024root* root) {
  return root->CORE(CsrPlugin_inWfi) &&
         !root->CORE(execute_CsrPlugin_wfiWake) && !root->TIMER(due__024q);
}

// A core cycle of a still NIU has passed with an edge of the processor's clock: whether the processor sleeps from here.
static inline void doze_off(Niu* niu) {
  idle::Sleep& sleep = niu->sleep;
  const Vniu___024root* root = niu->model->rootp;
  if (!is_asleep(root)) {
    sleep.drowsy = 0;
    return;
  }
  // Falling edges change nothing, so a sleep begins behind one.
  if (++sleep.drowsy < idle::DROWSY_EDGES || niu->model->processor_clock) return;
  const uint64_t now = root->TIMER(count__024q);
  const uint64_t limit = root->TIMER(low__024q) | uint64_t(root->TIMER(high__024q)) << 32;
  // The edge at which the time has come is one of those that are run.
  const uint64_t left = limit > now ? 2 * std::min<uint64_t>(limit - now - 1, UINT32_MAX) : 0;
  if (left >= idle::LEAST_EDGES) sleep.left = left;
}

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
  size_t crossings = 0;
  for (const idle::Member& member : idle::CROSSINGS) crossings += member.size;
  niu->watch.crossings.resize(crossings);
  niu->watch.state.resize(idle::layout().chunks.size() * idle::CHUNK_BYTES);
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

// First half of a core cycle: the clock rises and all inputs but the link's are applied; returns
// what stands on the link.
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
  m->config_msix_enable = in->config_msix_enable;
  m->config_msix_function_mask = in->config_msix_function_mask;
  m->link_transmit_ready = in->link_transmit_ready;
  m->core_clock = 1;
  m->eval();
  memcpy(out->data, &m->link_transmit_data, 16);
  out->valid = m->link_transmit_valid;
  out->last = m->link_transmit_last;
  dump(niu);
  niu->context.timeInc(WAYFARER_HALF_CYCLE_PS);
}

// Second half: the clock falls and what comes in on the link is applied; returns what stands at the host port. The
// processor's clock runs at half the rate; its edges fall on the core clock's falling edges.
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

// A cycle has passed in which something crossed a port.
void niu_stir(Niu* niu) { niu->watch.still = 0; }

// A cycle has passed in which nothing crossed a port; whether the core clock's registers stand
// still, but for those that count time, until an input, a crossing from the processor's clock, or
// time itself changes. A register's new value follows from registers, memories and inputs: what was
// the same in two cycles running, after a write to a memory too, stays so.
int niu_still(Niu* niu) {
  idle::Watch& watch = niu->watch;
  const Vniu___024root* root = niu->model->rootp;
  const uint8_t* bytes = reinterpret_cast<const uint8_t*>(root);
  const std::vector<idle::Chunk>& chunks = idle::layout().chunks;
  bool same = !idle::crossed(watch, root);
  // The cheap look first: what changed last changes again.
  uint8_t* saved = &watch.state[watch.suspect * idle::CHUNK_BYTES];
  if (idle::differs(chunks[watch.suspect], bytes, saved)) {
    memcpy(saved, bytes + chunks[watch.suspect].offset, idle::CHUNK_BYTES);
    watch.still = 0;
    return 0;
  }
  for (size_t chunk = 0; chunk < chunks.size(); chunk++) {
    saved = &watch.state[chunk * idle::CHUNK_BYTES];
    if (idle::differs(chunks[chunk], bytes, saved)) {
      same = false;
      watch.suspect = chunk;
    }
    memcpy(saved, bytes + chunks[chunk].offset, idle::CHUNK_BYTES);
  }
  // Answers that wait grow old.
  const bool answers = root->NIU(receive__DOT__collector__DOT__waiting__024q) != 0 ||
                       root->NIU(receive__DOT__collector__DOT__aged__024q) != 0;
  watch.still = same && !answers ? watch.still + 1 : 0;
  // The first of three may have been compared with an earlier cycle.
  return watch.still >= 3;
}

// Cycles that may be left out until time changes something else.
uint64_t niu_time_left(Niu* niu) {
  const Vniu___024root* root = niu->model->rootp;
  uint64_t left = WAYFARER_COMPLETION_TIMEOUT - 1 - root->NIU(read_requester__DOT__tags__DOT__ticks__024q);
  const uint64_t age = root->NIU(link__DOT__transmit__DOT__credit_age__024q);
  if (!root->NIU(link__DOT__transmit__DOT__credit_due__024q)) {
    left = std::min<uint64_t>(left, age < WAYFARER_CREDIT_INTERVAL ? WAYFARER_CREDIT_INTERVAL - age : 0);
  }
  const uint64_t silence = root->NIU(registers__DOT__plain__DOT__silence__024q);
  const uint64_t limit = root->NIU(registers__DOT__plain__DOT__watchdog_limit__024value);
  if (silence < limit) left = std::min(left, limit - silence);
  if (silence >= limit && root->NIU(registers__DOT__plain__DOT__alive__024q)) left = 0;
  return left;
}

// A core cycle of which only the processor's edge is carried out; whether the next cycle cannot be left out.
int niu_doze(Niu* niu) {
  idle::Sleep& sleep = niu->sleep;
  if (sleep.left != 0) {
    sleep.edges++;
    sleep.cycles++;
    if (sleep.edges == sleep.left) wake_processor(niu);
    return 0;
  }
  Vniu* m = niu->model;
  m->processor_clock = !m->processor_clock;
  m->eval();
  const bool crosses = m->processor_clock && idle::crossed(niu->watch, m->rootp);
  doze_off(niu);
  return crosses;
}

// Core cycles in which the processor slept and its clock was left out, since the model was made.
uint64_t niu_asleep(Niu* niu) { return niu->sleep.cycles; }

// So many core cycles were left out, between two of the core clock's falling edges: puts on the
// registers that count time.
void niu_wake(Niu* niu, uint64_t cycles) {
  wake_processor(niu);
  Vniu* m = niu->model;
  const Vniu___024root* root = m->rootp;
  const uint64_t silence = root->NIU(registers__DOT__plain__DOT__silence__024q);
  const bool counts = silence < root->NIU(registers__DOT__plain__DOT__watchdog_limit__024value);
  const bool ages = !root->NIU(link__DOT__transmit__DOT__credit_due__024q);
  m->time_cycle = root->NIU(registers__DOT__plain__DOT__cycle__024q) + cycles;
  m->time_silence = silence + (counts ? cycles : 0);
  m->time_credit_age = root->NIU(link__DOT__transmit__DOT__credit_age__024q) + (ages ? cycles : 0);
  m->time_ticks = root->NIU(read_requester__DOT__tags__DOT__ticks__024q) + cycles;
  m->time_age = (root->NIU(receive__DOT__collector__DOT__age__024q) + cycles) & 7;
  m->time_turn = (root->NIU(receive__DOT__collector__DOT__turn__024q) + cycles) & 3;
  m->time_load = 1;
  m->eval();
  m->time_load = 0;
  niu->context.timeInc(2 * WAYFARER_HALF_CYCLE_PS * cycles);
  niu->watch.still = 0;
}

// `--check-skip`: remembers the whole state of a NIU that stands still.
void niu_remember(Niu* niu) {
  const uint8_t* bytes = reinterpret_cast<const uint8_t*>(niu->model->rootp);
  niu->watch.whole.assign(bytes, bytes + sizeof(Vniu___024root));
}

// `--check-skip`: what has changed since; null if nothing has.
const char* niu_changed(Niu* niu) {
  const uint8_t* bytes = reinterpret_cast<const uint8_t*>(niu->model->rootp);
  for (const idle::Member& member : idle::STATE) {
    if (memcmp(&niu->watch.whole[member.offset], bytes + member.offset, member.size) != 0) return member.name;
  }
  return nullptr;
}

// Whether a crossing from the processor's clock has changed since the last look.
int niu_crossed(Niu* niu) { return idle::crossed(niu->watch, niu->model->rootp); }
// One half-period of the debug transport's clock; returns TDO before the edge.
int niu_jtag(Niu* niu, int tck, int tms, int tdi) {
  wake_processor(niu);
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
