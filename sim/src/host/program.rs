//! A host program as a coroutine.

use super::port::{HostPort, HostSide};
use super::wake::{Suspender, Wake};
use corosensei::{Coroutine, CoroutineResult};
use std::cell::RefCell;
use std::rc::Rc;

/// The body of a host program.
pub type ProgramBody = Box<dyn FnOnce(HostPort) + Send>;

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
