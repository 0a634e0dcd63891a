//! Numbers that mean different things have different types, so that one never stands where another belongs.

use std::fmt;

macro_rules! number {
    ($(#[$meta:meta])* $name:ident($inner:ty), $word:literal) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, concat!($word, " {}"), self.0)
            }
        }

        impl From<$name> for u64 {
            fn from(number: $name) -> u64 {
                number.0.into()
            }
        }
    };
}

number! {
    /// A node of the cluster.
    ///
    /// ```
    /// # use wayfarer_host_driver::NodeNumber;
    /// assert_eq!(NodeNumber(3).to_string(), "node 3");
    /// ```
    NodeNumber(u16), "node"
}

number! {
    /// The identifier of a receive queue on its node (RQID).
    ///
    /// ```
    /// # use wayfarer_host_driver::ReceiveQueueId;
    /// assert_eq!(ReceiveQueueId(7).to_string(), "RQID 7");
    /// ```
    ReceiveQueueId(u16), "RQID"
}

number! {
    /// An index into an endpoint's window of translations: where a message goes.
    ///
    /// ```
    /// # use wayfarer_host_driver::Destination;
    /// assert_eq!(Destination(0).to_string(), "destination 0");
    /// ```
    Destination(u16), "destination"
}

number! {
    /// A virtual channel of the link.
    ///
    /// ```
    /// # use wayfarer_host_driver::VirtualChannel;
    /// assert_eq!(VirtualChannel::default(), VirtualChannel::ZERO);
    /// ```
    VirtualChannel(u8), "virtual channel"
}

impl VirtualChannel {
    /// The channel that every endpoint may use.
    pub const ZERO: VirtualChannel = VirtualChannel(0);
    /// The channel of [`EndpointOptions::virtual_channel_1`](crate::EndpointOptions::virtual_channel_1).
    pub const ONE: VirtualChannel = VirtualChannel(1);
}

number! {
    /// An endpoint of a node: the number of its pages.
    ///
    /// ```
    /// # use wayfarer_host_driver::EndpointNumber;
    /// assert_eq!(EndpointNumber(2).to_string(), "endpoint 2");
    /// ```
    EndpointNumber(u16), "endpoint"
}

number! {
    /// A resident transmit queue of a NIU.
    ///
    /// ```
    /// # use wayfarer_host_driver::TransmitQueueNumber;
    /// assert_eq!(TransmitQueueNumber(1).to_string(), "transmit queue 1");
    /// ```
    TransmitQueueNumber(u16), "transmit queue"
}
