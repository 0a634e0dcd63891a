//! All small worlds, with all rules and with each of them missing.

use protocol::Rule;
use wayfarer_protocol_model::{
    experiments::{self, Size, TRANSITIONS},
    explore::Finding,
};

/// Explores the small worlds of a model.
fn check(model: &str) {
    let all = experiments::all();
    let of_model = |name: &str| name.split('/').next() == Some(model);
    let mut small = all
        .iter()
        .filter(|world| world.size == Size::Small && of_model(&world.name))
        .peekable();
    assert!(small.peek().is_some(), "no world of {model}");
    for world in small {
        let report = world.explore(None, TRANSITIONS);
        println!(
            "{}: {} states: {}",
            world.name, report.states, report.finding
        );
        let whole = report.finding != Finding::CutOff;
        assert!(
            whole && world.expects(&report.finding),
            "{}: {}",
            world.name,
            report.finding
        );
    }
}

#[test]
fn messages_are_delivered_once_and_in_order_or_reported() {
    check("sending");
}

#[test]
fn rules_applied_to_each_way_by_itself_only_delay_the_stop_at_a_dead_receiver() {
    check("per-way");
}

#[test]
fn captured_stores_are_sent_once_and_in_order() {
    check("capture");
}

#[test]
fn no_torn_body_is_sent() {
    check("inline");
}

#[test]
fn nobody_sleeps_while_a_message_is_there() {
    check("interrupts");
}

#[test]
fn missed_messages_take_their_places() {
    check("misses");
}

#[test]
fn the_reliable_link_delivers_once_and_in_order() {
    check("link");
}

#[test]
fn all_parts_together_deliver_once_and_in_order() {
    check("whole");
}

#[test]
fn the_lack_of_each_rule_shows_as_the_page_says() {
    let page = include_str!("../../../docs/protocol.md");
    let mut missing = String::new();
    for &rule in Rule::ALL {
        let world = experiments::named(experiments::shows_lack_of(rule));
        assert_eq!(world.size, Size::Small, "{rule:?}");
        let finding = world.explore(Some(rule), TRANSITIONS).finding;
        let (number, found) = (rule.number(), finding.summary());
        let row = format!("| {number} | `{rule:?}` | `{}` | {found} |\n", world.name);
        if !page.contains(&row) {
            missing += &row;
        }
        let shows = matches!(
            finding,
            Finding::Violated { .. } | Finding::NeverCompletes { .. }
        );
        assert!(
            shows,
            "the lack of {rule:?} does not show in {}",
            world.name
        );
        // A world with a price shows more than that.
        assert!(
            !world.expects(&finding),
            "{} shows the same with {rule:?}",
            world.name
        );
    }
    assert!(
        missing.is_empty(),
        "docs/protocol.md lacks these rows:\n{missing}"
    );
}
