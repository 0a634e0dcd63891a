//! Address spaces: what stands where, not to scale.

use crate::drawing::{CHARACTER, Drawing};
use abi::schema::Map;

const REGION_HEIGHT: f64 = 26.0;
const BOX_WIDTH: f64 = 360.0;
const MARGIN: f64 = 10.0;
const HEAD: f64 = 30.0;

/// A part of an address space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// Its first byte.
    pub start: u64,
    /// Behind its last byte.
    pub end: u64,
    /// What stands there; nothing, if nothing does.
    pub name: Option<String>,
}

impl Region {
    fn new(start: u64, bytes: u64, name: &str) -> Self {
        Region {
            start,
            end: start + bytes,
            name: Some(name.into()),
        }
    }
}

/// The regions in order, with those between them in which nothing stands.
fn with_gaps(start: u64, end: u64, regions: Vec<Region>) -> Vec<Region> {
    let mut all = Vec::new();
    let mut at = start;
    for region in regions {
        if region.start > at {
            all.push(Region {
                start: at,
                end: region.start,
                name: None,
            });
        }
        at = region.end;
        all.push(region);
    }
    if at < end {
        all.push(Region {
            start: at,
            end,
            name: None,
        });
    }
    all
}

/// A register map's regions, an array of registers each one.
fn registers(map: &Map, end: u64) -> Vec<Region> {
    let region = |register: &abi::schema::Register| {
        let bytes = register.count * register.word.bits / 8;
        let times = if register.count > 1 {
            format!(" x {}", register.count)
        } else {
            String::new()
        };
        Region::new(
            register.offset as u64,
            bytes as u64,
            &format!("{}{times}", register.word.name),
        )
    };
    with_gaps(0, end, map.registers.iter().map(region).collect())
}

/// All pictures of address spaces, with their names.
pub fn pictures() -> Vec<(&'static str, String)> {
    use abi::{admin, command, control, endpoint, message, processor};
    let pages = endpoint::PAGES as u64;
    let page = endpoint::PAGE_BYTES as u64;
    let body = message::INLINE_BODY_BYTES as u64;
    let half = pages * page;
    let log = admin::LOG_OFFSET as u64;
    let outbox = command::OUTBOX_BYTES as u64;
    let control = registers(&control::registers::MAP, control::MAP_BYTES as u64);
    let mut stores = registers(&endpoint::page::MAP, page);
    if let Some(free) = stores.pop() {
        let express = endpoint::EXPRESS_OFFSET as u64;
        let rest = vec![Region::new(
            express,
            page - express,
            "Express: destination * 32 + tag * 8",
        )];
        stores.extend(with_gaps(free.start, page, rest));
    }
    let bodies = [
        Region::new(0, body, "inline body 0"),
        Region::new(body, page - 2 * body, "inline bodies 1 to 14"),
        Region::new(page - body, body, "inline body 15"),
        Region::new(page, half - page, "pages of the other endpoints"),
        Region::new(half, log, "outbox: the firmware's own"),
        Region::new(half + log, 4 + admin::LOG_BYTES as u64, "outbox: log"),
    ];
    let used = half + log + 4 + admin::LOG_BYTES as u64;
    let mut bodies = bodies.to_vec();
    bodies.push(Region::new(
        used,
        half + outbox - used,
        "outbox: the firmware's own",
    ));
    let peripherals = registers(&processor::peripherals::MAP, 0)
        .last()
        .map_or(0, |region| region.end);
    let windows = [
        (
            processor::RAM_BASE,
            processor::MAXIMUM_RAM_BYTES,
            "RAM, at most",
        ),
        (
            processor::PERIPHERAL_BASE,
            peripherals as usize,
            "peripherals",
        ),
        (processor::INBOX_BASE, command::INBOX_BYTES, "inbox"),
        (processor::OUTBOX_BASE, command::OUTBOX_BYTES, "outbox"),
        (
            processor::CONTROL_BASE,
            control::MAP_BYTES,
            "control registers",
        ),
    ];
    let windows = windows.map(|(start, bytes, name)| Region::new(start as u64, bytes as u64, name));
    let mut pictures = vec![
        ("bar0", picture("BAR0: control registers", &control)),
        ("bar2", picture("BAR2: the page of one endpoint", &stores)),
        (
            "bar4",
            picture("BAR4 with 4096 endpoints", &with_gaps(0, 2 * half, bodies)),
        ),
    ];
    let windows = with_gaps(0, 1 << 32, windows.to_vec());
    pictures.push((
        "processor",
        picture("What the service processor sees", &windows),
    ));
    pictures
}

/// A box for each region, lowest address first.
pub fn picture(title: &str, regions: &[Region]) -> String {
    let digits = regions
        .last()
        .map_or(0, |last| format!("{:x}", last.end).len());
    let left = MARGIN + (digits as f64 + 3.0) * CHARACTER;
    let height = HEAD + regions.len() as f64 * REGION_HEIGHT + 2.0 * MARGIN;
    let mut drawing = Drawing::new(left + BOX_WIDTH + MARGIN, height, title);
    drawing.text("title", MARGIN, HEAD / 2.0, title);
    let address = |drawing: &mut Drawing, y: f64, value: u64| {
        drawing.text(
            "right",
            left - 6.0,
            y,
            &format!("{value:#0width$x}", width = digits + 2),
        );
    };
    for (number, region) in regions.iter().enumerate() {
        let y = HEAD + number as f64 * REGION_HEIGHT;
        let class = if region.name.is_some() { "box" } else { "free" };
        drawing.rectangle(class, left, y, BOX_WIDTH, REGION_HEIGHT);
        address(&mut drawing, y + 1.0, region.start);
        if let Some(name) = &region.name {
            drawing.text("", left + BOX_WIDTH / 2.0, y + REGION_HEIGHT / 2.0, name);
        }
    }
    if let Some(last) = regions.last() {
        address(&mut drawing, height - 2.0 * MARGIN + 1.0, last.end);
    }
    drawing.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_follow_each_other_and_what_is_between_them_has_no_name() {
        let regions = registers(
            &abi::control::registers::MAP,
            abi::control::MAP_BYTES as u64,
        );
        let mut at = 0;
        for region in &regions {
            assert_eq!(region.start, at);
            at = region.end;
        }
        assert_eq!(at, 4096);
        let free = regions
            .iter()
            .find(|region| region.name.is_none())
            .expect("a gap");
        assert_eq!((free.start, free.end), (0x38, 0x40));
    }
}
