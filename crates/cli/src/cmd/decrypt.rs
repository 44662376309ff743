//! `decrypt`: opens a downloaded body without the service.

use std::path::Path;

use bytes::BytesMut;
use cos_encryption::envelope::{
    Binding, EnvelopeHeaders, Location, PythonEnvelope, Readable, SealedEnvelope, detect,
};
use cos_encryption::keys::KeyRing;
use cos_encryption::legacy::ctr::CtrStream;
use cos_encryption::policy::ReadPolicy;
use cos_encryption::seal::{Opener, ReadRange};
use cos_transport::read_pieces;
use futures_util::TryStreamExt as _;
use tokio::fs::File;

use super::sink::Sink;
use super::{Context, headers};
use crate::args::offline::Decrypt;
use crate::connect::key_ring;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::files::target::Existing;

pub(super) async fn run(context: &Context, args: Decrypt) -> Result<Exit, Failure> {
    let headers = headers::read(&args.headers)?;
    let headers = EnvelopeHeaders::collect(headers.iter().map(|(name, value)| (name, value)))?;
    let policy = match args.allow_unauthenticated {
        true => ReadPolicy::AllowUnauthenticated,
        false => ReadPolicy::SealedOnly,
    };
    let readable = detect(&headers).into_readable(policy)?;
    let keys = key_ring(&context.settings()?)?;
    let existing = if args.force {
        Existing::Replace
    } else {
        Existing::Refuse
    };
    let reading = |error| Failure::file("read", &args.body, &error);
    let body = File::open(&args.body).await.map_err(reading)?;
    let len = body.metadata().await.map_err(reading)?.len();
    let mut decryption = match &readable {
        Readable::Sealed(envelope) => open_sealed(envelope, &keys, &args, len).await?,
        Readable::Python(envelope) => open_python(envelope, &keys).await?,
        _ => {
            let what = "a format that this command does not know".to_owned();
            return Err(cos_encryption::Error::Unsupported { what }.into());
        }
    };
    let name = args.object.as_ref().map_or("decrypted", |key| key.as_str());
    let output = args.output.as_deref().unwrap_or(Path::new("-"));
    let mut sink = Sink::open(output, name, existing, context.output())?;
    let mut pieces = std::pin::pin!(read_pieces(body));
    while let Some(piece) = pieces.try_next().await.map_err(reading)? {
        let mut plain = BytesMut::from(piece);
        decryption.apply(&mut plain)?;
        sink.write(plain.freeze()).await?;
    }
    if let Decryption::Sealed(opener) = decryption {
        opener.finish()?;
    }
    sink.finish().await?;
    if matches!(readable, Readable::Python(_)) {
        context
            .output()
            .warn("what was decrypted is not authenticated: whoever had access to it could have changed it");
    }
    Ok(Exit::Done)
}

/// What turns the body into plaintext.
enum Decryption {
    Sealed(Box<Opener>),
    Ctr(Box<CtrStream>),
}

impl Decryption {
    fn apply(&mut self, bytes: &mut BytesMut) -> Result<(), cos_encryption::Error> {
        match self {
            Self::Sealed(opener) => {
                let mut plain = Vec::with_capacity(bytes.len());
                opener.push(bytes, &mut plain)?;
                *bytes = BytesMut::from(bytes::Bytes::from(plain));
                Ok(())
            }
            Self::Ctr(keystream) => {
                keystream.apply(bytes);
                Ok(())
            }
        }
    }
}

async fn open_sealed(
    envelope: &SealedEnvelope,
    keys: &KeyRing,
    args: &Decrypt,
    len: u64,
) -> Result<Decryption, Failure> {
    let is_bound = envelope.binding() != Binding::None;
    if is_bound && args.object.is_none() {
        return Err(Failure::usage(
            "the object is bound to its key, which is not given",
            "add --object KEY",
        ));
    }
    if envelope.binding() == Binding::BucketAndKey && args.bucket.is_none() {
        return Err(Failure::usage(
            "the object is bound to its bucket, which is not given",
            "add --bucket BUCKET-APPID",
        ));
    }
    let location = Location {
        bucket: args.bucket.as_ref().map_or("", |bucket| bucket.as_str()),
        key: args.object.as_ref().map_or("", |key| key.as_str()),
    };
    let opened = envelope.open(keys, location, len).await?;
    let cover = opened.layout.cover(ReadRange::Full)?;
    Ok(Decryption::Sealed(Box::new(Opener::new(
        opened.content_key,
        cover,
    ))))
}

async fn open_python(envelope: &PythonEnvelope, keys: &KeyRing) -> Result<Decryption, Failure> {
    let secrets = envelope.open(keys).await?;
    let keystream = CtrStream::new(&secrets.data_key, &secrets.iv, 0)?;
    Ok(Decryption::Ctr(Box::new(keystream)))
}
