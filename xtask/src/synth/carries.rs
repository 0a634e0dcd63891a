//! Carries that nothing reads. nextpnr brings each carry that is connected at the end of its chain
//! out of the chain, in a carry cell of its own: two LUT4, which the end of every adder would cost
//! for nothing, since Yosys connects them all.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};

use super::netlist::{CARRY, Net, Netlist};

/// As `write_json` writes the connection of a carry's output.
const CONNECTION: &str = "\"COUT\": [ ";
/// What takes the place of the net: nextpnr makes a port of it, and leaves that open.
const OPEN: &str = "\"x\"";

/// The netlist's text, with the carries open that nothing reads.
///
/// # Errors
/// The text is not laid out as it was.
pub fn open_unread(text: &str, netlist: &Netlist) -> Result<String> {
    let read: BTreeSet<Net> = netlist
        .cells
        .iter()
        .flat_map(|cell| cell.inputs())
        .collect();
    let carries = netlist.cells.iter().filter(|cell| cell.kind == CARRY);
    let unread = carries
        .filter_map(|cell| cell.net("COUT"))
        .filter(|net| !read.contains(net))
        .count();
    let mut parts = text.split(CONNECTION);
    let mut opened = 0;
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        result += CONNECTION;
        let digits = part
            .find(|letter: char| !letter.is_ascii_digit())
            .unwrap_or(0);
        match part[..digits].parse::<Net>() {
            Ok(net) if !read.contains(&net) => {
                result += OPEN;
                result += &part[digits..];
                opened += 1;
            }
            _ => result += part,
        }
    }
    ensure!(
        opened == unread,
        "{unread} carries are read by nothing, but {opened} were found in the text of the netlist: was Yosys updated \
         in tools/requirements.txt?"
    );
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two cells of a chain, as Yosys writes them, shortened.
    const NETLIST: &str = r#"{"modules": {"harness": {"cells": {
      "a": {"type": "CCU2C", "port_directions": { "CIN": "input", "COUT": "output" },
        "connections": {
          "CIN": [ "0" ],
          "COUT": [ 12 ]
        }},
      "b": {"type": "CCU2C", "port_directions": { "CIN": "input", "COUT": "output" },
        "connections": {
          "CIN": [ 12 ],
          "COUT": [ 13 ]
        }}}}}}"#;

    #[test]
    fn only_carries_that_nothing_reads_are_opened() {
        let text = open_unread(NETLIST, &Netlist::parse(NETLIST).unwrap()).unwrap();
        assert_eq!(
            text,
            NETLIST.replace("\"COUT\": [ 13 ]", "\"COUT\": [ \"x\" ]")
        );
        let netlist = Netlist::parse(&text).unwrap();
        assert_eq!(netlist.cells[1].net("COUT"), None);
        assert_eq!(open_unread(&text, &netlist).unwrap(), text);
    }

    #[test]
    fn another_layout_is_noticed() {
        let text = NETLIST.replace("[ ", "[");
        let error = open_unread(&text, &Netlist::parse(&text).unwrap()).unwrap_err();
        assert!(
            error.to_string().contains("1 carries are read by nothing"),
            "{error}"
        );
    }
}
