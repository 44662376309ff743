//! `ls`: objects with the size of what is in them.

use std::pin::pin;

use cos_transport::wire::list::{ListObjectsPage, ListedObject};
use cos_transport::{Bucket, ObjectKey};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::Serialize;

use super::Context;
use super::describe::Encryption;
use crate::args::list::Ls;
use crate::args::location::Location;
use crate::exit::{Exit, Tally};
use crate::failure::Failure;
use crate::output::{Names, Record};

pub(super) async fn run(context: &Context, args: Ls) -> Result<Exit, Failure> {
    let mut settings = context.settings()?;
    let jobs = settings.jobs();
    context
        .with_session(&mut settings, async |session| {
            let bucket = session.client().bucket(args.location.bucket.clone());
            let mut list = bucket.list_objects().prefix(&args.location.path);
            if !args.recursive {
                list = list.delimiter("/");
            }
            let entries = list
                .pages()
                .map_ok(|page| stream::iter(in_order(page).into_iter().map(Ok)))
                .try_flatten();
            let looked_up = entries.map(|entry| look_up(&bucket, &args, entry)).buffered(jobs);
            let mut looked_up = pin!(looked_up);
            let mut tally = Tally::default();
            while let Some(entry) = looked_up.next().await {
                let Looked { listed, failure } =
                    entry.map_err(|error| super::bucket_failure(error, &args.location.bucket))?;
                context.output().record(&listed)?;
                match failure {
                    None => tally.done(),
                    Some(failure) => {
                        tally.failed(failure.exit());
                        context.output().item_failed(&listed.key, &failure);
                    }
                }
            }
            if tally.done_count() + tally.failed_count() == 0 && !args.location.path.is_empty() {
                return Err(nothing_there(&args.location));
            }
            Ok(tally.exit())
        })
        .await
}

fn nothing_there(location: &Location) -> Failure {
    Failure::new(Exit::NotFound, format!("nothing begins with {location}")).or_help(format!(
        "see what is there with: coscrypt ls cos://{}/",
        location.bucket
    ))
}

/// What one line is about.
enum Entry {
    Object(ListedObject),
    Folder(String),
}

/// Objects and folders of one page, by name.
fn in_order(page: ListObjectsPage) -> Vec<Entry> {
    let objects = page.contents.into_iter().map(Entry::Object);
    let mut entries: Vec<Entry> = objects
        .chain(page.common_prefixes.into_iter().map(Entry::Folder))
        .collect();
    entries.sort_by(|a, b| a.name().cmp(b.name()));
    entries
}

impl Entry {
    fn name(&self) -> &str {
        match self {
            Self::Object(object) => &object.key,
            Self::Folder(prefix) => prefix,
        }
    }
}

/// A line, and why it says less than it should.
struct Looked {
    listed: Listed,
    failure: Option<Failure>,
}

async fn look_up(
    bucket: &Bucket,
    args: &Ls,
    entry: Result<Entry, cos_transport::Error>,
) -> Result<Looked, cos_transport::Error> {
    let object = match entry? {
        Entry::Folder(prefix) => {
            return Ok(Looked {
                listed: Listed::folder(prefix),
                failure: None,
            });
        }
        Entry::Object(object) => object,
    };
    let mut listed = Listed::stored(&object);
    if args.stored {
        return Ok(Looked {
            listed,
            failure: None,
        });
    }
    let failure = match encryption(bucket, &object.key).await {
        Ok(encryption) => {
            listed.describe(&encryption);
            None
        }
        Err(failure) => Some(failure),
    };
    Ok(Looked { listed, failure })
}

async fn encryption(bucket: &Bucket, key: &str) -> Result<Encryption, Failure> {
    let key: ObjectKey = crate::args::location::parse_key(key)?;
    let head = bucket.head_object(key).send().await?;
    Ok(Encryption::of(head.metadata().iter(), Some(head.content_length))?)
}

#[derive(Serialize)]
struct Listed {
    key: String,
    #[serde(rename = "type")]
    kind: &'static str,
    /// Length of the plaintext, where it was asked for and the headers tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stored_size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_modified: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    storage_class: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authenticated: Option<bool>,
}

impl Listed {
    fn folder(prefix: String) -> Self {
        Self {
            key: prefix,
            kind: "folder",
            size: None,
            stored_size: None,
            last_modified: None,
            storage_class: None,
            etag: None,
            format: None,
            authenticated: None,
        }
    }

    fn stored(object: &ListedObject) -> Self {
        Self {
            key: object.key.clone(),
            kind: "object",
            size: None,
            stored_size: Some(object.size),
            last_modified: Some(object.last_modified.to_string()),
            storage_class: Some(object.storage_class.to_string()),
            etag: Some(object.etag.to_string()),
            format: None,
            authenticated: None,
        }
    }

    fn describe(&mut self, encryption: &Encryption) {
        self.size = encryption.plain_len;
        self.format = Some(encryption.format);
        self.authenticated = Some(encryption.is_authenticated());
    }
}

impl Record for Listed {
    fn human(&self, names: Names) -> String {
        let size = match (self.size, self.format, self.stored_size) {
            (Some(size), ..) => size.to_string(),
            // The headers were asked for and do not tell.
            (None, Some(_), _) => "?".to_owned(),
            (None, None, Some(stored)) => stored.to_string(),
            (None, None, None) => String::new(),
        };
        // Seconds are enough for people.
        let time = self
            .last_modified
            .as_deref()
            .and_then(|time| time.get(..19))
            .unwrap_or_default();
        let format = self
            .format
            .unwrap_or(if self.kind == "folder" { "folder" } else { "stored" });
        format!("{size:>13}  {time:<19}  {format:<10}  {}", names.show(&self.key))
    }
}
