//! The transmit side as one block.

use crate::bundles::{Answer, ConfigurationWrite, Event, MemoryReadTarget};
use crate::configuration::SLOT_MEMORY_LOG2;
use crate::library::byte_ram::ByteRam;
use crate::library::stream::StreamSource;
use crate::queues::queue_select::QueueSelect;
use crate::queues::transmit::answers::TransmitAnswers;
use crate::queues::transmit::engine::TransmitEngine;
use crate::queues::transmit::inline_pool::InlinePool;
use crate::queues::transmit::shadow_writer::ShadowWriter;
use crate::queues::transmit::signals::{Progress, StoreOffer, StoreOutcome, StorePart};
use rust_hdl::prelude::*;
