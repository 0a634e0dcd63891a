//! A host program as a coroutine, and what it waits for.

use super::port::{HostPort, HostSide};
use corosensei::{Coroutine, CoroutineResult, Yielder};
use std::cell::{Cell, RefCell};
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

thread_local! {
    /// Number of the program that this thread is running.
    static RUNNING: Cell<u64> = const { Cell::new(0) };
}

/// Number of the program that runs on this thread; 0 outside of programs.
pub(super) fn running() -> u64 {
    RUNNING.get()
}

/// A host program, suspended or finished.
pub struct Program {
    /// What it waits for; `None` once it has finished.
    pub wake: Option<Wake>,
    coroutine: Coroutine<(), Wake, ()>,
    identity: u64,
    /// The context that `current()` answers with while the program runs.
    context: Rc<RefCell<Option<HostPort>>>,
}

impl Program {
    /// A program of the host `side`, to start at cycle 0. `identity` is unique in the run and not 0.
    pub fn new(body: ProgramBody, side: Rc<RefCell<HostSide>>, identity: u64) -> Self {
        let context = Rc::new(RefCell::new(None));
        let inner = Rc::clone(&context);
        let coroutine = Coroutine::new(move |suspender: &Suspender, ()| {
            let port = HostPort::new(side, suspender, identity);
            *inner.borrow_mut() = Some(port.clone());
            super::port::set_current(Some(port.clone()));
            body(port);
            inner.borrow_mut().take();
        });
        Program {
            wake: Some(Wake::At(0)),
            coroutine,
            identity,
            context,
        }
    }

    /// Runs the program until it waits again or ends.
    pub fn resume(&mut self) {
        RUNNING.set(self.identity);
        super::port::set_current(self.context.borrow().clone());
        let result = self.coroutine.resume(());
        super::port::set_current(None);
        RUNNING.set(0);
        self.wake = match result {
            CoroutineResult::Yield(wake) => Some(wake),
            CoroutineResult::Return(()) => None,
        };
    }
}
