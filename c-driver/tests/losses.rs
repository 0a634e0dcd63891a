//! The C driver and a NIU that loses stores.

#[test]
fn lost_messages_are_stored_again_each_once_and_in_order() {
    for (seed, lose_one_of) in (0..10).flat_map(|seed| [2, 3, 10, 100].map(|of| (seed, of))) {
        println!("seed {seed}: one store in {lose_one_of} is lost");
        wayfarer_c_driver::losses(seed, lose_one_of).unwrap_or_else(|error| panic!("{error}"));
    }
}
