// What Verilator sees: the NIU with its inputs taken at clock edges, as if behind flip-flops of its environment.
//
// All but the link's are taken at the edge that begins their cycle, so that nearly all logic is
// evaluated once a cycle, from new registers and new inputs together. What comes in on the link
// follows at the falling edge: a peer may send it in that very cycle. Little hangs on it, because
// what comes in on the link goes into registers and memories at once.
module niu_cell(
  input core_clock, input processor_clock,
  input reset,
  input host_receive_valid,
  input [127:0] host_receive_data,
  input host_receive_last,
  input host_transmit_ready,
  input host_transmit_posted_allowed,
  input host_transmit_nonposted_allowed,
  input host_transmit_completion_allowed,
  input [15:0] config_requester,
  input [63:0] config_bar0,
  input [63:0] config_bar2,
  input [63:0] config_bar4,
  input [2:0] config_maximum_payload,
  input [2:0] config_maximum_read_request,
  input config_memory_enable,
  input config_master_enable,
  input config_msix_enable,
  input config_msix_function_mask,
  input link_transmit_ready,
  input link_receive_valid,
  input [127:0] link_receive_data,
  input link_receive_last,
  input jtag_tck, input jtag_tms, input jtag_tdi,
  // Puts on the registers that count time; beside the clocks (`build/idle.rs`).
  input time_load,
  input [63:0] time_cycle,
  input [31:0] time_silence,
  input [10:0] time_credit_age,
  input [23:0] time_ticks,
  input [2:0] time_age,
  input [1:0] time_turn,
  input timer_load,
  input [63:0] timer_count,
  output host_receive_nonposted_free,
  output host_transmit_valid,
  output [127:0] host_transmit_data,
  output host_transmit_last,
  output link_transmit_valid,
  output [127:0] link_transmit_data,
  output link_transmit_last,
  output jtag_tdo
);
  reg reset_taken;
  reg host_receive_valid_taken;
  reg [127:0] host_receive_data_taken;
  reg host_receive_last_taken;
  reg host_transmit_ready_taken;
  reg host_transmit_posted_allowed_taken;
  reg host_transmit_nonposted_allowed_taken;
  reg host_transmit_completion_allowed_taken;
  reg [15:0] config_requester_taken;
  reg [63:0] config_bar0_taken;
  reg [63:0] config_bar2_taken;
  reg [63:0] config_bar4_taken;
  reg [2:0] config_maximum_payload_taken;
  reg [2:0] config_maximum_read_request_taken;
  reg config_memory_enable_taken;
  reg config_master_enable_taken;
  reg config_msix_enable_taken;
  reg config_msix_function_mask_taken;
  reg link_transmit_ready_taken;
  reg link_receive_valid_taken;
  reg [127:0] link_receive_data_taken;
  reg link_receive_last_taken;
  always @(posedge core_clock) begin
    reset_taken <= reset;
    host_receive_valid_taken <= host_receive_valid;
    host_receive_data_taken <= host_receive_data;
    host_receive_last_taken <= host_receive_last;
    host_transmit_ready_taken <= host_transmit_ready;
    host_transmit_posted_allowed_taken <= host_transmit_posted_allowed;
    host_transmit_nonposted_allowed_taken <= host_transmit_nonposted_allowed;
    host_transmit_completion_allowed_taken <= host_transmit_completion_allowed;
    config_requester_taken <= config_requester;
    config_bar0_taken <= config_bar0;
    config_bar2_taken <= config_bar2;
    config_bar4_taken <= config_bar4;
    config_maximum_payload_taken <= config_maximum_payload;
    config_maximum_read_request_taken <= config_maximum_read_request;
    config_memory_enable_taken <= config_memory_enable;
    config_master_enable_taken <= config_master_enable;
    config_msix_enable_taken <= config_msix_enable;
    config_msix_function_mask_taken <= config_msix_function_mask;
    link_transmit_ready_taken <= link_transmit_ready;
  end
  always @(negedge core_clock) begin
    link_receive_valid_taken <= link_receive_valid;
    link_receive_data_taken <= link_receive_data;
    link_receive_last_taken <= link_receive_last;
  end
  niu niu(
    .core_clock(core_clock), .processor_clock(processor_clock),
    .reset(reset_taken),
    .host_receive_valid(host_receive_valid_taken),
    .host_receive_data(host_receive_data_taken),
    .host_receive_last(host_receive_last_taken),
    .host_transmit_ready(host_transmit_ready_taken),
    .host_transmit_posted_allowed(host_transmit_posted_allowed_taken),
    .host_transmit_nonposted_allowed(host_transmit_nonposted_allowed_taken),
    .host_transmit_completion_allowed(host_transmit_completion_allowed_taken),
    .config_requester(config_requester_taken),
    .config_bar0(config_bar0_taken),
    .config_bar2(config_bar2_taken),
    .config_bar4(config_bar4_taken),
    .config_maximum_payload(config_maximum_payload_taken),
    .config_maximum_read_request(config_maximum_read_request_taken),
    .config_memory_enable(config_memory_enable_taken),
    .config_master_enable(config_master_enable_taken),
    .config_msix_enable(config_msix_enable_taken),
    .config_msix_function_mask(config_msix_function_mask_taken),
    .link_transmit_ready(link_transmit_ready_taken),
    .link_receive_valid(link_receive_valid_taken),
    .link_receive_data(link_receive_data_taken),
    .link_receive_last(link_receive_last_taken),
    .jtag_tck(jtag_tck), .jtag_tms(jtag_tms), .jtag_tdi(jtag_tdi),
    .host_receive_nonposted_free(host_receive_nonposted_free),
    .host_transmit_valid(host_transmit_valid),
    .host_transmit_data(host_transmit_data),
    .host_transmit_last(host_transmit_last),
    .link_transmit_valid(link_transmit_valid),
    .link_transmit_data(link_transmit_data),
    .link_transmit_last(link_transmit_last),
    .jtag_tdo(jtag_tdo)
  );
endmodule
