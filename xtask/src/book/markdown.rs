//! Markdown as HTML, with GitHub's anchors at the headings.

use std::collections::BTreeSet;

use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html};

/// A page as it was read.
pub struct Document {
    /// Its first heading.
    pub title: String,
    /// What may stand behind `#` in a link to it.
    pub anchors: BTreeSet<String>,
    events: Vec<Event<'static>>,
}

/// What a link leads to.
pub enum Target {
    /// A page of the book, and the place on it, with `#`.
    Page(String, String),
    /// Another file of the repository.
    File(String),
    /// Out of the book, or to a picture: the link stays as it is.
    Elsewhere,
}

impl Document {
    /// Reads a page.
    pub fn read(text: &str) -> Self {
        let parser = Parser::new_ext(text, Options::ENABLE_TABLES);
        let mut events: Vec<Event<'static>> = parser.map(Event::into_static).collect();
        let (mut title, mut anchors) = (String::new(), BTreeSet::new());
        for start in 0..events.len() {
            if !matches!(events[start], Event::Start(Tag::Heading { .. })) {
                continue;
            }
            let text = heading(&events[start + 1..]);
            let slug = slug(&text);
            let mut numbered = (1..).map(|number| format!("{slug}-{number}"));
            let mut anchor = slug.clone();
            while anchors.contains(&anchor) {
                anchor = numbered.next().unwrap_or_default();
            }
            if let Event::Start(Tag::Heading { id, .. }) = &mut events[start] {
                *id = Some(CowStr::from(anchor.clone()));
            }
            if title.is_empty() {
                title = text;
            }
            anchors.insert(anchor);
        }
        Document {
            title,
            anchors,
            events,
        }
    }

    /// The page's contents as HTML. `link` says what a link becomes.
    pub fn html(&self, mut link: impl FnMut(&str) -> String) -> String {
        let events = self.events.iter().cloned().map(|mut event| {
            if let Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) =
                &mut event
            {
                *dest_url = link(dest_url).into();
            }
            event
        });
        let mut text = String::new();
        html::push_html(&mut text, events);
        text
    }
}

/// The text of a heading, of the events behind its start.
fn heading(events: &[Event<'_>]) -> String {
    let inside = events
        .iter()
        .take_while(|event| !matches!(event, Event::End(TagEnd::Heading(_))));
    let text = inside.filter_map(|event| match event {
        Event::Text(text) | Event::Code(text) => Some(text.as_ref()),
        _ => None,
    });
    text.collect()
}

/// As GitHub makes anchors of headings.
fn slug(heading: &str) -> String {
    let kept = heading.chars().filter_map(|character| match character {
        ' ' => Some('-'),
        '-' | '_' => Some(character),
        _ if character.is_alphanumeric() => Some(character),
        _ => None,
    });
    kept.collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_have_githubs_anchors_and_equal_ones_are_numbered() {
        let text = "# The `niu`, flat\n\n## Bundles (`hdl/src/bundles.rs`)\n\n## Same\n\n## Same\n";
        let document = Document::read(text);
        assert_eq!(document.title, "The niu, flat");
        let anchors: Vec<_> = document.anchors.iter().map(String::as_str).collect();
        assert_eq!(
            anchors,
            ["bundles-hdlsrcbundlesrs", "same", "same-1", "the-niu-flat"]
        );
        let html = document.html(|link| link.to_string());
        assert!(html.contains(r#"<h2 id="same-1">"#), "{html}");
    }

    #[test]
    fn links_and_pictures_become_what_they_are_told() {
        let document = Document::read("[a](b.md) ![c](d.svg)\n");
        let html = document.html(|link| format!("x/{link}"));
        assert!(
            html.contains(r#"href="x/b.md""#) && html.contains(r#"src="x/d.svg""#),
            "{html}"
        );
    }
}
