//! The rules by name, and the seam at which the model takes one away.

/// Which rules are kept. All code outside the model uses [`AllRules`], which is a constant: no switch is left in it.
pub trait Rules: Copy {
    /// Whether `rule` is kept.
    fn holds(self, rule: Rule) -> bool;
}

/// Every rule is kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct AllRules;

impl Rules for AllRules {
    #[inline]
    fn holds(self, _: Rule) -> bool {
        true
    }
}

macro_rules! rules {
    ($($(#[$meaning:meta])* $number:literal $name:ident,)*) => {
        /// What the protocol demands, each demand by itself. The model takes each one away and must find what breaks.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Rule { $($(#[$meaning])* $name,)* }

        impl Rule {
            /// All of them, in the order of `docs/protocol.md`.
            pub const ALL: &'static [Rule] = &[$(Rule::$name,)*];

            /// Number in `docs/protocol.md`. Several demands may share one.
            pub const fn number(self) -> u8 {
                match self { $(Rule::$name => $number,)* }
            }
        }
    };
}

rules! {
    /// Messages are first sent in index order, and refused messages before new ones.
    1 IndexOrder,
    /// `restart` stands in each frame made while the queue has nothing unanswered.
    2 RestartWhenIdle,
    /// `restart` stands in no other frame.
    2 RestartOnlyWhenIdle,
    /// After a refusal nothing is sent until every unanswered message is answered.
    3 RefusalStopsSending,
    /// Then the first refused message is sent alone.
    4 ProbeAlone,
    /// A message is given up only on an answer, never while its probe is unanswered.
    5 GiveUpOnAnswer,
    /// A queue is evicted only with nothing unanswered.
    6 EvictAnswered,
    /// The accepted bitmap is saved and loaded.
    6 SaveAccepted,
    /// The generation advances when a slot is freed with messages unanswered.
    7 AdvanceGeneration,
    /// An answer counts only with the slot's generation.
    8 CheckGeneration,
    /// An answer counts only from the node that the message went to.
    8 CheckNode,
    /// An answer counts only for a message that is unanswered.
    8 CheckUnanswered,
    /// With the bit set, a frame without `restart` is refused with BEHIND.
    9 BitRefuses,
    /// Each channel has a bit of its own.
    9 BitPerChannel,
    /// A frame that finds no room sets the bit.
    9 RefusalSetsBit,
    /// So does a frame with `restart`.
    9 RefusedRestartSetsBit,
    /// A frame that is accepted clears the bit.
    9 AcceptanceClearsBit,
    /// A refused message is answered, whatever refused it.
    9 RefusalIsAnswered,
    /// Nothing is said of messages below the base.
    11 OnlySetBitsSpeak,
    /// The pause ends by time, too, as the hint may be lost.
    12 PauseEndsByTime,
    /// Frames of one (node, node, channel) keep their order.
    13 LinkKeepsOrder,
    /// An answer is handed over once.
    14 AnswerOnce,
    /// Answers do not wait for a frame that found no room.
    15 AnswersPass,
    /// While a loss stands, every store is refused.
    16 LossRefusesAll,
    /// At the limit, a store is refused.
    16 LimitBinds,
    /// An installation does not end a loss.
    16 LossOutlivesInstall,
    /// Only a resume store ends a loss.
    17 ResumeByStore,
    /// The driver acts once on each counted loss.
    17 ActOnce,
    /// The flip of the map returns the cut in the same step.
    18 CutWithFlip,
    /// Nothing beyond the launch limit is launched.
    18 LaunchLimit,
    /// Slots are filled in index order.
    18 FillInOrder,
    /// The short way is closed while there is a gap.
    18 ShortWayWaits,
    /// The map is flipped before slots are saved.
    19 FlipBeforeSave,
    /// Slots of refused messages are saved, and are loaded before the queue may launch.
    19 SaveRefused,
    /// Slots that were never filled are not saved.
    19 SaveSkipsGap,
    /// The map is flipped in the step that saves the record.
    20 FlipWithSave,
    /// No more messages are missed than the ring has room for.
    20 MissLimitIsRoom,
    /// The map is read again when a message is committed.
    21 DecideAtCommit,
    /// Consumer indices stored while the queue is away are kept.
    22 ConsumerKept,
    /// The count is added in the step that flips the map.
    23 CountWithFlip,
    /// Missed messages are filled in in the order of their arrival.
    23 MissOrder,
    /// A fill wakes the host.
    23 FillWakes,
    /// A queue is not evicted before its gap is filled.
    24 EvictWithoutGap,
    /// A page stays while a message of its queue is not done.
    25 PageStaysWhileUsed,
    /// A page is cleared before it is given.
    25 PageCleared,
    /// A store without a page is noted as lost.
    26 StoreWithoutPageLost,
    /// So is a store that no producer index has covered when its page is taken away.
    26 TakenStoreLost,
    /// A producer store that covers a lost body is refused.
    27 LostBodyRefused,
    /// So is one that covers inline messages of an endpoint without a page.
    27 LaunchNeedsPage,
    /// The driver's producer store covers every body stored before it.
    27 ProducerCoversBodies,
    /// A resume store forgets what was lost and stored before it.
    28 ResumeForgetsBodies,
    /// Each channel has sequence numbers of its own.
    29 SequencePerChannel,
    /// A frame is taken only with the sequence number that is expected.
    30 ExpectedOnly,
    /// What was sent and not acknowledged is sent again after a time.
    31 RepeatByTime,
    /// A frame that was taken before is acknowledged again.
    31 AcknowledgeAgain,
    /// Space for one longest frame is kept for channel 1.
    32 SpaceForChannel1,
    /// A frame counts only with the epoch that its receiver has chosen.
    33 CheckEpoch,
    /// A peer starts afresh only if it hears the epoch that it has just offered.
    34 EchoedOffer,
    /// A new epoch starts all sequence numbers afresh and fails what was unanswered.
    35 FreshStart,
    /// A store that arms a queue raises at once if an entry beyond its index was delivered.
    36 ArmTests,
    /// An entry of an armed queue raises.
    36 EntryRaises,
    /// An entry raises only when it was handed to the host's writes.
    37 RaiseBehindEntry,
    /// A vector that may not send its message stays pending.
    38 PendingStays,
    /// A vector that is unmasked is looked at.
    39 UnmaskLooks,
    /// So is one whose rest ends.
    39 RestEndLooks,
    /// The bit that a vector stands in the FIFO falls before it is looked at.
    40 BitFallsFirst,
    /// An interrupt that comes before the program blocks ends the wait.
    41 RaiseRemembered,
}
