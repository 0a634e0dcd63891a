//! One page of HTML with all pictures, which needs no other file.

use super::Picture;
use crate::report::Report;

const STYLE: &str = "body{font:15px/1.5 sans-serif;max-width:62em;margin:2em auto;padding:0 1em;color:#222}\
    figure{margin:2em 0}svg{max-width:100%;height:auto}\
    pre{overflow-x:auto;background:#f4f4f4;padding:1em;font-size:13px}";

/// The page: what was measured on, each picture, and the printed table.
pub fn page(report: &Report, pictures: &[Picture]) -> String {
    let label = report.label();
    let figures: Vec<String> = pictures
        .iter()
        .map(|picture| {
            let Picture { title, svg, .. } = picture;
            format!("<figure aria-label=\"{title}\">\n{svg}</figure>\n")
        })
        .collect();
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <title>Wayfarer niu-bench</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <h1>Wayfarer niu-bench</h1>\n<p>Simulated nodes. Core clock {} MHz, PCIe profile {}, link: {}, seed {}, \
         revision {}. Hosts and PCIe are models with stated assumptions; a picture names its profile.</p>\n\
         {}<h2>All results</h2>\n<pre>{}</pre>\n</body>\n</html>\n",
        label.clock_hz / 1_000_000,
        label.pcie_profile,
        label.link,
        label.seed,
        label.source_revision,
        figures.concat(),
        report.table().replace('&', "&amp;").replace('<', "&lt;"),
    )
}
