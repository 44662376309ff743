//! `key new`, `key show`, `key public`.

use std::path::{Path, PathBuf};

use cos_encryption::Error;
use cos_encryption::keys::{AesProvider, FilePermissions, KeyError, KeyId, LoadedKey, RsaProvider, RsaSize};
use serde::Serialize;

use super::Context;
use crate::args::key::{KeyCommand, KeyKind, KeyNew, KeyPublic, KeyShow};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::sanitize::{path_text, sanitize_path};
use crate::output::{Names, Record};

pub(super) async fn run(context: &Context, command: KeyCommand) -> Result<Exit, Failure> {
    match command {
        KeyCommand::New(args) => new(context, args).await,
        KeyCommand::Show(args) => show(context, &args),
        KeyCommand::Public(args) => public(context, &args),
    }
}

/// What is told of a key; never the key.
#[derive(Serialize)]
struct KeyRecord {
    key_id: KeyId,
    #[serde(rename = "type")]
    kind: String,
    can_decrypt: bool,
    file: String,
}

impl KeyRecord {
    fn of(key: &LoadedKey, file: &Path) -> Self {
        let (kind, can_decrypt) = match key {
            LoadedKey::Aes(key) => (format!("aes-{}", key.bits()), true),
            LoadedKey::Rsa(key) => (format!("rsa-{}", key.bits()), key.is_private()),
        };
        Self {
            key_id: key.key_id(),
            kind,
            can_decrypt,
            file: path_text(file),
        }
    }
}

impl Record for KeyRecord {
    fn human(&self, names: Names) -> String {
        let half = if self.can_decrypt {
            ""
        } else {
            ", public half: encrypts only"
        };
        format!("{}  {}{half}  {}", self.key_id, self.kind, names.show(&self.file))
    }
}

async fn new(context: &Context, args: KeyNew) -> Result<Exit, Failure> {
    let KeyNew { file, kind } = args;
    // Making an RSA key may take a while; a signal must end it all the same.
    let made = tokio::task::spawn_blocking(move || make(kind, &file).map(|key| (key, file))).await;
    let (key, file) = made.map_err(|error| Failure::new(Exit::Failed, error.to_string()))??;
    context.output().record(&KeyRecord::of(&key, &file))?;
    context
        .output()
        .note("Keep a copy of this file somewhere safe: without it, nothing opens that it encrypts.");
    Ok(Exit::Done)
}

fn make(kind: KeyKind, file: &Path) -> Result<LoadedKey, Error> {
    // Told before the work, not after it; the file is created under its name only if that is still free then.
    if file.symlink_metadata().is_ok() {
        return Err(Error::KeyFile {
            path: file.to_owned(),
            error: KeyError::Exists,
        });
    }
    let size = match kind {
        KeyKind::Aes => {
            let key = AesProvider::generate()?;
            key.create_file(file)?;
            return Ok(LoadedKey::Aes(key));
        }
        KeyKind::Rsa2048 => RsaSize::Rsa2048,
        KeyKind::Rsa3072 => RsaSize::Rsa3072,
        KeyKind::Rsa4096 => RsaSize::Rsa4096,
    };
    let key = RsaProvider::generate(size)?;
    key.create_private_file(file)?;
    Ok(LoadedKey::Rsa(Box::new(key)))
}

fn show(context: &Context, args: &KeyShow) -> Result<Exit, Failure> {
    // Nothing of the key is shown, so a file that others can read is described all the same – and warned of.
    let key = match LoadedKey::from_file(&args.file, FilePermissions::OwnerOnly) {
        Err(Error::KeyFile {
            error:
                error @ (KeyError::TooOpen { .. }
                | KeyError::PublicKeyWritable { .. }
                | KeyError::OtherOwner { .. }),
            ..
        }) => {
            context.output().warn(format!(
                "{}: {error}; no other command uses it so",
                args.file.display()
            ));
            LoadedKey::from_file(&args.file, FilePermissions::AllowOthers)?
        }
        read => read?,
    };
    context.output().record(&KeyRecord::of(&key, &args.file))?;
    Ok(Exit::Done)
}

fn public(context: &Context, args: &KeyPublic) -> Result<Exit, Failure> {
    let LoadedKey::Rsa(key) = LoadedKey::from_file(&args.file, FilePermissions::OwnerOnly)? else {
        let message = format!(
            "{} holds an AES key, which has no public half",
            sanitize_path(&args.file)
        );
        return Err(Failure::new(Exit::Key, message)
            .or_help("make an RSA key with: coscrypt key new --type rsa-4096 FILE"));
    };
    match args.output.as_ref().filter(|path| *path != &PathBuf::from("-")) {
        Some(path) => {
            key.create_public_file(path)?;
            let record = KeyRecord {
                can_decrypt: false,
                ..KeyRecord::of(&LoadedKey::Rsa(key), path)
            };
            context.output().record(&record)?;
        }
        None => context
            .output()
            .write(key.to_public_pem().map_err(Error::from)?.as_bytes())?,
    }
    Ok(Exit::Done)
}
