//! Endpoints and receive queues that come and go: single events.

use wayfarer_protocol::{
    AllRules, EndpointPage, Gap, Index, LossReport, Map, Put, ReceiveQueue, ReceiveResidency,
    SavedSender, Stored, TransmitResidency,
    residency::{ReceiveAction, ReceiveEvent, TransmitAction, TransmitEvent},
};

fn index(value: u8) -> Index {
    Index::new(value)
}

/// An endpoint that is away and may store three messages.
fn page() -> EndpointPage {
    EndpointPage::new(AllRules, index(3))
}

#[test]
fn a_store_beyond_the_limit_is_lost_and_so_is_all_behind_it_until_the_driver_resumes() {
    let mut page = page();
    for expected in 0..3 {
        assert_eq!(page.on_express(true), Stored::Captured(index(expected)));
    }
    assert_eq!(page.on_express(true), Stored::Refused);
    let report = LossReport {
        losses: index(1),
        lost_from: index(3),
    };
    assert_eq!(page.loss(), Some(report));
    assert_eq!(page.install(index(64)), index(3));
    assert_eq!(
        page.on_express(true),
        Stored::Refused,
        "a loss outlives the installation"
    );
    page.on_resume(index(2));
    assert_eq!(page.loss(), Some(report), "that is not where it began");
    page.on_resume(index(3));
    assert_eq!(page.loss(), None);
    assert_eq!(page.on_express(false), Stored::Resident(index(3)));
}

#[test]
fn a_full_capture_buffer_loses_a_store_and_harms_no_resident_endpoint() {
    let mut page = page();
    assert_eq!(page.on_express(false), Stored::Refused);
    let mut resident = EndpointPage::<7>::new(AllRules, index(3));
    resident.install(index(64));
    assert_eq!(resident.on_express(false), Stored::Resident(index(0)));
}

#[test]
fn a_producer_index_beyond_the_limit_is_refused_whole() {
    let mut page = page();
    assert_eq!(page.on_producer(index(4), false, true), Stored::Refused);
    page.on_resume(index(0));
    assert_eq!(
        page.on_producer(index(3), false, true),
        Stored::Captured(index(0))
    );
    assert_eq!(page.producer(), index(3));
}

#[test]
fn an_inline_message_is_launched_only_if_its_page_was_there_all_the_time() {
    let mut page = page();
    page.install(index(64));
    let launch = |page: &mut EndpointPage, to| page.on_producer(index(to), true, true);
    let resume = |page: &mut EndpointPage, from| page.on_resume(index(from));

    assert_eq!(launch(&mut page, 1), Stored::Refused, "there is no page");
    resume(&mut page, 0);

    assert_eq!(page.inline.on_store(), None);
    page.inline.give(5);
    assert_eq!(page.inline.on_store(), Some(5));
    assert_eq!(
        launch(&mut page, 1),
        Stored::Refused,
        "its first part was lost"
    );
    resume(&mut page, 0);

    assert_eq!(page.inline.on_store(), Some(5));
    assert_eq!(launch(&mut page, 1), Stored::Resident(index(0)));
    assert_eq!(
        page.inline.take_away(false),
        None,
        "the message may be sent again"
    );
    assert_eq!(page.inline.take_away(true), Some(5));
    page.inline.give(6);
    assert_eq!(page.inline.on_store(), Some(6));
    assert_eq!(page.inline.take_away(true), Some(6));
    page.inline.give(5);
    assert_eq!(
        launch(&mut page, 2),
        Stored::Refused,
        "its page was taken away"
    );
    resume(&mut page, 1);
    assert_eq!(
        page.on_producer(index(2), false, true),
        Stored::Resident(index(1))
    );
}

#[test]
fn the_launch_limit_follows_the_fills_and_opens_at_the_cut() {
    let mut gap = Gap::new(index(126), index(1));
    let producer = index(2);
    for limit in [126, 127, 0] {
        assert_eq!(gap.launch_limit(AllRules, producer), index(limit));
        assert!(!gap.short_way(AllRules, index(limit), producer));
        gap.on_filled();
    }
    assert_eq!(gap.launch_limit(AllRules, producer), producer);
    assert!(gap.short_way(AllRules, producer, producer));
}

#[test]
fn firmware_installs_fills_in_order_and_evicts() {
    let mut queue = TransmitResidency::<7>::new(AllRules);
    let none = |_: Index| false;
    let install = TransmitAction::Install(SavedSender::default());
    assert_eq!(queue.step(TransmitEvent::Wanted, none), Some(install));
    let cut = index(2);
    assert_eq!(queue.step(TransmitEvent::Installed { cut }, none), None);
    let second = |captured: Index| captured == index(1);
    assert_eq!(
        queue.step(TransmitEvent::Captured, second),
        None,
        "the first is missing"
    );
    let fill = |value| Some(TransmitAction::Fill(index(value)));
    assert_eq!(queue.step(TransmitEvent::Captured, |_| true), fill(0));
    assert_eq!(
        queue.step(TransmitEvent::Captured, |_| true),
        None,
        "one at a time"
    );
    assert_eq!(
        queue.step(TransmitEvent::Unwanted, none),
        Some(TransmitAction::Stop)
    );
    assert_eq!(
        queue.step(TransmitEvent::Answered, none),
        None,
        "a fill is under way"
    );
    assert_eq!(queue.step(TransmitEvent::Filled, |_| true), None);
    assert_eq!(
        queue.step(TransmitEvent::Answered, none),
        Some(TransmitAction::Evict)
    );
    let saved = SavedSender {
        consumer: index(0),
        launched: index(1),
        ..SavedSender::default()
    };
    let producer = index(5);
    let save = TransmitAction::Save {
        from: index(0),
        to: producer,
        gap: Gap::new(index(1), index(2)),
    };
    let evicted = TransmitEvent::Evicted { producer, saved };
    assert_eq!(queue.step(evicted, none), Some(save));
    assert!(queue.has_slot());
    queue.step(TransmitEvent::Saved, none);
    assert!(!queue.has_slot());
    assert_eq!(
        queue.step(TransmitEvent::Wanted, none),
        Some(TransmitAction::Install(saved))
    );
}

#[test]
fn misses_take_the_places_behind_the_saved_producer() {
    let mut queue: ReceiveQueue = ReceiveQueue::new(AllRules, 4);
    let found = queue.look_up();
    assert_eq!(queue.commit(found, true), Put::Entry(0));
    let mut firmware: ReceiveResidency = ReceiveResidency::new(AllRules, 4);
    assert_eq!(
        firmware.step(ReceiveEvent::Unwanted),
        Some(ReceiveAction::Evict)
    );
    let saved = queue.evict().expect("it is resident");
    firmware.step(ReceiveEvent::Evicted(saved));

    // The header came before the eviction, the message is committed after it.
    for _ in 0..3 {
        assert_eq!(queue.commit(found, true), Put::Miss);
    }
    assert!(
        !queue.has_room(found, true),
        "the ring has room for no more"
    );
    assert_eq!(queue.commit(found, true), Put::Refused);

    assert!(queue.on_consumer(1));
    assert_eq!(
        firmware.step(ReceiveEvent::Wanted),
        Some(ReceiveAction::Install(saved))
    );
    let count = queue.install(saved).expect("it is away");
    let Map::Resident(ring) = queue.map else {
        panic!("it is resident");
    };
    assert_eq!((ring.producer, ring.consumer), (4, 1));
    let mut action = firmware.step(ReceiveEvent::Installed { count });
    for place in 1..4 {
        assert_eq!(action, Some(ReceiveAction::Fill { place }));
        assert_eq!(
            firmware.step(ReceiveEvent::Unwanted),
            None,
            "there is a gap"
        );
        action = firmware.step(ReceiveEvent::Filled);
    }
    assert_eq!(action, None);
    assert_eq!(
        firmware.step(ReceiveEvent::Unwanted),
        Some(ReceiveAction::Evict)
    );
}

#[test]
fn a_consumer_index_that_was_never_delivered_is_rejected_at_the_installation() {
    let mut queue: ReceiveQueue = ReceiveQueue::new(AllRules, 4);
    let found = queue.look_up();
    queue.commit(found, true);
    let saved = queue.evict().expect("it is resident");
    queue.on_consumer(3);
    queue.install(saved);
    assert!(
        queue.on_consumer(1),
        "the record goes on with the saved index"
    );
}
