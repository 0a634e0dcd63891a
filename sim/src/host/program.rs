//! A host program as a coroutine, and what it waits for.

use super::port::{HostPort, HostSide};
use corosensei::{Coroutine, CoroutineResult, Yielder};
use std::cell::RefCell;
use std::rc::Rc;

/// What a suspended program waits for.
#[derive(Clone, Debug, PartialEq)]
pub enum Wake {
    /// The start of this core cycle.
    At(u64),
    /// The first poll, at `next` or whole `interval`s of cycles after it, that can see something new in host memory.
    Memory {
        /// Cycle of the next poll.
        next: u64,
        /// Cycles between polls.
        interval: u64,
        /// Writes by the device that the program has seen already.
        seen: u64,
        /// Cycle at which to wake in any case.
        deadline: u64,
    },
    /// Every other program, to exchange these bytes with them all.
    Gather(Vec<u8>),
}

/// The body of a host program.
pub type ProgramBody = Box<dyn FnOnce(HostPort) + Send>;

/// Suspends the running program; its pointer is what a `HostPort` holds on to.
pub(super) type Suspender = Yielder<(), Wake>;

/// A host program, suspended or finished.
pub struct Program {
    /// What it waits for; `None` once it has finished.
    pub wake: Option<Wake>,
    coroutine: Coroutine<(), Wake, ()>,
    port: HostPort,
}

impl Program {
    /// A program of the host `side`, to start at cycle 0.
    pub fn new(body: ProgramBody, side: Rc<RefCell<HostSide>>) -> Self {
        let port = HostPort::new(side);
        let own = port.clone();
        let coroutine = Coroutine::new(move |suspender: &Suspender, ()| {
            own.start(suspender);
            body(own);
        });
        Program {
            wake: Some(Wake::At(0)),
            coroutine,
            port,
        }
    }

    /// Runs the program until it waits again or ends.
    pub fn resume(&mut self) {
        let result = self.port.while_current(|| self.coroutine.resume(()));
        self.wake = match result {
            CoroutineResult::Yield(wake) => Some(wake),
            CoroutineResult::Return(()) => None,
        };
    }
}
