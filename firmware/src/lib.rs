//! Protocol state machines of the service processor.
#![no_std]
