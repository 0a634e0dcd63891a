//! One-way latency: half of a ping-pong's round trip, and the NIUs' own share of it in cycles.

use crate::nodes::PATIENCE;
use crate::pair::{self, Side};
use crate::platform::Platform;
use crate::report::{Mechanism, Report, Row};
use crate::{Arguments, stages};
use anyhow::Result;
use host_driver::{Destination, Error, SendError};

/// Payload sizes of Basic messages.
const SIZES_BYTES: &[usize] = &[8, 16, 32, 64, 128, 192, 248];

/// Sends one message of this form.
pub fn send(side: &mut Side<'_>, mechanism: Mechanism, payload: &[u8]) -> Result<(), SendError> {
    side.endpoint
        .when_room(PATIENCE, |endpoint| match mechanism {
            Mechanism::Express => {
                endpoint.send_express(Destination(0), 0, payload.try_into().unwrap_or_default())
            }
            _ => endpoint.send_basic(Destination(0), 0, payload),
        })
}

fn ping(
    side: &mut Side<'_>,
    mechanism: Mechanism,
    bytes: usize,
    rounds: u32,
) -> Result<f64, Error> {
    let payload = vec![0x5a; bytes];
    let mut start = side.now_ns();
    for round in 0..rounds {
        // The first round warms nothing up in the NIU, but it fills the credits.
        if round == 1 {
            start = side.now_ns();
        }
        send(side, mechanism, &payload)?;
        side.endpoint.receive_wait(PATIENCE)?.into_message();
    }
    Ok((side.now_ns() - start) / f64::from(rounds - 1) / 2.0)
}

fn pong(side: &mut Side<'_>, mechanism: Mechanism, rounds: u32) -> Result<(), Error> {
    for _ in 0..rounds {
        let message = side.endpoint.receive_wait(PATIENCE)?.into_message();
        send(side, mechanism, &message.payload)?;
    }
    Ok(())
}

/// The benchmark: all forms and sizes one after the other, on one cluster.
pub fn run(platform: &Platform, arguments: &Arguments, report: &mut Report) -> Result<()> {
    let rounds = if arguments.quick { 6 } else { 21 };
    let (one_way_ns, _, run) = pair::run(
        platform.cluster(&platform.profile),
        move |side| {
            let measure = |(mechanism, bytes)| ping(side, mechanism, bytes, rounds);
            shapes().map(measure).collect::<Result<Vec<f64>, Error>>()
        },
        move |side| {
            for (mechanism, _) in shapes() {
                pong(side, mechanism, rounds)?;
            }
            Ok(Vec::new())
        },
    )?;
    report.simulated(&run);
    let stages = stages::measure(platform, shapes().collect(), report)?;
    for (((mechanism, bytes), one_way_ns), stages) in shapes().zip(one_way_ns).zip(stages) {
        report.add(Row {
            one_way_ns: Some(one_way_ns),
            niu_cycles: Some(stages.one_way_cycles()),
            ..Row::new("latency", mechanism, bytes)
        });
    }
    Ok(())
}

/// Every form and size that is measured.
pub fn shapes() -> impl Iterator<Item = (Mechanism, usize)> {
    let basic = SIZES_BYTES.iter().map(|&bytes| (Mechanism::Basic, bytes));
    std::iter::once((Mechanism::Express, 8)).chain(basic)
}
