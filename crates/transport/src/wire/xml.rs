//! XML with limits. Documents come from the network, so their size, depth and number of elements are bounded,
//! document types are refused, and attributes are never read.

use std::borrow::Cow;
use std::str::FromStr;

use quick_xml::Reader;
use quick_xml::events::{BytesRef, Event};

/// The largest document that is read, in bytes.
pub const MAX_DOCUMENT: usize = 16 * 1024 * 1024;
const MAX_DEPTH: usize = 16;
const MAX_TEXT: usize = 64 * 1024;
const MAX_ELEMENTS: usize = 100_000;

/// Why a document was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum XmlError {
    /// One of the limits of this module.
    #[error("the XML document has more than {limit} {what}")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How much is allowed.
        limit: usize,
    },
    /// `<!DOCTYPE` and the like.
    #[error("the XML document declares a document type, which is refused")]
    DocType,
    /// Not well-formed.
    #[error("the XML document is malformed: {0}")]
    Malformed(String),
    /// An element that should be there is not.
    #[error("the XML document lacks <{0}>")]
    Missing(&'static str),
    /// An element's text is not what it should be.
    #[error("the XML element <{name}> holds {value:?}, which is not possible there")]
    BadValue {
        /// The element's name.
        name: String,
        /// The beginning of its text.
        value: String,
    },
}

/// An element: its name, its text, its children.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Element {
    /// Name without namespace prefix.
    pub name: String,
    /// Text directly inside the element.
    pub text: String,
    /// Elements directly inside the element, in order.
    pub children: Vec<Element>,
}

impl Element {
    /// An empty element.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// Adds `<name>text</name>`.
    #[must_use]
    pub fn leaf(mut self, name: &str, text: impl ToString) -> Self {
        self.children.push(Self {
            name: name.to_owned(),
            text: text.to_string(),
            children: Vec::new(),
        });
        self
    }

    /// Adds `<name>text</name>` when there is a text.
    #[must_use]
    pub fn maybe(self, name: &str, text: Option<impl ToString>) -> Self {
        match text {
            Some(text) => self.leaf(name, text),
            None => self,
        }
    }

    /// Adds a child.
    #[must_use]
    pub fn child(mut self, child: Self) -> Self {
        self.children.push(child);
        self
    }

    /// Adds children.
    #[must_use]
    pub fn extend(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children);
        self
    }

    /// The first child of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// All children of that name, in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text of the first child of that name; none when it is absent or empty.
    #[must_use]
    pub fn text_of(&self, name: &str) -> Option<&str> {
        self.get(name)
            .map(|child| child.text.as_str())
            .filter(|text| !text.is_empty())
    }

    /// The text of a child that must be there; it may be empty.
    ///
    /// # Errors
    /// [`XmlError::Missing`].
    pub fn required(&self, name: &'static str) -> Result<&str, XmlError> {
        self.get(name)
            .map(|child| child.text.as_str())
            .ok_or(XmlError::Missing(name))
    }

    /// A child's text as a value, when there is such a child with a text.
    ///
    /// # Errors
    /// [`XmlError::BadValue`] when the text does not parse.
    pub fn parsed<T: FromStr>(&self, name: &str) -> Result<Option<T>, XmlError> {
        self.text_of(name)
            .map(|text| {
                let bad = || XmlError::BadValue {
                    name: name.to_owned(),
                    value: text.chars().take(80).collect(),
                };
                text.trim().parse().map_err(|_| bad())
            })
            .transpose()
    }

    /// Reads a document whose root element is `root`.
    ///
    /// # Errors
    /// When it is malformed, beyond a limit, or has another root.
    pub fn parse_root(document: &[u8], root: &'static str) -> Result<Self, XmlError> {
        let element = Self::parse(document)?;
        if element.name == root {
            Ok(element)
        } else {
            Err(XmlError::Missing(root))
        }
    }

    /// Reads a document.
    ///
    /// # Errors
    /// When it is malformed or beyond a limit.
    pub fn parse(document: &[u8]) -> Result<Self, XmlError> {
        if document.len() > MAX_DOCUMENT {
            return Err(XmlError::TooLarge {
                what: "bytes",
                limit: MAX_DOCUMENT,
            });
        }
        let text = std::str::from_utf8(document).map_err(|_| malformed("it is not UTF-8"))?;
        // The service sends white space, to keep the connection alive, before some documents.
        let mut reader = Reader::from_str(text.trim_start());
        let mut stack: Vec<Self> = Vec::new();
        let mut root = None;
        let mut elements = 0usize;
        loop {
            match reader.read_event().map_err(malformed)? {
                event @ (Event::Start(_) | Event::Empty(_)) => {
                    let (start, is_empty) = match &event {
                        Event::Start(start) => (start, false),
                        Event::Empty(start) => (start, true),
                        _ => continue,
                    };
                    elements += 1;
                    if elements > MAX_ELEMENTS {
                        return Err(XmlError::TooLarge {
                            what: "elements",
                            limit: MAX_ELEMENTS,
                        });
                    }
                    if stack.len() >= MAX_DEPTH {
                        return Err(XmlError::TooLarge {
                            what: "nested levels",
                            limit: MAX_DEPTH,
                        });
                    }
                    if root.is_some() {
                        return Err(malformed("there is something behind the root element"));
                    }
                    let element = Self::new(start.local_name().into_inner());
                    if is_empty {
                        close(element, &mut stack, &mut root)
                    } else {
                        stack.push(element)
                    }
                }
                Event::End(_) => match stack.pop() {
                    Some(element) => close(element, &mut stack, &mut root),
                    None => return Err(malformed("an element is closed that is not open")),
                },
                Event::Text(part) => append(stack.last_mut(), &part.xml10_content())?,
                Event::CData(part) => append(stack.last_mut(), &part.xml10_content())?,
                Event::GeneralRef(reference) => append(stack.last_mut(), &resolve(&reference)?)?,
                Event::DocType(_) => return Err(XmlError::DocType),
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
                Event::Eof => break,
            }
        }
        match root {
            Some(root) if stack.is_empty() => Ok(root),
            _ => Err(malformed("it ends in the middle")),
        }
    }

    /// Writes the element as a document.
    #[must_use]
    pub fn to_document(&self) -> String {
        let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        if self.text.is_empty() && self.children.is_empty() {
            out.extend(["<", &self.name, "/>"]);
            return;
        }
        out.extend(["<", &self.name, ">"]);
        // A bare carriage return is read back as a line feed (XML 1.0, section 2.11).
        out.push_str(&quick_xml::escape::escape(&self.text).replace('\r', "&#13;"));
        for child in &self.children {
            child.write(out);
        }
        out.extend(["</", &self.name, ">"]);
    }
}

fn malformed(reason: impl ToString) -> XmlError {
    XmlError::Malformed(reason.to_string())
}

fn close(element: Element, stack: &mut [Element], root: &mut Option<Element>) {
    match stack.last_mut() {
        Some(parent) => parent.children.push(element),
        None => *root = Some(element),
    }
}

fn append(element: Option<&mut Element>, text: &str) -> Result<(), XmlError> {
    match element {
        Some(element) => {
            if element.text.len() + text.len() > MAX_TEXT {
                return Err(XmlError::TooLarge {
                    what: "bytes of text in one element",
                    limit: MAX_TEXT,
                });
            }
            element.text.push_str(text);
            Ok(())
        }
        None if text.trim().is_empty() => Ok(()),
        None => Err(malformed("there is text outside of the root element")),
    }
}

/// The five predefined entities and character references; a document cannot declare others.
fn resolve<'a>(reference: &BytesRef<'a>) -> Result<Cow<'a, str>, XmlError> {
    if let Some(character) = reference.resolve_char_ref().map_err(malformed)? {
        return Ok(Cow::Owned(character.to_string()));
    }
    let name = reference.xml10_content();
    quick_xml::escape::resolve_predefined_entity(&name)
        .map(Cow::Borrowed)
        .ok_or_else(|| malformed(format!("unknown entity &{name};")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_services_write() {
        let document = b"  \n<?xml version='1.0'?>\n<!-- c --><a xmlns=\"u\" x='1'><b>1 &lt; 2 &#x4e2d;</b>\n<n:c/><b><![CDATA[<x>]]></b></a>\n";
        let root = Element::parse(document).unwrap();
        assert_eq!(root.text_of("b"), Some("1 < 2 中"));
        assert_eq!(
            root.all("b").map(|b| b.text.as_str()).collect::<Vec<_>>(),
            ["1 < 2 中", "<x>"]
        );
        assert_eq!(root.required("c"), Ok(""));
        assert_eq!(root.required("d"), Err(XmlError::Missing("d")));
    }

    #[test]
    fn hostile_documents_are_refused() {
        let deep = "<a>".repeat(100_000);
        assert_eq!(
            Element::parse(deep.as_bytes()),
            Err(XmlError::TooLarge {
                what: "nested levels",
                limit: MAX_DEPTH
            })
        );
        let many = format!("<r>{}</r>", "<a/>".repeat(MAX_ELEMENTS));
        assert!(matches!(
            Element::parse(many.as_bytes()),
            Err(XmlError::TooLarge { what: "elements", .. })
        ));
        let long = format!("<r>{}</r>", "x".repeat(MAX_TEXT + 1));
        assert!(matches!(
            Element::parse(long.as_bytes()),
            Err(XmlError::TooLarge { .. })
        ));
        let attributes: String = (0..100_000).map(|i| format!(" a{i}='1'")).collect();
        assert!(Element::parse(format!("<r{attributes}/>").as_bytes()).is_ok());
        let bomb = b"<!DOCTYPE r [<!ENTITY a 'aaaa'>]><r>&a;</r>";
        assert_eq!(Element::parse(bomb), Err(XmlError::DocType));
        for bad in [
            "",
            "<a>",
            "<a></b>",
            "<a/><b/>",
            "x<a/>",
            "<a>&b;</a>",
            "</a>",
            "<a/>x",
            "{}",
        ] {
            assert!(Element::parse(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(Element::parse(b"<a>\xff</a>").is_err());
        assert!(matches!(
            Element::parse(&vec![b' '; MAX_DOCUMENT + 1]),
            Err(XmlError::TooLarge { .. })
        ));
    }

    proptest! {
        #[test]
        fn text_survives(text in "[^\u{0}-\u{1f}\u{fffe}\u{ffff}]{0,60}") {
            let document = Element::new("r").leaf("t", &text).to_document();
            let root = Element::parse(document.as_bytes()).unwrap();
            prop_assert_eq!(root.required("t").unwrap(), text);
        }

        #[test]
        fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Element::parse(&bytes);
        }
    }
}
