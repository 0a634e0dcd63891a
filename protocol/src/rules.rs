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
    /// A queue is evicted only when it is idle: nothing is unanswered, refused, or to be launched.
    6 EvictIdle,
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
    /// Beyond the free slots, a store is rejected.
    16 LimitBinds,
    /// An installation does not end a loss.
    16 LossOutlivesInstall,
    /// An endpoint has no more stores in the capture buffer than its counter can count.
    16 ShareBounds,
    /// A loss is an event, on which firmware writes the map again or installs the queue.
    16 LossIsEvent,
    /// Only a resume store ends a loss.
    17 ResumeByStore,
    /// The driver acts once on each counted loss.
    17 ActOnce,
    /// Stores are captured as long as a store of the endpoint is captured, whatever the map says.
    18 CapturedFirst,
    /// The oldest captured store is replayed first.
    18 ReplayInOrder,
    /// Heads of inline bodies are captured, too.
    18 HeadsCaptured,
    /// A number with captured stores is not given to a new endpoint.
    18 FreshWithoutCaptured,
    /// A store for whose endpoint no slot can be had is thrown away.
    18 ShedWithoutSlot,
    /// Then all captured stores of the endpoint are.
    18 ShedToTheEnd,
    /// The producer index goes back to the message of a store that is thrown away, if that is earlier.
    18 DiscardRollsBack,
    /// Otherwise it is a loss all the same, unless one stands.
    18 DiscardIsLoss,
    /// The map says away before the record is saved.
    19 LeaveBeforeSave,
    /// The shadow line is written before the record is saved.
    19 LineBeforeSave,
    /// A queue does not leave while replays have left stores of its endpoint captured.
    19 EvictReplayed,
    /// The queue is disabled before the record is saved.
    20 DisableBeforeSave,
    /// No more messages are missed than the ring has room for.
    20 AllowanceIsRoom,
    /// The row is read again when a message is committed.
    21 DecideAtCommit,
    /// Consumer indices stored while the queue is away are kept.
    22 ConsumerKept,
    /// One that found the queue resident is in the record before the queue is disabled.
    22 ConsumerSettles,
    /// One brings a queue back that left without room.
    22 StarvedReturns,
    /// An index that has just missed the installation is loaded by writing the map again.
    22 EventMapsAgain,
    /// The row is closed before entries are copied.
    23 CloseBeforeCopy,
    /// Entries are copied when all messages in the miss ring were reported.
    23 ReportsComplete,
    /// A message in the miss ring is reported behind its last write.
    23 ReportBehindWrite,
    /// Entries are copied in the order of their arrival.
    23 MissOrder,
    /// A copy wakes the host.
    23 CopyWakes,
    /// The record that is loaded counts the copies.
    23 RecordCountsCopies,
    /// Entries of the miss ring are given back in order.
    24 GiveBackInOrder,
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
    /// So is one that covers a head in a slot of a queue that has left.
    27 LeftHeadRefused,
    /// A slot that another endpoint has filled is not sent.
    27 SlotHasOwner,
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
    /// What a store asks for while its queue is away is carried out when the queue is back.
    42 WishKept,
    /// A queue that goes away armed comes back armed.
    42 ArmedSaved,
    /// Entries that are copied to the ring of an armed queue raise.
    43 CopiesRaise,
    /// A store brings a queue back that has left with entries in its ring.
    44 StoreBringsBack,
}
