mod support;
use sim::cluster::ClusterOptions;
use wayfarer_host_driver::soak::{self, Scenario, SoakOptions};
#[test]
fn debug() {
    let seed = std::env::var("SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(2);
    std::fs::create_dir_all("/tmp/dbg").ok();
    let options = SoakOptions {
        scenario: Scenario::Random,
        messages: 2000,
        cluster: ClusterOptions {
            nodes: 4,
            packet_logs: Some("/tmp/dbg".into()),
            ..support::options("bare", seed)
        },
        received: Default::default(),
    };
    match soak::run(options) { Ok(_) => println!("fine"), Err(error) => println!("{error}") }
}
