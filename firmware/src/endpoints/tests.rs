use super::*;

/// Queues a side that the table has room for.
const QUEUES: usize = 16;

const LIMITS: Limits = Limits {
    transmit_queues: 16,
    receive_queues: 16,
    endpoints: 256,
    receive_queue_ids: 64,
    inline_pages: 4,
    translation_entries: 1024,
    interrupt_vectors: 16,
};

fn shape(window_log2: u8) -> Shape {
    Shape {
        entries_log2: 4,
        stride_log2: 8,
        window_log2,
        virtual_channel_1: false,
        priority: false,
        inline: false,
        give_up: 0,
        interrupt: 0,
    }
}

fn table(limits: Limits) -> EndpointTable<QUEUES> {
    EndpointTable::new(limits)
}

#[test]
fn windows_never_overlap_and_are_found_again() {
    let mut table = table(LIMITS);
    let create = |table: &mut EndpointTable<QUEUES>, log2| table.create(shape(log2)).copied();
    let first = create(&mut table, 9).expect("half the table");
    let second = create(&mut table, 8).expect("a quarter");
    let third = create(&mut table, 8).expect("the last quarter");
    let full = create(&mut table, 0);
    assert_eq!(full, Err(Status::NoResources), "the table is full");
    table.remove(second.transmit_queue);
    let half = create(&mut table, 9);
    assert_eq!(half, Err(Status::NoResources), "no half is free");
    let again = create(&mut table, 7).expect("in the gap");
    let small = create(&mut table, 0).expect("behind it");
    let windows = [first, third, again, small].map(|endpoint| endpoint.window());
    for (n, a) in windows.iter().enumerate() {
        assert!(a.start.is_multiple_of(a.len()) && a.end <= 1024, "{a:?}");
        for b in &windows[n + 1..] {
            let apart = a.end <= b.start || b.end <= a.start;
            assert!(apart, "{a:?} and {b:?} overlap");
        }
    }
}

#[test]
fn bad_operands_are_refused() {
    let good = |word, ring, shadow| check(word, ring, shadow, 0, 16).is_ok();
    assert!(good(0xf70c_0808, 0x1000, 0x40));
    for (word, ring, shadow) in [
        (0x06_08_00, 0x1000, 0x40),
        (0x06_08_10, 0x1000, 0x40),
        (0x06_03_08, 0x1000, 0x40),
        (0x06_09_08, 0x1000, 0x40),
        (0x06_ff_ff, 0x1000, 0x40),
        (0x0d_08_08, 0x1000, 0x40),
        (0x0800_0000 | 0x06_08_08, 0x1000, 0x40),
        (0x1_0000_0000 | 0x06_08_08, 0x1000, 0x40),
        (0x06_08_08, 0x1001, 0x40),
        (0x06_08_08, 0, 0x40),
        (0x06_08_08, 0x1000, 0x44),
        (0x06_08_08, u64::MAX - 0xfff, 0x40),
    ] {
        assert!(!good(word, ring, shadow), "{word:#x} {ring:#x} {shadow:#x}");
    }
}

#[test]
fn an_interrupt_has_a_vector_that_exists_and_goes_with_the_endpoint() {
    let wanted = |interrupt| check(0x06_08_08, 0x1000, 0x40, interrupt, 16);
    for interrupt in [0, 0x100, 0x10f, 0x0fff_010f] {
        assert_eq!(
            wanted(interrupt).map(|(shape, _)| u64::from(shape.interrupt)),
            Ok(interrupt)
        );
    }
    for interrupt in [
        0x110,
        0x1ff,
        0x200,
        0xf000,
        0x1000_0100,
        0x1_0000_0100,
        1 << 63,
    ] {
        assert_eq!(
            wanted(interrupt).err(),
            Some(Status::BadOperand),
            "{interrupt:#x}"
        );
    }
    let (shape, _) = wanted(0x0123_0105).expect("it is legal");
    let mut table = table(LIMITS);
    let endpoint = table.create(shape).expect("room");
    // Vector 5, an interval of 0x123; then as it is installed, with entries delivered, armed.
    assert_eq!(endpoint.receive_interrupt(0, 0), 0x0123_0105);
    assert_eq!(endpoint.receive_interrupt(0xabcd, 1), 0xabcd_0123_0305);
}

#[test]
fn an_identifier_belongs_to_one_endpoint() {
    let mut table = table(LIMITS);
    let [a, b] = [0; 2].map(|_| u64::from(table.create(shape(1)).expect("room").number));
    assert!(matches!(table.bind(a, 7), Ok(Some(_))));
    assert_eq!(table.bind(b, 7), Err(Status::InUse));
    assert_eq!(table.bind(a, 7), Ok(None), "the same one again");
    assert_eq!(table.bind(a, 8), Err(Status::BadOperand), "another one");
    assert_eq!(table.bind(b, 64), Err(Status::BadOperand), "beyond the map");
    assert_eq!(table.bind(b, 0x1_0007), Err(Status::BadOperand));
    assert_eq!(table.bind(9, 1), Err(Status::NoSuchEndpoint));
    table.remove(0);
    assert!(matches!(table.bind(b, 7), Ok(Some(_))), "free again");
}

#[test]
fn each_owner_of_a_transmit_queue_has_another_generation_and_another_page() {
    let limits = Limits {
        transmit_queues: 4,
        endpoints: 64,
        ..LIMITS
    };
    let mut table = table(limits);
    let mut last = [None; 4];
    for creation in 0..2000_usize {
        let endpoint = *table.create(shape(0)).expect("all is free");
        let queue = usize::from(endpoint.transmit_queue);
        assert_eq!(queue, creation % 4, "the one that was free for longest");
        assert!(usize::from(endpoint.number) < 64);
        if let Some((generation, number)) = last[queue] {
            assert_eq!(endpoint.generation.wrapping_sub(generation), 1);
            assert_ne!(endpoint.number, number, "a late store finds nobody");
        }
        last[queue] = Some((endpoint.generation, endpoint.number));
        assert_eq!(table.get(endpoint.number.into()), Ok(&endpoint));
        table.remove(endpoint.transmit_queue);
        let gone = table.get(endpoint.number.into());
        assert_eq!(gone, Err(Status::NoSuchEndpoint));
    }
}

#[test]
fn a_later_firmware_goes_on_with_the_generations_of_the_one_before() {
    let mut generations = [0; QUEUES];
    generations[0] = 255;
    generations[1] = 7;
    let mut table = table(LIMITS);
    table.set_generations(generations);
    let [a, b] = [0; 2].map(|_| *table.create(shape(0)).expect("room"));
    assert_eq!((a.generation, b.generation), (0, 8));
    assert_eq!((a.number, b.number), (15 * 16, 7 * 16 + 1));
}

#[test]
fn queues_and_pages_are_lent_to_one_endpoint_at_a_time_and_run_out() {
    let mut table = table(LIMITS);
    let inline = Shape {
        inline: true,
        ..shape(0)
    };
    let mut live: std::vec::Vec<Endpoint> = std::vec::Vec::new();
    for creation in 0..400 {
        let shape = [inline, shape(0)][creation % 2];
        match table.create(shape).copied() {
            Ok(endpoint) => {
                assert_eq!(endpoint.inline_page.is_some(), shape.inline);
                for other in &live {
                    assert_ne!(other.number, endpoint.number);
                    assert_ne!(other.transmit_queue, endpoint.transmit_queue);
                    assert_ne!(other.receive_queue, endpoint.receive_queue);
                    assert!(
                        shape.inline.then_some(other.inline_page) != Some(endpoint.inline_page)
                    );
                }
                live.push(endpoint);
            }
            Err(status) => {
                assert_eq!(status, Status::NoResources);
                let inlined = live.iter().filter(|endpoint| endpoint.shape.inline);
                assert!(live.len() == 16 || (shape.inline && inlined.count() == 4));
                // One of those that live goes, another one each time.
                table.remove(live.remove(creation * 7 % live.len()).transmit_queue);
            }
        }
    }
    assert!(live.len() > 8);
}

#[test]
fn limits_are_the_smaller_of_both_sides() {
    let sizes = 0x0004_6800 | 10 << 4;
    let limits = |capabilities, sizes| Limits::from_registers(capabilities, sizes);
    assert_eq!(limits(0x0010_4010, sizes), LIMITS);
    let most = limits(0x01ff_f1ff, 0xffff_ffff);
    assert_eq!(most.interrupt_vectors, 256);
    assert_eq!((most.transmit_queues, most.receive_queues), (256, 256));
    assert_eq!((most.endpoints, most.receive_queue_ids), (4096, 4096));
    assert_eq!((most.inline_pages, most.translation_entries), (64, 4096));
    let served = table(most).limits();
    assert_eq!((served.transmit_queues, served.receive_queues), (16, 16));
    let few_pages = Limits {
        endpoints: 8,
        ..LIMITS
    };
    assert_eq!(table(few_pages).limits().transmit_queues, 8);
    let mut nothing = table(limits(0, 0));
    assert_eq!(nothing.create(shape(0)), Err(Status::NoResources));
}
