//! A transmit queue's answers to single events.

use wayfarer_protocol::{AllRules, Answer, Index, Limits, Outcome, Sender, Verdict};

const LIMITS: Limits = Limits {
    window: 64,
    give_up: 3,
    doublings: 2,
    patience: 2,
};
/// The node that all messages go to.
const NODE: u16 = 5;

fn sender() -> Sender {
    Sender::new(AllRules, LIMITS, 9)
}

fn answer(verdict: Verdict, base: u8, bitmap: u64) -> Answer {
    Answer {
        slot: 0,
        generation: 9,
        verdict,
        base: Index::new(base),
        bitmap,
    }
}

fn take(sender: &mut Sender, verdict: Verdict, base: u8, bitmap: u64) -> Outcome {
    sender.on_answer(NODE, &answer(verdict, base, bitmap), |_| NODE)
}

/// Launches all that may be sent with the producer at `producer`: (index, restart, probe).
fn launch_all(sender: &mut Sender, producer: u8) -> Vec<(u8, bool, bool)> {
    let one = |sender: &mut Sender| sender.launch(Index::new(producer));
    std::iter::from_fn(|| one(sender))
        .map(|launch| (launch.index.value(), launch.restart, launch.probe))
        .collect()
}

#[test]
fn a_window_is_sent_without_waiting_and_only_its_first_frame_restarts() {
    let mut sender = sender();
    let sent = launch_all(&mut sender, 100);
    assert_eq!(sent.len(), 64);
    assert_eq!(sent[0], (0, true, false));
    let later = (1..64).map(|index| (index, false, false));
    assert_eq!(sent[1..], later.collect::<Vec<_>>());
    // Answers in any order: the consumer passes what is done.
    assert_eq!(take(&mut sender, Verdict::Accepted, 1, 0b111).passed, 0);
    assert_eq!(take(&mut sender, Verdict::Accepted, 0, 1).passed, 4);
    assert_eq!(launch_all(&mut sender, 100).len(), 4);
}

#[test]
fn a_refusal_collects_probes_and_then_repeats_what_is_not_done() {
    let mut sender = sender();
    assert_eq!(launch_all(&mut sender, 6).len(), 6);
    take(&mut sender, Verdict::Accepted, 0, 0b000101);
    take(&mut sender, Verdict::Full, 1, 1);
    assert_eq!(launch_all(&mut sender, 9), [], "three are unanswered");
    take(&mut sender, Verdict::Behind, 3, 0b101);
    assert_eq!(launch_all(&mut sender, 9), [], "one is unanswered");
    take(&mut sender, Verdict::Accepted, 4, 1);
    assert_eq!(launch_all(&mut sender, 9), [(1, true, true)]);
    assert_eq!(take(&mut sender, Verdict::Accepted, 1, 1).passed, 2);
    let burst = [3, 5, 6, 7, 8].map(|index| (index, index == 3, false));
    assert_eq!(launch_all(&mut sender, 9), burst);
}

#[test]
fn each_pause_is_twice_as_long_and_the_third_full_gives_up() {
    let mut sender = sender();
    assert_eq!(launch_all(&mut sender, 2).len(), 2);
    assert_eq!(take(&mut sender, Verdict::Full, 0, 1).pause, None);
    take(&mut sender, Verdict::Behind, 1, 1);
    for pause in [0, 1] {
        assert_eq!(launch_all(&mut sender, 2), [(0, true, true)]);
        assert_eq!(take(&mut sender, Verdict::Full, 0, 1).pause, Some(pause));
        assert_eq!(launch_all(&mut sender, 2), []);
        sender.on_pause_over();
    }
    assert_eq!(launch_all(&mut sender, 2), [(0, true, true)]);
    let given_up = Outcome {
        passed: 1,
        errors: 1,
        given_up: 1,
        ..Outcome::default()
    };
    assert_eq!(take(&mut sender, Verdict::Full, 0, 1), given_up);
    assert_eq!(launch_all(&mut sender, 2), [(1, true, true)]);
    take(&mut sender, Verdict::Accepted, 1, 1);
    assert_eq!(launch_all(&mut sender, 3), [(2, true, false)]);
}

#[test]
fn a_hint_outside_a_pause_changes_nothing() {
    let mut sender = sender();
    for producer in [0, 1] {
        launch_all(&mut sender, producer);
        let before = sender;
        assert_eq!(sender.on_pause_over(), Outcome::default());
        assert_eq!(sender, before);
    }
}

#[test]
fn final_verdicts_and_local_rejections_count_as_errors_and_are_passed() {
    let mut sender = sender();
    launch_all(&mut sender, 3);
    let outcome = take(&mut sender, Verdict::NotResident, 0, 0b11);
    assert_eq!((outcome.passed, outcome.errors), (2, 2));
    let outcome = sender.on_rejected(Index::new(2));
    assert_eq!((outcome.passed, outcome.errors), (1, 1));
    assert_eq!(sender.outstanding(), 0);
    assert_eq!(sender.on_rejected(Index::new(2)).unexpected, 1);
}

#[test]
fn answers_that_do_not_fit_change_nothing() {
    let mut sender = sender();
    launch_all(&mut sender, 3);
    take(&mut sender, Verdict::Accepted, 1, 1);
    let before = sender;
    let mut check = |from, answer: Answer| {
        let outcome = sender.on_answer(from, &answer, |_| NODE);
        assert_eq!(outcome.unexpected, 1, "{answer:?}");
        assert_eq!(sender, before, "{answer:?}");
    };
    let generation = 8;
    let old = Answer {
        generation,
        ..answer(Verdict::Accepted, 0, 1)
    };
    check(NODE, old);
    check(NODE + 1, answer(Verdict::Accepted, 0, 1));
    for index in [127, 1, 3] {
        check(NODE, answer(Verdict::Full, index, 1));
    }
}

#[test]
fn a_queue_is_evicted_with_nothing_unanswered_or_refused_and_goes_on_in_another_slot() {
    let mut sender = sender();
    launch_all(&mut sender, 2);
    assert_eq!(sender.save(), None, "two are unanswered");
    take(&mut sender, Verdict::Accepted, 0, 1);
    take(&mut sender, Verdict::Full, 1, 1);
    assert_eq!(sender.save(), None, "one was refused");
    launch_all(&mut sender, 2);
    take(&mut sender, Verdict::Accepted, 1, 1);
    let saved = sender.save().expect("everything is done");
    assert_eq!(sender.free(), 0);
    assert_eq!(sender.generation(), 9);

    let mut other = Sender::<7, _>::new(AllRules, LIMITS, 200);
    other.load(LIMITS, saved);
    assert_eq!(other.generation(), 200);
    assert_eq!(other.save(), Some(Index::new(2)));
    let sent = [(2, true, false), (3, false, false)];
    assert_eq!(launch_all(&mut other, 4), sent);
}

#[test]
fn a_slot_freed_with_messages_unanswered_gets_another_generation() {
    let mut sender = sender();
    launch_all(&mut sender, 2);
    assert_eq!(sender.free(), 2);
    assert_eq!(sender.generation(), 10);
    assert_eq!(sender.free(), 0);
    assert_eq!(sender.generation(), 10);
}

/// A ring with room for one message at a time: behind each accepted probe one message is sent, refused or new. Two
/// answers in a row without a refusal, and the queue sends without waiting again.
#[test]
fn a_queue_whose_burst_is_refused_sends_one_message_at_a_time() {
    let mut sender = sender();
    assert_eq!(launch_all(&mut sender, 4).len(), 4);
    take(&mut sender, Verdict::Full, 0, 1);
    take(&mut sender, Verdict::Behind, 1, 0b111);
    assert_eq!(launch_all(&mut sender, 9), [(0, true, true)]);
    take(&mut sender, Verdict::Accepted, 0, 1);
    assert!(!sender.is_narrow());
    assert_eq!(launch_all(&mut sender, 5).len(), 4, "a burst");
    take(&mut sender, Verdict::Full, 1, 1);
    assert!(sender.is_narrow());
    take(&mut sender, Verdict::Behind, 2, 0b111);
    // Accepted, FULL, accepted: the count starts again.
    assert_eq!(launch_all(&mut sender, 9), [(1, true, true)]);
    take(&mut sender, Verdict::Accepted, 1, 1);
    assert_eq!(launch_all(&mut sender, 9), [(2, true, true)]);
    take(&mut sender, Verdict::Full, 2, 1);
    sender.on_pause_over();
    assert_eq!(launch_all(&mut sender, 9), [(2, true, true)]);
    take(&mut sender, Verdict::Accepted, 2, 1);
    assert!(sender.is_narrow());
    assert_eq!(launch_all(&mut sender, 9), [(3, true, true)]);
    take(&mut sender, Verdict::Accepted, 3, 1);
    assert!(!sender.is_narrow());
    assert_eq!(launch_all(&mut sender, 9), [(4, true, true)]);
    take(&mut sender, Verdict::Accepted, 4, 1);
    assert_eq!(launch_all(&mut sender, 9).len(), 4, "without waiting");
}

/// New messages of a narrow queue go one at a time, too.
#[test]
fn a_narrow_queue_sends_a_new_message_only_while_none_is_unanswered() {
    let mut sender = Sender::<7>::new(
        AllRules,
        Limits {
            patience: 9,
            ..LIMITS
        },
        9,
    );
    assert_eq!(launch_all(&mut sender, 2).len(), 2);
    take(&mut sender, Verdict::Full, 0, 1);
    take(&mut sender, Verdict::Behind, 1, 1);
    launch_all(&mut sender, 2);
    take(&mut sender, Verdict::Accepted, 0, 1);
    launch_all(&mut sender, 2);
    take(&mut sender, Verdict::Full, 1, 1);
    launch_all(&mut sender, 2);
    take(&mut sender, Verdict::Accepted, 1, 1);
    assert!(sender.is_narrow());
    for index in 2..6 {
        assert_eq!(launch_all(&mut sender, 9), [(index, true, false)]);
        take(&mut sender, Verdict::Accepted, index, 1);
    }
}
