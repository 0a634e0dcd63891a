//! Endpoints and receive queues that come and go: single events.

use wayfarer_protocol::{
    AllRules, CapturedStore, EndpointPage, Index, LossReport, Put, ReceiveQueue, ReceiveResidency,
    Replay, Row, StoreKind, Stored, TransmitResidency,
    residency::{ReceiveAction, ReceiveEvent, TransmitAction, TransmitEvent},
};

fn index(value: u8) -> Index {
    Index::new(value)
}

/// An endpoint that is away, and may have three stores captured.
fn page() -> EndpointPage {
    EndpointPage::new(AllRules, index(64), 3)
}

fn express(page: &mut EndpointPage) -> Stored {
    page.on_express(page.look_up(), true)
}

/// What is captured of an Express message.
fn captured(message: u8) -> CapturedStore {
    CapturedStore {
        kind: StoreKind::Express,
        producer: index(message),
        index: index(message),
    }
}

#[test]
fn a_store_beyond_the_share_is_lost_and_so_is_all_behind_it_until_the_driver_resumes() {
    let mut page = page();
    for message in 0..3 {
        assert_eq!(express(&mut page), Stored::Captured(captured(message)));
    }
    assert_eq!(express(&mut page), Stored::Lost);
    let report = LossReport {
        losses: index(1),
        lost_from: index(3),
    };
    assert_eq!(page.loss(), Some(report));
    for message in 0..3 {
        assert_eq!(
            page.replay(&captured(message), Replay::CarryOut),
            message < 2
        );
    }
    page.set_resident(true);
    assert_eq!(
        express(&mut page),
        Stored::Lost,
        "a loss outlives the installation"
    );
    page.on_resume(index(2));
    assert_eq!(page.loss(), Some(report), "that is not where it began");
    page.on_resume(index(3));
    assert_eq!(page.loss(), None);
    assert_eq!(express(&mut page), Stored::Direct(index(3)));
}

#[test]
fn stores_are_captured_until_no_more_are_whatever_the_map_says() {
    let mut page = page();
    express(&mut page);
    page.set_resident(true);
    assert_eq!(express(&mut page), Stored::Captured(captured(1)));
    let found = page.look_up();
    page.replay(&captured(0), Replay::CarryOut);
    page.replay(&captured(1), Replay::CarryOut);
    assert_eq!(page.on_express(found, false), Stored::Direct(index(2)));
}

#[test]
fn a_full_capture_buffer_loses_a_store_and_harms_no_resident_endpoint() {
    let mut away = page();
    assert_eq!(away.on_express(away.look_up(), false), Stored::Lost);
    let mut resident = page();
    resident.set_resident(true);
    let found = resident.look_up();
    assert_eq!(resident.on_express(found, false), Stored::Direct(index(0)));
}

#[test]
fn a_producer_index_beyond_the_slots_is_rejected_and_nothing_is_lost() {
    let mut page = page();
    let found = page.look_up();
    let rejected = page.on_producer(index(65), false, found, true);
    assert_eq!((rejected, page.loss()), (Stored::Rejected, None));
    let taken = page.on_producer(index(64), false, found, true);
    assert!(matches!(taken, Stored::Captured(_)));
    assert_eq!(page.producer(), index(64));
}

#[test]
fn the_driver_starts_again_from_the_earliest_store_that_was_thrown_away() {
    let mut page = page();
    for _ in 0..4 {
        express(&mut page);
    }
    let loss = |losses, from| {
        Some(LossReport {
            losses: index(losses),
            lost_from: index(from),
        })
    };
    assert_eq!(page.loss(), loss(1, 3));
    page.replay(&captured(0), Replay::Discard);
    assert_eq!(page.loss(), loss(2, 0), "the loss before was later");
    page.on_resume(index(0));
    page.replay(&captured(1), Replay::Discard);
    assert_eq!(page.loss(), loss(3, 0), "it never goes forward");
    page.replay(&captured(2), Replay::Discard);
    assert_eq!(page.loss(), loss(3, 0));
    page.on_resume(index(0));
    assert_eq!(express(&mut page), Stored::Captured(captured(0)));
    page.replay(&captured(0), Replay::CarryOutAndLose);
    assert_eq!(page.loss(), loss(4, 1));
}

#[test]
fn an_inline_message_is_launched_only_if_its_page_was_there_all_the_time() {
    let mut page = page();
    page.set_resident(true);
    let found = page.look_up();
    let launch = |page: &mut EndpointPage, to| page.on_producer(index(to), true, found, true);
    let head = |page: &mut EndpointPage, of| page.on_head(index(of), found, true);

    assert_eq!(launch(&mut page, 1), Stored::Lost, "there is no page");
    page.on_resume(index(0));

    assert_eq!(head(&mut page, 0), Stored::Lost);
    page.inline.give(5);
    assert_eq!(page.inline.on_store(), Some(5));
    assert_eq!(launch(&mut page, 1), Stored::Lost, "its head was lost");
    page.on_resume(index(0));

    assert_eq!(head(&mut page, 0), Stored::Direct(index(0)));
    assert_eq!(launch(&mut page, 1), Stored::Direct(index(1)));
    assert_eq!(
        page.inline.take_away(false),
        None,
        "the message may be sent again"
    );
    assert_eq!(page.inline.take_away(true), Some(5));
    page.inline.give(6);
    assert_eq!(head(&mut page, 1), Stored::Direct(index(1)));
    assert_eq!(page.inline.take_away(true), Some(6));
    page.inline.give(5);
    assert_eq!(
        launch(&mut page, 2),
        Stored::Lost,
        "its page was taken away"
    );
    page.on_resume(index(1));
    let through_ring = page.on_producer(index(2), false, found, true);
    assert_eq!(through_ring, Stored::Direct(index(2)));
}

#[test]
fn a_head_in_a_slot_of_a_queue_that_has_left_is_lost() {
    let mut page = page();
    page.inline.give(0);
    page.set_resident(true);
    page.on_head(index(0), page.look_up(), true);
    page.set_resident(false);
    let away = page.look_up();
    assert_eq!(page.on_producer(index(1), true, away, true), Stored::Lost);
    page.bring();
    page.set_resident(true);
    page.on_resume(index(0));
    let found = page.look_up();
    assert_eq!(
        page.on_head(index(0), found, true),
        Stored::Direct(index(0))
    );
    page.set_resident(false);
    page.bring();
    page.set_resident(true);
    assert_eq!(page.on_producer(index(1), true, found, true), Stored::Lost);
}

#[test]
fn firmware_installs_replays_and_evicts() {
    let mut queue = TransmitResidency::<7>::new(AllRules);
    let replay = |how| Some(TransmitAction::Replay(how));
    let load = |at| Some(TransmitAction::Load(index(at)));
    assert_eq!(queue.step(TransmitEvent::Wanted), load(0));
    assert_eq!(queue.step(TransmitEvent::Loaded), Some(TransmitAction::Map));
    assert_eq!(
        queue.step(TransmitEvent::Captured),
        replay(Replay::CarryOut)
    );
    queue.step(TransmitEvent::Replayed { more: true });
    assert_eq!(
        queue.step(TransmitEvent::Unwanted),
        None,
        "more are captured"
    );
    assert_eq!(
        queue.step(TransmitEvent::Captured),
        replay(Replay::CarryOut)
    );
    queue.step(TransmitEvent::Replayed { more: false });
    assert_eq!(
        queue.step(TransmitEvent::Unwanted),
        Some(TransmitAction::Leave)
    );
    assert_eq!(queue.step(TransmitEvent::Left), Some(TransmitAction::Save));
    let busy = TransmitEvent::Saved { idle: None };
    assert_eq!(
        queue.step(busy),
        Some(TransmitAction::Map),
        "it is not idle"
    );
    queue.step(TransmitEvent::Unwanted);
    queue.step(TransmitEvent::Left);
    let idle = Some(index(2));
    assert_eq!(queue.step(TransmitEvent::Saved { idle }), None);
    assert!(!queue.has_slot());
    assert_eq!(queue.step(TransmitEvent::NoSlot), replay(Replay::Discard));
    queue.step(TransmitEvent::Replayed { more: true });
    assert_eq!(queue.step(TransmitEvent::Wanted), None, "more must go");
    assert_eq!(queue.step(TransmitEvent::Captured), replay(Replay::Discard));
    queue.step(TransmitEvent::Replayed { more: false });
    assert_eq!(queue.step(TransmitEvent::Wanted), load(2));
}

#[test]
fn misses_take_the_places_behind_the_saved_producer() {
    let mut queue: ReceiveQueue = ReceiveQueue::new(AllRules, 4);
    let stale = queue.look_up();
    assert_eq!(queue.commit(stale, true), Put::Entry(0));
    let mut firmware: ReceiveResidency = ReceiveResidency::new(AllRules, 4, true);
    let unwanted = firmware.step(ReceiveEvent::Unwanted);
    assert_eq!(unwanted, Some(ReceiveAction::Disable));
    queue.set_resident(false);
    queue.disable();
    assert_eq!(firmware.step(ReceiveEvent::Done), Some(ReceiveAction::Save));
    let saved = queue.save();
    let row = Row::Away { allowance: 3 };
    let opened = firmware.step(ReceiveEvent::Saved(saved));
    assert_eq!(opened, Some(ReceiveAction::SetRow(row)));
    queue.set_row(row);
    firmware.step(ReceiveEvent::Done);

    assert_eq!(
        queue.commit(stale, true),
        Put::Refused,
        "the look-up is stale"
    );
    let found = queue.look_up();
    assert_eq!(
        queue.commit(found, false),
        Put::Refused,
        "the miss ring is full"
    );
    assert_eq!(queue.commit(found, true), Put::Miss);
    assert_eq!(queue.commit(found, true), Put::Miss);
    assert!(queue.on_consumer(1, false), "firmware is told");

    let closed = Row::Away { allowance: 0 };
    let wanted = firmware.step(ReceiveEvent::Wanted);
    assert_eq!(wanted, Some(ReceiveAction::SetRow(closed)));
    queue.set_row(closed);
    assert!(!queue.has_room(found, true));
    for place in 1..4 {
        let copy = Some(ReceiveAction::Copy { place });
        assert_eq!(firmware.step(ReceiveEvent::Done), copy);
    }
    let Some(ReceiveAction::Load(record)) = firmware.step(ReceiveEvent::Drained) else {
        panic!("the record is loaded");
    };
    assert_eq!((record.producer, record.consumer), (3, 0));
    queue.load(record);
    let resident = Some(ReceiveAction::SetRow(Row::Resident));
    assert_eq!(firmware.step(ReceiveEvent::Done), resident);
    queue.set_row(Row::Resident);
    assert_eq!(firmware.step(ReceiveEvent::Done), Some(ReceiveAction::Map));
    queue.set_resident(true);
    assert_eq!(queue.save().consumer, 1, "the index that was kept");
    assert_eq!(
        queue.commit(found, true),
        Put::Refused,
        "it left the miss ring"
    );
    assert_eq!(queue.commit(queue.look_up(), true), Put::Entry(3));
}

#[test]
fn a_consumer_index_that_was_never_delivered_is_ignored_at_the_installation() {
    let mut queue: ReceiveQueue = ReceiveQueue::new(AllRules, 4);
    queue.commit(queue.look_up(), true);
    queue.set_resident(false);
    queue.on_consumer(3, false);
    queue.set_resident(true);
    assert_eq!(queue.save().consumer, 0);
}
