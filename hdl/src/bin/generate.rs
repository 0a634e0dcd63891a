//! scratch
use rust_hdl::prelude::*;
use wayfarer_hdl as hdl;
fn main() {
    let out = std::env::args()
        .skip_while(|a| a != "--output")
        .nth(1)
        .unwrap();
    std::fs::create_dir_all(&out).unwrap();
    let mut unit = hdl::niu::Niu::new(hdl::control::Identity::default());
    unit.connect_all();
    std::fs::write(format!("{out}/niu.v"), hdl::emit::emit_design("niu", &unit)).unwrap();
}
