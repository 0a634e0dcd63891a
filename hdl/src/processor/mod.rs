//! The service processor: soft core, memory, peripherals, and the way of commands, completions and
//! events (`abi::processor`).

pub mod command_check;
pub mod command_executor;
pub mod command_head;
pub mod control_bridge;
pub mod data_bus;
pub mod environment;
pub mod event_collector;
pub mod instruction_port;
pub mod memory;
pub mod memory_select;
pub mod outbox_stream;
pub mod peripherals;
pub mod read_table;
pub mod record_mirror;
pub mod reset;
pub mod soft_core;
pub mod subsystem;
pub mod timer;
pub mod wishbone;

pub use command_executor::CommandExecutor;
pub use environment::ProcessorEnvironment;
pub use event_collector::EventCollector;
pub use memory_select::MemorySelect;
pub use soft_core::SoftCore;
pub use subsystem::ProcessorSubsystem;
