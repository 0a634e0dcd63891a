//! Devices by name. A name is a scheme, a colon, and what the scheme makes of the rest: `sim:0`. The crate that knows a
//! kind of device registers an opener for its scheme.

use crate::error::OpenError;
use crate::numbers::NodeNumber;
use crate::transport::{AnyTransport, TransportError};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A device that an opener has reached. [`register_opener`] has an example.
pub struct Opened {
    /// The way to it.
    pub transport: AnyTransport,
    /// The number of the node that it stands in, if the name or the transport tells it.
    pub node: Option<NodeNumber>,
}

/// Reaches the device of this name; the scheme is cut off. [`register_opener`] has an example.
pub type Opener = fn(&str) -> Result<Opened, TransportError>;

/// Schemes of devices that this project has a crate for, and what a program has to call first.
const KNOWN: [(&str, &str); 1] = [(
    "sim",
    "link the crate `wayfarer-cluster` and call `wayfarer_cluster::register()` first",
)];

static OPENERS: Mutex<BTreeMap<&'static str, Opener>> = Mutex::new(BTreeMap::new());

fn openers() -> MutexGuard<'static, BTreeMap<&'static str, Opener>> {
    // The map is whole at any time.
    OPENERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has [`Device::open`](crate::Device::open) open names that begin with `scheme` and a colon with this opener. An
/// opener that was registered for the scheme before is replaced.
///
/// ```
/// use wayfarer_host_driver::fake::FakeDevice;
/// use wayfarer_host_driver::transport::AnyTransport;
/// use wayfarer_host_driver::{Device, NodeNumber, Opened, register_opener};
///
/// register_opener("fake", |number| {
///     let node = number.parse().ok().map(NodeNumber);
///     Ok(Opened { transport: AnyTransport::new(FakeDevice::new()), node })
/// });
/// let device = Device::open("fake:3")?;
/// assert_eq!(device.identity().nodes, 8);
/// # Ok::<(), wayfarer_host_driver::OpenError>(())
/// ```
pub fn register_opener(scheme: &'static str, opener: Opener) {
    openers().insert(scheme, opener);
}

/// Reaches a device by its name.
pub(crate) fn reach(name: &str) -> Result<Opened, OpenError> {
    let (scheme, rest) = name.split_once(':').unwrap_or((name, ""));
    let opener = openers().get(scheme).copied();
    let Some(opener) = opener else {
        return Err(unknown(name, scheme));
    };
    Ok(opener(rest)?)
}

fn unknown(name: &str, scheme: &str) -> OpenError {
    let help = KNOWN.iter().find(|(known, _)| *known == scheme);
    let registered: Vec<&str> = openers().keys().copied().collect();
    let help = match help {
        Some((_, help)) => (*help).to_owned(),
        None if registered.is_empty() => "no crate has registered an opener".to_owned(),
        None => format!("names begin with {}:", registered.join(": or ")),
    };
    OpenError::UnknownDevice {
        name: name.to_owned(),
        help,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Device;

    fn refused(name: &str) -> String {
        match Device::open(name) {
            Ok(_) => panic!("{name} was opened"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_name_without_an_opener_is_refused_with_what_to_do() {
        let simulated = refused("sim:0");
        for part in ["\"sim:0\"", "wayfarer-cluster", "register()"] {
            assert!(simulated.contains(part), "{simulated}");
        }
        register_opener("test-only", |rest| {
            Err(TransportError::unreachable(format!("asked for {rest}")))
        });
        let other = refused("eth0");
        for part in ["\"eth0\"", "test-only:"] {
            assert!(other.contains(part), "{other}");
        }
        assert_eq!(refused("test-only:a:b"), "asked for a:b");
    }
}
