//! Messages that find no room, where they are to be dropped (V18).

use super::*;
use abi::queue_state::receive_map;

/// What is said to a message that may be sent again, and the entry that it becomes: address, phase, and whether there
/// is a gap before it.
fn deliver(
    bench: &mut Small,
    queue: u64,
    id: u64,
    index: u64,
    bytes: usize,
) -> (usize, Option<(u64, u64, u64)>) {
    let payload = vec![7; bytes];
    let seen = send_and_run(bench, 0, &[(again(queue, id, index), &payload)]);
    let entry = seen.writes.last().map(|write| {
        let head = u64::from_le_bytes(write.data[..8].try_into().unwrap());
        let head = u128::from(head);
        let (phase, gap) = (descriptor::phase::get(head), descriptor::gap::get(head));
        (write.address, phase, gap)
    });
    assert_eq!(seen.said.len(), 1);
    (seen.said[0].verdict, entry)
}

#[test]
fn a_message_that_finds_a_full_ring_is_accepted_and_not_written_and_the_next_entry_tells_of_the_gap()
 {
    let mut bench = Small::new(20);
    let (queue, id) = (6, 0x2a);
    bench.enable(queue, id, 0x8000, 1, 4);
    bench.drop_beyond_two(queue, id);
    let accepted = kind::ACCEPTED;
    let deliver = |bench: &mut Small, index| deliver(bench, queue, id, index, 8);
    assert_eq!(deliver(&mut bench, 0), (accepted, Some((0x8000, 1, 0))));
    assert_eq!(deliver(&mut bench, 1), (accepted, Some((0x8010, 1, 0))));
    for index in 2..6 {
        assert_eq!(deliver(&mut bench, index), (accepted, None), "{index}");
    }
    bench.give_back(queue, 1);
    bench.steps(10);
    assert_eq!(deliver(&mut bench, 6), (accepted, Some((0x8000, 0, 1))));
    assert_eq!(deliver(&mut bench, 7), (accepted, None));
    bench.give_back(queue, 3);
    bench.steps(10);
    assert_eq!(deliver(&mut bench, 8), (accepted, Some((0x8010, 0, 1))));
    assert_eq!(deliver(&mut bench, 9), (accepted, Some((0x8000, 1, 0))));
}

/// Dropped messages are counted, and make no sender wait; nor does one that is dropped let a message pass that is
/// behind a refused one.
#[test]
fn a_dropped_message_is_counted_and_disturbs_no_order() {
    let mut bench = Small::new(21);
    bench.enable(6, 0x2a, 0x8000, 1, 4);
    bench.drop_beyond_two(6, 0x2a);
    bench.enable(7, 0x2b, 0x9000, 1, 4);
    let send = |bench: &mut Small, frames: &[Frame]| {
        let frames: Vec<(Frame, &[u8])> =
            frames.iter().map(|frame| (*frame, &[1; 8][..])).collect();
        send_and_run(bench, 0, &frames)
    };
    let dropping = |index| message(6, 0x2a, index);
    let refusing = |index| message(7, 0x2b, index);
    let seen = send(
        &mut bench,
        &[
            dropping(0),
            dropping(1),
            dropping(2),
            refusing(3),
            refusing(4),
        ],
    );
    assert_eq!(
        seen.names(),
        [
            "received",
            "received",
            "full and dropped",
            "received",
            "received"
        ]
    );
    // The same sender: what follows a refused message is refused, also where it would be dropped.
    let seen = send(&mut bench, &[refusing(5), dropping(6)]);
    assert_eq!(seen.names(), ["full", "behind"]);
    // A message that no entry can hold is an error, not a drop.
    bench.give_back(7, 2);
    bench.steps(10);
    let seen = send_and_run(
        &mut bench,
        0,
        &[(again(7, 0x2b, 5), &[1; 8]), (dropping(6), &[1; 9])],
    );
    assert_eq!(seen.names(), ["received", "small"]);
}

/// A ring that is away has its allowance; beyond it, messages are dropped where its row says so.
#[test]
fn messages_beyond_the_allowance_of_a_ring_that_is_away_are_dropped_if_its_row_says_so() {
    let mut bench = Small::new(22);
    bench.enable_misses(MISSES, 0x20_0000, 6, 0);
    let row = |count, drops: bool| {
        receive_map::drops::set(allowance(MISSES, count, 4).into(), drops.into()) as u64
    };
    let accepted = kind::ACCEPTED;
    let mut index = 0;
    let mut deliver = |bench: &mut Small| {
        index += 1;
        deliver(bench, MISSES, 0x21, index, 8)
    };
    bench.configure(REGION_RECEIVE_MAP, 0x21, row(1, true));
    bench.steps(3);
    assert_eq!(deliver(&mut bench), (accepted, Some((0x20_0000, 1, 1))));
    assert_eq!(deliver(&mut bench), (accepted, None));
    bench.configure(REGION_RECEIVE_MAP, 0x21, row(0, false));
    bench.steps(3);
    assert_eq!(deliver(&mut bench), (kind::FULL, None));
    bench.configure(REGION_RECEIVE_MAP, 0x21, row(0, true));
    bench.steps(3);
    assert_eq!(deliver(&mut bench), (accepted, None));
}
