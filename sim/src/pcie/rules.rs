//! Rules that depend on the link's settings or on earlier packets: what [`super::packet::decode`] can not judge alone.

use abi::pcie::completion_status::CompletionStatus;

use super::packet::{Completion, Request};

/// The read-completion boundary of every completer but a root complex, in bytes (2.3.1.1).
pub const ENDPOINT_READ_COMPLETION_BOUNDARY: u64 = 128;
/// Tags of a function without Extended Tag Field Enable are 5 bits (2.2.6.2).
pub const TAGS_WITHOUT_EXTENSION: u8 = 32;

/// What enumeration allowed the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bus, device and function of the device.
    pub device: u16,
    /// Max_Payload_Size in bytes.
    pub maximum_payload_bytes: u32,
    /// Max_Read_Request_Size in bytes.
    pub maximum_read_request_bytes: u32,
    /// Bus Master Enable.
    pub master_enable: bool,
}

/// Which rule a well-formed packet of the device breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum RuleError {
    #[error("request while Bus Master Enable is off (7.5.1.1.3)")]
    NotMaster,
    #[error("sender {actual:#06x} is not the device {expected:#06x} (2.2.6.2, 2.2.9)")]
    Sender { expected: u16, actual: u16 },
    #[error("payload of {bytes} bytes, Max_Payload_Size is {limit} (2.2.2)")]
    Payload { bytes: u32, limit: u32 },
    #[error("read of {bytes} bytes, Max_Read_Request_Size is {limit} (2.2.7)")]
    ReadRequest { bytes: u32, limit: u32 },
    #[error("traffic class {0} is not mapped to a virtual channel (2.5.2)")]
    TrafficClass(u8),
    #[error("relaxed ordering, on which no ordered delivery can be built")]
    RelaxedOrdering,
    #[error("poisoned packet")]
    Poisoned,
    #[error("tag {0} needs extended tags, which are not enabled (2.2.6.2)")]
    WideTag(u8),
    #[error("tag {0} is still in use (2.2.6.2)")]
    TagInUse(u8),
    #[error("completion with requester {requester:#06x}, tag {tag} answers no request (2.3.2)")]
    Unexpected { requester: u16, tag: u8 },
    #[error("completion does not repeat traffic class and attributes of its request (2.2.9)")]
    Echo,
    #[error("successful completion of a memory read without data (2.3.1.1)")]
    NoData,
    #[error("byte count {actual}, {expected} bytes are to come (2.3.1.1)")]
    ByteCount { expected: u16, actual: u16 },
    #[error("lower address {actual:#04x}, the next byte is at {expected:#04x} (2.3.1.1)")]
    LowerAddress { expected: u8, actual: u8 },
    #[error("completion of {actual} double words where {expected} end the request (2.3.1.1)")]
    Length { expected: u16, actual: u16 },
    #[error("completion ends at {0:#x}, not at a read-completion boundary (2.3.1.1)")]
    Boundary(u64),
}

/// Checks a memory request of the device against what it was allowed; tags are checked apart.
///
/// # Errors
/// The first rule broken.
pub fn check_request(request: &Request, is_read: bool, limits: &Limits) -> Result<(), RuleError> {
    if !limits.master_enable {
        return Err(RuleError::NotMaster);
    }
    if request.requester != limits.device {
        return Err(RuleError::Sender {
            expected: limits.device,
            actual: request.requester,
        });
    }
    if request.traffic_class != 0 {
        return Err(RuleError::TrafficClass(request.traffic_class));
    }
    if request.attributes & 2 != 0 {
        return Err(RuleError::RelaxedOrdering);
    }
    if request.poisoned {
        return Err(RuleError::Poisoned);
    }
    let bytes = 4 * u32::from(request.length);
    match is_read {
        true if bytes > limits.maximum_read_request_bytes => Err(RuleError::ReadRequest {
            bytes,
            limit: limits.maximum_read_request_bytes,
        }),
        false if bytes > limits.maximum_payload_bytes => Err(RuleError::Payload {
            bytes,
            limit: limits.maximum_payload_bytes,
        }),
        true if request.tag >= TAGS_WITHOUT_EXTENSION => Err(RuleError::WideTag(request.tag)),
        _ => Ok(()),
    }
}

/// What one completion did to its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// These bytes came; more will.
    Part(Piece),
    /// These bytes came, and all are there.
    Done(Piece),
    /// The request ended with an error.
    Failed(CompletionStatus),
}

/// Where a completion's payload belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Payload bytes to skip: those before the first byte asked for.
    pub skip: usize,
    /// Bytes of the request, counted from its first.
    pub offset: usize,
    /// How many bytes.
    pub bytes: usize,
}

/// A memory read and how far its completions have come.
#[derive(Clone, Copy, Debug)]
pub struct ReadProgress {
    request: Request,
    completer: u16,
    boundary: u64,
    done: u16,
}

impl ReadProgress {
    /// `request`, answered by `completer`, which may cut at multiples of `boundary` bytes.
    pub fn new(request: Request, completer: u16, boundary: u64) -> ReadProgress {
        ReadProgress {
            request,
            completer,
            boundary,
            done: 0,
        }
    }

    /// What the completions must answer.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// Takes the next completion with the request's tag; `maximum_payload_bytes` as the link is set.
    ///
    /// # Errors
    /// The first rule broken; nothing changes then.
    pub fn accept(
        &mut self,
        completion: &Completion,
        maximum_payload_bytes: u32,
    ) -> Result<Progress, RuleError> {
        let request = &self.request;
        if completion.completer != self.completer {
            return Err(RuleError::Sender {
                expected: self.completer,
                actual: completion.completer,
            });
        }
        if completion.requester != request.requester || completion.tag != request.tag {
            return Err(RuleError::Unexpected {
                requester: completion.requester,
                tag: completion.tag,
            });
        }
        if (completion.traffic_class, completion.attributes)
            != (request.traffic_class, request.attributes)
        {
            return Err(RuleError::Echo);
        }
        let remaining = request.byte_count() - self.done;
        let next = request.first_byte() + u64::from(self.done);
        if completion.status != CompletionStatus::Successful {
            // 2.2.9 can be read as the remaining count or as the 4 of all completions without data.
            if completion.byte_count != remaining && completion.byte_count != 4 {
                return Err(RuleError::ByteCount {
                    expected: remaining,
                    actual: completion.byte_count,
                });
            }
            return Ok(Progress::Failed(completion.status));
        }
        if completion.length == 0 {
            return Err(RuleError::NoData);
        }
        if completion.byte_count != remaining {
            return Err(RuleError::ByteCount {
                expected: remaining,
                actual: completion.byte_count,
            });
        }
        let lower_address = (next & 0x7f) as u8;
        if completion.lower_address != lower_address {
            return Err(RuleError::LowerAddress {
                expected: lower_address,
                actual: completion.lower_address,
            });
        }
        let bytes = 4 * u32::from(completion.length);
        if bytes > maximum_payload_bytes {
            return Err(RuleError::Payload {
                bytes,
                limit: maximum_payload_bytes,
            });
        }
        let skip = (next % 4) as u16;
        let whole = (skip + remaining).div_ceil(4);
        let piece = |bytes: u16| Piece {
            skip: skip.into(),
            offset: self.done.into(),
            bytes: bytes.into(),
        };
        match completion.length {
            length if length > whole => Err(RuleError::Length {
                expected: whole,
                actual: length,
            }),
            length if length == whole => Ok(Progress::Done(piece(remaining))),
            length => {
                let bytes = 4 * length - skip;
                let end = next + u64::from(bytes);
                if !end.is_multiple_of(self.boundary) {
                    return Err(RuleError::Boundary(end));
                }
                let part = Progress::Part(piece(bytes));
                self.done += bytes;
                Ok(part)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        device: 0x0100,
        maximum_payload_bytes: 128,
        maximum_read_request_bytes: 512,
        master_enable: true,
    };

    fn request(bytes: usize) -> Request {
        Request {
            requester: 0x0100,
            ..Request::for_bytes(0x1000, bytes)
        }
    }

    #[test]
    fn requests_within_the_limits_pass_and_each_limit_is_named() {
        assert_eq!(check_request(&request(128), false, &LIMITS), Ok(()));
        assert_eq!(check_request(&request(512), true, &LIMITS), Ok(()));
        let refused =
            |request: Request, is_read| check_request(&request, is_read, &LIMITS).unwrap_err();
        assert_eq!(
            refused(request(132), false),
            RuleError::Payload {
                bytes: 132,
                limit: 128
            }
        );
        assert_eq!(
            refused(request(516), true),
            RuleError::ReadRequest {
                bytes: 516,
                limit: 512
            }
        );
        assert_eq!(
            refused(
                Request {
                    tag: 32,
                    ..request(4)
                },
                true
            ),
            RuleError::WideTag(32)
        );
        assert_eq!(
            refused(
                Request {
                    poisoned: true,
                    ..request(4)
                },
                false
            ),
            RuleError::Poisoned
        );
        assert_eq!(
            refused(
                Request {
                    attributes: 2,
                    ..request(4)
                },
                false
            ),
            RuleError::RelaxedOrdering
        );
        assert_eq!(
            refused(
                Request {
                    traffic_class: 1,
                    ..request(4)
                },
                false
            ),
            RuleError::TrafficClass(1)
        );
        let stranger = Request {
            requester: 0,
            ..request(4)
        };
        assert_eq!(
            refused(stranger, false),
            RuleError::Sender {
                expected: 0x0100,
                actual: 0
            }
        );
        let disabled = Limits {
            master_enable: false,
            ..LIMITS
        };
        assert_eq!(
            check_request(&request(4), false, &disabled),
            Err(RuleError::NotMaster)
        );
    }

    /// A read of 300 bytes from 0x1031 and the completions that answer it.
    fn read() -> (ReadProgress, Completion) {
        let request = Request {
            requester: 8,
            tag: 5,
            ..Request::for_bytes(0x1031, 300)
        };
        let first = Completion {
            length: 20,
            status: CompletionStatus::Successful,
            byte_count: 300,
            lower_address: 0x31,
            completer: 0x0100,
            requester: 8,
            tag: 5,
            traffic_class: 0,
            attributes: 0,
            poisoned: false,
        };
        (ReadProgress::new(request, 0x0100, 128), first)
    }

    #[test]
    fn legal_parts_are_put_where_they_belong() {
        let (mut progress, first) = read();
        let piece = |skip, offset, bytes| Piece {
            skip,
            offset,
            bytes,
        };
        assert_eq!(
            progress.accept(&first, 128),
            Ok(Progress::Part(piece(1, 0, 79)))
        );
        let second = Completion {
            length: 32,
            byte_count: 221,
            lower_address: 0,
            ..first
        };
        assert_eq!(
            progress.accept(&second, 128),
            Ok(Progress::Part(piece(0, 79, 128)))
        );
        let third = Completion {
            length: 24,
            byte_count: 93,
            lower_address: 0,
            ..first
        };
        assert_eq!(
            progress.accept(&third, 128),
            Ok(Progress::Done(piece(0, 207, 93)))
        );
    }

    #[test]
    fn each_illegal_completion_is_named() {
        let (progress, good) = read();
        let refused =
            |completion: Completion| progress.clone().accept(&completion, 256).unwrap_err();
        assert_eq!(
            refused(Completion { length: 4, ..good }),
            RuleError::Boundary(0x1040)
        );
        assert_eq!(
            refused(Completion {
                byte_count: 299,
                ..good
            }),
            RuleError::ByteCount {
                expected: 300,
                actual: 299
            }
        );
        assert_eq!(
            refused(Completion {
                lower_address: 0x30,
                ..good
            }),
            RuleError::LowerAddress {
                expected: 0x31,
                actual: 0x30
            }
        );
        assert_eq!(
            refused(Completion { length: 77, ..good }),
            RuleError::Payload {
                bytes: 308,
                limit: 256
            }
        );
        assert_eq!(refused(Completion { length: 0, ..good }), RuleError::NoData);
        assert_eq!(
            refused(Completion {
                attributes: 1,
                ..good
            }),
            RuleError::Echo
        );
        assert_eq!(
            refused(Completion {
                completer: 1,
                ..good
            }),
            RuleError::Sender {
                expected: 0x0100,
                actual: 1
            }
        );
        assert_eq!(
            refused(Completion { tag: 6, ..good }),
            RuleError::Unexpected {
                requester: 8,
                tag: 6
            }
        );
        let mut progress = progress;
        let long = Completion { length: 77, ..good };
        assert_eq!(
            progress.accept(&long, 4096),
            Err(RuleError::Length {
                expected: 76,
                actual: 77
            })
        );
    }

    #[test]
    fn an_error_status_ends_the_request() {
        let (mut progress, good) = read();
        let failed = Completion {
            length: 0,
            status: CompletionStatus::CompleterAbort,
            ..good
        };
        assert_eq!(
            progress.accept(&failed, 128),
            Ok(Progress::Failed(CompletionStatus::CompleterAbort))
        );
    }
}
