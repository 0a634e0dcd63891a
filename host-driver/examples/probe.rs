use sim::cluster::{Cluster, ClusterOptions};
use sim::profile::Profile;
fn main() {
    let firmware = std::fs::read("target/generated/firmware.bin").unwrap();
    let mut o = ClusterOptions::new(Profile::named("bare").unwrap(), firmware);
    o.maximum_cycles = 60_000;
    let wave = std::env::args().nth(1);
    if let Some(w) = wave { std::fs::create_dir_all(&w).unwrap(); o.packet_logs = Some(w.clone().into()); o.waveforms = Some(w.into()); }
    let mut c = Cluster::new(o);
    for n in 0..2 {
    c.program(n, move |port| {
        if n == 1 { return; }
        let rd = |off: u64| port.load(0, off, 4).map(|b| u32::from_le_bytes(b.try_into().unwrap()));
        for off in [0u64, 4, 8, 0xc, 0x10, 0x18, 0x24, 0x2c, 0x30] { println!("{} {off:#x} = {:x?}", port.cycle(), rd(off)); }
        port.store(0, 0x18, &0x1234_5678u32.to_le_bytes());
        println!("scratch {:x?}", rd(0x18));
        for _ in 0..10 { port.sleep_ns(8*2000); println!("{} heartbeat {:x?} status {:x?} pend {:x?}", port.cycle(), rd(0x2c), rd(0x24), rd(0x60)); }
        let log = |off: u64| port.load(4, 0x10000 + 0x1000 + off, 4).map(|b| u32::from_le_bytes(b.try_into().unwrap()));
        println!("log {:x?} {:x?} {:x?}", log(0), log(4), log(8));
        port.with_side(|s| println!("{:?} {:?}", s.bridge.counters(), s.bridge.violations()));
    });
    }
    match c.run() { Ok(r) => println!("{} cycles {:?} {:.0} kc/s", r.cycles, r.wall, r.cycles as f64 / r.wall.as_secs_f64() / 1e3), Err(e) => println!("{e}") }
}
