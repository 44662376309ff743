//! `put`: encrypts and uploads files, folders and streams.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cos_encryption::client::{ContentFormat, EncryptedBucket, EncryptionClient, Source};
use cos_encryption::keys::KeyId;
use cos_encryption::seal::Layout;
use cos_transport::{Metadata, ObjectAttributes, ObjectKey};
use futures_util::{Stream, StreamExt as _, stream};
use serde::Serialize;
use tokio_util::either::Either;

use super::Context;
use super::batch::{Batch, Scope};
use crate::args::location::{Location, parse_key};
use crate::args::transfer::{Format, Put};
use crate::connect::{Session, key_ring};
use crate::exit::Exit;
use crate::failure::{Failure, plain};
use crate::files::stdin::PatientStdin;
use crate::files::walk::{Found, walk};
use crate::output::sanitize::{path_text, sanitize_path};
use crate::output::{Names, Output, Record};

pub(super) async fn run(context: &Context, args: Put) -> Result<Exit, Failure> {
    let scope = check(&args)?;
    let mut settings = context.settings()?;
    let keys = key_ring(&settings)?;
    let jobs = settings.jobs();
    if args.format == Format::CosPython {
        context.output().warn(
            "cos-python objects are not authenticated: whoever can write to the bucket can change what they \
             decrypt to without being noticed",
        );
    }
    context
        .with_session(&mut settings, async |session| {
            let client =
                EncryptionClient::new(session.client().clone(), keys).with_format(args.format.into());
            let upload = Upload {
                bucket: client.bucket(args.target.bucket.clone()),
                attributes: attributes(&args),
                format: args.format,
                dry_run: args.dry_run.dry_run,
                output: Arc::clone(context.output()),
            };
            let mut batch = match upload.dry_run {
                true => Batch::dry_run(context, scope, "would store"),
                false => Batch::new(context, scope, "stored"),
            };
            let mut outcomes = items(&args, session)
                .map(|item| upload.item(item))
                .buffer_unordered(jobs);
            while let Some(Outcome { item, result }) = outcomes.next().await {
                match result {
                    Ok(Handled::Stored(stored)) => {
                        let size = stored.size.unwrap_or_default();
                        batch.note(&item, Ok((stored, size)))?;
                    }
                    Ok(Handled::Skipped(skipped)) => {
                        context.output().note(skipped.human(Names::Raw));
                        context.output().item(&skipped)?;
                    }
                    Err(failure) => batch.note(&item, Err::<(Stored, u64), _>(failure))?,
                }
            }
            batch.finish()
        })
        .await
}

/// What can be told before anything is opened.
fn check(args: &Put) -> Result<Scope, Failure> {
    let is_stdin = |source: &PathBuf| source.as_os_str() == "-";
    if args.sources.iter().filter(|source| is_stdin(source)).count() > 1 {
        return Err(Failure::usage(
            "- stands for stdin and can be given only once",
            "give files for the others",
        ));
    }
    if args.sources.iter().any(is_stdin) && args.target.is_folder() {
        let help = format!("write it as cos://{}/KEY", args.target.bucket);
        return Err(Failure::usage(
            "what comes from stdin needs a key, and a folder was given",
            help,
        ));
    }
    if args.sources.len() > 1 && !args.target.is_folder() {
        let help = format!("write it as {}/", args.target);
        return Err(Failure::usage(
            "several sources need a folder as their target, which ends in /",
            help,
        ));
    }
    let folder = args.sources.iter().find(|source| source.is_dir());
    if let Some(folder) = folder.filter(|_| !args.recursive) {
        let message = format!("{} is a folder", sanitize_path(folder));
        return Err(Failure::usage(message, "add -r to put everything that is in it"));
    }
    let is_folder = folder.is_some();
    if !args.target.is_folder() && !is_folder {
        args.target.object()?;
    }
    Ok(if args.sources.len() == 1 && !is_folder {
        Scope::One
    } else {
        Scope::Many
    })
}

fn attributes(args: &Put) -> ObjectAttributes {
    ObjectAttributes {
        content_type: args.content_type.clone(),
        storage_class: args.storage_class.clone(),
        metadata: args
            .metadata
            .iter()
            .map(|(name, value)| (name, value))
            .collect::<Metadata>(),
        ..ObjectAttributes::default()
    }
}

impl From<Format> for ContentFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Sealed => Self::Sealed,
            Format::CosPython => Self::CosPython,
        }
    }
}

/// One thing to upload, or to tell about.
enum Item {
    File {
        path: PathBuf,
        key: Result<ObjectKey, Failure>,
    },
    Stdin {
        key: Result<ObjectKey, Failure>,
    },
    Skipped {
        path: PathBuf,
        reason: &'static str,
    },
    Failed {
        path: PathBuf,
        failure: Failure,
    },
}

/// Everything that the sources stand for, found while it is worked on.
fn items<'a>(args: &'a Put, session: &'a Session) -> impl Stream<Item = Item> + 'a {
    stream::iter(&args.sources).flat_map(move |source| {
        if source.as_os_str() == "-" {
            return Either::Left(stream::iter([Item::Stdin {
                key: args.target.object(),
            }]));
        }
        if !source.is_dir() {
            let key = key_of_file(source, &args.target);
            return Either::Left(stream::iter([Item::File {
                path: source.clone(),
                key,
            }]));
        }
        let prefix = args.target.folder();
        let mut found = walk(source.clone(), session.store());
        let found = stream::poll_fn(move |context| found.poll_recv(context));
        Either::Right(found.map(move |found| match found {
            Found::File { path, relative } => {
                let key = parse_key(&format!("{prefix}{relative}"));
                Item::File { path, key }
            }
            Found::Skipped { path, reason } => Item::Skipped { path, reason },
            Found::Failed { path, failure } => Item::Failed { path, failure },
        }))
    })
}

fn key_of_file(path: &Path, target: &Location) -> Result<ObjectKey, Failure> {
    if !target.is_folder() {
        return target.object();
    }
    let name = path.file_name().ok_or_else(|| {
        Failure::usage(
            format!("{} has no file name", sanitize_path(path)),
            "give the key to store it under",
        )
    })?;
    let name = name.to_str().ok_or_else(|| {
        Failure::new(Exit::Failed, "its name is not UTF-8, and object keys are")
            .or_help("give the key to store it under")
    })?;
    parse_key(&format!("{}{name}", target.path))
}

/// How objects are written.
struct Upload {
    bucket: EncryptedBucket,
    attributes: ObjectAttributes,
    format: Format,
    dry_run: bool,
    output: Arc<Output>,
}

/// What came of one item.
struct Outcome {
    item: String,
    result: Result<Handled, Failure>,
}

enum Handled {
    Stored(Stored),
    Skipped(Skipped),
}

impl Upload {
    async fn item(&self, item: Item) -> Outcome {
        match item {
            Item::File { path, key } => {
                let result = match key {
                    Ok(key) => self.file(&path, key).await.map(Handled::Stored),
                    Err(failure) => Err(failure),
                };
                Outcome {
                    item: path_text(&path),
                    result,
                }
            }
            Item::Stdin { key } => {
                let result = match key {
                    Ok(key) => self.stdin(key).await.map(Handled::Stored),
                    Err(failure) => Err(failure),
                };
                Outcome {
                    item: "-".to_owned(),
                    result,
                }
            }
            Item::Skipped { path, reason } => {
                let skipped = Skipped {
                    skipped: path_text(&path),
                    reason,
                };
                Outcome {
                    item: String::new(),
                    result: Ok(Handled::Skipped(skipped)),
                }
            }
            Item::Failed { path, failure } => Outcome {
                item: path_text(path),
                result: Err(failure),
            },
        }
    }

    async fn file(&self, path: &Path, key: ObjectKey) -> Result<Stored, Failure> {
        let doing = |error| Failure::file("read", path, &error);
        let metadata = tokio::fs::metadata(path).await.map_err(doing)?;
        if !metadata.is_file() {
            // A pipe, such as a shell's <(…): it ends no one knows when.
            let file = tokio::fs::File::open(path).await.map_err(doing)?;
            return self.store(path, key, Source::reader(file), None).await;
        }
        self.output.bar().expect(self.stored_len(metadata.len()));
        self.store(path, key, Source::file(path), Some(metadata.len()))
            .await
    }

    async fn stdin(&self, key: ObjectKey) -> Result<Stored, Failure> {
        self.store(Path::new("-"), key, Source::reader(PatientStdin::new()), None)
            .await
    }

    async fn store(
        &self,
        path: &Path,
        key: ObjectKey,
        source: Source,
        len: Option<u64>,
    ) -> Result<Stored, Failure> {
        let object = format!("cos://{}/{}", self.bucket.plain().name(), key.as_str());
        let file = path_text(path);
        let format = self.format;
        if self.dry_run {
            return Ok(Stored {
                file,
                object,
                size: len,
                format,
                etag: None,
                version_id: None,
                key_ids: Vec::new(),
            });
        }
        let request = self
            .bucket
            .put_object(key, source)
            .attributes(self.attributes.clone());
        let stored = request.send().await.map_err(|error| match error {
            cos_encryption::Error::Source(error) => {
                Failure::new(exit_of(&error), format!("cannot read {file}: {}", plain(&error)))
                    .or_help("check that it can be read and that nothing changes it meanwhile")
            }
            cos_encryption::Error::Transport(error) => {
                super::bucket_failure(error, self.bucket.plain().name())
            }
            error => error.into(),
        })?;
        Ok(Stored {
            file,
            object,
            size: Some(stored.plain_len),
            format,
            etag: Some(stored.etag.to_string()),
            version_id: stored.version_id,
            key_ids: stored.key_ids,
        })
    }

    /// What will be sent: ciphertext is a little longer than plaintext.
    fn stored_len(&self, plain_len: u64) -> u64 {
        match (self.format, Layout::of_plain(plain_len)) {
            (Format::Sealed, Ok(layout)) => layout.sealed_len(),
            _ => plain_len,
        }
    }
}

fn exit_of(error: &std::io::Error) -> Exit {
    match error.kind() {
        std::io::ErrorKind::NotFound => Exit::NotFound,
        std::io::ErrorKind::PermissionDenied => Exit::NotPermitted,
        _ => Exit::Failed,
    }
}

#[derive(Serialize)]
struct Stored {
    file: String,
    object: String,
    /// Length of the plaintext; of a stream it is known only afterwards.
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    format: Format,
    #[serde(skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_id: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    key_ids: Vec<KeyId>,
}

impl Record for Stored {
    fn human(&self, names: Names) -> String {
        format!("{} -> {}", names.show(&self.file), names.show(&self.object))
    }
}

#[derive(Serialize)]
struct Skipped {
    skipped: String,
    reason: &'static str,
}

impl Record for Skipped {
    fn human(&self, names: Names) -> String {
        format!("skipped {}: {}", names.show(&self.skipped), self.reason)
    }
}
