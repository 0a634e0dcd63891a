//! What a program can do on a host that adds no time (profile `bare`): the port's beats are the only limit.

use super::{HostPort, HostSide, Program};
use crate::memory::HostMemory;
use crate::pcie::{HostBridge, HostPortOutputs, beats};
use crate::profile::Profile;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

/// The tests' own clock of 125 MHz, whatever the NIU's is.
const PERIOD_PS: u64 = 8000;
/// Stores that the program makes, or messages that it takes.
const COUNT: usize = 500;
/// Enough for `COUNT` packets of two beats, and for the start.
const CYCLES: u64 = 2 * COUNT as u64 + 50;

/// A host with one program, and a device that a test drives.
struct Machine {
    side: Rc<RefCell<HostSide>>,
    program: Program,
}

impl Machine {
    fn new(body: impl FnOnce(HostPort) + Send + 'static) -> Self {
        let profile = Profile::named("bare").unwrap();
        let side = Rc::new(RefCell::new(HostSide {
            bridge: HostBridge::new(&profile, PERIOD_PS, 0).unwrap(),
            memory: HostMemory::new(),
            allocations: BTreeMap::new(),
            node: 0,
            nodes: 1,
            cycle: 0,
            cycle_picoseconds: PERIOD_PS,
            costs: profile.host,
            reset: false,
            gathered: Vec::new(),
        }));
        let program = Program::new(Box::new(body), Rc::clone(&side));
        Machine { side, program }
    }

    /// A core cycle, as in `cluster::node`; whether a beat comes in for the device.
    fn step(&mut self, cycle: u64, from_device: &HostPortOutputs) -> bool {
        let writes = {
            let mut side = self.side.borrow_mut();
            side.cycle = cycle;
            side.bridge.landed_writes()
        };
        let wake = &mut self.program.wake;
        if wake.as_mut().is_some_and(|wake| wake.is_due(cycle, writes)) {
            self.program.resume();
        }
        let side = &mut *self.side.borrow_mut();
        let inputs = side.bridge.step(from_device, &mut side.memory);
        inputs.host_receive_valid
    }
}

#[test]
fn a_program_that_stores_8_bytes_fills_every_beat_of_the_port() {
    let stored = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&stored);
    let mut machine = Machine::new(move |port| {
        for _ in 0..COUNT {
            port.store(2, 0, &[1; 8]);
            log.lock().unwrap().push(port.cycle());
        }
    });
    let idle = HostPortOutputs::default();
    let valid: Vec<bool> = (0..CYCLES)
        .map(|cycle| machine.step(cycle, &idle))
        .collect();
    let start = valid.iter().position(|&valid| valid).unwrap();
    let end = start + 2 * COUNT;
    assert!(valid[start..end].iter().all(|&valid| valid), "a gap");
    assert!(!valid[end..].contains(&true), "more than two beats a store");
    // The processor is ahead of the line by its store buffers and no more.
    let stored = stored.lock().unwrap();
    let ahead = |(number, &cycle): (usize, &u64)| number.saturating_sub(cycle as usize / 2);
    let most_ahead = stored.iter().enumerate().map(ahead).max();
    assert!(most_ahead <= Some(1024 / 24 + 2), "{most_ahead:?} stores");
}

/// The device writes an entry of 16 bytes every second cycle, as fast as the port takes it; the program polls, takes
/// what is there and now and then stores an index.
#[test]
fn a_program_that_polls_takes_an_entry_every_second_cycle() {
    const ENTRIES: usize = 64;
    let taken = Arc::new(Mutex::new(Vec::new()));
    let address = Arc::new(Mutex::new(0));
    let (log, told) = (Arc::clone(&taken), Arc::clone(&address));
    let mut machine = Machine::new(move |port| {
        let ring = port.allocate(16 * ENTRIES);
        *told.lock().unwrap() = ring;
        let mut number = 0;
        while number < COUNT {
            let mut entry = [0; 16];
            port.read_memory(ring + 16 * (number % ENTRIES) as u64, &mut entry);
            if entry != [(number / ENTRIES) as u8 + 1; 16] {
                port.poll(1e6);
                continue;
            }
            log.lock().unwrap().push(port.cycle());
            number += 1;
            if number.is_multiple_of(ENTRIES / 4) {
                port.store(2, 0, &[1; 8]);
            }
        }
    });
    // The program allocates its ring.
    machine.step(0, &HostPortOutputs::default());
    let ring = *address.lock().unwrap();
    for beat in 0..CYCLES {
        let number = beat as usize / 2;
        let address = ring + 16 * (number % ENTRIES) as u64;
        let mut packet = vec![0x60, 0, 0, 4, 1, 0, 0, 0xff];
        packet.extend(address.to_be_bytes());
        packet.extend([(number / ENTRIES) as u8 + 1; 16]);
        let offered = HostPortOutputs {
            host_transmit_valid: number < COUNT,
            host_transmit_data: beats::beat(&packet, beat as usize % 2),
            host_transmit_last: beat % 2 == 1,
            ..HostPortOutputs::default()
        };
        machine.step(1 + beat, &offered);
    }
    assert_eq!(machine.side.borrow().bridge.violations(), []);
    // An entry is there when its second beat was driven, which the program sees at the next poll, a cycle later.
    let expected: Vec<u64> = (0..COUNT as u64).map(|number| 3 + 2 * number).collect();
    assert_eq!(*taken.lock().unwrap(), expected);
}
