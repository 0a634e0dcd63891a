// The trial run of a model that counts what it goes through: two NIUs at each end of a wire, their processors without
// firmware. A cycle goes much the same way whatever is under way, so this tells the compiler enough.
#include "shim.cpp"

static const int CYCLES = 20000;
static const int RESET_CYCLES = 16;

int main() {
  Niu* nius[2];
  Inputs inputs[2] = {};
  LinkBeat link[2] = {};
  HostOutputs outputs;
  for (int node = 0; node < 2; node++) {
    nius[node] = niu_new(0, 0);
    inputs[node].link_transmit_ready = 1;
    inputs[node].host_transmit_ready = 1;
    inputs[node].host_transmit_posted_allowed = 1;
    inputs[node].host_transmit_nonposted_allowed = 1;
    inputs[node].host_transmit_completion_allowed = 1;
    inputs[node].config_memory_enable = 1;
    inputs[node].config_master_enable = 1;
  }
  for (int cycle = 0; cycle < CYCLES; cycle++) {
    for (int node = 0; node < 2; node++) {
      inputs[node].reset = cycle < RESET_CYCLES;
      niu_rise(nius[node], &inputs[node], &link[node]);
    }
    for (int node = 0; node < 2; node++) niu_fall(nius[node], &link[1 - node], &outputs);
  }
  for (Niu* niu : nius) niu_free(niu);
}
