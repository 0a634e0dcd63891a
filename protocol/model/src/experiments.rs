//! The worlds that are explored, by name; and in which of them the lack of each rule shows.

use protocol::Rule;

use crate::{
    broken::AllBut,
    endpoint,
    explore::{Finding, Report, World, explore},
    interrupts, link, misses, sending, whole,
};

/// How large a world is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Size {
    /// Explored whole in every test run.
    Small,
    /// Explored by a command, with time.
    Large,
}

/// What is expected of a world in which all rules are kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expected {
    /// [`crate::explore::Finding::Holds`].
    Holds,
    /// [`crate::explore::Finding::NeverCompletes`]: the world shows a price of the protocol.
    NeverCompletes,
}

/// A world with a name.
pub struct Experiment {
    /// `MODEL/WORLD`.
    pub name: String,
    /// How large it is.
    pub size: Size,
    /// What is expected with all rules.
    pub expected: Expected,
    explore: Box<dyn Fn(AllBut, usize) -> Report>,
}

/// Most transitions of one exploration.
pub const TRANSITIONS: usize = 60_000_000;

impl Experiment {
    /// A world that can be made with any set of rules.
    pub fn new<W: World>(name: &str, size: Size, world: impl Fn(AllBut) -> W + 'static) -> Self {
        Self {
            name: name.to_owned(),
            size,
            expected: Expected::Holds,
            explore: Box::new(move |rules, limit| explore(world(rules), limit)),
        }
    }

    /// The world shows a price of the protocol.
    pub fn never_completes(self) -> Self {
        Self {
            expected: Expected::NeverCompletes,
            ..self
        }
    }

    /// Whether this was expected with all rules.
    pub fn expects(&self, finding: &Finding) -> bool {
        match self.expected {
            Expected::Holds => matches!(finding, Finding::Holds | Finding::CutOff),
            Expected::NeverCompletes => matches!(finding, Finding::NeverCompletes { .. }),
        }
    }

    /// Explores it, without `rule` if one is named.
    pub fn explore(&self, rule: Option<Rule>, limit: usize) -> Report {
        (self.explore)(AllBut(rule), limit)
    }
}

/// All worlds.
pub fn all() -> Vec<Experiment> {
    let models = [
        sending::worlds(),
        endpoint::worlds(),
        misses::worlds(),
        link::worlds(),
        interrupts::worlds(),
        whole::worlds(),
    ];
    models.into_iter().flatten().collect()
}

/// The world with this name.
///
/// # Panics
/// When there is none.
pub fn named(name: &str) -> Experiment {
    let found = all().into_iter().find(|experiment| experiment.name == name);
    found.unwrap_or_else(|| panic!("there is no world {name}"))
}

/// The world in which it shows that `rule` is missing.
pub fn shows_lack_of(rule: Rule) -> &'static str {
    match rule {
        Rule::IndexOrder
        | Rule::RefusalStopsSending
        | Rule::BitRefuses
        | Rule::RefusalSetsBit
        | Rule::RefusedRestartSetsBit
        | Rule::RestartOnlyWhenIdle
        | Rule::AcceptanceClearsBit => "sending/fixed",
        Rule::RestartWhenIdle
        | Rule::EvictIdle
        | Rule::RefusalIsAnswered
        | Rule::OnlySetBitsSpeak
        | Rule::LinkKeepsOrder => "sending/shared",
        Rule::ProbeAlone => "sending/dead-way",
        Rule::GiveUpOnAnswer => "sending/dead",
        Rule::AdvanceGeneration | Rule::CheckGeneration | Rule::BitPerChannel => "sending/kill",
        Rule::CheckNode | Rule::CheckUnanswered => "sending/forged",
        Rule::PauseEndsByTime => "sending/hints",
        Rule::AnswerOnce => "sending/final",
        Rule::LossRefusesAll
        | Rule::LossOutlivesInstall
        | Rule::LossIsEvent
        | Rule::ResumeByStore
        | Rule::ActOnce
        | Rule::CapturedFirst
        | Rule::ReplayInOrder
        | Rule::ShedToTheEnd
        | Rule::LeaveBeforeSave
        | Rule::LineBeforeSave => "capture/one",
        Rule::LimitBinds => "capture/greedy",
        Rule::ShareBounds | Rule::DiscardRollsBack => "capture/narrow",
        Rule::FreshWithoutCaptured => "capture/reuse",
        Rule::ShedWithoutSlot => "capture/shared",
        Rule::HeadsCaptured | Rule::DiscardIsLoss | Rule::EvictReplayed | Rule::LeftHeadRefused => {
            "inline/evicted"
        }
        Rule::PageStaysWhileUsed
        | Rule::StoreWithoutPageLost
        | Rule::TakenStoreLost
        | Rule::LostBodyRefused
        | Rule::ProducerCoversBodies
        | Rule::ResumeForgetsBodies => "inline/page",
        Rule::PageCleared | Rule::LaunchNeedsPage | Rule::SlotHasOwner => "inline/hostile",
        Rule::ConsumerSettles | Rule::StarvedReturns | Rule::EventMapsAgain => "misses/one",
        Rule::DisableBeforeSave
        | Rule::AllowanceIsRoom
        | Rule::DecideAtCommit
        | Rule::ConsumerKept
        | Rule::CloseBeforeCopy
        | Rule::ReportsComplete
        | Rule::ReportBehindWrite
        | Rule::MissOrder
        | Rule::CopyWakes
        | Rule::RecordCountsCopies => "misses/two",
        Rule::GiveBackInOrder => "misses/shared",
        Rule::AnswersPass | Rule::SequencePerChannel | Rule::SpaceForChannel1 => "link/coupled",
        Rule::ExpectedOnly | Rule::RepeatByTime | Rule::AcknowledgeAgain => "link/lossy",
        Rule::ArmTests
        | Rule::EntryRaises
        | Rule::RaiseBehindEntry
        | Rule::PendingStays
        | Rule::UnmaskLooks
        | Rule::BitFallsFirst
        | Rule::RaiseRemembered => "interrupts/one",
        Rule::RestEndLooks => "interrupts/moderated",
        Rule::WishKept | Rule::ArmedSaved | Rule::CopiesRaise | Rule::StoreBringsBack => {
            "interrupts/away"
        }
        Rule::CheckEpoch | Rule::EchoedOffer | Rule::FreshStart => "link/receiver-reboots",
    }
}
