//! What all nodes saw, compared: how a guest ended decides what must have come of it.

use super::arrivals::{Arrival, Stream};
use super::guest::{Guest, GuestName};
use super::place::{Departed, End};
use super::plan::GuestPlan;
use std::collections::{BTreeMap, BTreeSet};

/// What a node saw.
#[derive(Debug, Default)]
pub struct Ledger {
    /// Guests that lived there.
    pub(super) departed: Vec<Departed>,
    /// What its sink took in.
    pub(super) arrivals: BTreeMap<GuestName, Arrival>,
    /// Replies that its mirror sent to each guest.
    pub(super) replies: BTreeMap<GuestName, u16>,
    /// Those of them that were refused.
    pub(super) refused_replies: u64,
}

/// How guests ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Guests, all together.
    pub guests: u64,
    /// Those that were destroyed with messages unanswered.
    pub early: u64,
    /// Those whose queue failed.
    pub failed: u64,
    /// Those whose NIU was reset.
    pub reset: u64,
    /// Guests that had one queue, one after the other: the most of all queues.
    pub most_owners: u64,
}

/// Compares what was sent with what came.
///
/// # Errors
/// The first difference, in words.
pub fn judge(plan: &GuestPlan, ledgers: &[Ledger]) -> Result<Verdict, String> {
    let mut verdict = Verdict::default();
    let mut late_replies = 0;
    let mut known = BTreeSet::new();
    let mut owners = BTreeMap::new();
    for departed in ledgers.iter().flat_map(|ledger| &ledger.departed) {
        verdict.guests += 1;
        match departed.end {
            End::Clean => {}
            End::Early => verdict.early += 1,
            End::Failed => verdict.failed += 1,
            End::Reset => verdict.reset += 1,
        }
        if departed.end != End::Clean {
            let replies = ledgers
                .iter()
                .filter_map(|ledger| ledger.replies.get(&departed.name));
            late_replies += replies.map(|&replies| u64::from(replies)).sum::<u64>();
        }
        judge_guest(plan, departed, ledgers)?;
        known.insert(departed.name);
        *owners
            .entry((departed.name.node, departed.queue))
            .or_default() += 1;
    }
    for name in ledgers.iter().flat_map(|ledger| ledger.arrivals.keys()) {
        if !known.contains(name) {
            return Err(format!("messages came of {name}, who never lived"));
        }
    }
    let refused: u64 = ledgers.iter().map(|ledger| ledger.refused_replies).sum();
    if refused > late_replies {
        return Err(format!(
            "{refused} replies were refused, but only {late_replies} were for guests that had left"
        ));
    }
    verdict.most_owners = owners.into_values().max().unwrap_or_default();
    Ok(verdict)
}

fn judge_guest(plan: &GuestPlan, departed: &Departed, ledgers: &[Ledger]) -> Result<(), String> {
    let guest = plan.guest(departed.name);
    let name = departed.name;
    let mut taken = departed.refused;
    for (index, target) in guest.targets.iter().enumerate() {
        let sink = &ledgers[usize::from(target.node)];
        let (sent, answered) = (departed.sent[index], departed.answered[index]);
        let mut stream = Stream::default();
        if let Some(arrival) = sink.arrivals.get(&name) {
            stream = arrival.streams[index];
            if arrival.queue != departed.queue {
                return Err(format!(
                    "{name} had queue {}, but its messages came from queue {}",
                    departed.queue, arrival.queue
                ));
            }
        }
        taken += stream.taken;
        let Bounds {
            least,
            may_have_gaps,
        } = bounds(plan, &guest, departed, index);
        let is_whole = stream.end <= sent
            && stream.unbroken >= least
            && (may_have_gaps || stream.unbroken == stream.taken);
        if !is_whole {
            return Err(format!(
                "{name}, which ended {:?}, sent {sent} messages to node {} on channel {}, of which {answered} were \
                 answered; {} came, {} of them before the first gap, the last was number {}",
                departed.end,
                target.node,
                target.channel,
                stream.taken,
                stream.unbroken,
                i32::from(stream.end) - 1
            ));
        }
    }
    let sent: u16 = departed.sent.iter().sum();
    if taken > sent {
        return Err(format!(
            "of {sent} messages of {name}, {} were refused, and so many came that {taken} were either",
            departed.refused
        ));
    }
    Ok(())
}

/// What may be of the messages of a guest to a target.
struct Bounds {
    /// So many must have come, without a gap.
    least: u16,
    /// Later ones may have come although one before is missing.
    may_have_gaps: bool,
}

fn bounds(plan: &GuestPlan, guest: &Guest, departed: &Departed, target: usize) -> Bounds {
    if plan.is_reset(guest.targets[target].node) {
        return Bounds {
            least: 0,
            may_have_gaps: true,
        };
    }
    Bounds {
        least: match departed.end {
            End::Clean => departed.sent[target],
            End::Early | End::Failed | End::Reset => departed.answered[target],
        },
        may_have_gaps: departed.end == End::Failed && plan.habits().damage,
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::{Habits, PLACES};
    use super::*;

    /// Node 0's first guest and what node 1's and 2's sinks saw of it; everything came.
    fn ledgers(plan: &GuestPlan, end: End) -> Vec<Ledger> {
        let mut ledgers: Vec<Ledger> = (0..3).map(|_| Ledger::default()).collect();
        let name = GuestName {
            node: 0,
            place: PLACES - 1,
            number: 0,
        };
        let guest = plan.guest(name);
        let mut sent = vec![0; guest.targets.len()];
        for message in &guest.messages {
            sent[message.target] += 1;
        }
        for (target, &sent) in sent.iter().enumerate() {
            let arrivals = &mut ledgers[usize::from(guest.targets[target].node)].arrivals;
            let arrival = arrivals.entry(name).or_insert_with(|| Arrival {
                queue: 4,
                streams: vec![Stream::default(); guest.targets.len()],
            });
            arrival.streams[target] = Stream {
                taken: sent,
                end: sent,
                unbroken: sent,
            };
        }
        ledgers[0].departed.push(Departed {
            name,
            queue: 4,
            end,
            answered: sent.clone(),
            sent,
            refused: 0,
        });
        ledgers
    }

    fn plan(habits: Habits) -> GuestPlan {
        GuestPlan::new(3, 3, 1000, habits)
    }

    /// The stream with the most messages.
    fn longest(ledgers: &mut [Ledger]) -> &mut Stream {
        let arrivals = ledgers
            .iter_mut()
            .flat_map(|ledger| ledger.arrivals.values_mut());
        let streams = arrivals.flat_map(|arrival| &mut arrival.streams);
        streams.max_by_key(|stream| stream.taken).expect("a stream")
    }

    #[test]
    fn a_message_that_is_missing_is_missed_however_its_guest_ended() {
        let damage = Habits {
            damage: true,
            ..Habits::default()
        };
        let lose_last = |stream: &mut Stream| {
            *stream = Stream {
                taken: stream.taken - 1,
                end: stream.end - 1,
                unbroken: stream.unbroken - 1,
            };
        };
        let lose_first = |stream: &mut Stream| {
            *stream = Stream {
                taken: stream.taken - 1,
                unbroken: 0,
                ..*stream
            };
        };
        for habits in [Habits::default(), damage] {
            let plan = plan(habits);
            for end in [End::Clean, End::Early, End::Failed, End::Reset] {
                assert!(judge(&plan, &ledgers(&plan, end)).is_ok(), "{end:?}");
                for lose in [lose_last, lose_first] {
                    let mut ledgers = ledgers(&plan, end);
                    lose(longest(&mut ledgers));
                    assert!(judge(&plan, &ledgers).is_err(), "{end:?}, all was answered");
                }
            }
        }
        // Nothing was answered.
        for (habits, end, lose, is_fine) in [
            (
                Habits::default(),
                End::Clean,
                lose_last as fn(&mut Stream),
                false,
            ),
            (Habits::default(), End::Early, lose_last, true),
            (Habits::default(), End::Early, lose_first, false),
            (Habits::default(), End::Failed, lose_first, false),
            (damage, End::Failed, lose_first, true),
            (damage, End::Clean, lose_first, false),
        ] {
            let plan = plan(habits);
            let mut ledgers = ledgers(&plan, end);
            ledgers[0].departed[0].answered.fill(0);
            lose(longest(&mut ledgers));
            assert_eq!(
                judge(&plan, &ledgers).is_ok(),
                is_fine,
                "{habits:?} {end:?}"
            );
        }
    }

    #[test]
    fn what_nobody_sent_is_noticed() {
        let plan = plan(Habits::default());
        let mut more = ledgers(&plan, End::Failed);
        let stream = longest(&mut more);
        (stream.taken, stream.end, stream.unbroken) =
            (stream.taken + 1, stream.end + 1, stream.unbroken + 1);
        assert!(judge(&plan, &more).is_err(), "one more than was sent");
        let mut other = ledgers(&plan, End::Clean);
        other[0].departed[0].queue = 5;
        assert!(judge(&plan, &other).is_err(), "from another queue");
        let mut nobody = ledgers(&plan, End::Clean);
        nobody[0].departed.clear();
        assert!(
            judge(&plan, &nobody).is_err(),
            "of a guest that never lived"
        );
        let mut refused = ledgers(&plan, End::Clean);
        refused[1].refused_replies = 1;
        assert!(
            judge(&plan, &refused).is_err(),
            "a reply, and nobody had left"
        );
    }

    #[test]
    fn a_node_that_was_reset_may_have_lost_anything_but_the_others_nothing() {
        let habits = Habits {
            resets: 1,
            ..Habits::default()
        };
        let plan = plan(habits);
        let mut ledgers = ledgers(&plan, End::Reset);
        assert_eq!(judge(&plan, &ledgers).expect("nothing is missing").reset, 1);
        longest(&mut ledgers).unbroken = 0;
        assert!(
            judge(&plan, &ledgers).is_err(),
            "node 0 was reset, not the sinks"
        );
    }
}
