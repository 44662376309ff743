//! `inspect`: what wrote an object and how it is protected, from its headers alone.

use cos_encryption::envelope::{Authentication, Description};
use serde::Serialize;

use super::describe::Encryption;
use super::{Context, headers};
use crate::args::inspect::Inspect;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Names, Record};

pub(super) async fn run(context: &Context, args: Inspect) -> Result<Exit, Failure> {
    let inspected = match (args.headers, args.location) {
        (Some(file), _) => {
            let headers = headers::read(&file)?;
            let stored_len = headers
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                .and_then(|(_, value)| value.parse().ok());
            let headers = headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()));
            Inspected::new(None, stored_len, Encryption::of(headers, stored_len)?)
        }
        (None, Some(location)) => {
            let key = location.object()?;
            let mut settings = context.settings()?;
            context
                .with_session(&mut settings, async |session| {
                    let mut request = session
                        .client()
                        .bucket(location.bucket.clone())
                        .head_object(key.clone());
                    if let Some(version_id) = &args.version_id {
                        request = request.version_id(version_id);
                    }
                    let head = request
                        .send()
                        .await
                        .map_err(|error| super::object_failure(error, &location.bucket, &location.path))?;
                    let stored_len = Some(head.content_length);
                    let encryption = Encryption::of(head.metadata().iter(), stored_len)?;
                    Ok(Inspected::new(Some(location.to_string()), stored_len, encryption))
                })
                .await?
        }
        (None, None) => {
            return Err(Failure::usage(
                "there is nothing to inspect",
                "give cos://BUCKET/KEY or --headers FILE",
            ));
        }
    };
    context.output().record(&inspected)?;
    Ok(Exit::Done)
}

#[derive(Serialize)]
struct Inspected {
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<String>,
    format: &'static str,
    authenticated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stored_size: Option<u64>,
    #[serde(flatten)]
    description: Description,
}

impl Inspected {
    fn new(object: Option<String>, stored_size: Option<u64>, encryption: Encryption) -> Self {
        Self {
            object,
            format: encryption.format,
            authenticated: encryption.is_authenticated(),
            size: encryption.plain_len,
            stored_size,
            description: encryption.description,
        }
    }
}

impl Record for Inspected {
    fn human(&self, names: Names) -> String {
        let mut lines: Vec<String> = self.object.iter().map(|object| names.show(object)).collect();
        let mut line = |label: &str, value: &str| lines.push(format!("  {label:<14} {}", names.show(value)));
        line("writer", &self.description.writer);
        line("format", self.format);
        line(
            "authenticated",
            match self.description.authentication {
                Authentication::EveryChunk => "yes: every chunk, before it is used",
                Authentication::AtEnd => "only once all of it was read",
                Authentication::None => "no",
            },
        );
        if let Some(algorithm) = &self.description.content_algorithm {
            line("content", algorithm);
        }
        for wrap in &self.description.wraps {
            let id = wrap
                .key_id
                .map_or_else(|| "not recorded".to_owned(), |id| id.to_string());
            line("key", &format!("{id}  {}", wrap.algorithm));
        }
        if let Some(binding) = self.description.binding {
            line("bound to", &binding.to_string());
        }
        match (self.size, self.stored_size) {
            (Some(size), Some(stored)) if size != stored => {
                line("size", &format!("{size} bytes, stored as {stored}"))
            }
            (Some(size), _) => line("size", &format!("{size} bytes")),
            (None, Some(stored)) => line("size", &format!("not known; stored are {stored} bytes")),
            (None, None) => {}
        }
        for problem in &self.description.problems {
            line("note", problem);
        }
        lines.join("\n")
    }
}
