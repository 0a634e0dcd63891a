//! A server for GDB, over probe-rs. probe-rs' own is part of its command line program, not of the library.

mod packet;

use packet::{Connection, MAXIMUM_BYTES, Received, bytes, hexadecimal};
use probe_rs::{Core, MemoryInterface, RegisterId, Session};
use std::net::TcpStream;
use std::time::Duration;

/// How long the processor may take to do what it is told, in real time.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where the general registers begin in a debug module's numbers, and in GDB's the control and status registers.
const GENERAL: u16 = 0x1000;
const GDB_PROGRAM_COUNTER: u16 = 32;
const GDB_CONTROL: u16 = 65;

/// A session with GDB has come to its end.
#[derive(Debug, thiserror::Error)]
pub enum GdbError {
    /// Bytes from GDB and to it.
    #[error("the connection to GDB: {0}")]
    Connection(#[from] std::io::Error),
    /// The processor's debug module.
    #[error(transparent)]
    Probe(#[from] probe_rs::Error),
}

/// What follows from a packet.
enum Reply {
    Text(String),
    /// The processor runs; GDB waits for it to stop.
    Runs,
    /// No acknowledgements from now on.
    Silence,
    /// GDB leaves.
    Leave(&'static str),
}

/// Serves one GDB until it leaves. The processor is halted meanwhile, unless GDB has it run, and runs after.
///
/// # Errors
/// The connection or the debug module fails.
pub fn serve(stream: TcpStream, session: &mut Session) -> Result<(), GdbError> {
    let mut connection = Connection::new(stream)?;
    let mut core = session.core(0)?;
    core.halt(PATIENCE)?;
    let mut runs = false;
    loop {
        match connection.receive()? {
            Received::Packet(packet) => {
                // An error of the processor's is GDB's to tell.
                match answer(&mut core, &packet).unwrap_or_else(|error| {
                    eprintln!("gdb: {error}");
                    Reply::Text("E01".into())
                }) {
                    Reply::Text(text) => connection.send(&text)?,
                    Reply::Runs => runs = true,
                    Reply::Silence => {
                        connection.send("OK")?;
                        connection.stop_acknowledging();
                    }
                    Reply::Leave(text) => {
                        connection.send(text)?;
                        break;
                    }
                }
            }
            Received::Interrupt if runs => {
                core.halt(PATIENCE)?;
                runs = false;
                connection.send("T02thread:1;")?;
            }
            Received::Nothing if runs && core.core_halted()? => {
                runs = false;
                connection.send("T05thread:1;")?;
            }
            Received::Interrupt | Received::Nothing => {}
            Received::End => break,
        }
    }
    core.clear_all_hw_breakpoints()?;
    if core.core_halted()? {
        core.run()?;
    }
    Ok(())
}

fn ok() -> Reply {
    Reply::Text("OK".into())
}

/// What GDB reads as "not known here".
fn unknown() -> Reply {
    Reply::Text(String::new())
}

fn malformed() -> Reply {
    Reply::Text("E16".into())
}

fn answer(core: &mut Core<'_>, packet: &[u8]) -> Result<Reply, probe_rs::Error> {
    // Contents that are no text come with one command only.
    if packet.first() == Some(&b'X') {
        return write_binary(core, packet);
    }
    let Ok(text) = std::str::from_utf8(packet) else {
        return Ok(malformed());
    };
    let Some(command) = text.chars().next() else {
        return Ok(unknown());
    };
    let rest = &text[command.len_utf8()..];
    Ok(match command {
        '?' => Reply::Text("T05thread:1;".into()),
        'H' | 'T' => ok(),
        'g' => Reply::Text(read_all(core)?),
        'G' => write_all(core, rest)?,
        'p' => read_one(core, rest)?,
        'P' => write_one(core, rest)?,
        'm' => read_memory(core, rest)?,
        'M' => write_memory(core, rest)?,
        'Z' | 'z' => breakpoint(core, command == 'Z', rest)?,
        'c' => go(core)?,
        's' => step(core)?,
        'v' => match rest {
            "Cont?" => Reply::Text("vCont;c;C;s;S".into()),
            "Kill" => Reply::Leave("OK"),
            _ if rest.starts_with("Cont;c") || rest.starts_with("Cont;C") => go(core)?,
            _ if rest.starts_with("Cont;s") || rest.starts_with("Cont;S") => step(core)?,
            _ => unknown(),
        },
        'q' => query(core, rest)?,
        'Q' if rest == "StartNoAckMode" => Reply::Silence,
        'D' => Reply::Leave("OK"),
        'k' => Reply::Leave(""),
        _ => unknown(),
    })
}

fn query(core: &mut Core<'_>, text: &str) -> Result<Reply, probe_rs::Error> {
    Ok(if text.starts_with("Supported") {
        Reply::Text(format!(
            "PacketSize={MAXIMUM_BYTES:x};QStartNoAckMode+;vContSupported+;qXfer:features:read+"
        ))
    } else if let Some(part) = text.strip_prefix("Xfer:features:read:target.xml:") {
        let description = description();
        let Some((offset, length)) = numbers(part) else {
            return Ok(malformed());
        };
        let rest = description.get(offset as usize..).unwrap_or_default();
        Reply::Text(match rest.get(..length as usize) {
            Some(part) if part.len() < rest.len() => format!("m{part}"),
            _ => format!("l{rest}"),
        })
    } else if let Some(command) = text.strip_prefix("Rcmd,") {
        monitor(core, &bytes(command).unwrap_or_default())?
    } else {
        match text {
            "fThreadInfo" => Reply::Text("m1".into()),
            "sThreadInfo" => Reply::Text("l".into()),
            "C" => Reply::Text("QC1".into()),
            "Attached" => Reply::Text("1".into()),
            _ => unknown(),
        }
    })
}

/// `monitor reset` and its like.
fn monitor(core: &mut Core<'_>, command: &[u8]) -> Result<Reply, probe_rs::Error> {
    match command {
        // GDB believes the processor halted after either; a reset that lets it run would surprise it.
        b"reset" | b"reset halt" => {
            core.reset_and_halt(PATIENCE)?;
            Ok(ok())
        }
        _ => Ok(Reply::Text(hexadecimal(
            b"known here: reset (and halt at the first instruction)\n",
        ))),
    }
}

/// The registers that GDB asks for with `g`.
fn description() -> String {
    let mut registers = String::new();
    for number in 0..32 {
        registers += &format!("<reg name=\"x{number}\" bitsize=\"32\" regnum=\"{number}\"/>");
    }
    format!(
        "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target version=\"1.0\">\
         <architecture>riscv:rv32</architecture><feature name=\"org.gnu.gdb.riscv.cpu\">{registers}\
         <reg name=\"pc\" bitsize=\"32\" regnum=\"{GDB_PROGRAM_COUNTER}\" type=\"code_ptr\"/></feature></target>"
    )
}

/// The register that GDB gives this number.
fn register(core: &Core<'_>, number: u16) -> Option<RegisterId> {
    match number {
        0..GDB_PROGRAM_COUNTER => Some(RegisterId(GENERAL + number)),
        GDB_PROGRAM_COUNTER => Some(core.program_counter().id()),
        _ => Some(RegisterId(number.checked_sub(GDB_CONTROL)?)),
    }
}

fn read(core: &mut Core<'_>, number: u16) -> Result<u32, probe_rs::Error> {
    match (number, register(core, number)) {
        (0, _) | (_, None) => Ok(0),
        (_, Some(register)) => core.read_core_reg(register),
    }
}

fn write(core: &mut Core<'_>, number: u16, value: u32) -> Result<(), probe_rs::Error> {
    match (number, register(core, number)) {
        (0, _) | (_, None) => Ok(()),
        (_, Some(register)) => core.write_core_reg(register, value),
    }
}

fn read_all(core: &mut Core<'_>) -> Result<String, probe_rs::Error> {
    let mut text = String::new();
    for number in 0..=GDB_PROGRAM_COUNTER {
        text += &hexadecimal(&read(core, number)?.to_le_bytes());
    }
    Ok(text)
}

fn write_all(core: &mut Core<'_>, text: &str) -> Result<Reply, probe_rs::Error> {
    let Some(values) = bytes(text) else {
        return Ok(malformed());
    };
    let (words, _) = values.as_chunks::<4>();
    for (number, word) in (0..=GDB_PROGRAM_COUNTER).zip(words) {
        write(core, number, u32::from_le_bytes(*word))?;
    }
    Ok(ok())
}

fn read_one(core: &mut Core<'_>, text: &str) -> Result<Reply, probe_rs::Error> {
    let Ok(number) = u16::from_str_radix(text, 16) else {
        return Ok(malformed());
    };
    let value = read(core, number)?;
    Ok(Reply::Text(hexadecimal(&value.to_le_bytes())))
}

fn write_one(core: &mut Core<'_>, text: &str) -> Result<Reply, probe_rs::Error> {
    let parsed = text.split_once('=').and_then(|(number, value)| {
        let number = u16::from_str_radix(number, 16).ok()?;
        let value: [u8; 4] = bytes(value)?.try_into().ok()?;
        Some((number, u32::from_le_bytes(value)))
    });
    let Some((number, value)) = parsed else {
        return Ok(malformed());
    };
    write(core, number, value)?;
    Ok(ok())
}

/// Two numbers with a comma between.
fn numbers(text: &str) -> Option<(u64, u64)> {
    let (first, second) = text.split_once(',')?;
    let number = |text| u64::from_str_radix(text, 16).ok();
    Some((number(first)?, number(second)?))
}

fn read_memory(core: &mut Core<'_>, text: &str) -> Result<Reply, probe_rs::Error> {
    let Some((address, length)) = numbers(text) else {
        return Ok(malformed());
    };
    let mut memory = vec![0; (length as usize).min(MAXIMUM_BYTES / 2)];
    core.read(address, &mut memory)?;
    Ok(Reply::Text(hexadecimal(&memory)))
}

fn write_memory(core: &mut Core<'_>, text: &str) -> Result<Reply, probe_rs::Error> {
    let parsed = text
        .split_once(':')
        .and_then(|(place, data)| Some((numbers(place)?, bytes(data)?)));
    match parsed {
        Some(((address, length), data)) if data.len() as u64 == length => {
            core.write(address, &data)?;
            Ok(ok())
        }
        _ => Ok(malformed()),
    }
}

fn write_binary(core: &mut Core<'_>, packet: &[u8]) -> Result<Reply, probe_rs::Error> {
    let colon = packet.iter().position(|byte| *byte == b':');
    let parsed = colon.and_then(|colon| {
        let place = numbers(std::str::from_utf8(&packet[1..colon]).ok()?)?;
        Some((place, &packet[colon + 1..]))
    });
    match parsed {
        Some(((address, length), data)) if data.len() as u64 == length => {
            // GDB asks with no bytes whether this command is known.
            if !data.is_empty() {
                core.write(address, data)?;
            }
            Ok(ok())
        }
        _ => Ok(malformed()),
    }
}

/// Breakpoints are the debug module's triggers, whichever kind GDB asks for.
fn breakpoint(core: &mut Core<'_>, set: bool, text: &str) -> Result<Reply, probe_rs::Error> {
    let Some(place) = text.strip_prefix("0,").or(text.strip_prefix("1,")) else {
        return Ok(unknown());
    };
    let Some((address, _)) = numbers(place) else {
        return Ok(malformed());
    };
    if set {
        core.set_hw_breakpoint(address)?;
    } else {
        core.clear_hw_breakpoint(address)?;
    }
    Ok(ok())
}

fn go(core: &mut Core<'_>) -> Result<Reply, probe_rs::Error> {
    core.run()?;
    Ok(Reply::Runs)
}

fn step(core: &mut Core<'_>) -> Result<Reply, probe_rs::Error> {
    core.step()?;
    Ok(Reply::Text("T05thread:1;".into()))
}
