//! Sender and receiver at full width, 64 messages in flight, over links that keep, lose, repeat and reorder at random.

mod common;

use proptest::prelude::*;

use common::{AllBut, Cluster, Plan, Wire};
use wayfarer_protocol::Rule;

/// As each test needs: many cases of many messages.
fn config() -> ProptestConfig {
    ProptestConfig::with_cases(if cfg!(debug_assertions) { 48 } else { 400 })
}

/// Queues that send to many places, some of which are full most of the time.
fn plan() -> impl Strategy<Value = Plan> {
    let entries = prop::collection::vec(prop_oneof![Just(1_u16), Just(2), Just(8), Just(64)], 1..5);
    (any::<u64>(), 1..4_usize, 100..400_u16, entries, 1..8_u32).prop_map(
        |(seed, queues, messages, entries, host_speed)| Plan {
            seed,
            queues,
            messages,
            entries,
            host_speed,
            give_up: 0,
            wire: Wire::Keeps,
            owners: 1,
            rules: AllBut(None),
        },
    )
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_link_that_keeps_everything_delivers_everything(plan in plan()) {
        let cluster = Cluster::run(&plan);
        prop_assert_eq!(cluster.delivered(), cluster.sent());
        prop_assert_eq!(cluster.failed(), 0);
    }

    #[test]
    fn messages_given_up_are_not_delivered_and_all_others_are(
        plan in plan().prop_map(|plan| Plan { give_up: 2, host_speed: 1, ..plan }),
    ) {
        let cluster = Cluster::run(&plan);
        prop_assert_eq!(cluster.delivered() + cluster.failed(), cluster.sent());
    }

    #[test]
    fn over_the_reliable_link_loss_costs_time_only(
        plan in plan().prop_map(|plan| Plan { wire: Wire::Reliable, messages: plan.messages / 4, ..plan }),
    ) {
        let cluster = Cluster::run(&plan);
        prop_assert_eq!(cluster.delivered(), cluster.sent());
        prop_assert_eq!(cluster.failed(), 0);
    }

    #[test]
    fn without_it_a_loss_ends_its_queue_but_doubles_and_disorders_nothing(
        plan in plan().prop_map(|plan| Plan { wire: Wire::Loses, owners: 4, ..plan }),
    ) {
        let cluster = Cluster::run(&plan);
        // Checked while it ran: nothing delivered twice, late or wrongly counted.
        prop_assert!(cluster.delivered() <= cluster.sent());
    }
}

/// Whether some run of these fails without the rule.
fn is_noticed(rule: Rule, plan: &Plan) -> bool {
    let run = |seed| {
        let rules = AllBut(Some(rule));
        let plan = Plan {
            seed,
            rules,
            ..plan.clone()
        };
        std::panic::catch_unwind(|| Cluster::run(&plan).failed()).is_err()
    };
    (0..20).any(run)
}

#[test]
fn these_runs_notice_a_missing_rule() {
    let keeps = Plan {
        seed: 0,
        queues: 3,
        messages: 200,
        entries: vec![1, 2, 8],
        host_speed: 4,
        give_up: 0,
        wire: Wire::Keeps,
        owners: 1,
        rules: AllBut(None),
    };
    let reliable = Plan {
        wire: Wire::Reliable,
        messages: 50,
        ..keeps.clone()
    };
    let loses = Plan {
        wire: Wire::Loses,
        owners: 4,
        ..keeps.clone()
    };
    for rule in [
        Rule::RestartOnlyWhenIdle,
        Rule::BitRefuses,
        Rule::BitPerChannel,
        Rule::RefusalSetsBit,
        Rule::RefusedRestartSetsBit,
        Rule::OnlySetBitsSpeak,
        Rule::RefusalStopsSending,
    ] {
        assert!(is_noticed(rule, &keeps), "{rule:?}");
    }
    for rule in [Rule::CheckGeneration, Rule::AdvanceGeneration] {
        assert!(is_noticed(rule, &loses), "{rule:?}");
    }
    for rule in [Rule::AnswerOnce, Rule::ExpectedOnly] {
        assert!(is_noticed(rule, &reliable), "{rule:?}");
    }
}
