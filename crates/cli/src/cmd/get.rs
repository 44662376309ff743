//! `get`: downloads and decrypts an object, or a folder of them.

use std::path::Path;

use cos_encryption::client::ObjectHead;
use cos_transport::wire::list::ListedObject;
use futures_util::StreamExt as _;
use serde::Serialize;
use tokio::sync::OnceCell;

use super::Context;
use super::batch::{Batch, Scope};
use super::read::{Read, Reader};
use crate::args::location::{Location, parse_key};
use crate::args::transfer::Get;
use crate::connect::key_ring;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::files::relative::RelativePath;
use crate::files::target::{Existing, Folder, Target};
use crate::output::sanitize::path_text;
use crate::output::{Names, Record};

/// A sealed object of nothing is this long: folder objects are not longer, whoever made them.
const EMPTY_SEALED_LEN: u64 = 16;

pub(super) async fn run(context: &Context, args: Get) -> Result<Exit, Failure> {
    let existing = if args.force {
        Existing::Replace
    } else {
        Existing::Refuse
    };
    let mut settings = context.settings()?;
    let keys = key_ring(&settings)?;
    let jobs = settings.jobs();
    let is_stdout = args.target.as_os_str() == "-";
    if args.recursive && is_stdout {
        return Err(Failure::usage(
            "a folder cannot be written to stdout",
            "name a folder to write to",
        ));
    }
    if !args.recursive && args.source.is_folder() {
        let message = format!("{} is a folder, not an object", args.source);
        return Err(Failure::usage(message, "add -r to get everything that is in it"));
    }
    context
        .with_session(&mut settings, async |session| {
            let reader = Reader::new(session, keys, &args.source, args.read.clone(), context.output());
            let scope = if args.recursive { Scope::Many } else { Scope::One };
            let mut batch = match args.dry_run.dry_run {
                true => Batch::dry_run(context, scope, "would fetch"),
                false => Batch::new(context, scope, "fetched"),
            };
            if args.recursive {
                folder(context, &reader, &args, existing, jobs, &mut batch).await?;
            } else if is_stdout && !args.dry_run.dry_run {
                // Nothing but the data may be written to stdout.
                let head = reader.to_stdout(args.source.object()?).await?;
                warn_unauthenticated(context, &head, &args.source.to_string());
                return Ok(Exit::Done);
            } else {
                let outcome = single(context, &reader, &args, existing).await;
                batch.note("", outcome)?;
            }
            batch.finish()
        })
        .await
}

async fn single(
    context: &Context,
    reader: &Reader,
    args: &Get,
    existing: Existing,
) -> Result<(Fetched, u64), Failure> {
    let key = args.source.object()?;
    let object = args.source.to_string();
    if args.dry_run.dry_run && args.target.as_os_str() == "-" {
        let head = reader.head(key).await?;
        return Ok((
            Fetched::planned(object, &args.target, Some(&head)),
            head.plain_len,
        ));
    }
    let target = Target::named(&args.target, key.as_str(), existing)?;
    if args.dry_run.dry_run {
        let head = reader.head(key).await?;
        return Ok((
            Fetched::planned(object, &target.path(), Some(&head)),
            head.plain_len,
        ));
    }
    let read = reader.to_file(key, target).await?;
    warn_unauthenticated(context, &read.head, &object);
    let size = read.size;
    Ok((Fetched::of(object, &read), size))
}

/// Everything beneath a prefix, into a folder that nothing leads out of.
async fn folder(
    context: &Context,
    reader: &Reader,
    args: &Get,
    existing: Existing,
    jobs: usize,
    batch: &mut Batch<'_>,
) -> Result<(), Failure> {
    let prefix = args.source.folder();
    let listed = reader.bucket().list_objects().prefix(&prefix).entries();
    let mode = if args.dry_run.dry_run {
        Mode::Plan
    } else {
        Mode::Fetch
    };
    let job = Job {
        reader,
        mode,
        root: OnceCell::new(),
        target: &args.target,
        existing,
    };
    let outcomes = listed
        .map(|listed| async {
            let object = listed.map_err(|error| super::bucket_failure(error, &args.source.bucket))?;
            let outcome = job.fetch(&prefix, &object).await;
            Ok::<_, Failure>((object.key, outcome))
        })
        .buffer_unordered(jobs);
    let mut outcomes = std::pin::pin!(outcomes);
    let mut unauthenticated = 0u64;
    while let Some(outcome) = outcomes.next().await {
        let (key, outcome) = outcome?;
        match outcome {
            Ok(None) => {}
            Ok(Some((fetched, size))) => {
                unauthenticated += u64::from(fetched.authenticated == Some(false));
                batch.note(&key, Ok((fetched, size)))?;
            }
            Err(failure) => batch.note(&key, Err::<(Fetched, u64), _>(failure))?,
        }
    }
    if unauthenticated > 0 {
        context.output().warn(format_args!(
            "{unauthenticated} of the objects are not authenticated: {UNAUTHENTICATED}"
        ));
    }
    if batch.count() == 0 && !prefix.is_empty() {
        return Err(nothing_there(&args.source, &prefix));
    }
    Ok(())
}

fn nothing_there(source: &Location, prefix: &str) -> Failure {
    Failure::new(
        Exit::NotFound,
        format!("there is nothing in {}", source.show(prefix)),
    )
    .or_help(format!(
        "see what is there with: coscrypt ls cos://{}/",
        source.bucket
    ))
}

/// Whether objects are fetched, or it is only told what would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Fetch,
    Plan,
}

/// How the objects of a folder are fetched.
struct Job<'a> {
    reader: &'a Reader,
    mode: Mode,
    /// The target folder, made when the first object goes into it.
    root: OnceCell<Folder>,
    target: &'a Path,
    existing: Existing,
}

impl Job<'_> {
    /// Fetches an object; the objects that stand for folders become folders.
    async fn fetch(&self, prefix: &str, listed: &ListedObject) -> Result<Option<(Fetched, u64)>, Failure> {
        let rest = listed.key.strip_prefix(prefix).unwrap_or(&listed.key);
        if rest.is_empty() {
            return Ok(None);
        }
        let (path, is_folder) = match rest.strip_suffix('/') {
            Some(folder) if listed.size <= EMPTY_SEALED_LEN => (folder, true),
            _ => (rest, false),
        };
        let path = RelativePath::parse(path).map_err(|reason| {
            Failure::new(
                Exit::Failed,
                format!("its key is not a path within a folder: {reason}"),
            )
            .or_help("fetch it alone, under a name of your choice")
        })?;
        if self.mode == Mode::Plan {
            let target = self.target.join(path.as_str());
            let object = self.reader.object(&listed.key);
            return Ok((!is_folder).then(|| (Fetched::planned(object, &target, None), 0)));
        }
        let root = self
            .root
            .get_or_try_init(async || Folder::create(self.target))
            .await?;
        if is_folder {
            root.create_beneath(&path)?;
            return Ok(None);
        }
        let target = root.target_beneath(&path, self.existing)?;
        let read = self.reader.to_file(parse_key(&listed.key)?, target).await?;
        let size = read.size;
        Ok(Some((Fetched::of(self.reader.object(&listed.key), &read), size)))
    }
}

const UNAUTHENTICATED: &str = "whoever can write to the bucket could have changed what they hold";

/// Says that what was read could not be verified.
pub(super) fn warn_unauthenticated(context: &Context, head: &ObjectHead, object: &str) {
    if !head.format.is_authenticated() {
        context.output().warn(format_args!(
            "{object} is not authenticated: whoever can write to the bucket could have changed what it holds"
        ));
    }
}

#[derive(Serialize)]
struct Fetched {
    object: String,
    file: String,
    /// Bytes of plaintext that were written.
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authenticated: Option<bool>,
}

impl Fetched {
    fn of(object: String, read: &Read) -> Self {
        Self {
            size: Some(read.size),
            ..Self::planned(object, &read.path, Some(&read.head))
        }
    }

    fn planned(object: String, path: &Path, head: Option<&ObjectHead>) -> Self {
        Self {
            object,
            file: path_text(path),
            size: head.map(|head| head.plain_len),
            format: head.map(|head| head.format.name()),
            authenticated: head.map(|head| head.format.is_authenticated()),
        }
    }
}

impl Record for Fetched {
    fn human(&self, names: Names) -> String {
        format!("{} -> {}", names.show(&self.object), names.show(&self.file))
    }
}
