//! `stat`: everything that is stored beside an object's bytes.

use std::collections::BTreeMap;

use cos_encryption::envelope::headers::Field;
use cos_transport::object::ObjectHead;
use serde::Serialize;

use super::Context;
use super::describe::Encryption;
use crate::args::inspect::Stat;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Names, Record};

pub(super) async fn run(context: &Context, args: Stat) -> Result<Exit, Failure> {
    let key = args.location.object()?;
    let mut settings = context.settings()?;
    let stated = context
        .with_session(&mut settings, async |session| {
            let mut request = session
                .client()
                .bucket(args.location.bucket.clone())
                .head_object(key.clone());
            if let Some(version_id) = &args.version_id {
                request = request.version_id(version_id);
            }
            let head = request
                .send()
                .await
                .map_err(|error| super::object_failure(error, &args.location.bucket, &args.location.path))?;
            Stated::of(args.location.to_string(), head)
        })
        .await?;
    context.output().record(&stated)?;
    Ok(Exit::Done)
}

#[derive(Serialize)]
struct Stated {
    object: String,
    format: &'static str,
    authenticated: bool,
    /// Length of the plaintext, where the headers tell.
    size: Option<u64>,
    stored_size: u64,
    last_modified: Option<String>,
    etag: String,
    storage_class: Option<String>,
    content_type: Option<String>,
    version_id: Option<String>,
    crc64: Option<u64>,
    /// The user's own, without the envelope.
    metadata: BTreeMap<String, String>,
}

impl Stated {
    fn of(object: String, head: ObjectHead) -> Result<Self, Failure> {
        let encryption = Encryption::of(head.metadata().iter(), Some(head.content_length))?;
        let own = head
            .metadata()
            .iter()
            .filter(|(name, _)| Field::of_name(name).is_none());
        Ok(Self {
            object,
            format: encryption.format,
            authenticated: encryption.is_authenticated(),
            size: encryption.plain_len,
            stored_size: head.content_length,
            last_modified: head.last_modified.map(|time| time.to_string()),
            etag: head.etag.to_string(),
            storage_class: head.attributes.storage_class.as_ref().map(ToString::to_string),
            content_type: head.attributes.content_type.clone(),
            version_id: head.version_id.clone(),
            crc64: head.crc64,
            metadata: own
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        })
    }
}

impl Record for Stated {
    fn human(&self, names: Names) -> String {
        let mut lines = vec![names.show(&self.object)];
        let mut line = |label: &str, value: &str| lines.push(format!("  {label:<14} {}", names.show(value)));
        line("format", self.format);
        line("authenticated", if self.authenticated { "yes" } else { "no" });
        match self.size {
            Some(size) => line("size", &format!("{size} bytes")),
            None => line("size", "not known"),
        }
        line("stored", &format!("{} bytes", self.stored_size));
        let optional = [
            ("modified", &self.last_modified),
            ("class", &self.storage_class),
            ("content type", &self.content_type),
            ("version", &self.version_id),
        ];
        for (label, value) in optional {
            if let Some(value) = value {
                line(label, value);
            }
        }
        line("etag", &self.etag);
        for (name, value) in &self.metadata {
            line("metadata", &format!("{name}={value}"));
        }
        lines.join("\n")
    }
}
