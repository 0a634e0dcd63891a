//! An SVG, element by element.

use std::fmt::{Display, Write as _};

/// What each class looks like, in every picture. It holds for pictures alone when several stand in one HTML page.
const STYLE: &str = "\
.paper{fill:#fff}\
.picture text{font:12px monospace;fill:#222;text-anchor:middle;dominant-baseline:central}\
.picture .title{font:bold 13px sans-serif;text-anchor:start}\
.picture .note{font:11px sans-serif;fill:#555;text-anchor:start}\
.picture .left{text-anchor:start}\
.picture .right{text-anchor:end}\
.picture .small{font-size:10px;fill:#555}\
.box{fill:#e8f0fb;stroke:#4a6fa5}\
.warm{fill:#fdf1dc;stroke:#b98a2f}\
.free{fill:#eee;stroke:#bbb}\
.line{fill:none;stroke:#333;stroke-width:1.5}\
.grid{fill:none;stroke:#ddd}";

/// Width of a character of the pictures' ordinary text.
pub const CHARACTER: f64 = 7.25;

/// A picture under construction.
pub struct Drawing {
    width: f64,
    height: f64,
    title: String,
    body: String,
}

impl Drawing {
    /// An empty picture. The title is for readers who cannot see it.
    pub fn new(width: f64, height: f64, title: &str) -> Self {
        Drawing {
            width,
            height,
            title: escaped(title),
            body: String::new(),
        }
    }

    pub fn rectangle(&mut self, class: &str, x: f64, y: f64, width: f64, height: f64) {
        self.element(format_args!(
            r#"<rect class="{class}" x="{x}" y="{y}" width="{width}" height="{height}"/>"#
        ));
    }

    /// Text whose middle, start or end (as its class says) is at that place.
    pub fn text(&mut self, class: &str, x: f64, y: f64, text: &str) {
        let text = escaped(text);
        self.element(format_args!(
            r#"<text class="{class}" x="{x}" y="{y}">{text}</text>"#
        ));
    }

    /// Text from the bottom to the top.
    pub fn upright_text(&mut self, x: f64, y: f64, text: &str) {
        let text = escaped(text);
        self.element(format_args!(
            r#"<text transform="translate({x} {y}) rotate(-90)">{text}</text>"#
        ));
    }

    pub fn path(&mut self, class: &str, path: &str) {
        self.element(format_args!(r#"<path class="{class}" d="{path}"/>"#));
    }

    fn element(&mut self, element: impl Display) {
        let _ = writeln!(self.body, "{element}");
    }

    /// The file's text.
    pub fn finish(self) -> String {
        let Drawing {
            width,
            height,
            title,
            body,
        } = self;
        format!(
            "<svg class=\"picture\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
             width=\"{width}\" role=\"img\">\n<title>{title}</title>\n<style>{STYLE}</style>\n\
             <rect class=\"paper\" width=\"{width}\" height=\"{height}\"/>\n{body}</svg>\n"
        )
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
